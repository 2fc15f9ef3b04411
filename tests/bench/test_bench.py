"""The benchmark of models on measured devices: its split stands, its figures are 0 for the same devices."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from frenkel.analysis.fitting.observations import build
from frenkel.analysis.fitting.pulse_fit import RecordedPulses
from frenkel.analysis.noise import trace
from frenkel.bench import cycles as bench
from frenkel.bench import models, presets, pulses, reads, scores, suite
from frenkel.cli import main as cli
from frenkel.reports.bench import ADAPTER, page
from frenkel.units import BOLTZMANN_EV

DOCS = Path(__file__).resolve().parents[2] / "docs"


def cycles(devices, number, seed=0, memory=0.0):
    """Return cycles of one number with a memory from each to the next."""
    noise = np.random.default_rng(seed).standard_normal((devices, number + 100))
    for k in range(1, number + 100):
        noise[:, k] = memory * noise[:, k - 1] + np.sqrt(1 - memory**2) * noise[:, k]
    return noise[:, 100:, None]


def test_the_split_never_changes():
    names = [f"cell {k}" for k in range(12)]
    data = build(["a"], ["V"], np.arange(24.0).reshape(12, 2, 1))
    training, judge = bench.split(data, names)
    own = [name for name, row in zip(names, data.values, strict=True) if row[0, 0] in judge.values]
    assert own == [name for name in names if bench.judging(name)] and len(training.values) + len(own) == 12
    assert [bench.judging(name) for name in names[:6]] == [True, False, True, False, False, False]
    first, second = bench.split(build(["a"], ["V"], cycles(1, 9)), ["one"])
    assert first.values.shape == second.values.shape == (1, 4, 1)


def test_figures_of_known_devices():
    """The same devices: 0; another memory of 0.8 and spread of 2: about what was planted."""
    one = cycles(40, 400, 1)
    assert all(value == 0.0 for value in bench.tasks(one, one).values())
    found = bench.tasks(one, 2.0 * cycles(40, 400, 2, memory=0.8))
    assert found["ln ratio of spreads"] == pytest.approx(np.log(2.0), abs=0.05)
    assert found["memory to lag 50"] == pytest.approx(0.8, abs=0.05)


def test_a_next_cycle_is_predicted_by_what_follows_alike():
    """Normal numbers: 1/sqrt(pi) by an independent forecast, 0.6 of it where the memory of 0.8 is known."""
    judge, free = cycles(40, 400, 1, memory=0.8), cycles(40, 400, 2)
    assert bench.next_cycle(judge, free) == pytest.approx(1 / np.sqrt(np.pi), rel=0.03)
    known = bench.next_cycle(judge, cycles(40, 400, 3, memory=0.8))
    assert known == pytest.approx(0.6 / np.sqrt(np.pi), rel=0.05)


@pytest.mark.parametrize(
    "name", ["Synaptogen's form", "Gaussian", "copula", "nearest neighbour", "training again"]
)
def test_models_draw_what_they_were_trained_on(name):
    """Cycles without memory: all cycles within 0.1 of those of the training."""
    values = cycles(30, 60, 3)
    drawn = models.ADAPTERS[name](build(["a"], ["V"], values))(50, 60, 4)
    assert drawn.shape == (50, 60, 1) and bench.tasks(values, drawn)["all cycles (KS)"] < 0.1


def test_an_aged_array_is_told_from_one_that_is_not():
    """The same cells: 0. Twice the shift: spread and product off by ln 2."""
    random = np.random.default_rng(5)
    start = random.uniform(1e-5, 1e-4, 6400)
    shift = 2e-6 * random.standard_normal(6400)
    same = reads.aged(start, start + shift, start + shift)
    assert set(same.values()) == {0.0}
    twice = reads.aged(start, start + shift, start + 2 * shift)
    assert all(twice[name] == pytest.approx(np.log(2)) for name in twice if "confusion" not in name)
    assert twice["confusion of 4 bits"] > 0.05


def test_models_of_relaxation_meet_what_they_were_trained_on():
    """A spread linear in ln t: the law goes on, the last read and the normal law stay behind by ln(13/9)."""
    random = np.random.default_rng(6)
    start = np.exp(random.uniform(np.log(1e-5), np.log(1e-4), 2000))
    times = np.array([0.01, 0.1, 1.0, 10.0, 100.0, 1e4])
    rank = random.standard_normal((2000, 1))
    g = start[:, None] * (1 + 0.01 * (1 + 2 * np.log10(times / 0.01)) * rank)
    data = xr.Dataset(
        {"conductance": (("device", "time"), g, {"units": "S"}), "start": ("device", start, {"units": "S"})},
        {"time": ("time", times, {"units": "s"})},
    )
    table = reads.relaxation(data, np.arange(2000) % 2 == 0, reads.RELAXATION)
    task = "spread at an unseen time"
    off = {name: one[task].value for name, one in table.models.items() if not isinstance(one, str)}
    assert off["this card"] < 0.12 and table.floor[task] < 0.12
    assert off["as last seen"] == pytest.approx(np.log(13 / 9), abs=0.12)


def test_bakes_and_traces_are_predicted_by_the_law_they_have():
    """Planted shares at an activation energy; white noise. Six standard errors at most."""
    random = np.random.default_rng(7)
    kelvin = np.repeat([400.0, 440.0, 480.0, 520.0], 2000)
    place = 1.0 / BOLTZMANN_EV * (1 / kelvin - 1 / 480.0)
    failed = random.random(8000) < norm.cdf(-place)
    low, high = np.where(failed, 0.0, 3600.0), np.where(failed, 3600.0, np.inf)
    table = reads.bakes(kelvin, low, high, reads.BAKES)
    found, floor = values_of(table, reads.SHARES), table.floor[reads.SHARES]
    assert found["this card"] < 6 * floor < found["pooled fraction"]
    assert found["straight line"] > found["this card"]
    time = np.arange(8000) * 1e-3
    one = trace.from_arrays(time, 1e-6 + 1e-8 * random.standard_normal(8000))
    table = reads.noise([one], reads.NOISE)
    noise = values_of(table, reads.SPECTRUM)
    assert noise["white"] < 0.1 and noise["power law"] < 0.2 and table.floor[reads.SPECTRUM] < 0.2


def values_of(table, task):
    """Return the figure of each model in a task."""
    return {name: one[task].value for name, one in table.models.items() if not isinstance(one, str)}


def test_soft_bounds_follow_their_law(monkeypatch):
    """Without spreads each of three pulses leaves 1 - a of the way to the bound, down and then up."""
    values = np.exp(np.random.default_rng(8).normal([12.0, 9.0], 0.1, (5, 20, 2)))
    training = build(["hrs", "lrs"], ["ohm", "ohm"], values)
    for name in ("STEP_DEVICES", "UP_DOWN", "STEP_CYCLES", "WRITE", "BOUND_UP", "BOUND_DOWN", "REFERENCE"):
        monkeypatch.setattr(presets, name, 0.0)
    monkeypatch.setattr(presets, "PULSES", 3)
    found = np.exp(-models.ADAPTERS["aihwkit's HfO2 preset"](training)(3, 2, 1))
    low, high = np.exp(-np.median(training.values, axis=(0, 1)))
    left = (1 - 0.4622) ** 3
    down = -1 + left
    up = 1 - (1 - down) * left
    expected = low + (high - low) * 0.5 * (np.array([down, up]) + 1)
    np.testing.assert_allclose(found[:, 0], np.broadcast_to(expected, (3, 2)), rtol=1e-9)


def test_the_array_is_as_its_library_draws_it():
    """Figures of aihwkit 1.1.0 and CrossSim 3.2.0 themselves (benchmarks/README.md), of another draw: within
    0.08 for distances between distributions, which two draws of aihwkit's devices differ by."""
    known = {name: models.ADAPTERS[name] for name in ("aihwkit's HfO2 preset", "CrossSim's RRAMWan")}
    (_, table, _), = suite.tasks_of(suite.FOLDER / "cycles.csv.gz", 0.1, {"cycles": known})
    for name, library in (("aihwkit's HfO2 preset", (0.553, 0.571, 0.762, 2.242, 0.470)),
                          ("CrossSim's RRAMWan", (0.671, 0.773, 0.769, 1.405, 1.109))):  # fmt: skip
        found = [score.value for score in table.models[name].values()]
        np.testing.assert_allclose(found, library, atol=0.08)


def test_noise_of_libraries_is_in_siemens():
    """Spreads and shifts of their laws at known conductances; of Wan's three times the nearest in ln t."""
    start = np.repeat([1e-5, 4e-5], 40_000)
    training, found = xr.Dataset({"start": ("device", start)}), {}
    laws = {"CrossSim": presets.crosssim_wan, "aihwkit": presets.aihwkit_wan, "Falcone": presets.aihwkit_cmo}
    for name, law in laws.items():
        time = 50.0 if name == "Falcone" else 1e4
        shift = (law(training, start, time) - start).reshape(2, -1) / 1e-6
        found[name] = shift.mean(axis=1), shift.std(axis=1)
    # By hand: the cubic at 39.26 / 4 and 39.26 uS; that of a day at 1/4 and 1; ln t and the noise of a read.
    np.testing.assert_allclose(found["CrossSim"][1], np.array([2.404, 1.681]) * 40 / 39.26, rtol=0.03)
    np.testing.assert_allclose(found["aihwkit"][1], [3.721, 2.651], rtol=0.03)
    np.testing.assert_allclose(found["Falcone"][0][0], -0.348, atol=0.01)
    np.testing.assert_allclose(found["Falcone"][1][0], np.hypot(0.5762, 0.1145), rtol=0.02)


def test_a_model_that_has_no_figure_says_why():
    """Numbers that a model does not know: which."""
    values = np.ones((2, 3, 3)) * [1e5, 1e4, 1.0]
    for name in ("aihwkit's HfO2 preset", "CrossSim's RRAMWan", "JART VCM"):
        with pytest.raises(NotImplementedError, match="^has no set_voltage$"):
            models.ADAPTERS[name](build(["hrs", "lrs", "set_voltage"], ["ohm", "ohm", "V"], values))

    def unable():
        raise NotImplementedError("has no voltages")

    known = scores.scored({"a": 0.1}, {"other": unable}, 4).models
    assert known == {"other": "has no voltages"}


def test_jackknife_of_a_mean_is_its_error():
    """Of 4,000 numbers: Student's half-width of eight groups, 2.36 standard errors, itself known to 27 %."""
    x = np.random.default_rng(1).standard_normal(4000)
    widths = [scores.jackknifed(lambda kept, k=k: {"a": float(np.roll(x, k)[kept].mean())}, 4000)["a"].error
              for k in range(0, 4000, 100)]  # fmt: skip
    assert np.mean(widths) == pytest.approx(2.365 / np.sqrt(4000), rel=0.15)
    assert np.isnan(scores.jackknifed(lambda kept: {"a": 1.0}, 1)["a"].error)


def made_up_pulses(cells=120, seed=0):
    """Return pulses of which a SET above 1.5 V switches, and a RESET always does."""
    random = np.random.default_rng(seed)
    volts = np.concatenate([random.choice([1.0, 1.25, 1.75, 2.0], cells), np.full(cells, -1.0)])
    before = np.log(np.where(volts > 0, 1e-6, 5e-5)) + 0.1 * random.standard_normal(2 * cells)
    after = np.where(volts > 1.5, np.log(5e-5), np.log(1e-6)) + 0.1 * random.standard_normal(2 * cells)
    after = np.where((volts > 0) & (volts < 1.5), before, after)
    zero = np.zeros(2 * cells)
    return RecordedPulses(np.stack([before, volts, zero, zero, after], axis=1), np.tile(np.arange(cells), 2))


def test_models_of_pulses_predict_what_was_planted():
    """The card: spread of the states alone; a Gaussian has none of the two states; chance is worse."""
    data = made_up_pulses()
    table = pulses.pulses(data, data.owner % 2 == 0, pulses.ADAPTERS)
    found = values_of(table, pulses.STATE)
    assert found["this card"] < 0.12 and found["Gaussian"] > 2 * found["this card"]
    assert found["training again"] > 4 * found["this card"]
    programmed = values_of(table, pulses.PROGRAMMED)
    assert programmed["this card"] < 0.05 < programmed["training again"]


def test_the_gap_model_has_the_spread_of_the_gap(monkeypatch):
    """V_SET follows from the gap, V_RESET is constant."""
    values = np.exp(np.random.default_rng(9).normal([12.0, 9.0], [0.3, 0.1], (5, 40, 2)))
    volts = 1.0 + 0.01 * np.random.default_rng(9).standard_normal((5, 40, 2)) * [1, 1]
    table = np.concatenate([values, volts * [1, -1]], axis=2)
    names, units = ["hrs", "lrs", "set_voltage", "reset_voltage"], ["ohm", "ohm", "V", "V"]
    drawn = models.ADAPTERS["Stanford-PKU"](build(names, units, table))(50, 40, 1)
    assert drawn[:, :, 0].std() == pytest.approx(0.3, rel=0.1) and np.ptp(drawn[:, :, 3]) == 0.0
    gap = drawn[:, :, 0] - drawn[:, :, 1]
    assert np.corrcoef(gap.ravel(), drawn[:, :, 2].ravel())[0, 1] > 0.9


def test_jart_has_its_spread_about_the_medians(monkeypatch):
    monkeypatch.setattr(models, "POOL", 40)
    values = np.exp(np.random.default_rng(8).normal([12.0, 9.0], 0.1, (5, 20, 2)))
    training = build(["hrs", "lrs"], ["ohm", "ohm"], values)
    drawn = models.ADAPTERS["JART VCM"](training)(20, 30, 1)
    middle = np.median(training.values, axis=(0, 1))
    np.testing.assert_allclose(np.median(drawn, axis=(0, 1)), middle, atol=0.1)
    assert np.all(drawn.std(axis=(0, 1)) > 0.02)


def test_the_page_is_that_of_its_results():
    """docs/bench.md is what `frenkel validate --bench -o docs` writes."""
    results = json.loads((DOCS / "bench.json").read_text())
    assert page(results) == (DOCS / "bench.md").read_text()
    assert len(results) == len(suite.SETS) and len(ADAPTER.splitlines()) <= 30
    shown = {name for name, s in results["cycles: cycles"]["models"].items() if not isinstance(s, str)}
    assert len(shown - {models.OURS, "training again"}) == 8


def test_the_command_runs_a_model_of_ones_own(tmp_path, monkeypatch, capsys):
    """On one small set; a second run gives the same hash; a file without a function is refused."""
    lines = ["device,time (s),conductance (uS)"]
    random = np.random.default_rng(2)
    for k in range(200):
        start = random.uniform(20, 60)
        lines += [f"{k},{t},{start * np.exp(0.01 * random.standard_normal() * (1 + np.log10(1 + t))):.5g}"
                  for t in (0, 1, 10, 100, 1000)]  # fmt: skip
    table, model = tmp_path / "mine.csv", tmp_path / "my_model.py"
    table.write_text("\n".join(lines) + "\n")
    model.write_text(ADAPTER)
    monkeypatch.setattr(suite, "SETS", {})
    hashes = []
    for name in ("one", "two"):
        words = ["validate", "--bench", str(table), "--model", str(model), "-o", str(tmp_path / name)]
        assert cli.main(words) == 0
        hashes.append(capsys.readouterr().out.split("hash ")[1].split()[0])
    assert hashes[0] == hashes[1]
    text = (tmp_path / "one" / "bench.md").read_text()
    assert "| my_model | " in text and "mine: relaxation" in text
    assert (tmp_path / "one" / "bench.png").exists()
    model.write_text("x = 1\n")
    assert cli.main(["validate", "--bench", "--model", str(model), "-o", str(tmp_path / "three")]) == 1
    assert "must have a function named cycles, pulses" in capsys.readouterr().err
    assert cli.main(["validate"]) == 2 and cli.main(["validate", "a.json", "--bench"]) == 2
