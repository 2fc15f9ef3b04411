"""Layers of PyTorch in cells: they are plain layers without noise, learn with it, and run on chips."""

import copy
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-torch")

import frenkel.networks  # noqa: E402
from frenkel.networks.conversion import ConversionWarning, convert  # noqa: E402
from frenkel.networks.device_statistics import DeviceStatistics, placeholder  # noqa: E402
from frenkel.networks.layers import AnalogConv2d, AnalogLinear, program, release, set_time  # noqa: E402

IDEAL = placeholder(variability=0.0, read_noise=0.0, rtn_amplitude=0.0, drift_mean=0.0, drift_spread=0.0)


def model(source):
    torch.manual_seed(0)
    return torch.nn.Sequential(
        AnalogConv2d(2, 4, (3, 2), padding=(1, 0), stride=(2, 1), source=source),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        AnalogLinear(4 * 4 * 6, 5, source=source),
    ).double()


X = torch.rand(3, 2, 8, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_without_noise_training_chip_and_plain_layers_agree():
    net = model(IDEAL)
    plain = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, (3, 2), padding=(1, 0), stride=(2, 1)),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(96, 5),
    ).double()
    plain.load_state_dict(net.state_dict())
    expected = plain(X)
    assert torch.allclose(net.train()(X), expected, atol=1e-12)
    assert torch.allclose(net.eval()(X), expected, atol=1e-12)
    assert program(net, architecture="1T1R") == 2
    assert torch.allclose(net(X), expected, atol=1e-12)


def test_noise_is_anew_in_training_and_gradients_reach_clean_weights():
    net = model(placeholder(variability=0.3)).train()
    first, second = net(X), net(X)
    assert not torch.allclose(first, second)
    first.sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())
    before = net[3].weight.detach().clone()
    net(X)
    assert torch.equal(net[3].weight, before)
    assert torch.allclose(net.eval()(X), net(X))


def test_they_are_the_layers_that_others_look_for():
    net = model(IDEAL)
    assert isinstance(net[0], torch.nn.Conv2d) and isinstance(net[3], torch.nn.Linear)


def test_drift_acts_with_time_and_release_ends_it():
    net = model(IDEAL.changed(drift_mean=0.1)).eval()
    ideal = net(X)
    program(net)
    assert torch.allclose(net(X), ideal, atol=1e-12)
    set_time(net, 1e6)
    assert not torch.allclose(net(X), ideal, atol=1e-3)
    release(net)
    assert torch.equal(net(X), ideal)


def test_bad_input_is_refused_in_one_sentence():
    net = model(IDEAL)
    with torch.no_grad():
        net[3].weight[0, 0] = np.nan
    with pytest.raises(ValueError, match="must be finite, got nan"):
        program(net)
    with pytest.raises(ValueError, match="no layer of frenkel.networks.layers"):
        program(torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match="one group"):
        AnalogConv2d(2, 2, 3, groups=2)
    with pytest.raises(ValueError, match="time must be at least 0"):
        set_time(net, -1.0)


# --------------------------------------------------------------------------- noise in torch


def passes(value, source, mapping, count=2000, tolerance=None):
    """Return (count, 3, 1) weights of 1 (the scale), a value and 0 as one layer shows them in training."""
    layer = AnalogLinear(1, 3, source=source, mapping=mapping).double().train()
    layer.tolerance = tolerance
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0], [value], [0.0]]))
        return torch.stack([layer.shown_weight() for _ in range(count)]).numpy()


@pytest.mark.parametrize("mapping", ["pair", "reference", "offset"])
def test_noise_of_weights_is_that_of_the_cells_behind_them(mapping):
    """Read noise of 1 % of g_max in every cell: standard errors of a deviation, 4.5 of them, 7e-6 each.

    Two cells a weight at the whole window, or one, of which the whole window is a weight of 2; the reference
    column adds noise that all outputs of an input share.
    """
    device = IDEAL.changed(read_noise=0.01)
    noise = 0.01 * device.g_max / (device.g_max - device.g_min)
    exact = {"pair": np.sqrt(2.0), "reference": 2.0 * np.sqrt(2.0), "offset": 2.0}[mapping] * noise
    seen = passes(0.5, device, mapping)[..., 0] - [1.0, 0.5, 0.0]
    assert seen.std(axis=0) == pytest.approx([exact] * 3, rel=4.5 / np.sqrt(2 * len(seen)))
    together = np.corrcoef(seen.T)[0, 1]
    shared = 0.5 if mapping == "reference" else 0.0
    assert together == pytest.approx(shared, abs=4.5 / np.sqrt(len(seen)))


def test_blind_pulses_telegraph_noise_and_tolerance_have_their_laws():
    low, high = IDEAL.window
    blind = passes(0.5, IDEAL.changed(variability=0.2), "offset")[:, 0, 0]
    logs = np.log((blind + 1.0) / 2.0 * (high - low) + low) - np.log(high)
    assert logs.mean() == pytest.approx(0.0, abs=4.5 * 0.2 / np.sqrt(logs.size))
    assert logs.std() == pytest.approx(0.2, rel=4.5 / np.sqrt(2 * logs.size))
    traps = passes(0.5, IDEAL.changed(rtn_amplitude=0.1, rtn_occupancy=0.25), "offset")[:, 0, 0]
    g = (traps + 1.0) / 2.0 * (high - low) + low
    assert sorted(set(np.round(g / high, 9))) == pytest.approx([0.925, 1.025])
    assert np.mean(g < high) == pytest.approx(0.25, abs=4.5 * np.sqrt(0.25 * 0.75 / g.size))
    even = passes(0.5, IDEAL.changed(variability=0.2), "offset", tolerance=0.05)[:, 0, 0]
    away = (even - 1.0) / 2.0 * (high - low) / (0.05 * high)
    # The largest of 2000 even numbers is below 0.99 with a chance of e^-10.
    assert 0.99 < np.abs(away).max() <= 1.0 + 1e-9
    assert away.std() == pytest.approx(1.0 / np.sqrt(3.0), rel=4.5 / np.sqrt(2 * away.size))


# --------------------------------------------------------------------------- a user's own model

STATED = DeviceStatistics(**IDEAL.numbers)
"""By a user who stands behind every number."""


class Own(torch.nn.Module):
    """A model as users write them: a layer used twice, a convolution in groups, one axis more."""

    def __init__(self):
        super().__init__()
        self.features = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU())
        self.grouped = torch.nn.Conv2d(4, 4, 3, groups=2)
        self.along = torch.nn.Conv1d(4, 4, 1)
        self.body = torch.nn.Linear(36, 36)
        self.head = torch.nn.Linear(36, 3)

    def forward(self, x):
        y = self.grouped(self.features(x))
        y = self.along(y.flatten(2)).flatten(1)
        return self.head(torch.relu(self.body(torch.relu(self.body(y)))))


IMAGES = torch.rand(2, 1, 7, 7, generator=torch.Generator().manual_seed(2))


def test_a_model_of_ones_own_becomes_cells_and_stays_as_it_is():
    torch.manual_seed(1)
    net = Own().eval()
    with pytest.warns(ConversionWarning) as seen:
        analog = frenkel.networks.convert(net, STATED, tolerance=0.02)
    assert [str(w.message) for w in seen] == ["layers that stay digital: grouped (Conv2d), along (Conv1d)"]
    assert [type(m) for m in (analog.features[0], analog.body, analog.head)] == [
        AnalogConv2d, AnalogLinear, AnalogLinear,
    ]  # fmt: skip
    assert not any(isinstance(m, AnalogLinear | AnalogConv2d) for m in net.modules())
    assert torch.equal(analog(IMAGES), net(IMAGES))
    first = analog.train()(IMAGES)
    assert not torch.allclose(first, net(IMAGES)) and torch.equal(analog.body.weight, net.body.weight)
    first.sum().backward()
    assert all(p.grad is not None for p in analog.parameters()) and net.body.weight.grad is None
    # The noise is that of the seed, in copies as well.
    with pytest.warns(ConversionWarning):
        again = convert(net, STATED, tolerance=0.02).train()
    assert torch.equal(again(IMAGES), first)
    assert torch.equal(copy.deepcopy(again)(IMAGES), analog(IMAGES))


def test_a_converted_model_is_written_within_its_tolerance():
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(50, 3)).eval()
    analog = convert(net, STATED, tolerance=0.05)
    assert program(analog) == 2
    tile = analog[2].chip.tiles[0]
    away = np.abs(tile.conductance - tile.target).max() / IDEAL.g_max
    assert 0.045 < away <= 0.05 + 1e-12  # of 300 cells: the largest is below with a chance of 2e-14
    assert torch.allclose(analog(IMAGES)[:1], analog(IMAGES[:1]), atol=1e-6)
    alone = analog[0](IMAGES[0])
    assert torch.equal(alone, analog[0](IMAGES)[0])


def test_blind_pulses_and_missing_layers_are_warned_of():
    net = torch.nn.Linear(2, 2)
    with pytest.warns(ConversionWarning) as seen:
        convert(torch.nn.Sequential(net), "measured:cycles")
    assert [str(w.message) for w in seen] == [
        "weights are written by one blind pulse each, 0.22 in ln G (standard deviation): tolerance=0.02"
        " stands for pulses with verification",
        "measured cells, cycles.csv.gz tells nothing of read noise, telegraph noise, relaxation:"
        " none of it acts",
    ]
    with pytest.warns(ConversionWarning, match="stand for blind pulses, read noise, telegraph noise, relax"):
        convert(torch.nn.Sequential(net), None)
    with pytest.warns(ConversionWarning, match="tells nothing of blind pulses, read noise, telegraph noise:"):
        convert(torch.nn.Sequential(net), "measured:foundry_b")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        convert(torch.nn.Sequential(net), STATED, tolerance=0.02)


def test_what_cannot_be_converted_is_refused():
    with pytest.raises(ValueError, match="model ReLU has no linear layer or convolution that can be cells"):
        convert(torch.nn.ReLU(), IDEAL)
    net = torch.nn.Sequential(torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match="tolerance must be between"):
        convert(net, STATED, tolerance=0.0)
    with pytest.raises(ValueError, match="mapping must be one of"):
        convert(net, STATED, mapping="triple")
    with pytest.raises(ValueError, match="no card 'hf'"):
        convert(net, "hf")


@pytest.mark.parametrize("mapping", ["pair", "reference", "offset"])
@pytest.mark.parametrize(("weight", "tolerance"), [(0.3, None), (-0.02, None), (0.0, 0.02)])
def test_noise_of_training_has_the_law_of_the_device(mapping, weight, tolerance):
    """Against numpy's draws of the same device, 40,000 weights each (Kolmogorov and Smirnov)."""
    from scipy.stats import ks_2samp

    device = placeholder(variability=0.2, read_noise=0.02, rtn_amplitude=0.3, rtn_occupancy=0.2)
    size, random = 40_000, np.random.default_rng(5)
    low, high = device.window

    def cells(share):
        target = np.full(size, low + share * (high - low))
        if tolerance is None:
            target = device.programmed(target, random)
        else:
            target = np.maximum(target + tolerance * device.g_max * random.uniform(-1, 1, size), 0.0)
        noise = device.read_noise * device.g_max * random.standard_normal(size)
        return device.telegraph(target, random) + noise

    if mapping == "pair":
        expected = (cells(max(weight, 0.0)) - cells(max(-weight, 0.0))) / (high - low)
    else:
        middle = cells(0.5) if mapping == "reference" else 0.5 * (high + low)
        expected = (cells(0.5 * (weight + 1.0)) - middle) * 2.0 / (high - low)
    layer = AnalogLinear(size, 1, bias=False, source=device, mapping=mapping, seed=3)
    layer.set_up(device, mapping, 3, tolerance)
    with torch.no_grad():
        layer.weight[:] = weight
        layer.weight[0, :2] = torch.tensor([1.0, -1.0])  # which are the largest: weights are not scaled
    seen, again = (layer.train().shown_weight().detach().numpy()[0, 2:] for _ in range(2))
    for drawn in (seen, again):  # what a pass has shown stays as it was
        assert ks_2samp(drawn, expected[2:]).pvalue > 1e-4
        assert abs(drawn.mean() - expected.mean()) < 6 * expected.std() * np.sqrt(2 / size)
    assert abs(np.corrcoef(seen, again)[0, 1]) < 0.03 and abs(np.corrcoef(seen[1:], seen[:-1])[0, 1]) < 0.03


def test_a_copy_of_a_layer_has_noise_of_its_own():
    layer = AnalogLinear(50, 4, source=placeholder(variability=0.3), seed=3).train()
    first = layer.shown_weight().detach()
    same = copy.deepcopy(layer)
    assert torch.equal(same.shown_weight(), layer.shown_weight())
    assert same._scratch.arrays["cells"].data_ptr() != layer._scratch.arrays["cells"].data_ptr()
    layer.shown_weight()
    assert not torch.equal(first, layer.shown_weight())
