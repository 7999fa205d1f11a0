"""Prepared images -> findings: the same image, picture or lesion in two places, and labels that differ. No torch."""
