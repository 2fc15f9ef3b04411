"""Keysight EasyEXPERT (B1500, 4155, 4156): lines of SetupTitle, TestParameter, DataName, DataValue.

A file may hold many records, each a sweep. The channel VAR1 of Channel.Func is swept.
"""

import numpy as np
import pandas

from .source import Instrument, Recording, Source


def _recognises(source: Source) -> bool:
    keys = {line.split(",", 1)[0] for line in source.lines[:2000]}
    return {"DataName", "DataValue"} <= keys


def _parse(source: Source) -> Recording:
    setup: dict[str, list[str]] = {}
    names: list[str] = []
    rows, block, records = [], [], 0
    for number, line in enumerate(source.lines, 1):
        key, *cells = [cell.strip() for cell in line.split(",")]
        if key == "TestParameter" and cells:
            setup[cells[0]] = cells[1:]
        elif key == "DataName":
            if names and cells != names:
                raise ValueError(f"line {number} names other columns than the record before: export each")
            names, records = cells, records + 1
        elif key == "DataValue":
            if len(cells) != len(names):
                raise ValueError(f"line {number} must have {len(names)} values as DataName, got {len(cells)}")
            rows.append(cells)
            block.append(records - 1)
    frame = pandas.DataFrame(rows, columns=pandas.Index(names)).apply(pandas.to_numeric)
    quantities, units = _columns(names, setup)
    notes = (f"records: {records}",)
    return Recording(frame=frame, quantities=quantities, units=units, block=np.array(block, int), notes=notes)


def _columns(names: list[str], setup: dict[str, list[str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Return quantities and units of the columns, by the channels of the setup."""
    volts, amperes = setup.get("Channel.VName", []), setup.get("Channel.IName", [])
    users = dict(zip(setup.get("Function.User.Name", []), setup.get("Function.User.Unit", []), strict=False))
    units = dict.fromkeys(volts, "V") | dict.fromkeys(amperes, "A") | users
    units |= dict.fromkeys(setup.get("Channel.Time", []), "s")
    swept = [k for k, use in enumerate(setup.get("Channel.Func", [])[: len(volts)]) if use == "VAR1"]
    quantities = {name: "time" for name in setup.get("Channel.Time", []) if name in names}
    if swept and volts[swept[0]] in names:
        voltage, current = volts[swept[0]], amperes[swept[0]]
        if current not in names:  # only its size may be in the list
            meant = zip(users, setup.get("Function.User.Definition", []), strict=False)
            current = next((name for name, meaning in meant if f"({current})" in meaning), current)
        others = [name for name in volts if name in names and name != voltage]
        quantities |= dict.fromkeys([*amperes, *users, *others], "")
        quantities |= {voltage: "voltage", current: "current"}
        quantities |= {others[0]: "gate_voltage"} if len(others) == 1 else {}
    return {key: value for key, value in quantities.items() if key in names}, units


INSTRUMENT = Instrument(name="Keysight EasyEXPERT", recognises=_recognises, parse=_parse)
