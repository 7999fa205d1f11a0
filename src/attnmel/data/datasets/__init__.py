"""Official files or a folder of the user to labelled lesions in splits. No torch."""
