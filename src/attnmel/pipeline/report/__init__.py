"""Runs -> one HTML report."""
