"""Names of the arrays that functions take and give."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Array of 64-bit floats; its shape is in the docstring of who takes or gives it."""

Quantity = float | str
"""A number in SI, or text with a unit, such as "5 nm"; see `frenkel.quantity`."""

Index = NDArray[np.intp]
"""Array of whole numbers that count places in another array."""
