"""Training of any network: the loop, the learning rates of its steps, and what it minimises."""
