"""Keithley 2450, 2460, 2461, 2470, 2600 buffers: a reading and a source value a row, units beside them."""

import io
import re

import pandas

from .source import Instrument, Recording, Source

UNITS = {"Amp": "A", "Amps": "A", "Volt": "V", "Volts": "V", "Ohm": "ohm", "Ohms": "ohm"}
QUANTITIES = {"A": "current", "V": "voltage", "ohm": "resistance"}
MOST = 100
"""Lines above the names of columns."""


def _header(source: Source) -> int | None:
    """Return the place of the line that names the columns."""
    for place, line in enumerate(source.lines[:MOST]):
        cells = [cell.strip().strip('"') for cell in re.split(r"[,;\t]", line)]
        if "Reading" in cells and "Value" in cells and cells.count("Unit") == 2:
            return place
    return None


def _recognises(source: Source) -> bool:
    return _header(source) is not None


def _parse(source: Source) -> Recording:
    header_line = _header(source)
    lines = source.lines[header_line:]
    mark = re.findall(r"[,;\t]", lines[0])[0]
    frame = pandas.read_csv(io.StringIO("\n".join(lines)), sep=mark, skipinitialspace=True)
    units, quantities = {}, dict.fromkeys(map(str, frame), "")
    for name, beside in (("Reading", "Unit"), ("Value", "Unit.1")):
        units_present = [str(unit).split()[0] for unit in frame[beside].dropna().unique()]
        if len(units_present) != 1:
            raise ValueError(
                f"column {name} must have one unit, got {', '.join(units_present) or 'none'}: filter its rows"
            )
        units[name] = UNITS.get(units_present[0], units_present[0])
        quantities[name] = QUANTITIES.get(units[name][-1:] if units[name] != "ohm" else "ohm", "")
    for name in frame:
        if re.fullmatch(r"rel(ative)?[ .]*time.*", str(name), re.IGNORECASE):
            units[str(name)], quantities[str(name)] = "s", "time"
    return Recording(frame=frame, quantities=quantities, units=units)


INSTRUMENT = Instrument(name="Keithley buffer", recognises=_recognises, parse=_parse)
