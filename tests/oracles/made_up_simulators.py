"""Stand-ins of what exports for learning import: CrossSim, aihwkit, and as much of torch as they use.

They hold the names and the calls of CrossSim 3.2 and aihwkit 1.2, and nothing of their code.
"""

import contextlib
import sys
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace

import numpy as np


class Tensor(np.ndarray):
    """An array with the few methods of a tensor that the exports call."""

    def double(self):
        return self.astype(float)

    def cpu(self):
        return self

    def numpy(self):
        return np.asarray(self)

    def to(self, other):
        return tensor(np.asarray(self, other.dtype))

    def clamp(self, **bounds):
        return tensor(np.clip(np.asarray(self), bounds.get("min"), bounds.get("max")))


def tensor(values):
    """Return an array as a tensor."""
    return np.asarray(values).view(Tensor)


def _randint(high, size, dtype=None):
    return tensor(_torch_random.integers(high, size=size))


_torch_random = np.random.default_rng(0)


class SinglePair:
    """A pair of devices, one of which is at the least conductance."""

    def __init__(self, g_max=None, g_min=None):
        self.g_max, self.g_min = g_max, g_min

    def convert_to_conductances(self, weights):
        scale = (self.g_max - self.g_min) / np.abs(weights).max()
        pair = [tensor(np.maximum(sign * weights, 0) * scale + self.g_min) for sign in (1, -1)]
        return pair, {"scale_ratio": scale}

    def convert_back_to_weights(self, conductances, params):
        return (conductances[0] - conductances[1]) / params["scale_ratio"]


class BaseNoiseModel:
    """What a noise model derives from."""

    def __init__(self, g_converter=None):
        self.g_converter = g_converter

    def apply_drift_noise(self, weights, parameters, t_inference):
        pairs, params = self.g_converter.convert_to_conductances(weights)
        late = [
            self.apply_drift_noise_to_conductance(g, p, t_inference)
            for g, p in zip(pairs, parameters, strict=True)
        ]
        return self.g_converter.convert_back_to_weights(late, params)


@dataclass
class PiecewiseStepDevice:
    """Fields are those of the subclass."""


class Tile:
    """A tile that keeps hidden parameters."""

    def __init__(self, outputs, inputs):
        names = ("max_bound", "min_bound", "dwmin_up", "dwmin_down", "decay_scales", "reset_bias", "drift_nu")
        self.hidden = {name: tensor(np.zeros((outputs, inputs), np.float32)) for name in names}

    def get_hidden_parameters(self):
        return dict(self.hidden)

    def set_hidden_parameters(self, parameters):
        assert set(parameters) == set(self.hidden)
        self.hidden = dict(parameters)


class EmptyDevice:
    """What a CrossSim device derives from."""

    def __init__(self, device_params, weight_error_params):
        self.device_params = device_params


def device_parameters(low, high, read=0.1):
    """Return what CrossSim gives a device: resistances of LRS and HRS [ohm], read voltage [V]."""
    return SimpleNamespace(Rmin=low, Rmax=high, Vread=read)


def _module(name, **members):
    found = ModuleType(name)
    vars(found).update(members)
    return found


def install(monkeypatch, kind):
    """Put the stand-ins of "crosssim" or "aihwkit" where imports look."""
    if kind == "crosssim":
        found = {
            "simulator": {},
            "simulator.backend": {"ComputeBackend": lambda: np},
            "simulator.devices": {},
            "simulator.devices.idevice": {"EmptyDevice": EmptyDevice},
        }
    else:
        found = {
            "torch": {
                "no_grad": lambda: contextlib.ContextDecorator.__new__(_Nothing),
                "from_numpy": tensor,
                "randint": _randint,
                "int64": np.int64,
            },
            "aihwkit": {},
            "aihwkit.inference": {},
            "aihwkit.inference.converter": {},
            "aihwkit.inference.converter.conductance": {"SinglePairConductanceConverter": SinglePair},
            "aihwkit.inference.noise": {},
            "aihwkit.inference.noise.base": {"BaseNoiseModel": BaseNoiseModel},
            "aihwkit.simulator": {},
            "aihwkit.simulator.configs": {},
            "aihwkit.simulator.configs.devices": {"PiecewiseStepDevice": PiecewiseStepDevice},
        }
    for name, members in found.items():
        monkeypatch.setitem(sys.modules, name, _module(name, **members))


class _Nothing(contextlib.ContextDecorator):
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False
