"""Measures of saliency maps: overlap, localisation, agreement, faithfulness."""
