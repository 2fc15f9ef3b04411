"""What the study of non-idealities measures: accuracy under each, with and without its mitigation.

Each non-ideality acts alone on cells that are ideal otherwise: over ranges that somebody chose, which other
tools can be held against, and as the cell has it, where a card or a measurement tells.
"""

import numpy as np
import xarray as xr

from frenkel.networks.device_statistics import DeviceStatistics
from frenkel.networks.mapping import MAPPINGS
from frenkel.networks.perceptron import Perceptron
from frenkel.typing import Floats

from .common.data import Variables, variable
from .common.settings import Settings
from .methods import hardware
from .methods.hardware import Setup
from .methods.onchip import CELLS, PUBLISHED, learnt
from .methods.recalibration import recalibrated

TITLE = "what each non-ideality does, and what its mitigation is worth"
VARIABILITY = (0.05, 0.1, 0.2, 0.3)
TELEGRAPH = (0.05, 0.1, 0.2)
EXPONENTS = ((0.005, 0.002), (0.02, 0.01), (0.05, 0.02), (0.1, 0.04))
TIMES = (1e1, 1e2, 1e3, 1e4, 86400.0, 1e6, 1e8)
UPDATES = ((0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (5.0, 5.0), (5.0, 1.0), (1.0, 5.0))
CYCLE_NOISE = (0.0, 0.01, 0.03)
"""Ranges: sd of ln G, step at g_max, exponents and their spread, times over that at which drift starts,
labels up and down, noise of a pulse over the window. Chosen."""

AWARE_SIGMA, AWARE_DRIFT = 0.2, (0.05, 0.02)
"""Variability, and drift, that noise-aware networks are trained for. Chosen."""

WAITS = (0.01, 1.0, 1e2, 1e4, 1e6)
"""Times after programming (s) at which the cell's own relaxation is asked, as far as it is told."""

VARIABILITY_MITIGATION = ("none", "noise-aware training", "neurons rescaled")
DRIFT_MITIGATION = ("none", "gain", "drift-aware training", "drift-aware training and gain")
WAIT_MITIGATION = ("none", "gain", "relaxation-aware training")


def run(settings: Settings) -> xr.Dataset:
    """Return accuracies (%) under each non-ideality, with and without its mitigation, means over chips."""
    setup, values = hardware.begin(settings)
    settings.progress(0.05, "variability")
    values |= _variability(setup)
    settings.progress(0.2, "telegraph noise")
    values |= _telegraph(setup)
    settings.progress(0.3, "drift")
    values |= _drift(setup) | _relaxation(setup)
    settings.progress(0.5, "training in cells")
    values |= _updates(setup)
    settings.progress(0.85, "learning sample by sample")
    values |= _online(setup)
    return setup.finish(values, "nonidealities", TITLE)


def _levels(setup: Setup, fixed: tuple[float, ...], layer: str, own: float) -> tuple[float, ...]:
    """Return the levels of a range, and that of the cell where it is told."""
    return (*fixed, own) if setup.device.knows(layer) else fixed


def _variability(setup: Setup) -> Variables:
    """Return accuracy of pairs by severity, with noise-aware training, and with neurons rescaled."""
    levels = _levels(setup, VARIABILITY, "blind pulses", setup.device.variability)
    aware = hardware.trained(setup.splits, setup.settings, setup.noise(hardware.lognormal(AWARE_SIGMA)))
    rescaled = recalibrated(setup.network, setup.validation.x)
    accuracies = np.empty((3, len(levels), setup.settings.seeds))
    for k, sigma in enumerate(levels):
        noise = setup.noise(hardware.lognormal(sigma))
        accuracies[0, k] = setup.tested(noise, 2, k)
        accuracies[1, k] = setup.tested(noise, 2, k, network=aware)
        accuracies[2, k] = setup.tested(noise, 2, k, outputs=rescaled)
    return _both("variability", "sd of ln G", VARIABILITY, levels, VARIABILITY_MITIGATION, accuracies)


def _telegraph(setup: Setup) -> Variables:
    """Return accuracy by amplitude of telegraph noise and by how signs are taken."""
    levels = _levels(setup, TELEGRAPH, "telegraph noise", setup.device.rtn_amplitude)
    accuracies = np.empty((len(MAPPINGS), len(levels), setup.settings.seeds))
    for k, a in enumerate(levels):
        for i, mapping in enumerate(MAPPINGS):
            accuracies[i, k] = setup.tested(setup.noise(hardware.telegraph(setup.device, a), mapping), 3, k)
    return _both("telegraph", "step at g_max over g_max", TELEGRAPH, levels, MAPPINGS, accuracies)


def _both(
    name: str, what: str, fixed: tuple[float, ...], levels: tuple[float, ...], names: tuple[str, ...],
    found: Floats,
) -> Variables:  # fmt: skip
    """Return variables of the range, and of the cell where its level is told."""
    n, dims = len(fixed), f"{name}_mitigation"
    values = {
        dims: variable(dims, names, "1", f"what is done against {name}"),
        f"{name}_severity": variable(f"{name}_severity", fixed, "1", f"{what}, chosen range"),
        f"{name}_accuracy": variable(
            f"{dims} {name}_severity seed", found[:, :n], "%", f"accuracy under {name}"
        ),
    }
    if len(levels) > n:
        values |= {
            f"{name}_of_cell": variable("", levels[n], "1", f"{what}, of the cell"),
            f"{name}_cell_accuracy": variable(
                f"{dims} seed", found[:, n], "%", f"accuracy under the cell's own {name}"
            ),
        }
    return values


def _drift(setup: Setup) -> Variables:
    """Return accuracy by exponent and time; times are multiples of the time at which drift starts."""
    device = setup.device
    aware = _drift_aware(setup)
    accuracies = np.empty((len(DRIFT_MITIGATION), len(EXPONENTS), len(TIMES), setup.settings.seeds))
    for j, (mean, spread) in enumerate(EXPONENTS):
        for k, ratio in enumerate(TIMES):
            effect = hardware.drift(device, mean, spread, ratio * device.drift_start)
            plain_noise, gained = setup.noise(effect), setup.noise(hardware.with_gain(effect))
            accuracies[0, j, k] = setup.tested(plain_noise, 4, j, k)
            accuracies[1, j, k] = setup.tested(gained, 4, j, k)
            accuracies[2, j, k] = setup.tested(plain_noise, 4, j, k, network=aware)
            accuracies[3, j, k] = setup.tested(gained, 4, j, k, network=aware)
    dims = "drift_mitigation law time_ratio seed"
    return {
        "drift_mitigation": variable("drift_mitigation", DRIFT_MITIGATION, "1", "what is done against drift"),
        "exponent": variable("law", [m for m, _ in EXPONENTS], "1", "mean drift exponent, chosen range"),
        "exponent_spread": variable("law", [s for _, s in EXPONENTS], "1", "spread of the drift exponent"),
        "time_ratio": variable("time_ratio", TIMES, "1", "time over that at which drift starts"),
        "drift_accuracy": variable(dims, accuracies, "%", "accuracy after drift"),
    }


def _relaxation(setup: Setup) -> Variables:
    """Return accuracy some time after programming by the cell's own relaxation, if it is told."""
    waits = [wait for wait in WAITS if wait <= setup.device.longest]
    if not setup.device.knows("relaxation") or not waits:
        return {}

    def aged(g: Floats, random: np.random.Generator) -> Floats:
        return hardware.aged(setup.device, float(random.choice(waits)))(g, random)

    aware = hardware.trained(setup.splits, setup.settings, setup.noise(aged))
    accuracies = np.empty((len(WAIT_MITIGATION), len(waits), setup.settings.seeds))
    for k, wait in enumerate(waits):
        effect = hardware.aged(setup.device, wait)
        accuracies[0, k] = setup.tested(setup.noise(effect), 18, k)
        accuracies[1, k] = setup.tested(setup.noise(hardware.with_gain(effect)), 18, k)
        accuracies[2, k] = setup.tested(setup.noise(effect), 18, k, network=aware)
    return {
        "wait": variable("wait", waits, "s", "time after programming"),
        "wait_mitigation": variable(
            "wait_mitigation", WAIT_MITIGATION, "1", "what is done against relaxation"
        ),
        "wait_accuracy": variable(
            "wait_mitigation wait seed", accuracies, "%", "accuracy after the cell's relaxation"
        ),
    }


def _drift_aware(setup: Setup) -> Perceptron:
    """Return networks trained with drift of random age, its time up to 10^8 evenly in the logarithm."""

    def aged(g: Floats, random: np.random.Generator) -> Floats:
        time = 10.0 ** random.uniform(0.0, 8.0) * setup.device.drift_start
        return hardware.drift(setup.device, *AWARE_DRIFT, time)(g, random)

    return hardware.trained(setup.splits, setup.settings, setup.noise(aged))


def _updates(setup: Setup) -> Variables:
    """Return accuracy after training in cells, by labels and by noise of pulses, each at its best rate."""
    settings, device = setup.settings, hardware.ideal(setup.device)
    table = np.empty((len(CELLS), len(UPDATES), settings.seeds))
    rates = np.empty((len(CELLS), len(UPDATES)))
    for k, (potentiation, depression) in enumerate(UPDATES):
        settings.progress(
            0.5 + 0.25 * k / len(UPDATES), f"training in cells, labels {potentiation:g} and {depression:g}"
        )
        law = device.changed(nonlinearity_up=potentiation, nonlinearity_down=depression)
        for i, cells in enumerate(CELLS):
            network, rates[i, k] = learnt(setup.splits, settings, law, cells, key=k)
            table[i, k] = setup.tested(None, 6, network=network)
    settings.progress(0.75, "noise of pulses")
    # Without noise of pulses these are the single cells of the first row.
    noisy = [
        _after(setup, device.changed(cycle_noise=share)) if share else table[0, 0] for share in CYCLE_NOISE
    ]
    values = {
        "cells": variable("cells", ["single", "pair"], "1", "one cell, or two in opposite phase"),
        "label_up": variable("update", [u for u, _ in UPDATES], "1", "nonlinearity label up, chosen range"),
        "label_down": variable("update", [d for _, d in UPDATES], "1", "nonlinearity label down"),
        "update_accuracy": variable("cells update seed", table, "%", "accuracy after training in cells"),
        "update_rate": variable("cells update", rates, "1", "rate chosen on validation images"),
        "cycle_noise": variable("cycle_noise", CYCLE_NOISE, "1", "noise of a pulse over the window"),
        "cycle_accuracy": variable(
            "cycle_noise seed", noisy, "%", "accuracy after training with noisy pulses"
        ),
    }
    if setup.device.knows("pulse trains"):
        words = "accuracy after training in the cell by its own trains"
        values["cell_update_accuracy"] = variable("seed", _after(setup, setup.device), "%", words)
    return values


def _after(setup: Setup, law: DeviceStatistics) -> Floats:
    """Return the accuracy of networks trained in single cells of a law."""
    return setup.tested(None, 6, network=learnt(setup.splits, setup.settings, law)[0])


def _online(setup: Setup) -> Variables:
    """Return accuracy of learning sample by sample with published pulse trains."""
    accuracies, rates = [], []
    for potentiation, depression, pulses, noise, _ in PUBLISHED.values():
        law = hardware.ideal(setup.device).changed(
            nonlinearity_up=potentiation, nonlinearity_down=depression, pulses=pulses, cycle_noise=noise
        )
        network, rate = learnt(setup.splits, setup.settings, law, online=True)
        accuracies.append(setup.tested(None, 6, network=network))
        rates.append(rate)
    published = [row[-1] for row in PUBLISHED.values()]
    return {
        "device": variable("device", list(PUBLISHED), "1", "published pulse trains"),
        "online_accuracy": variable("device seed", accuracies, "%", "accuracy of learning sample by sample"),
        "online_rate": variable("device", rates, "1", "rate chosen on validation images"),
        "online_published": variable("device", published, "%", "published accuracy, of MNIST"),
    }
