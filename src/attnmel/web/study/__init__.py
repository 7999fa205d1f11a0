"""The page of a reader study: its addresses, what they send and get, and the page itself."""
