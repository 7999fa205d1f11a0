"""A file of readings -> the analysis of the study, as tables and as a page."""
