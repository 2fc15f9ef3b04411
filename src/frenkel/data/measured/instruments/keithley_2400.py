"""Keithley 2400 readings: voltage, current, resistance, time, status; 9.91E+37 where none was taken."""

import re

import numpy as np
import pandas

from .source import Instrument, Recording, Source

NONE = 9.9e37
NAMES = ("voltage", "current", "resistance", "time", "status")
UNITS = {"voltage": "V", "current": "A", "resistance": "ohm", "time": "s"}
CELL = re.compile(r"[+-]\d\.\d{6}E[+-]\d\d")


def _cells(source: Source) -> list[str]:
    return [cell for line in source.lines for cell in re.split(r"[,\s]+", line.strip()) if cell]


def _recognises(source: Source) -> bool:
    first_cells = [cell for line in source.lines[:5] for cell in re.split(r"[,\s]+", line.strip()) if cell]
    is_reading = len(first_cells) >= 5 and all(CELL.fullmatch(cell) for cell in first_cells)
    return is_reading and any(float(cell) >= NONE for cell in first_cells[:3])


def _parse(source: Source) -> Recording:
    cells = _cells(source)
    if len(cells) % len(NAMES):
        raise ValueError(
            f"readings must be {', '.join(NAMES)}, got {len(cells)} numbers: send FORM:ELEM {NAMES}"
        )
    table = np.array(cells, float).reshape(-1, len(NAMES))
    frame = pandas.DataFrame(table, columns=pandas.Index(NAMES))
    taken = [name for name in ("voltage", "current", "time") if frame[name].min() < NONE]
    quantities = {name: name if name in taken else "" for name in NAMES}  # it divides for the resistance
    return Recording(frame=frame, quantities=quantities, units=UNITS)


INSTRUMENT = Instrument(name="Keithley 2400", recognises=_recognises, parse=_parse)
