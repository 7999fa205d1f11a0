"""Types of arrays with their shapes, for signatures on the way to a first prediction. No torch.

jaxtyping's own wherever it is loaded, as in the test run, which checks them; else only the array's type: to load
jaxtyping takes a tenth of the time of a first prediction (most of it the standard library's `unittest.mock`).
"""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Bool, Float, Float32, Float64, Int, Int64, Shaped, UInt8, UInt16
else:

    class _Unchecked:
        """`Float32[np.ndarray, "H W"]` is np.ndarray."""

        def __class_getitem__(cls, described: tuple[type, str]) -> type:
            return described[0]

    Bool = Float = Float32 = Float64 = Int = Int64 = Shaped = UInt8 = UInt16 = _Unchecked

__all__ = ["Bool", "Float", "Float32", "Float64", "Int", "Int64", "Shaped", "UInt8", "UInt16"]
