"""Standard errors, intervals and tests of readers' figures, for random readers, random cases or both."""
