"""ArC ONE sessions: a pulse or a read a row, with word line and bit line; a read has the width 0."""

import io

import pandas

from .source import Instrument, Recording, Source

NAMES = "Wordline,Bitline,Resistance,Amplitude (V),Pulse width (s),Tag"
SWEEP = "CT"
"""Begin of the tags of the curve tracer."""


def _header(source: Source) -> int | None:
    """Return the place of the line that names the columns."""
    places = (
        place for place, line in enumerate(source.lines[:10]) if line.replace(", ", ",").startswith(NAMES)
    )
    return next(places, None)


def _recognises(source: Source) -> bool:
    return _header(source) is not None


def _parse(source: Source) -> Recording:
    lines = source.lines[_header(source) :]
    frame = pandas.read_csv(io.StringIO("\n".join(lines)), skipinitialspace=True)
    frame.insert(0, "device", [f"W{w}B{b}" for w, b in zip(frame["Wordline"], frame["Bitline"], strict=True)])
    quantities = dict.fromkeys(map(str, frame), "") | {"device": "device", "Amplitude (V)": "voltage"}
    swept = frame["Tag"].astype(str).str.startswith(SWEEP)
    if swept.all():
        frame["current (A)"] = frame["Amplitude (V)"] / frame["Resistance"]
        return Recording(
            frame=frame, quantities=quantities | {"current (A)": "current"}, units={"Resistance": "ohm"}
        )
    frame = frame[~swept].reset_index(drop=True)
    reads = frame["Pulse width (s)"] == 0
    frame.loc[reads, "Amplitude (V)"] = 0.0
    frame.loc[reads, "Pulse width (s)"] = float("nan")
    quantities |= {"Pulse width (s)": "width", "Resistance": "resistance"}
    notes = ["reads of ArC ONE, of width 0, are pulses of 0 V"] if reads.any() else []
    if swept.any():
        notes.append(f"{int(swept.sum())} rows of the curve tracer are left out: save them alone")
    return Recording(frame=frame, quantities=quantities, units={"Resistance": "ohm"}, notes=tuple(notes))


INSTRUMENT = Instrument(name="ArC ONE", recognises=_recognises, parse=_parse)
