"""Radiant Vision exports of a hysteresis: drive voltage and instantaneous current of each point, in tabs."""

import io

import pandas

from .source import Instrument, Recording, Source

MOST = 200
"""Lines above the names of columns."""
MEANT = {"Time": "time", "Drive Voltage": "voltage", "Instantaneous Current": "current"}


def _header(source: Source) -> int | None:
    """Return the place of the line that names the columns."""
    for place, line in enumerate(source.lines[:MOST]):
        if line.startswith("Point\t") and "Drive Voltage" in line:
            return place
    return None


def _recognises(source: Source) -> bool:
    return _header(source) is not None


def _parse(source: Source) -> Recording:
    lines = source.lines[_header(source) :]
    width = lines[0].count("\t")
    body = [line for line in lines[1:] if line.count("\t") >= width and line.split("\t")[0].strip().isdigit()]
    frame = pandas.read_csv(io.StringIO("\n".join([lines[0], *body])), sep="\t")
    quantities = {str(name): MEANT.get(str(name).split(" (")[0].strip(), "") for name in frame}
    if "current" not in quantities.values():
        raise ValueError("the export has no Instantaneous Current: choose it among the columns of the export")
    return Recording(frame=frame, quantities=quantities, notes=("the polarization of Radiant is not read",))


INSTRUMENT = Instrument(name="Radiant Vision", recognises=_recognises, parse=_parse)
