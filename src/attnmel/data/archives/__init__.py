"""The official archives: which files there are, fetching and unpacking them. No torch."""
