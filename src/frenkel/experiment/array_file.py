"""The file of an array: names, dimensions, units and meanings of its variables in ``array_layout.toml``.

Along ``sample``: rows of the monitor, at a cadence in simulated time. Along ``operation``: everything that
the controller did, in whole picoseconds. Over ``word_line`` and ``bit_line`` (with transistors the gates are
the word lines): maps of the cells. What a run did not do is missing. Variables named as in the result of a
device mean the same there.
"""

from functools import partial
from pathlib import Path

from ..data import store
from ..data.layout import Layout

LAYOUT = Layout.read(
    Path(__file__).with_name("array_layout.toml"), kind="array", what="the result of an array", optional=True,
    former=("operation_row",),
)  # fmt: skip
VARIABLES = LAYOUT.variables
dataset = LAYOUT.dataset
check = LAYOUT.check
save = partial(store.save, layout=LAYOUT)
load = partial(store.load, layout=LAYOUT)
