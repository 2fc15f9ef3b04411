"""What the columns of a measurement are: quantities, the names that laboratories give them, and units."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..noise.trace import UNITS as OF_TRACES

_KELVIN = 273.15

UNITS: dict[str, tuple[str, float, float]] = {
    **{name: (si, factor, 0.0) for name, (si, factor) in OF_TRACES.items() if name != "K"},
    **dict.fromkeys(("sec", "second", "seconds", "Second"), ("s", 1.0, 0.0)),
    **dict.fromkeys(("minutes", "mins"), ("s", 60.0, 0.0)),
    **dict.fromkeys(("hour", "hours", "hr"), ("s", 3600.0, 0.0)),
    **dict.fromkeys(("d", "day", "days"), ("s", 86400.0, 0.0)),
    "ps": ("s", 1e-12, 0.0), "msec": ("s", 1e-3, 0.0), "usec": ("s", 1e-6, 0.0), "nsec": ("s", 1e-9, 0.0),
    **dict.fromkeys(("volt", "Volt", "volts", "Volts"), ("V", 1.0, 0.0)),
    "uV": ("V", 1e-6, 0.0), "kV": ("V", 1e3, 0.0),
    **dict.fromkeys(("amp", "Amp", "ampere", "Ampere", "Amps", "amps"), ("A", 1.0, 0.0)),
    **dict.fromkeys(("Ohm", "Ohms", "ohms", "OHM"), ("ohm", 1.0, 0.0)),
    **dict.fromkeys(("kOhm", "kohms", "KOhm"), ("ohm", 1e3, 0.0)),
    **dict.fromkeys(("MOhm", "Mohms"), ("ohm", 1e6, 0.0)), "GOhm": ("ohm", 1e9, 0.0),
    **dict.fromkeys(("siemens", "Siemens"), ("S", 1.0, 0.0)), "pS": ("S", 1e-12, 0.0),
    **dict.fromkeys(("K", "kelvin", "Kelvin"), ("K", 1.0, 0.0)),
    **dict.fromkeys(("C", "degC", "°C", "celsius", "Celsius"), ("K", 1.0, _KELVIN)),
}  # fmt: skip
"""Of each unit its SI unit, the factor, and what is added after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A quantity that a column may hold.

    Parameters
    ----------
    units : tuple of str
        SI units that it may have; (): it is text or a whole number, and has none.
    names : str
        Other names, as a regular expression of a name in small letters with single blanks.
    what : str
        For messages.
    """

    units: tuple[str, ...]
    names: str
    what: str


QUANTITIES: Mapping[str, Quantity] = {
    "device": Quantity(units=(), names=r"dev|cell|sample|address|addr|device ?(id|name|no)",
                       what="the device"),
    "cycle": Quantity(units=(), names=r"cyc|cycles?|loop|repeat|index of cycle|cycle ?(no|number)",
                      what="number of the cycle"),
    "state": Quantity(units=(), names=r"level|range|group", what="name of the programmed state"),
    "time": Quantity(units=("s",), names=r"t|time ?\d?|timestamp|x-axis|elapsed|delay", what="time"),
    "voltage": Quantity(units=("V",), names=r"v|u|vd|v\d|voltage ?\d?|bias|av|v_?(te|top|app|cell|source)",
                        what="voltage"),
    "current": Quantity(units=("A",), names=r"i|id|i\d|current ?\d?|i_?(te|top|dut|cell|meas)|ai",
                        what="current"),
    "resistance": Quantity(units=("ohm",), names=r"r|res|resistance ?\d?", what="resistance"),
    "conductance": Quantity(units=("S", "1"), names=r"g|cond|conductance ?\d?", what="conductance"),
    "temperature": Quantity(units=("K",), names=r"temp|temperature|t_?(amb|chuck|bake)", what="temperature"),
    "width": Quantity(units=("s",), names=r"pw|pulse ?width|t_?pulse", what="width of the pulse"),
    "hrs": Quantity(units=("ohm",), names=r"r_?(hrs|off|high)", what="resistance after RESET"),
    "lrs": Quantity(units=("ohm",), names=r"r_?(lrs|on|low)", what="resistance after SET"),
    "set_voltage": Quantity(units=("V",), names=r"v_?set|u_?set|set ?voltage", what="voltage of SET"),
    "reset_voltage": Quantity(units=("V",), names=r"v_?reset|u_?reset|reset ?voltage",
                              what="voltage of RESET"),
    "forming_voltage": Quantity(units=("V",), names=r"v_?form(ing)?|u_?form(ing)?|forming ?voltage",
                                what="voltage of forming"),
    "failed": Quantity(units=(), names=r"fail|failure", what="whether the device has failed, 0 or 1"),
}  # fmt: skip
"""Quantities by name; a name of ours stands for itself."""

FEATURES = ("hrs", "lrs", "set_voltage", "reset_voltage", "forming_voltage")
"""Quantities that a cycle has one of."""

def unit_of(text: str) -> tuple[str, float, float] | None:
    """Return SI unit, factor and offset of a unit, None where it is not known."""
    # Micro has two letters in Unicode, ohm too.
    return UNITS.get(text.strip().replace("μ", "µ").replace("Ω", "Ω"))


def quantity_of(name: str) -> str:
    """Return the quantity that a name stands for, "" where none does."""
    plain = re.sub(r"[\s_]+", " ", name.strip().lower())
    for key, one in QUANTITIES.items():
        if plain in (key, key.replace("_", " ")) or re.fullmatch(one.names.replace("_?", "[ _]?"), plain):
            return key
    return ""
