"""Data sets verified and audited."""
