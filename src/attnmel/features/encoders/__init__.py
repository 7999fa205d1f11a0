"""Local descriptors of an image -> one vector, by an encoder that is fitted on training images."""
