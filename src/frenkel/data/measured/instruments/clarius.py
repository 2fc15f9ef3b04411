"""Keithley 4200 (Clarius, KITE): columns AnodeI, AnodeV; sweeps side by side, or a sheet each."""

import io
import re

import numpy as np
import pandas

from .source import Instrument, Recording, Source

COLUMN = re.compile(r"^(?P<name>(?P<terminal>[A-Za-z]+)[IV]|Time)(?:\((?P<sweep>\d+)\))?$")
TERMINALS = "Anode Cathode Drain Gate Source Bulk Top Bottom".split()


def _named(cells: list[str]) -> list[re.Match[str]]:
    """Return the columns of terminals among names, if both a current and a voltage are there."""
    matches = [match for cell in cells if (match := COLUMN.match(cell.strip().strip('"')))]
    kinds = {match["name"][-1] for match in matches if match["terminal"]}
    return matches if kinds == {"I", "V"} else []


def _recognises(source: Source) -> bool:
    if source.sheets:
        return "Settings" in source.sheets and bool(_tables(source))
    columns = _named(re.split(r"[,;\t]", source.lines[0])) if source.lines else []
    return any(match["sweep"] or match["terminal"] in TERMINALS for match in columns)


def _tables(source: Source) -> "list[pandas.DataFrame]":
    """Return tables with names of columns, sheets by their number; Data comes before Append1."""
    if not source.sheets:
        text = "\n".join(source.lines)
        return [pandas.read_csv(io.StringIO(text), sep=re.findall(r"[,;\t]", text)[0])]
    pages = {key: page for key, page in source.sheets.items() if key not in ("Calc", "Settings")}
    order = sorted(pages, key=lambda key: int((re.findall(r"\d+$", key) or ["0"])[0]))
    tables = [p.iloc[1:].set_axis(p.iloc[0].astype(str), axis=1) for p in (pages[k] for k in order) if len(p)]
    return [table for table in tables if _named(list(table.columns))]


def _parse(source: Source) -> Recording:
    sweeps = []
    for table in _tables(source):
        groups: dict[str, dict[str, pandas.Series]] = {}
        for match in _named(list(table.columns)):
            groups.setdefault(match["sweep"] or "", {})[match["name"]] = table[match.string]
        frames = (pandas.DataFrame(group) for group in groups.values())
        sweeps += [sheet.apply(pandas.to_numeric).dropna(how="all") for sheet in frames]
    frame, block = pandas.concat(sweeps), np.repeat(np.arange(len(sweeps)), [len(sheet) for sheet in sweeps])
    units = {name: {"I": "A", "V": "V"}.get(name[-1], "s") for name in frame}
    spread = {name: float(np.ptp(frame[name].dropna())) for name in frame if name.endswith("V")}
    moved = [name for name in spread if spread[name] > 0 and f"{name[:-1]}I" in frame and name != "GateV"]
    quantities = dict.fromkeys(map(str, frame), "") | ({"Time": "time"} if "Time" in frame else {})
    if len(moved) == 1:
        quantities |= {moved[0]: "voltage", f"{moved[0][:-1]}I": "current"}
        quantities |= {"GateV": "gate_voltage"} if "GateV" in frame else {}
    notes = (f"{len(sweeps)} sweeps",)
    return Recording(frame=frame, quantities=quantities, units=units, block=block, notes=notes)


INSTRUMENT = Instrument(name="Keithley 4200", recognises=_recognises, parse=_parse)
