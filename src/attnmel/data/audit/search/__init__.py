"""Which images may show one picture: the nearest of each by their descriptions, exactly and in bounded memory."""
