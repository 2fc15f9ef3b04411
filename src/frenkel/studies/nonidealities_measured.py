"""What study S1 measures: accuracy under each non-ideality, with and without its mitigation.

Each non-ideality acts alone on cells that are ideal otherwise, at fixed severities, which other tools can be
held against, and at the value of the device times a half, one, two and four.
"""

from typing import Any

import numpy as np
import xarray as xr

from ..networks.device_statistics import DeviceStatistics
from ..networks.mapping import MAPPINGS
from ..networks.perceptron import Perceptron
from ..networks.tasks import Task
from ..typing import Floats
from .base import Settings, finish, variable
from .methods import hardware
from .methods.onchip import CELLS, PUBLISHED, train_on_chip
from .methods.recalibration import recalibrated

TITLE = "what each non-ideality does, and what its mitigation is worth"
FACTORS = (0.5, 1.0, 2.0, 4.0)
VARIABILITY = (0.05, 0.1, 0.2, 0.3)
TELEGRAPH = (0.05, 0.1, 0.2)
EXPONENTS = ((0.005, 0.002), (0.02, 0.01), (0.05, 0.02), (0.1, 0.04))
TIMES = (1e1, 1e2, 1e3, 1e4, 86400.0, 1e6, 1e8)
UPDATES = ((0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (5.0, 5.0), (5.0, 1.0), (1.0, 5.0))
CYCLE_NOISE = (0.0, 0.01, 0.03)
AWARE_SIGMA = 0.2
"""Variability that noise-aware networks are trained for."""

AWARE_DRIFT = (0.05, 0.02)
OWN_LAW = len(EXPONENTS) + FACTORS.index(1.0)
"""Place of the device's own drift among the laws."""


def run(settings: Settings) -> xr.Dataset:
    """Measure accuracies under each non-ideality, with and without its mitigation.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    xarray.Dataset
        Accuracies in percent by seed, means over chips.
    """
    task, device, network, values = hardware.begin(settings)
    values |= {
        "factor": variable("factor", FACTORS, "1", "severity over that of the device"),
    }
    settings.progress(0.1, "variability")
    values |= _variability(settings, task, network, device)
    settings.progress(0.3, "telegraph noise")
    values |= _telegraph(settings, task, network, device)
    settings.progress(0.4, "drift")
    values |= _drift(settings, task, network, device)
    settings.progress(0.6, "training in cells")
    values |= _updates(settings, task, device)
    settings.progress(0.9, "learning sample by sample")
    values |= _online(settings, task, device)
    return finish(xr.Dataset(values), "S1", f"{TITLE} ({task.name})", settings, **hardware.described(device))


def _variability(
    settings: Settings, task: Task, network: Perceptron, device: DeviceStatistics
) -> dict[str, Any]:
    """Return accuracy of pairs by severity, with noise-aware training, and with neurons rescaled."""
    levels = (*VARIABILITY, *(f * device.variability for f in FACTORS))
    aware = hardware.trained(
        task, settings, hardware.noise_of(hardware.lognormal(AWARE_SIGMA), "pair", device)
    )
    rescaled = recalibrated(network, hardware.rows(task.validation))
    found = np.empty((3, len(levels), settings.seeds))
    for k, sigma in enumerate(levels):
        noise = hardware.noise_of(hardware.lognormal(sigma), "pair", device)
        for i, (nets, outputs) in enumerate(((network, None), (aware, None), (network, rescaled))):
            found[i, k] = hardware.tested(
                nets, task.test, settings.chips, settings.random(2, k), noise, outputs
            )
    names = ["none", "noise-aware training", "neurons rescaled"]
    return _both("variability", "sd of ln G", VARIABILITY, levels, names, found)


def _telegraph(
    settings: Settings, task: Task, network: Perceptron, device: DeviceStatistics
) -> dict[str, Any]:
    """Return accuracy by amplitude of telegraph noise and by how signs are taken."""
    levels = (*TELEGRAPH, *(f * device.rtn_amplitude for f in FACTORS))
    found = np.empty((len(MAPPINGS), len(levels), settings.seeds))
    for k, a in enumerate(levels):
        for i, mapping in enumerate(MAPPINGS):
            noise = hardware.noise_of(hardware.telegraph(device, a), mapping, device)
            found[i, k] = hardware.tested(network, task.test, settings.chips, settings.random(3, k), noise)
    return _both("telegraph", "step at g_max over g_max", TELEGRAPH, levels, list(MAPPINGS), found)


def _both(name: str, what: str, fixed: Any, levels: Any, names: list[str], found: Floats) -> dict[str, Any]:
    """Return variables of fixed severities and of the device's times a factor."""
    n = len(fixed)
    dims = f"{name}_mitigation"
    return {
        dims: ([dims], names, {"units": "1", "long_name": f"what is done against {name}"}),
        f"{name}_severity": variable(f"{name}_severity", fixed, "1", what),
        f"{name}_accuracy": variable(
            f"{dims} {name}_severity seed", found[:, :n], "%", f"accuracy under {name}"
        ),
        f"{name}_of_device": variable("factor", levels[n:], "1", what),
        f"{name}_device_accuracy": variable(
            f"{dims} factor seed", found[:, n:], "%", f"accuracy under the device's {name} times a factor"
        ),
    }


DRIFT_MITIGATION = ("none", "gain", "drift-aware training", "drift-aware training and gain")


def _drift(settings: Settings, task: Task, network: Perceptron, device: DeviceStatistics) -> dict[str, Any]:
    """Return accuracy by exponent and time; times are multiples of the time at which drift starts."""
    own = [(f * device.drift_mean, f * device.drift_spread) for f in FACTORS]
    laws = (*EXPONENTS, *own)
    aware = _drift_aware(settings, task, device)
    found = np.empty((len(DRIFT_MITIGATION), len(laws), len(TIMES), settings.seeds))
    for j, (mean, spread) in enumerate(laws):
        for k, ratio in enumerate(TIMES):
            effect = hardware.drift(device, mean, spread, ratio * device.drift_start)
            plain = hardware.noise_of(effect, "pair", device)
            gained = hardware.noise_of(_with_gain(effect), "pair", device)
            for i, (nets, noise) in enumerate(
                ((network, plain), (network, gained), (aware, plain), (aware, gained))
            ):
                key = settings.random(4, j, k)
                found[i, j, k] = hardware.tested(nets, task.test, settings.chips, key, noise)
    return {
        "drift_mitigation": (
            ["drift_mitigation"],
            list(DRIFT_MITIGATION),
            {"units": "1", "long_name": "what is done against drift"},
        ),
        "exponent": variable(
            "law",
            [m for m, _ in laws],
            "1",
            "mean drift exponent; the last four are the device's times the factors",
        ),
        "exponent_spread": variable("law", [s for _, s in laws], "1", "spread of the drift exponent"),
        "time_ratio": variable("time_ratio", TIMES, "1", "time over that at which drift starts"),
        "drift_accuracy": variable(
            "drift_mitigation law time_ratio seed", found, "%", "accuracy after drift"
        ),
    }


def _drift_aware(settings: Settings, task: Task, device: DeviceStatistics) -> Perceptron:
    """Return networks trained with drift of random age, its time up to 10^8 evenly in the logarithm."""

    def aged(g: Floats, random: np.random.Generator) -> Floats:
        time = 10.0 ** random.uniform(0.0, 8.0) * device.drift_start
        return hardware.drift(device, *AWARE_DRIFT, time)(g, random)

    return hardware.trained(task, settings, hardware.noise_of(aged, "pair", device))


def _with_gain(effect: hardware.Effect) -> hardware.Effect:
    """Return an effect whose loss of the sum of all conductances of a layer is made good."""

    def gained(g: Floats, random: np.random.Generator) -> Floats:
        there = effect(g, random)
        return np.asarray(there * (g.sum(axis=(-2, -1)) / there.sum(axis=(-2, -1)))[..., None, None])

    return gained


def _updates(settings: Settings, task: Task, device: DeviceStatistics) -> dict[str, Any]:
    """Return accuracy after training in cells, by labels and by noise of pulses."""
    quiet = device.changed(cycle_noise=0.0)
    table = np.empty((2, len(UPDATES), settings.seeds))
    for k, (up, down) in enumerate(UPDATES):
        settings.progress(0.6 + 0.3 * k / len(UPDATES), f"training in cells, labels {up:g} and {down:g}")
        law = quiet.changed(nonlinearity_up=up, nonlinearity_down=down)
        for i, cells in enumerate(CELLS):
            network = train_on_chip(task, settings, law, cells, key=k)
            table[i, k] = hardware.tested(network, task.test, 1, settings.random(6))
    noisy = np.empty((len(CYCLE_NOISE), settings.seeds))
    for k, share in enumerate(CYCLE_NOISE):
        law = hardware.ideal(device).changed(cycle_noise=share)
        noisy[k] = hardware.tested(train_on_chip(task, settings, law), task.test, 1, settings.random(6))
    own = np.empty((len(FACTORS), settings.seeds))
    for k, factor in enumerate(FACTORS):
        network = train_on_chip(task, settings, device.scaled(nonlinearity=factor, cycle_noise=factor))
        own[k] = hardware.tested(network, task.test, 1, settings.random(6))
    return {
        "cells": (
            ["cells"],
            ["single", "pair"],
            {"units": "1", "long_name": "one cell, or two in opposite phase"},
        ),
        "label_up": variable("update", [u for u, _ in UPDATES], "1", "nonlinearity label up"),
        "label_down": variable("update", [d for _, d in UPDATES], "1", "nonlinearity label down"),
        "update_accuracy": variable("cells update seed", table, "%", "accuracy after training in cells"),
        "cycle_noise": variable("cycle_noise", CYCLE_NOISE, "1", "noise of a pulse over the window"),
        "cycle_accuracy": variable(
            "cycle_noise seed", noisy, "%", "accuracy after training with noisy pulses"
        ),
        "device_update_accuracy": variable(
            "factor seed", own, "%", "accuracy after training in the device, its curvatures and noise scaled"
        ),
    }


def _online(settings: Settings, task: Task, device: DeviceStatistics) -> dict[str, Any]:
    """Return accuracy of learning sample by sample with published pulse trains."""
    found = np.empty((len(PUBLISHED), settings.seeds))
    for k, (up, down, pulses, noise, _) in enumerate(PUBLISHED.values()):
        law = hardware.ideal(device).changed(
            nonlinearity_up=up, nonlinearity_down=down, pulses=pulses, cycle_noise=noise
        )
        network = train_on_chip(task, settings, law, online=True)
        found[k] = hardware.tested(network, task.test, 1, settings.random(6))
    told = [row[-1] for row in PUBLISHED.values()]
    return {
        "device": (["device"], list(PUBLISHED), {"units": "1", "long_name": "published pulse trains"}),
        "online_accuracy": variable("device seed", found, "%", "accuracy of learning sample by sample"),
        "online_published": variable("device", told, "%", "published accuracy, of MNIST"),
    }
