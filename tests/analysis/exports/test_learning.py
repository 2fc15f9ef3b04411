"""Exports for learning: the law that they draw, in stand-ins of their programs and in these, if installed."""

import importlib.util
import itertools
import re
from copy import deepcopy
from dataclasses import replace

import made_up_simulators as stand_ins
import numpy as np
import pytest
import scipy.stats
from compact_models import integrate
from gap_equation import GapEquation
from made_up_cards import made_up_card
from made_up_core import CARD, CORE

from frenkel.analysis.exports import exported_jumps, law_equality, templates
from frenkel.analysis.exports import learning as exports_learning
from frenkel.analysis.reliability import pulse_trains
from frenkel.analysis.reliability.linearity import exponential
from frenkel.cells import gap_law
from frenkel.cells.noise import RelaxationLaw, RelaxationState, RtnLaw, RtnState

DEVICES, CYCLES = (50, 40), 16

STATE = {"traps": 1.5, "dispersion": 1.2, "amplitude": (-2.0, 0.5), "high": (0.0, 1.0), "low": (-1.0, 1.0)}
NOISY = replace(
    CARD,
    relaxation_law=RelaxationLaw(
        states=(
            RelaxationState(name="hrs", conductance=8e-6, location=(-0.1, -0.02), spread=(0.2, 0.01)),
            RelaxationState(name="lrs", conductance=2e-4, location=(-0.01, -0.001), spread=(0.03, 0.002)),
        )
    ),
    rtn_law=RtnLaw(
        states=(
            RtnState(name="hrs", conductance=8e-6, noise=0.01, **STATE),
            RtnState(name="lrs", conductance=2e-4, **(STATE | {"traps": 0.5})),
        )
    ),
)


def load(text, folder, name="exported_module"):
    """Return the module that an export is."""
    (folder / f"{name}.py").write_text(text.replace("THIS_FILE", name))
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def packages(kind, monkeypatch, real):
    """Put the stand-ins in place, or skip where the program is not installed."""
    if not real:
        stand_ins.install(monkeypatch, kind)
    elif kind == "crosssim":
        pytest.importorskip("simulator.devices.idevice", reason="CrossSim is not installed (docs/exports.md)")
    else:
        pytest.importorskip("aihwkit", reason="aihwkit is not installed (docs/exports.md)")


@pytest.fixture(params=[False, True], ids=["stand-in", "package"])
def crosssim(request, monkeypatch, tmp_path):
    """Return a function that makes a device of an exported text."""
    packages("crosssim", monkeypatch, request.param)

    def make(text, read=0.1):
        module = load(text, tmp_path)
        if not request.param:
            return module, lambda: module.FrenkelCell(
                stand_ins.device_parameters(module.R_MIN, module.R_MAX, read), None
            )
        from simulator import CrossSimParameters
        from simulator.backend import ComputeBackend

        ComputeBackend(use_gpu=False)
        found = CrossSimParameters().xbar.device
        found.Rmin, found.Rmax, found.Vread = module.R_MIN, module.R_MAX, read
        return module, lambda: module.FrenkelCell(found, found.programming_error)

    return make


@pytest.fixture(params=[False, True], ids=["stand-in", "package"])
def aihwkit(request, monkeypatch, tmp_path):
    """Return a function that loads an exported text, a tensor maker and a tile maker."""
    packages("aihwkit", monkeypatch, request.param)
    if not request.param:
        return lambda text: load(text, tmp_path), stand_ins.tensor, lambda _, m, n: stand_ins.Tile(m, n)
    import torch
    from aihwkit.nn import AnalogLinear
    from aihwkit.simulator.configs import SingleRPUConfig

    def tile(device, m, n):
        layer = AnalogLinear(n, m, bias=False, rpu_config=SingleRPUConfig(device=device))
        return next(layer.analog_tiles())

    return lambda text: load(text, tmp_path), torch.as_tensor, tile


def ends(module, make, program):
    """Return HRS and LRS [ohm] of the same cells, (devices, cycles): each programmed to one end always."""
    found = {}
    for name, target in (("hrs", 0), ("lrs", 1)):
        device = make()
        found[name] = np.stack([program(device, target).ravel() for _ in range(CYCLES)], axis=1)
    return found


def by_crosssim(module, make):
    """Return HRS and LRS that a CrossSim export draws."""

    def fresh():
        module.FrenkelCell._made = itertools.count()
        return make()

    def program(device, end):
        target = np.full(DEVICES, (module.R_MIN / module.R_MAX, 1.0)[end])
        return module.R_MIN / device.programming_error(target)

    return ends(module, fresh, program)


def by_aihwkit(module, tensor):
    """Return HRS and LRS that an aihwkit export draws."""

    def fresh():
        module._tiles = itertools.count()
        return module.FrenkelNoiseModel(seed=2)

    def program(model, end):
        target = tensor(np.full(DEVICES, (module.G_MIN, module.G_MAX)[end]))
        return 1e6 / model.apply_programming_noise_to_conductance(target).numpy()

    return ends(module, fresh, program)


def test_crosssim_draws_the_law(crosssim):
    """False alarm 1e-4 for all statistics together; as everywhere below."""
    rows = law_equality.compare(CARD, by_crosssim(*crosssim(exports_learning.to_crosssim(CARD))), 9)
    assert law_equality.equal(rows), law_equality.worst(rows)


def test_aihwkit_draws_the_law(aihwkit):
    make, tensor, _ = aihwkit
    rows = law_equality.compare(CARD, by_aihwkit(make(exports_learning.to_aihwkit(CARD)), tensor), 9)
    assert law_equality.equal(rows), law_equality.worst(rows)


PLANTED = {
    "no memory": ("score += self.past[:, i] @ law", "score += 0 * self.past[:, i] @ law", "lag 1"),
    "other devices in each cycle": (
        "law, (number, p, k) = self.law, self.past.shape",
        "Cells.__init__(self, self.law, len(self.past), self.random)\n"
        "        law, (number, p, k) = self.law, self.past.shape",
        "ln spread",
    ),
    "memory from the oldest": (
        "score[:, None], self.past[:, :-1]",
        "self.past[:, 1:], score[:, None]",
        "lag",
    ),
    "10 % more": ("Floats = np.exp(-logarithm)", "Floats = 0.9 * np.exp(-logarithm)", "mean"),
    "spread of all devices alike": (
        "np.exp(location[:, k:])",
        "np.exp(0 * location[:, k:] + law['means'][0, k:])",
        "",
    ),
}


@pytest.mark.parametrize("error", PLANTED)
def test_planted_errors_are_refused(monkeypatch, tmp_path, error):
    """Exports with one line changed."""
    packages("crosssim", monkeypatch, False)
    text = exports_learning.to_crosssim(CARD)
    old, new, statistic = PLANTED[error]
    assert text.count(old) == 1
    module = load(text.replace(old, new), tmp_path)
    parameters = stand_ins.device_parameters(module.R_MIN, module.R_MAX)
    rows = law_equality.compare(CARD, by_crosssim(module, lambda: module.FrenkelCell(parameters, None)), 9)
    assert not law_equality.equal(rows)
    assert any(statistic in row.statistic for row in rows if not row.passed)


def test_targets_between_and_outside(crosssim):
    module, make = crosssim(exports_learning.to_crosssim(CARD))
    found = []
    for target in (module.R_MIN / module.R_MAX, np.sqrt(module.R_MIN / module.R_MAX), 1.0, 0.0, 1.7):
        module.FrenkelCell._made = itertools.count()
        found.append(make().programming_error(np.full((3, 4), target)))
    assert np.allclose(found[1], np.sqrt(found[0] * found[2]))
    assert np.allclose(found[3], found[0]) and np.allclose(found[4], found[2])


def test_arrays_have_devices_of_their_own(crosssim):
    """Two arrays differ; one that is programmed again keeps its devices."""
    _, make = crosssim(exports_learning.to_crosssim(CARD))
    one, two = make(), make()
    target = np.full((30, 30), 1.0)
    first, again, other = (np.log(d.programming_error(target).ravel()) for d in (one, one, two))
    assert np.corrcoef(first, again)[0, 1] > 0.5
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.14  # 4 errors of 1/sqrt(900)


def test_current_is_that_of_the_core(crosssim):
    _, make = crosssim(exports_learning.to_crosssim(CARD), read=0.3)
    device = make()
    conductance, volts = np.array([[1.0, 0.1], [0.5, 0.2]]), np.array([0.5, -1.0])
    theory = conductance @ (np.sinh(volts * 0.3 / 0.25) / np.sinh(0.1 / 0.25) * 0.1 / 0.3)
    assert np.allclose(device.nonlinear_current_sum(conductance, volts), theory)
    assert np.allclose(device.nonlinear_current(conductance, volts[None, :] + 0 * conductance).sum(1), theory)


def test_crosssim_multiplies(tmp_path, monkeypatch):
    """A core of the program itself: products scatter, and the devices of a core stay the same."""
    packages("crosssim", monkeypatch, True)
    from simulator import AnalogCore, CrossSimParameters

    module = load(exports_learning.to_crosssim(CARD), tmp_path)
    parameters = CrossSimParameters()
    parameters.xbar.device.Rmin, parameters.xbar.device.Rmax = module.R_MIN, module.R_MAX
    parameters.xbar.device.programming_error.enable = True
    parameters.xbar.device.programming_error.model = "FrenkelCell"
    random = np.random.default_rng(0)
    matrix, vector = random.normal(size=(60, 50)), random.normal(size=50)
    core = AnalogCore(matrix, parameters)
    first = core @ vector - matrix @ vector
    core.set_matrix(matrix)
    again = core @ vector - matrix @ vector
    assert 0.1 < first.std() / (matrix @ vector).std() < 1.5
    assert np.corrcoef(first, again)[0, 1] > 0.5


def same_law(ours, theirs, tests):
    """Two-sample Kolmogorov-Smirnov over devices, false alarm 1e-4 for `tests` of them."""
    assert scipy.stats.ks_2samp(ours.ravel(), theirs.ravel()).pvalue > 1e-4 / tests


def test_crosssim_relaxes_and_reads(crosssim):
    module, make = crosssim(exports_learning.to_crosssim(NOISY))
    random, unit = np.random.default_rng(3), 1.0 / module.R_MIN
    for target in (module.R_MIN / module.R_MAX, 1.0):
        module.FrenkelCell._made = itertools.count()
        start = make().programming_error(np.full(DEVICES, target)) * unit
        module.FrenkelCell._made = itertools.count()
        device = make()
        late = device.drift_error(np.full(DEVICES, target), 1e3) * unit
        same_law(np.log(late / start), np.log(NOISY.relax(start, 1e3, random) / start), 4)
        read = device.read_noise(start / unit) * unit
        white = 1.0 + NOISY.rtn_law.noise(start) * random.standard_normal(DEVICES)
        same_law(np.log(read / start), np.log(NOISY.rtn(start, random).factor() * white), 4)
    assert np.all(device.read_noise(np.array([[0.0, 0.5]]))[0, 0] == 0.0)
    with pytest.warns(UserWarning, match="outside of that of the card"):
        device.drift_error(np.full(DEVICES, 1.0), 1e9)


def test_aihwkit_relaxes(aihwkit):
    make, tensor, _ = aihwkit
    module = make(exports_learning.to_aihwkit(NOISY))
    random, model = np.random.default_rng(3), module.FrenkelNoiseModel()
    for target in (module.G_MIN, module.G_MAX):
        start = model.apply_programming_noise_to_conductance(tensor(np.full(DEVICES, target)))
        rank = model.generate_drift_coefficients(start)
        late = model.apply_drift_noise_to_conductance(start, rank, 1e3).numpy() * 1e-6
        plain = start.numpy() * 1e-6
        other = NOISY.relax(plain, 1e3, random)
        white = 1.0 + NOISY.rtn_law.noise(other) * random.standard_normal(DEVICES)
        same_law(np.log(late / plain), np.log(other * NOISY.rtn(other, random).factor() * white / plain), 2)


def test_aihwkit_keeps_devices(aihwkit):
    """Weights that are programmed twice show the same devices; a copy for another tile has others."""
    make, tensor, _ = aihwkit
    module = make(exports_learning.to_aihwkit(CARD))
    model = module.FrenkelNoiseModel(seed=1)
    weights = tensor(np.where(np.indices((30, 30)).sum(0) % 2, 1.0, -1.0))
    other = deepcopy(model)
    assert other == model and module.FrenkelNoiseModel(seed=2) != model
    first, again, copied = (
        np.abs(m.apply_programming_noise(weights)[0].numpy()).ravel() for m in (model, model, other)
    )
    assert np.corrcoef(first, again)[0, 1] > 0.4
    assert abs(np.corrcoef(first, copied)[0, 1]) < 0.14  # 4 errors
    assert np.isfinite(model.apply_noise(weights, 10.0).numpy()).all()


def test_aihwkit_training_device(aihwkit):
    """Bounds of devices that are put into a tile have the law of the card; steps are as in the trains."""
    make, _, tile_of = aihwkit
    module = make(exports_learning.to_aihwkit(CARD))
    device = module.FrenkelDevice()
    assert len(device.piecewise_up) == len(device.piecewise_down) == pulse_trains.NODES
    tile = tile_of(device, 40, 30)
    off, on = module.put_devices(tile, 5)
    locations, _ = CARD.draw_devices(4800, np.random.default_rng(8))
    same_law(-np.log(off), locations[:, 0], 2)
    same_law(-np.log(on), locations[:, 1], 2)
    hidden = {name: np.asarray(value) for name, value in tile.get_hidden_parameters().items()}
    least, most = module.LAW["mean_range"]
    assert np.allclose(hidden["max_bound"], 2 * (on - least) / (most - least) - 1, atol=1e-5)
    assert np.allclose(hidden["min_bound"], 2 * (off - least) / (most - least) - 1, atol=1e-5)
    # Steps of the devices over the mean step: the same law as in the statistics of other devices.
    scales = pulse_trains.statistics(CARD, seed=3).scales
    for i, name in enumerate(("dwmin_up", "dwmin_down")):
        same_law(np.abs(hidden[name]) / device.dw_min, scales[:, i], 2)


def test_trains_are_the_rate_equation():
    """Closed form against scipy, both ways, in one cycle; seen: 1e-5."""
    drawn = {name: values[0, 0] for name, values in CARD.sample(1, 1, 3).items()}
    pulses = pulse_trains.Pulses.of(CARD)
    law = {"core": CORE.row(), "pulses": pulses.row()}
    curves = gap_law.trains(law, {name: np.asarray(value) for name, value in drawn.items()})
    cell = GapEquation(core=CORE, **{name: float(value) for name, value in CORE.cells(drawn).items()})
    ways = (
        (pulses.set_voltage, pulses.set_width, cell.gap_max),
        (pulses.reset_voltage, pulses.reset_width, cell.gap_min),
    )
    for curve, (volts, width, start) in zip(curves, ways, strict=True):
        gaps, _ = integrate(cell, lambda _, v=volts: v, width * np.arange(65), start)
        theory = [cell.current(gap, 0.1) / 0.1 for gap in gaps]
        assert np.allclose(curve, theory, rtol=1e-3)


def test_known_exponential_is_found():
    for a in (0.2, 0.7, -0.4):
        found, residual = pulse_trains.fit_exponential(1e-5 + 1e-4 * exponential(np.linspace(0, 1, 65), a))
        assert found == pytest.approx(a, rel=1e-4) and residual < 1e-6
    assert pulse_trains.fit_exponential(np.linspace(2.0, 1.0, 33)) == (
        float("inf"),
        pytest.approx(0, abs=1e-9),
    )


def test_neurosim_block():
    """Numbers of the block are those of the trains, to the digits that stand there."""
    text = exports_learning.to_neurosim(CARD, 32)
    block = dict(
        line.split("#")[0].replace("args.", "").rstrip("; ").split(" = ")
        for line in text.splitlines()
        if " = " in line and not line.startswith("#")
    )
    assert int(block["max_level"]) == 32 and int(block["cellBit"]) == 5
    found = pulse_trains.statistics(CARD, 32)
    expected = {
        "maxConductance": found.most,
        "minConductance": found.least,
        "resistanceOn": 1 / found.most,
        "resistanceOff": 1 / found.least,
        "onoffratio": found.most / found.least,
        "nonlinearityLTP": found.label_up,
        "nonlinearityLTD": found.label_down,
        "d2dVari": found.device,
        "c2cVari": found.cycle,
        "writeVoltageLTP": found.pulses.set_voltage,
        "writeVoltageLTD": found.pulses.reset_voltage,
        "writePulseWidthLTP": found.pulses.set_width,
        "writePulseWidthLTD": found.pulses.reset_width,
        "readVoltage": 0.1,
    }
    for name, value in expected.items():
        assert float(block[name]) == pytest.approx(value, rel=6e-4), name
    fits = [float(found) for found in re.findall(r"A_LT[PD] = ([-\d.]+)", text)]
    assert fits == pytest.approx([32 * found.a_up, 32 * found.a_down], rel=1e-3)


@pytest.mark.parametrize("make", [exports_learning.to_crosssim, exports_learning.to_aihwkit])
def test_modules_need_nothing_of_ours(make):
    text = make(NOISY)
    assert "from ." not in text and "import frenkel" not in text
    assert CARD.to_dict()["checksum"] not in text and NOISY.to_dict()["checksum"] in text


@pytest.mark.parametrize("card", [CARD, NOISY, replace(CARD, core={})], ids=["core", "noise", "no core"])
@pytest.mark.parametrize("make", [exports_learning.to_crosssim, exports_learning.to_aihwkit])
def test_modules_are_whole(make, card):
    text = make(card)
    compile(text, "exported", "exec")
    assert "${" not in text


def test_a_template_without_its_fields_is_refused():
    with pytest.raises(KeyError, match="title"):
        templates.fill("vacask.sim", header="")


def test_cards_that_cannot_be_exported():
    with pytest.raises(ValueError, match="needs hrs and lrs in ohm, card made up has hrs, reset_voltage"):
        exports_learning.to_crosssim(made_up_card())
    with pytest.raises(ValueError, match="has no core"):
        exports_learning.to_neurosim(replace(CARD, core={}))
    turned = CARD.means.copy()
    turned[:, 0] = 5.0
    with pytest.raises(ValueError, match="has no window"):
        exports_learning.to_crosssim(replace(CARD, means=turned))
    with pytest.raises(ValueError, match="at least 3"):
        exports_learning.to_neurosim(CARD, 2)


def test_without_a_core_there_is_no_training_device():
    text = exports_learning.to_aihwkit(replace(CARD, core={}))
    assert "FrenkelNoiseModel" in text and "class FrenkelDevice" not in text


def test_bounds_of_the_training_device():
    """Weights -1 and 1 are the mean conductances in HRS and LRS; the module has the numbers of the trains."""
    text = exports_learning.to_aihwkit(CARD, 32)
    found = pulse_trains.statistics(CARD, 32)
    weight = 2 * (found.bounds - found.least) / (found.most - found.least) - 1
    expected = {
        "w_min": weight[:, 0].mean(),
        "w_max": weight[:, 1].mean(),
        "w_min_dtod": weight[:, 0].std() / abs(weight[:, 0].mean()),
        "dw_min": 2 * np.mean([found.up, found.down]),
        "dw_min_std": found.noise,
    }
    for name, value in expected.items():
        assert float(re.search(rf" {name}: float = ([-\d.e]+)", text)[1]) == pytest.approx(value, rel=1e-8), (
            name
        )


@pytest.mark.parametrize(("carry", "rest_carry"), [(0.0, 1.0), (1.0, 0.0), (0.5, 0.5)])
def test_a_cell_carries_its_distance_from_where_a_jump_began(carry, rest_carry):
    """A jump was recorded from ln G = 1 to 3. From 0 it leads to 3 less the part that is carried; exact."""
    level = np.arange(0.0, 4.5, 0.5)
    law = {
        "kind": np.zeros(9, int), "temperatures": [300.0], "log_rates": np.zeros((1, 9, 5)),
        "grid": np.linspace(-2.0, 2.0, 5), "level": level, "marks": np.ones(4), "scales": np.full(4, 0.1),
        "before": np.array([2]), "after": np.array([6]), "jump_voltage": np.array([0.0]), "neighbours": 1,
        "carry": carry, "rest_carry": rest_carry,
    }  # fmt: skip
    cells = exported_jumps.Jumping(law, 4, seed=1)
    volts = np.array([0.0, 0.1, 2.0, -2.0])
    at_rest = np.exp(-0.5 * (volts / 0.1) ** 2)
    share = carry + (rest_carry - carry) * at_rest
    nearest = np.argmin(np.abs(level - (3.0 - share)[:, None]), axis=1)
    np.testing.assert_array_equal(cells._next(np.zeros(4, int), volts), nearest)
    assert level[nearest[[0, 2]]].tolist() == [3.0 - rest_carry, 3.0 - carry]
