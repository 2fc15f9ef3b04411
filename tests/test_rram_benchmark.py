"""The benchmark of models on measured devices: its split stands, its figures are 0 for the same devices."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from frenkel.analysis.fitting.observations import build
from frenkel.analysis.noise import trace
from frenkel.units import BOLTZMANN_EV

MODULES = ("run", "adapters", "reads", "libraries")
FOLDER = Path(__file__).resolve().parents[1] / "benchmarks" / "rram"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in ("aihwkit", "simulator", "torch"):  # as where they are not installed
        monkeypatch.setitem(sys.modules, name, None)
    import run

    yield run
    for name in MODULES:
        sys.modules.pop(name, None)


def cycles(devices, number, seed=0, memory=0.0):
    """Return cycles of one number with a memory from each to the next."""
    noise = np.random.default_rng(seed).standard_normal((devices, number + 100))
    for k in range(1, number + 100):
        noise[:, k] = memory * noise[:, k - 1] + np.sqrt(1 - memory**2) * noise[:, k]
    return noise[:, 100:, None]


def test_the_split_never_changes(bench):
    names = [f"cell {k}" for k in range(12)]
    data = build(["a"], ["V"], np.arange(24.0).reshape(12, 2, 1))
    training, judge = bench.split(data, names)
    own = [name for name, row in zip(names, data.values, strict=True) if row[0, 0] in judge.values]
    assert own == [name for name in names if bench.judging(name)] and len(training.values) + len(own) == 12
    assert [bench.judging(name) for name in names[:6]] == [True, False, True, False, False, False]
    first, second = bench.split(build(["a"], ["V"], cycles(1, 9)), ["one"])
    assert first.values.shape == second.values.shape == (1, 4, 1)


def test_figures_of_known_devices(bench):
    """The same devices: 0; another memory of 0.8 and spread of 2: about what was planted."""
    one = cycles(40, 400, 1)
    assert all(value == 0.0 for value in bench.tasks(one, one).values())
    found = bench.tasks(one, 2.0 * cycles(40, 400, 2, memory=0.8))
    assert found["ln ratio of spreads"] == pytest.approx(np.log(2.0), abs=0.05)
    assert found["memory to lag 50"] == pytest.approx(0.8, abs=0.05)


def test_a_next_cycle_is_predicted_by_what_follows_alike(bench):
    """Normal numbers: 1/sqrt(pi) by an independent forecast, 0.6 of it where the memory of 0.8 is known."""
    judge, free = cycles(40, 400, 1, memory=0.8), cycles(40, 400, 2)
    assert bench.next_cycle(judge, free) == pytest.approx(1 / np.sqrt(np.pi), rel=0.03)
    known = bench.next_cycle(judge, cycles(40, 400, 3, memory=0.8))
    assert known == pytest.approx(0.6 / np.sqrt(np.pi), rel=0.05)


@pytest.mark.parametrize("name", ["Synaptogen's form", "independent", "training again"])
def test_models_draw_what_they_were_trained_on(bench, name):
    """Cycles without memory: all cycles within 0.1 of those of the training."""
    values = cycles(30, 60, 3)
    drawn = bench.ADAPTERS[name](build(["a"], ["V"], values))(50, 60, 4)
    assert drawn.shape == (50, 60, 1) and bench.tasks(values, drawn)["all cycles (KS)"] < 0.1


def test_an_aged_array_is_told_from_one_that_is_not(bench):
    """The same cells: 0. Twice the shift: spread and product off by ln 2."""
    random = np.random.default_rng(5)
    start = random.uniform(1e-5, 1e-4, 6400)
    shift = 2e-6 * random.standard_normal(6400)
    same = bench.reads.aged(start, start + shift, start + shift)
    assert set(same.values()) == {0.0}
    twice = bench.reads.aged(start, start + shift, start + 2 * shift)
    assert all(twice[name] == pytest.approx(np.log(2)) for name in twice if "confusion" not in name)
    assert twice["confusion of 4 bits"] > 0.05


def test_models_of_relaxation_meet_what_they_were_trained_on(bench):
    """A spread linear in ln t: the law goes on, the last read and the normal law stay behind by ln(13/9)."""
    random = np.random.default_rng(6)
    start = np.exp(random.uniform(np.log(1e-5), np.log(1e-4), 2000))
    times = np.array([0.01, 0.1, 1.0, 10.0, 100.0, 1e4])
    rank = random.standard_normal((2000, 1))
    g = start[:, None] * (1 + 0.01 * (1 + 2 * np.log10(times / 0.01)) * rank)
    reads = xr.Dataset(
        {"conductance": (("device", "time"), g, {"units": "S"}), "start": ("device", start, {"units": "S"})},
        {"time": ("time", times, {"units": "s"})},
    )
    found = bench.reads.relaxation(reads, np.arange(2000) % 2 == 0)
    remarks = {name: found.pop(name) for name in list(found) if isinstance(found[name], str)}
    assert len(remarks) == 3 and set(remarks.values()) == {"not run here"}
    off = {name: one["spread at an unseen time"] for name, one in found.items()}
    assert off["this card"] < 0.12 and off["floor"] < 0.12
    assert off["as last seen"] == pytest.approx(np.log(13 / 9), abs=0.12)


def test_bakes_and_traces_are_predicted_by_the_law_they_have(bench):
    """Planted shares at an activation energy; white noise. Six standard errors at most."""
    random = np.random.default_rng(7)
    kelvin = np.repeat([400.0, 440.0, 480.0, 520.0], 2000)
    place = 1.0 / BOLTZMANN_EV * (1 / kelvin - 1 / 480.0)
    failed = random.random(8000) < norm.cdf(-place)
    low, high = np.where(failed, 0.0, 3600.0), np.where(failed, 3600.0, np.inf)
    found = bench.reads.bakes(kelvin, low, high)
    assert found["this card"] < 6 * found["floor"] < found["one share"]
    assert found["straight line"] > found["this card"]
    time = np.arange(8000) * 1e-3
    one = trace.from_arrays(time, 1e-6 + 1e-8 * random.standard_normal(8000))
    noise = bench.reads.noise([one])
    assert noise["white"] < 0.1 and noise["power law"] < 0.2 and noise["floor"] < 0.2


class Tensor(np.ndarray):
    """What a stand-in of torch returns."""

    def numpy(self):
        return np.asarray(self)


def tensor(values):
    return np.asarray(values, float).view(Tensor)


class Tile:
    """A stand-in of aihwkit's: a pulse moves each state by 0.1, between -1 and 1."""

    def __init__(self, rows, columns, config):
        assert (columns, config) == (1, ("sgd", 1, "single"))
        self.state = np.zeros((rows, 1))

    def set_learning_rate(self, rate):
        assert rate == 1.0

    def update(self, x, d):
        self.state = np.clip(self.state - 0.1 * d.T @ x, -1.0, 1.0)

    def get_weights(self):
        return (tensor(self.state),)


class Noise:
    """A stand-in of aihwkit's models of noise, in microsiemens: 1 more for each unit of ln t."""

    def __init__(self, g_max, g_min=None):
        assert g_max == pytest.approx(40.0)

    def apply_drift_noise_to_conductance(self, programmed, target, time):
        return programmed + np.log(time)


def crosssim_device(parameters):
    """Return a stand-in of CrossSim's device, which is 10 % off, always."""
    assert parameters.programming_error.enable and parameters.programming_error.model == "RRAMWan"
    assert parameters.Rmin == pytest.approx(1 / 39.26e-6) and parameters.infinite_on_off_ratio
    return SimpleNamespace(programming_error=lambda states: 1.1 * states)


@pytest.fixture
def stand_ins(monkeypatch):
    """Put modules with the names that the adapters use in the place of both libraries."""

    def preset(construction_seed):
        return construction_seed

    device = SimpleNamespace(programming_error=SimpleNamespace())
    parameters = SimpleNamespace(xbar=SimpleNamespace(device=device))
    names = {
        "torch": {"manual_seed": int, "ones": lambda *shape: tensor(np.ones(shape)), "from_numpy": tensor},
        "aihwkit": {}, "aihwkit.simulator": {}, "aihwkit.simulator.presets": {},
        "aihwkit.simulator.configs": {
            "UpdateParameters": lambda **words: "single",
            "build_config": lambda name, device, up_parameters: (name, device, up_parameters),
        },
        "aihwkit.simulator.presets.devices": {"ReRamArrayHfO2PresetDevice": preset},
        "aihwkit.simulator.tiles": {"AnalogTile": Tile},
        "aihwkit.inference": {},
        "aihwkit.inference.noise": {
            "reram": SimpleNamespace(ReRamWan2022NoiseModel=Noise, ReRamCMONoiseModel=Noise)
        },
        "simulator": {"CrossSimParameters": lambda: parameters},
        "simulator.backend": {"ComputeBackend": lambda use_gpu: None},
        "simulator.devices": {"Device": SimpleNamespace(create_device=crosssim_device)},
    }  # fmt: skip
    for name, content in names.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)


def test_devices_of_libraries_go_from_level_to_level(bench, stand_ins):
    """On stand-ins: aihwkit's ends are the medians of HRS and LRS; CrossSim's are off as its device is."""
    values = np.exp(np.random.default_rng(8).normal([12.0, 9.0], 0.1, (5, 20, 2)))
    training = build(["hrs", "lrs"], ["ohm", "ohm"], values)
    middle = np.median(training.values, axis=(0, 1))
    for name, off in (("aihwkit's HfO2 preset", 0.0), ("CrossSim's RRAMWan", np.log(1.1))):
        drawn = bench.ADAPTERS[name](training)(3, 4, 1)
        assert drawn.shape == (3, 4, 2)
        np.testing.assert_allclose(drawn, np.broadcast_to(middle - off, (3, 4, 2)), rtol=1e-12)


def test_relaxation_of_libraries_is_in_siemens(bench, stand_ins):
    """On stand-ins; of Wan's three times the nearest in ln t is taken."""
    start = np.array([1e-5, 4e-5])
    training = xr.Dataset({"start": ("device", start)})
    models = bench.reads.RELAXATION
    np.testing.assert_allclose(models["CrossSim after Wan"](training, start, 1e4), 1.1 * start)
    for name, time, used in (("aihwkit after Falcone", 50.0, 50.0), ("aihwkit after Wan", 1e4, 86400.0),
                             ("aihwkit after Wan", 50.0, 1.0)):  # fmt: skip
        shift = models[name](training, start, time) - start
        np.testing.assert_allclose(shift, 1e-6 * np.log(used), rtol=1e-9, atol=1e-18)


def test_a_model_that_has_no_figure_says_why(bench, stand_ins):
    """No library: not run here. Numbers that a library does not know: which."""
    floor = {"task": 0.1}
    assert bench.rows("set", {"floor": floor, "a": {"task": 0.25}, "b": bench.ABSENT}) == [
        "| set | task | 0.100 | a 0.250, b not run here |"
    ]
    values = np.ones((2, 3, 3)) * [1e5, 1e4, 1.0]
    for name in ("aihwkit's HfO2 preset", "CrossSim's RRAMWan"):
        with pytest.raises(NotImplementedError, match="^has no set_voltage$"):
            bench.ADAPTERS[name](build(["hrs", "lrs", "set_voltage"], ["ohm", "ohm", "V"], values))
