"""Tables of one kind each, as a new user has them: a judged card, or one sentence why not."""

import warnings

import numpy as np
import pytest

from frenkel.analysis.fitting import core_fit
from frenkel.analysis.fitting.observations import ObservationError
from frenkel.analysis.measured import files
from frenkel.cells.core import GapCore
from frenkel.errors import Doubt
from frenkel.experiment.fit_card import fit_card, read_cycles
from frenkel.reports.card import next_lines

LIMIT = 2e-4
"""Current (A) of the source in SET."""


def loops(number=4, points=240, polarity=1.0, with_time=True):
    """Return a text of loops of a gap cell whose core is known, and that core."""
    core = GapCore(drive=12.0, voltage_scale=0.4)
    rise, fall = np.linspace(0, 1, points // 4), np.linspace(1, 0, points // 4)
    volts = np.concatenate([1.2 * rise, 1.2 * fall, -1.4 * rise, -1.4 * fall])
    time = np.concatenate([[0.0], np.cumsum(np.maximum(np.abs(np.diff(volts)), 0.01))]) / 1e3
    random = np.random.default_rng(7)
    lines = ["cycle,time (s),voltage (V),current (A)" if with_time else "cycle,voltage (V),current (A)"]
    for cycle in range(1, number + 1):
        noise = random.standard_normal(4)
        high, low = np.log(2e5) + 0.1 * noise[0], np.log(5e3) + 0.03 * noise[1]
        at = (0.8 + 0.02 * noise[2], 0.9 + 0.02 * noise[3])
        speeds = [np.log(2.0 * core.drive * 1e3) - core.drive * v for v in at]
        numbers = np.array([[high, low, *speeds, np.log(core.voltage_scale), np.log(core.drive)]])
        numbers[0, 2:4] += np.log(0.5 * (high - low))
        state = core_fit.simulate(numbers, time, volts, core)
        with np.errstate(divide="ignore"):  # at 0 V
            current = np.sign(volts) * np.exp(core_fit.currents(numbers, state, volts, core)[0])
        for t, v, i in zip(time, volts, np.minimum(current, LIMIT), strict=True):
            stamp = f"{t:.6g}," if with_time else ""
            lines.append(f"{cycle},{stamp}{polarity * v:.6g},{polarity * i:.6g}")
    return "\n".join(lines) + "\n", core


@pytest.mark.parametrize("polarity", [1.0, -1.0])
def test_loops_fill_the_core(tmp_path, polarity):
    """Ramps, read voltage, drive and V0 come from the curves, whichever polarity sets."""
    path = tmp_path / "loops.csv"
    text, core = loops(polarity=polarity)
    path.write_text(text)
    curves, numbers = core_fit.of_loops(files.read([path]), 16)
    assert len(curves) == 4 and numbers["read_voltage"] == 0.1
    assert numbers["set_ramp"] == pytest.approx(1e3, rel=0.02)
    found = core_fit.of_traces(curves, numbers)
    assert found.numbers["voltage_scale"] == pytest.approx(core.voltage_scale, rel=0.1)
    assert found.numbers["drive"] == pytest.approx(core.drive, rel=0.25)
    GapCore(**found.numbers)


def test_a_card_of_loops_runs_in_circuits(tmp_path, monkeypatch):
    """Without times it has no core, and the next measurement is named."""
    monkeypatch.setattr("frenkel.experiment.fit_card.CORE_LOOPS", 3)
    path = tmp_path / "loops.csv"
    path.write_text(loops(24, 160, polarity=-1.0)[0])
    card = fit_card(path, bootstrap=0).card
    assert card.sample(2, 2, 1)["set_voltage"].min() > 0 > card.sample(2, 2, 1)["reset_voltage"].max()
    assert GapCore.of(card).drive > 0
    path.write_text(loops(24, 160, with_time=False)[0])
    card = fit_card(path, bootstrap=0).card
    assert not card.core and "set_ramp, reset_ramp" in "\n".join(next_lines(card))


def reads(devices=60, times=(0.0, 0.01, 0.1, 1.0, 10.0)):
    random = np.random.default_rng(8)
    lines = ["device,time (s),conductance (uS)"]
    for k in range(devices):
        start, rank = random.uniform(20, 40), random.standard_normal()
        for t in times:
            shift = 0.01 * rank * (5 + np.log(max(t, 1e-3))) if t else 0.0
            lines.append(f"{k},{t:g},{start * np.exp(shift + 0.003 * random.standard_normal()):.6g}")
    return "\n".join(lines) + "\n"


def test_reads_alone_give_a_card(tmp_path):
    path = tmp_path / "reads.csv"
    path.write_text(reads())
    found = fit_card(path, bootstrap=0)
    assert found.card.names == ("programmed",) and found.card.relaxation_law is not None
    assert any("relaxation" in row.statistic for row in found.rows)
    assert not any("relaxation" in line for line in next_lines(found.card))


def bake():
    """Return reads of cells that were baked at three temperatures."""
    rows = [f"{k},{85 + 20 * (k % 3)},{t},{8 + 0.01 * k + t}" for k in range(60) for t in (0, 1, 10, 100)]
    return "device,temperature (C),time (h),resistance (kohm)\n" + "\n".join(rows) + "\n"


def alike(number=20):
    """Return pulses of one voltage and width of each sign, in turn."""
    random = np.random.default_rng(4)
    rows = [f"{k},{v},1,{np.exp((9 if v > 0 else 12) + 0.2 * random.standard_normal()):.5g}"
            for k in range(number) for v in (1.2, -1.2) * 6]  # fmt: skip
    return "device,voltage (V),width (us),resistance (ohm)\n" + "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (bake(), "a layer of relaxation is of one temperature; frenkel plot retention FILE"),
        (alike(), "pulses of each sign are all alike; more pulses at other voltages"),
        (reads(times=(0.0, 3600.0)), "reads at 3 times after the first .* frenkel plot retention"),
        ("time (s),current (nA)\n" + "".join(f"{k},{40 + k % 2}\n" for k in range(200)), "frenkel rtn .*"),
        ("voltage (V),width (ns),G (uS)\n" + "".join(f"1,50,{k}\n" for k in range(1, 9)), "40 pulses"),
    ],
)
def test_what_gives_no_card_says_why(tmp_path, text, sentence):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(ObservationError, match=sentence):
        fit_card(path, bootstrap=0)


@pytest.mark.parametrize("head", ["device,cycle,HRS (kohm),Vset (V)", "DUT;Cycle #;R_off [kOhm];V_SET (V)"])
def test_cycles_have_the_names_of_a_laboratory(tmp_path, head):
    """Three devices; a column that nothing tells is named, once, unless a mapping ignores it."""
    path, mark = tmp_path / "table.csv", ";" if ";" in head else ","
    rows = [(k, c, 100 + k + c, 0.9, 7) for k in range(3) for c in range(1, 5)]
    lines = [mark.join(map(str, row)) for row in [(head, "Thing"), *rows]]
    path.write_text("\n".join(lines) + "\n")
    with pytest.warns(Doubt, match="columns that are not read: Thing; frenkel read table.csv") as said:
        found, source = read_cycles(path)
    assert len(said) == 1 and found.names == ("hrs", "set_voltage") and found.values.shape == (3, 4, 2)
    assert np.exp(found.values[0, 0, 0]) == pytest.approx(101e3) and source["file"] == "table.csv"
    with pytest.warns(Doubt) as said, pytest.raises(ObservationError, match="at least 20 values"):
        fit_card(path, bootstrap=0)
    assert len(said) == 1  # the text is read once
    (tmp_path / "map.toml").write_text('[columns]\nThing = "ignore"\n')
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files.read([path], tmp_path / "map.toml")


def test_several_kinds_in_one_file_give_all_layers(tmp_path):
    """Cycles, and reads that are too few: the card says what was left out, and why."""
    random = np.random.default_rng(9)
    rows = [f"{k},{c},{1e5 * random.lognormal(0, 0.2):.5g},{1e4 * random.lognormal(0, 0.1):.5g}"
            for k in range(8) for c in range(1, 6)]  # fmt: skip
    (tmp_path / "cycles.csv").write_text("device,cycle,hrs (ohm),lrs (ohm)\n" + "\n".join(rows) + "\n")
    (tmp_path / "reads.csv").write_text(reads(devices=4, times=(0.0, 3600.0)))
    data = files.read([tmp_path / "cycles.csv", tmp_path / "reads.csv"])
    found = fit_card(data, bootstrap=0)
    assert found.card.names == ("hrs", "lrs") and found.card.relaxation_law is None
    assert any(line.startswith("left out, relaxation: ") for line in next_lines(found.card))


def test_cells_that_were_only_read_are_no_devices_without_cycles(tmp_path):
    """Eight devices with cycles and sixty others with reads: cycles are those of the eight alone."""
    random = np.random.default_rng(9)
    rows = [f"a{k},{c},{1e5 * random.lognormal(0, 0.2):.5g}" for k in range(8) for c in range(1, 6)]
    (tmp_path / "cycles.csv").write_text("device,cycle,hrs (ohm)\n" + "\n".join(rows) + "\n")
    (tmp_path / "reads.csv").write_text(reads())
    data = files.read([tmp_path / "cycles.csv", tmp_path / "reads.csv"])
    assert data.sizes["device"] == 68
    alone, both = (read_cycles(one)[0] for one in (tmp_path / "cycles.csv", data))
    np.testing.assert_allclose(both.values, alone.values)
    assert fit_card(data, bootstrap=0).card.relaxation_law is not None
