"""The values of `data.colour_constancy`, and the least spread of colours. Neither torch nor pydantic."""

from typing import Literal

ColourConstancy = Literal["none", "shades-of-grey"]
NO_COLOUR_CONSTANCY: ColourConstancy = "none"

LEAST_SPREAD = 0.001
"""Of red, green and blue in [0, 1], which pixels are divided by: below a quarter of a grey level it is none."""
