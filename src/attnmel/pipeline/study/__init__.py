"""Files of a study of readers -> its analysis, printed and as a page."""
