"""The tables of the thesis, run by run."""
