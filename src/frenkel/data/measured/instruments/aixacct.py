"""aixACCT testers (aixPlorer .dat): a current density against voltage, with the area above it."""

import io

import numpy as np
import pandas

from .source import Instrument, Recording, Source

VOLTAGE, CURRENT = "Voltage [V]", "Current Density"


def _recognises(source: Source) -> bool:
    return any(line.startswith("Program: aixPlorer") for line in source.lines[:60])


def _parse(source: Source) -> Recording:
    tables, area = [], ""
    for place, line in enumerate(source.lines):
        if line.startswith("Area ["):
            area = "{1} {0}".format(*line.removeprefix("Area [").split("]: "))
        if line.startswith(VOLTAGE):
            body = [row.strip() for row in source.lines[place:]]
            end = body.index("") if "" in body else len(body)
            tables.append(pandas.read_csv(io.StringIO("\n".join(body[:end])), sep="\t"))
    if not tables:
        raise ValueError(f"no table begins with {VOLTAGE}: export a leakage or an I-V measurement")
    first = next((name for name in tables[0] if CURRENT in name), "")
    quantities = {name: "" for name in tables[0]} | {VOLTAGE: "voltage", first: "current"}
    return Recording(
        frame=pandas.concat(tables),
        quantities=quantities,
        block=np.repeat(np.arange(len(tables)), [len(rows) for rows in tables]),
        constants={"area": area} if area else {},
        notes=(f"{len(tables)} tables",),
    )


INSTRUMENT = Instrument(name="aixACCT", recognises=_recognises, parse=_parse)
