"""Devices that other simulators ship, as they are: nothing of them is fitted here.

Both know normalised states, so that a training part tells them two conductances only, those of the medians
of its HRS and LRS, or the largest one. A library that is not there is an ImportError when its model is made.

    pip install aihwkit==1.1.0 torch==2.10.0         # IBM, MIT licence; each wheel is built for one PyTorch
    git clone https://github.com/sandialabs/cross-sim && export PYTHONPATH=$PWD/cross-sim    # Sandia, BSD-3

aihwkit: M. J. Rasch et al., arXiv:2104.02184. Sources of its numbers and of
CrossSim's are named by the libraries: N. Gong et al., IEDM 2022; W. Wan et al., Nature 608, 504 (2022),
doi:10.1038/s41586-022-04992-8; D. F. Falcone et al. (in review there).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from ..analysis.fitting.observations import Observations
from ..typing import Floats

PULSES = 25
"""In a row toward one level; aihwkit's preset goes from end to end in about four."""

LARGEST = 39.26e-6
"""Largest conductance of CrossSim's model (S)."""

WAN_TIMES = (1.0, 86400.0, 172800.0)
"""Times at which aihwkit has a law after Wan et al. (s)."""

MICRO = 1e-6

ABSENT = "not run here"
"""What a table says of a model whose library is not there."""


def levels(training: Observations) -> Floats:
    """Return the conductance (S) of the median of each number of a cycle: HRS and LRS, and no other."""
    others = [name for name in training.names if name not in ("hrs", "lrs")]
    if others or len(training.names) < 2:
        raise NotImplementedError(f"has no {', '.join(others)}" if others else "needs hrs and lrs")
    middle = np.nanmedian(training.values, axis=(0, 1))
    return 1.0 / np.array([float(f.backward(x)) for f, x in zip(training.features, middle, strict=True)])


def drawn(training: Observations, program: Callable[[str], Floats], cycles: int) -> Floats:
    """Return cycles in which each level is programmed and read; what does not conduct has no value."""
    found = np.stack([[program(name) for name in training.names] for _ in range(cycles)])
    ohms = 1.0 / np.where(found > 0, found, np.nan)
    made = [feature.forward(ohms[:, place].T) for place, feature in enumerate(training.features)]
    return np.stack(made, axis=2)


def aihwkit(training: Observations) -> Callable[[int, int, int], Floats]:
    """aihwkit's preset of an HfO2 array (Gong et al. 2022): trains of pulses down and up, read after each."""
    # Optional libraries, which take seconds to load.
    import torch
    from aihwkit.simulator.configs import UpdateParameters, build_config
    from aihwkit.simulator.presets.devices import ReRamArrayHfO2PresetDevice
    from aihwkit.simulator.tiles import AnalogTile

    low, high = np.sort(levels(training))
    single = UpdateParameters(desired_bl=1, update_bl_management=False, update_management=False)

    def draw(devices: int, cycles: int, seed: int) -> Floats:
        torch.manual_seed(seed)
        preset = ReRamArrayHfO2PresetDevice(construction_seed=seed)
        tile = AnalogTile(devices, 1, build_config("sgd", preset, up_parameters=single))
        tile.set_learning_rate(1.0)

        def program(name: str) -> Floats:
            away = torch.ones(1, devices) * (1.0 if name == "hrs" else -1.0)
            for _ in range(PULSES):
                tile.update(torch.ones(1, 1), away)
            state = np.asarray(tile.get_weights()[0].numpy(), float).ravel()
            return np.asarray(low + (high - low) * 0.5 * (state + 1.0))

        return drawn(training, program, cycles)

    return draw


def crosssim_device() -> Any:
    """Return CrossSim's device after Wan et al., whose conductances are over the largest."""
    # An optional library.
    from simulator import CrossSimParameters
    from simulator.backend import ComputeBackend
    from simulator.devices import Device

    ComputeBackend(use_gpu=False)
    parameters = CrossSimParameters().xbar.device
    parameters.Rmin, parameters.infinite_on_off_ratio = 1.0 / LARGEST, True
    parameters.programming_error.enable, parameters.programming_error.model = True, "RRAMWan"
    return Device.create_device(parameters)


def crosssim(training: Observations) -> Callable[[int, int, int], Floats]:
    """CrossSim's device after Wan et al. (2022): each cycle programs the two levels, with their errors."""
    device, targets = crosssim_device(), dict(zip(training.names, levels(training), strict=True))
    largest = max(targets.values())

    def draw(devices: int, cycles: int, seed: int) -> Floats:
        # CrossSim draws from the global stream.
        np.random.seed(seed)  # noqa: NPY002

        def program(name: str) -> Floats:
            return np.asarray(
                largest * np.asarray(device.programming_error(np.full(devices, targets[name] / largest)))
            )

        return drawn(training, program, cycles)

    return draw


def aihwkit_relaxed(training: xr.Dataset, start: Floats, time: float, name: str, **options: Any) -> Floats:
    """Return conductances (S) at a time (s) by a noise model of aihwkit, which starts at those programmed."""
    # Optional libraries, which take seconds to load.
    import torch
    from aihwkit.inference.noise import reram

    torch.manual_seed(1)
    largest = float(training["start"].max()) / MICRO
    model = getattr(reram, name)(g_max=largest, **options)
    target = torch.from_numpy(start / MICRO)
    return MICRO * np.asarray(model.apply_drift_noise_to_conductance(target, target, time).numpy())


def aihwkit_wan(training: xr.Dataset, start: Floats, time: float) -> Floats:
    """aihwkit after Wan et al.: of its three times the one that is nearest in ln t."""
    nearest = min(WAN_TIMES, key=lambda one: abs(np.log(one / time)))
    return aihwkit_relaxed(training, start, nearest, "ReRamWan2022NoiseModel")


def aihwkit_cmo(training: xr.Dataset, start: Floats, time: float) -> Floats:
    """aihwkit after Falcone et al., whose mean and spread go with ln t."""
    return aihwkit_relaxed(training, start, time, "ReRamCMONoiseModel", g_min=0.0)


def crosssim_wan(training: xr.Dataset, start: Floats, time: float) -> Floats:
    """CrossSim after Wan et al., which has the error of 1 s and no time."""
    np.random.seed(1)  # noqa: NPY002
    largest = float(training["start"].max())
    return largest * np.asarray(crosssim_device().programming_error(start / largest))
