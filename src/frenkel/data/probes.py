"""What an ensemble and the gate of a card both say of probes: their kinds, and when one is given up."""

KINDS = ("hold", "half_select", "rest", "ramp")
"""Of probes, in the order of the numbers in the file of an ensemble."""

RAMP = KINDS.index("ramp")

BUDGET = 2000
"""Events after which a probe of a device is given up, and jumps after which one of a cell is left."""
