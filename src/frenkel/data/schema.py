"""The result of a device: its variables, and the checks on them.

Every writer builds its dataset with :func:`dataset` and every reader passes what it opened to :func:`check`;
names, dimensions, units and meanings stand in ``device_layout.toml``.

A *sample* is one reading of the device while a waveform runs; a *phase* is one waveform of the
protocol (forming, a RESET, a pulse train); a *snapshot* holds where every defect was, stored as a
CF contiguous ragged array: the defects of all snapshots one after another along ``defect``, and
their number per snapshot in ``snapshot_size``.
"""

from pathlib import Path

from .layout import CONVENTIONS, SCHEMA_VERSION, Layout, SchemaError

__all__ = [
    "CONVENTIONS", "LAYOUT", "SCHEMA_VERSION", "VARIABLES", "SchemaError", "check", "columns", "dataset",
]  # fmt: skip

LAYOUT = Layout.read(
    Path(__file__).with_name("device_layout.toml"), kind="device", what="the result of a device",
    since="peak_current",
)  # fmt: skip
VARIABLES = LAYOUT.variables
columns = LAYOUT.columns
dataset = LAYOUT.dataset
check = LAYOUT.check
