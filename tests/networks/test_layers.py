"""Layers of PyTorch in cells: they are plain layers without noise, learn with it, and run on chips."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-torch")

from frenkel.networks.device_statistics import placeholder  # noqa: E402
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
