"""Thirty tables as instruments and laboratories write them, against what was put into them."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from frenkel.analysis.measured import files

DATA = Path(__file__).resolve().parents[2] / "data" / "instruments"
NEAR_ZERO = 0.05
"""Share of the largest voltage below which samples may be cut off at the ends of a loop."""


@dataclass(frozen=True)
class Case:
    """A case of the folder: files, names of its mapping files, and units of the command line."""

    files: tuple[str, ...]
    maps: tuple[str, ...] = ()
    units: tuple[str, ...] = ()

    @property
    def lines(self):
        """Lines of its longest mapping without the names of tables."""
        texts = [(DATA / "maps" / f"{name}.toml").read_text() for name in self.maps]
        return max((sum("=" in line for line in text.splitlines()) for text in texts), default=0)


CASES = {
    "easyexpert_iv": Case(("easyexpert_iv.csv",)),
    "easyexpert_blocks": Case(("easyexpert_blocks.csv",)),
    "easyexpert_sampling": Case(("easyexpert_sampling.csv",)),
    "clarius_gate": Case(("clarius_gate.xls",)),
    "clarius_runs": Case(("clarius_runs.xls",)),
    "clarius_side": Case(("clarius_side.csv",)),
    "list_devices": Case(("list.xlsx",), ("list_devices",)),
    "list_cycles": Case(("list.xlsx",), ("list_cycles",)),
    "pulses_reads": Case(("pulses_reads.csv",), ("pulses_reads",)),
    "retention": Case(("retention.csv",)),
    "matrix": Case(("matrix.csv",), ("matrix",)),
    "stamps": Case(("stamps.csv",), (), ("V", "A")),
    "leakage_tsv": Case(("leakage.tsv",), ("leakage_tsv",)),
    "leakage_dat": Case(("leakage.dat",)),
    "scope": Case(("scope.csv",), ("scope",)),
    "device_numbers": Case(("device_numbers.csv",)),
    "endurance_ratio": Case(("endurance_ratio.csv",), ("endurance_ratio",)),
    "set_sweep": Case(("set_sweep.tsv",), ("set_sweep",)),
    "arc_one": Case(("arc_one.csv",)),
    "radiant": Case(("radiant.txt",)),
    "keithley_2450": Case(("keithley_2450.csv",)),
    "keithley_2400": Case(("keithley_2400.txt",)),
    "loops_mat": Case(("loops.mat",), (), ("V", "A")),
    "pairs": Case(("pairs.csv",), (), ("mV", "uA")),
    "device_rows": Case(("device_rows.csv",), ("device_rows",)),
    "per_cycle": Case(tuple(f"per_cycle/cycle_{k:02d}.txt" for k in (10, 2, 4, 6, 8))),
    "two_maps": Case(("two_maps/wafer_a.csv", "two_maps/wafer_b.txt"), ("wafer_a", "wafer_b")),
    "alternating": Case(("alternating.csv",)),
    "logarithm": Case(("logarithm.csv",)),
    "forming": Case(("forming.txt",)),
}


def read(name):
    case = CASES[name]
    if case.files[0].endswith(".xls"):
        pytest.importorskip("python_calamine")
    if case.files[0].endswith(".xlsx"):
        pytest.importorskip("openpyxl")
    maps = [DATA / "maps" / f"{one}.toml" for one in case.maps]
    return files.read([DATA / one for one in case.files], maps, units=case.units)


def close(ours, theirs, least=0.0):
    theirs = np.array([np.nan if x is None else x for x in theirs], float)
    return np.shape(ours) == theirs.shape and np.allclose(ours, theirs, rtol=1e-6, atol=least, equal_nan=True)


def check_loops(data, expected):
    names = [str(name) for name in data["device"].values]
    ends = np.cumsum(data["loop_size"].values)
    assert [names[k] for k in data["loop_device"].values] == [one["device"] for one in expected["loops"]]
    assert data["loop_cycle"].values.tolist() == [one["cycle"] for one in expected["loops"]]
    for one, end, size in zip(expected["loops"], ends, data["loop_size"].values, strict=True):
        volts, amperes = np.array(one["voltage"]), np.array(one["current"])
        top = NEAR_ZERO * np.abs(volts).max()
        ours = data["loop_voltage"].values[end - size : end], data["loop_current"].values[end - size : end]
        places = [np.flatnonzero(np.abs(v) >= top) for v in (volts, ours[0])]
        assert close(ours[0][places[1]], volts[places[0]]) and close(ours[1][places[1]], amperes[places[0]])
        for key in ("gate_voltage",):
            assert (key in expected) == (f"loop_{key}" in data)
            assert key not in expected or np.all(data[f"loop_{key}"].values == expected[key])
        if "step" in expected:
            assert np.allclose(np.diff(data["loop_time"].values[end - size : end]), expected["step"])


def check_cycles(data, expected):
    want = expected["cycles"]
    names = [str(name) for name in data["device"].values]
    at = [names.index(name) for name in want["device"]], np.searchsorted(data["cycle"].values, want["cycle"])
    assert data["cycle"].values[at[1]].tolist() == want["cycle"]
    for key in ("hrs", "lrs", "set_voltage", "reset_voltage"):
        assert (key in want) == (key in data)
        assert key not in want or close(data[key].values[at], want[key])


def check_pulses(data, expected):
    want, names = expected["pulses"], data["device"].values.astype(str)
    assert names[data["pulse_device"].values].tolist() == want["device"]
    for key in ("voltage", "width", "conductance", "conductance_before", "gate_voltage"):
        assert (key in want) == (f"pulse_{key}" in data)
        assert key not in want or close(data[f"pulse_{key}"].values, want[key])


@pytest.mark.parametrize("name", CASES)
def test_what_was_put_in_is_read(name):
    expected = json.loads((DATA / "expected" / f"{name}.json").read_text())
    data = read(name)
    assert CASES[name].lines <= 6
    if name == "forming":
        assert data["forming_voltage"].values == pytest.approx(expected["forming_voltage"])
        assert data.sizes["cycle"] == expected["cycles"]
        assert np.all(data["set_voltage"].values < expected["set_below"])
    elif expected["kind"] == "loops":
        check_loops(data, expected)
    elif expected["kind"] == "cycles":
        check_cycles(data, expected)
    elif expected["kind"] == "pulses":
        check_pulses(data, expected)
    elif expected["kind"] == "reads":
        want, names = expected["reads"], data["device"].values.astype(str)
        assert names[data["read_device"].values].tolist() == want["device"]
        assert close(data["read_time"].values, want["time"])
        assert close(data["read_conductance"].values, want["conductance"])
    else:
        (want,) = expected["traces"]
        assert data["device"].values.tolist() == [want["device"]]
        assert close(data["trace_time"].values, want["time"], 1e-12) and close(
            data["trace_current"].values, want["current"]
        )
        assert data["trace_voltage"].values == pytest.approx(want["voltage"])
