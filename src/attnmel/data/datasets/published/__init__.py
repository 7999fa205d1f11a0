"""Data sets whose publishers lay files out in ways of their own -> the same content as an own folder. No torch."""
