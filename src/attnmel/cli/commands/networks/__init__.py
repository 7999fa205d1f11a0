"""Commands that train networks and apply them."""
