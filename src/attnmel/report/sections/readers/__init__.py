"""The sections of the page of a study of readers."""
