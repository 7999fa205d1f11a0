"""A study of readers: made, served and exported."""
