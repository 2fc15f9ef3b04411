"""What a table of measurements holds: kinds, quantities, the names that laboratories give them, and units."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

OF_TRACES: dict[str, tuple[str, float]] = {
    "s": ("s", 1.0), "ms": ("s", 1e-3), "us": ("s", 1e-6), "µs": ("s", 1e-6), "ns": ("s", 1e-9),
    "min": ("s", 60.0), "h": ("s", 3600.0),
    "A": ("A", 1.0), "mA": ("A", 1e-3), "uA": ("A", 1e-6), "µA": ("A", 1e-6), "nA": ("A", 1e-9),
    "pA": ("A", 1e-12), "fA": ("A", 1e-15),
    "V": ("V", 1.0), "mV": ("V", 1e-3),
    "S": ("S", 1.0), "mS": ("S", 1e-3), "uS": ("S", 1e-6), "µS": ("S", 1e-6), "nS": ("S", 1e-9),
    "ohm": ("ohm", 1.0), "kohm": ("ohm", 1e3), "Mohm": ("ohm", 1e6), "Gohm": ("ohm", 1e9),
    "Ω": ("ohm", 1.0), "kΩ": ("ohm", 1e3), "MΩ": ("ohm", 1e6), "GΩ": ("ohm", 1e9),
    "K": ("K", 1.0), "1": ("1", 1.0),
}  # fmt: skip
"""SI unit and factor of every unit that a column of a trace may have."""

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
    **{f"{prefix}A{per}{area}": ("A/m2", factor * size, 0.0)
       for prefix, factor in (("", 1.0), ("m", 1e-3), ("u", 1e-6), ("µ", 1e-6), ("n", 1e-9), ("k", 1e3),
                              ("M", 1e6))
       for per in ("/", "_per_")
       for area, size in (("m2", 1.0), ("cm2", 1e4), ("mm2", 1e6), ("um2", 1e12), ("m^2", 1.0), ("cm^2", 1e4),
                          ("m²", 1.0), ("cm²", 1e4), ("µm2", 1e12), ("µm²", 1e12), ("um^2", 1e12))},
    **dict.fromkeys(("m2", "m^2", "m²"), ("m2", 1.0, 0.0)),
    **dict.fromkeys(("cm2", "cm^2", "cm²"), ("m2", 1e-4, 0.0)),
    **dict.fromkeys(("mm2", "mm²"), ("m2", 1e-6, 0.0)),
    **dict.fromkeys(("um2", "um^2", "µm2", "µm²"), ("m2", 1e-12, 0.0)),
    **dict.fromkeys(("nm2", "nm²"), ("m2", 1e-18, 0.0)),
    "date": ("s", 1.0, 0.0),
}  # fmt: skip
"""Of each unit its SI unit, the factor, and what is added after it; "date": words of date and time of day."""

ALONE = ("A", "V", "ohm", "A/m2")
"""SI units that may end a name that is not known, such as i_on_A; a last S or C is more often a word."""


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
    "device": Quantity(units=(), what="the device",
                       names=r"dev|cell|sample|address|addr|dut|(device|dev|dut|cell) ?(id|name|no|nr|#)"),
    "cycle": Quantity(units=(), names=r"cyc|cycles?|loop|repeat|index of cycle|cycle ?(no|nr|number|index|#)",
                      what="number of the cycle"),
    "state": Quantity(units=(), names=r"level|range|group", what="name of the programmed state"),
    "time": Quantity(units=("s",), names=r"t|time ?\d?|timestamp|x-axis|elapsed|delay", what="time"),
    "voltage": Quantity(units=("V",), names=r"v|u|vd|v\d|voltage ?\d?|bias|av|v_?(te|top|app|cell|source)|"
                        r"(drive|source|applied|anode|drain) ?voltage", what="voltage"),
    "current": Quantity(units=("A", "A/m2"),
                        names=r"i|id|i\d|current ?\d?|i_?(te|top|dut|cell|meas)|ai|\|i\||abs ?i|"
                        r"(leakage |measured |drain )?current|j|(leakage )?current density", what="current"),
    "resistance": Quantity(units=("ohm",), names=r"r|res|resistance ?\d?", what="resistance"),
    "conductance": Quantity(units=("S", "1"), names=r"g|cond|conductance ?\d?", what="conductance"),
    "temperature": Quantity(units=("K",), names=r"temp|temperature|t_?(amb|chuck|bake)", what="temperature"),
    "width": Quantity(units=("s",), names=r"pw|pulse ?width|t_?pulse", what="width of the pulse"),
    "gate_voltage": Quantity(units=("V",), names=r"v_?(g|gs|gate|wl)|gate|gate ?v(oltage)?|"
                             r"word ?line( ?voltage)?", what="voltage of a gate or word line"),
    "read_voltage": Quantity(units=("V",), names=r"(read|meas) ?(v|voltage)|v_?(read|meas)",
                             what="voltage of the read after a pulse"),
    "before": Quantity(units=("ohm", "S", "A"), names=r"(r|g|res|resistance|conductance) ?(before|initial)|"
                       r"(before|initial) ?(resistance|conductance)", what="the read before a pulse"),
    "hrs": Quantity(units=("ohm", "S", "A"), names=r"r_?(hrs|off|high)", what="resistance after RESET"),
    "lrs": Quantity(units=("ohm", "S", "A"), names=r"r_?(lrs|on|low)", what="resistance after SET"),
    "set_voltage": Quantity(units=("V",), names=r"v_?set|u_?set|set ?voltage", what="voltage of SET"),
    "reset_voltage": Quantity(units=("V",), names=r"v_?(reset|rst)|u_?(reset|rst)|reset ?voltage",
                              what="voltage of RESET"),
    "forming_voltage": Quantity(units=("V",), names=r"v_?form(ing)?|u_?form(ing)?|forming ?voltage",
                                what="voltage of forming"),
    "failed": Quantity(units=(), names=r"fail|failure", what="whether the device has failed, 0 or 1"),
}  # fmt: skip
"""Quantities by name; a name of ours stands for itself."""

FEATURES = ("hrs", "lrs", "set_voltage", "reset_voltage", "forming_voltage")
"""Quantities that a cycle has one of."""

RESPONSES = ("current", "conductance", "resistance")
"""Quantities by which a state is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of measurement.

    Parameters
    ----------
    what : str
        For messages.
    needs : tuple of tuple of str
        Quantities, of each group one.
    tells : tuple of str
        Quantities each of which is in tables of this kind alone, so that the kind is guessed by it.
    dim : str
        Dimension of the dataset along which its entries are; "": device and cycle.
    """

    what: str
    needs: tuple[tuple[str, ...], ...]
    tells: tuple[str, ...] = ()
    dim: str = ""


KINDS: Mapping[str, Kind] = {
    "loops": Kind(what="current against a voltage that goes up and down", needs=(("voltage",), RESPONSES),
                  dim="loop"),
    "cycles": Kind(what="numbers of each cycle, such as hrs and lrs", needs=(FEATURES,), tells=FEATURES),
    "trace": Kind(what="current in time at a constant voltage", needs=(("time", "step"), RESPONSES),
                  dim="trace"),
    "reads": Kind(what="resistance or conductance in time or over temperatures",
                  needs=(("time",), RESPONSES), dim="read"),
    "pulses": Kind(what="resistance or conductance after each pulse", needs=(("voltage",), RESPONSES),
                   tells=("width", "before"), dim="pulse"),
}  # fmt: skip
"""Kinds of measurement by name."""


_HEADER = re.compile(
    r"^\s*(?P<name>[^()\[\]]+?)\s*"
    r"(?:[(\[]\s*(?P<unit>[^()\[\]]*?)\s*[)\]]?|/\s*(?P<after>[^()\[\]/]*?)\s*[)\]]?)?\s*$"
)
"""A name with its unit in brackets, which may hold a slash, or after a slash; the name may hold one too."""


def parted(header: str) -> tuple[str, str]:
    """Return the name and the unit in a header such as "Time (ms)", "I [uA]" or "V/V"; "": no unit."""
    match = _HEADER.match(header)
    if match is None:
        return header.strip(), ""
    return match["name"].strip(), match["unit"] or match["after"] or ""


def unit_of(text: str) -> tuple[str, float, float] | None:
    """Return SI unit, factor and offset of a unit, None where it is not known."""
    # Micro has two letters in Unicode, ohm too.
    return UNITS.get(text.strip().replace("μ", "µ").replace("Ω", "Ω"))


def quantity_of(name: str) -> str:
    """Return the quantity that a name stands for, "" where none does."""
    plain = re.sub(r"[\s_]+", " ", name.strip().lower())
    for key, entry in QUANTITIES.items():
        if plain in (key, key.replace("_", " ")) or re.fullmatch(entry.names.replace("_?", "[ _]?"), plain):
            return key
    return ""


def name_and_unit(header: str) -> tuple[str, str]:
    """Return the name and the unit in a header: in brackets, after a slash, a blank or an underscore.

    Of "v_set_V", "Voltage V" and "I_uA" the last word is a unit, since it is one of what the name says; of a
    name that says nothing it must be one of :data:`ALONE`.
    """
    name, unit = parted(header)
    if unit:
        return name, unit
    match = re.match(r"^(?P<head>.+?)[\s_]+(?P<last>(?:[A-Za-zµ]+_per_)?[^\s_]+)$", name)
    si_unit = unit_of(match["last"]) if match else None
    if match is None or si_unit is None or si_unit[0] == "1":
        return name, ""
    quantity = quantity_of(match["head"])
    fits = si_unit[0] in QUANTITIES[quantity].units if quantity else si_unit[0] in ALONE
    return (match["head"].strip(), match["last"]) if fits else (name, "")


LOGARITHM = re.compile(r"^\s*(?P<kind>log_?10|lg|ln|log)(?![A-Za-z])[\s_]*(?P<rest>.*)$", re.IGNORECASE)


def logarithm(header: str) -> tuple[str, str]:
    """Return of what a header is the logarithm, and which: "log10", "ln", "log" (either) or "" (none).

    The marks of a size fall away: of "log10|I| (A)" the first is "I (A)".
    """
    match = LOGARITHM.match(header)
    if match is None:
        return header, ""
    remainder = re.sub(r"\babs\b|\|", "", match["rest"], flags=re.IGNORECASE).strip()
    while remainder.startswith("("):
        depth = closing(remainder)
        remainder = f"{remainder[1:depth]} {remainder[depth + 1 :]}".strip()
    kind = match["kind"].lower().replace("_", "")
    return remainder, {"lg": "log10"}.get(kind, kind)


def closing(text: str) -> int:
    """Return the place of the bracket that closes the first one, or the end."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return place
    return len(text)
