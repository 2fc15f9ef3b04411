"""What the study of non-idealities measures: accuracy under each, with and without its mitigation.

Each non-ideality acts alone on cells that are ideal otherwise, at fixed severities, which other tools can be
held against, and at the value of the device times a half, one, two and four.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..networks.mapping import MAPPINGS
from ..networks.perceptron import Perceptron
from ..typing import Floats
from .common.data import Variables, variable
from .common.settings import Settings
from .methods import hardware
from .methods.hardware import Setup
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


DRIFT_MITIGATION = ("none", "gain", "drift-aware training", "drift-aware training and gain")


def run(settings: Settings) -> xr.Dataset:
    """Return accuracies (%) under each non-ideality, with and without its mitigation, means over chips."""
    setup, values = hardware.begin(settings)
    values["factor"] = variable("factor", FACTORS, "1", "severity over that of the device")
    settings.progress(0.1, "variability")
    values |= _variability(setup)
    settings.progress(0.3, "telegraph noise")
    values |= _telegraph(setup)
    settings.progress(0.4, "drift")
    values |= _drift(setup)
    settings.progress(0.6, "training in cells")
    values |= _updates(setup)
    settings.progress(0.9, "learning sample by sample")
    values |= _online(setup)
    return setup.finish(values, "nonidealities", TITLE)


def _variability(setup: Setup) -> Variables:
    """Return accuracy of pairs by severity, with noise-aware training, and with neurons rescaled."""
    levels = (*VARIABILITY, *(f * setup.device.variability for f in FACTORS))
    aware = hardware.trained(setup.task, setup.settings, setup.noise(hardware.lognormal(AWARE_SIGMA)))
    rescaled = recalibrated(setup.network, hardware.rows(setup.task.validation))
    found = np.empty((3, len(levels), setup.settings.seeds))
    for k, sigma in enumerate(levels):
        noise = setup.noise(hardware.lognormal(sigma))
        found[0, k] = setup.tested(noise, 2, k)
        found[1, k] = setup.tested(noise, 2, k, network=aware)
        found[2, k] = setup.tested(noise, 2, k, outputs=rescaled)
    names = ["none", "noise-aware training", "neurons rescaled"]
    return _both("variability", "sd of ln G", VARIABILITY, levels, names, found)


def _telegraph(setup: Setup) -> Variables:
    """Return accuracy by amplitude of telegraph noise and by how signs are taken."""
    levels = (*TELEGRAPH, *(f * setup.device.rtn_amplitude for f in FACTORS))
    found = np.empty((len(MAPPINGS), len(levels), setup.settings.seeds))
    for k, a in enumerate(levels):
        for i, mapping in enumerate(MAPPINGS):
            found[i, k] = setup.tested(setup.noise(hardware.telegraph(setup.device, a), mapping), 3, k)
    return _both("telegraph", "step at g_max over g_max", TELEGRAPH, levels, MAPPINGS, found)


def _both(
    name: str, what: str, fixed: Sequence[float], levels: Sequence[float], names: Sequence[str], found: Floats
) -> Variables:
    """Return variables of fixed severities and of the device's times a factor."""
    n = len(fixed)
    dims = f"{name}_mitigation"
    return {
        dims: variable(dims, names, "1", f"what is done against {name}"),
        f"{name}_severity": variable(f"{name}_severity", fixed, "1", what),
        f"{name}_accuracy": variable(
            f"{dims} {name}_severity seed", found[:, :n], "%", f"accuracy under {name}"
        ),
        f"{name}_of_device": variable("factor", levels[n:], "1", what),
        f"{name}_device_accuracy": variable(
            f"{dims} factor seed", found[:, n:], "%", f"accuracy under the device's {name} times a factor"
        ),
    }


def _drift(setup: Setup) -> Variables:
    """Return accuracy by exponent and time; times are multiples of the time at which drift starts."""
    device = setup.device
    laws = (*EXPONENTS, *((f * device.drift_mean, f * device.drift_spread) for f in FACTORS))
    aware = _drift_aware(setup)
    found = np.empty((len(DRIFT_MITIGATION), len(laws), len(TIMES), setup.settings.seeds))
    for j, (mean, spread) in enumerate(laws):
        for k, ratio in enumerate(TIMES):
            effect = hardware.drift(device, mean, spread, ratio * device.drift_start)
            plain, gained = setup.noise(effect), setup.noise(hardware.with_gain(effect))
            found[0, j, k] = setup.tested(plain, 4, j, k)
            found[1, j, k] = setup.tested(gained, 4, j, k)
            found[2, j, k] = setup.tested(plain, 4, j, k, network=aware)
            found[3, j, k] = setup.tested(gained, 4, j, k, network=aware)
    words = "mean drift exponent; the last four are the device's times the factors"
    dims = "drift_mitigation law time_ratio seed"
    return {
        "drift_mitigation": variable("drift_mitigation", DRIFT_MITIGATION, "1", "what is done against drift"),
        "exponent": variable("law", [m for m, _ in laws], "1", words),
        "exponent_spread": variable("law", [s for _, s in laws], "1", "spread of the drift exponent"),
        "time_ratio": variable("time_ratio", TIMES, "1", "time over that at which drift starts"),
        "drift_accuracy": variable(dims, found, "%", "accuracy after drift"),
    }


def _drift_aware(setup: Setup) -> Perceptron:
    """Return networks trained with drift of random age, its time up to 10^8 evenly in the logarithm."""

    def aged(g: Floats, random: np.random.Generator) -> Floats:
        time = 10.0 ** random.uniform(0.0, 8.0) * setup.device.drift_start
        return hardware.drift(setup.device, *AWARE_DRIFT, time)(g, random)

    return hardware.trained(setup.task, setup.settings, setup.noise(aged))


def _updates(setup: Setup) -> Variables:
    """Return accuracy after training in cells, by labels and by noise of pulses."""
    task, settings, device = setup.task, setup.settings, setup.device

    def learnt(network: Perceptron) -> Floats:
        return setup.tested(None, 6, network=network)

    table = np.empty((2, len(UPDATES), settings.seeds))
    for k, (up, down) in enumerate(UPDATES):
        settings.progress(0.6 + 0.3 * k / len(UPDATES), f"training in cells, labels {up:g} and {down:g}")
        law = device.changed(cycle_noise=0.0, nonlinearity_up=up, nonlinearity_down=down)
        for i, cells in enumerate(CELLS):
            table[i, k] = learnt(train_on_chip(task, settings, law, cells, key=k))
    quiet = [hardware.ideal(device).changed(cycle_noise=share) for share in CYCLE_NOISE]
    noisy = [learnt(train_on_chip(task, settings, law)) for law in quiet]
    scaled = [device.scaled(nonlinearity=factor, cycle_noise=factor) for factor in FACTORS]
    own = [learnt(train_on_chip(task, settings, law)) for law in scaled]
    words = "accuracy after training in the device, its curvatures and noise scaled"
    return {
        "cells": variable("cells", ["single", "pair"], "1", "one cell, or two in opposite phase"),
        "label_up": variable("update", [u for u, _ in UPDATES], "1", "nonlinearity label up"),
        "label_down": variable("update", [d for _, d in UPDATES], "1", "nonlinearity label down"),
        "update_accuracy": variable("cells update seed", table, "%", "accuracy after training in cells"),
        "cycle_noise": variable("cycle_noise", CYCLE_NOISE, "1", "noise of a pulse over the window"),
        "cycle_accuracy": variable(
            "cycle_noise seed", noisy, "%", "accuracy after training with noisy pulses"
        ),
        "device_update_accuracy": variable("factor seed", own, "%", words),
    }


def _online(setup: Setup) -> Variables:
    """Return accuracy of learning sample by sample with published pulse trains."""
    found = []
    for up, down, pulses, noise, _ in PUBLISHED.values():
        law = hardware.ideal(setup.device).changed(
            nonlinearity_up=up, nonlinearity_down=down, pulses=pulses, cycle_noise=noise
        )
        network = train_on_chip(setup.task, setup.settings, law, online=True)
        found.append(setup.tested(None, 6, network=network))
    published = [row[-1] for row in PUBLISHED.values()]
    return {
        "device": variable("device", list(PUBLISHED), "1", "published pulse trains"),
        "online_accuracy": variable("device seed", found, "%", "accuracy of learning sample by sample"),
        "online_published": variable("device", published, "%", "published accuracy, of MNIST"),
    }
