"""Tables of labels and metadata, official ones and those of users, to checked rows. No torch."""
