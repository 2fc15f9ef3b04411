"""Colours of pictures: one each for SET and LRS, RESET and HRS, forming; and those for everything else.

A state has the colour of the operation that leaves it: LRS that of SET, HRS that of RESET. No other series
has these two, so that red and blue say the same in every picture.
"""

SET = LRS = "#c8371f"
RESET = HRS = "#1f6fb4"
FORM = "#2b2b2b"

KINDS = {"form": FORM, "set": SET, "reset": RESET}
"""Colours of kinds of phases."""
STATES = {"hrs": HRS, "lrs": LRS}
"""Colours of resistances of cycles."""

OTHER, GAP = "#4d9150", "#157a55"
SERIES = (
    "#4d9150", "#8a3ab0", "#b08a3e", "#3aa6b0", "#90502b",
    "#d87f9e", "#6b6b6b", "#157a55", "#5b5ea6", "#a0a02c",
)  # fmt: skip
"""Colours of series that are neither an operation nor a state, in this order."""
DATA, MODEL = "#333333", "#8a3ab0"
"""Colours of measured (or simulated) devices, and of a model or a second set beside them."""
