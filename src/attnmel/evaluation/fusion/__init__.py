"""Predictions of several members to one: means, ranks, weights of accuracy, stacks."""
