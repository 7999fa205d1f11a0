"""The values of `data.colour_constancy`. Neither torch nor pydantic."""

from typing import Literal

ColourConstancy = Literal["none", "shades-of-grey"]
NO_COLOUR_CONSTANCY: ColourConstancy = "none"
