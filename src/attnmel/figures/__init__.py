"""Numbers to vector figures for a page. Computes nothing."""
