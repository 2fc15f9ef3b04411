"""Cells of a card that RESET and SET in turn until one of their own states is near enough to a target."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from frenkel.cells.card import Card
from frenkel.networks.mapping import decode
from frenkel.networks.measured import PREFIX
from frenkel.networks.perceptron import accuracy
from frenkel.typing import Floats

from ..common.data import Variables, variable
from .hardware import Setup

CYCLES, FEW_CHIPS = 100, 3
"""Most whole cycles of a cell, as many as the ensemble of the packaged card had; chips programmed so."""


def settled(states: Floats, target: Floats, distance: float) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return where cells end that cycle until a state is near, after how many pulses, and whether it was.

    Parameters
    ----------
    states : ndarray of shape (cells, pulses)
        Conductance after each pulse, RESET and SET in turn (S); NaN: the cell did not switch.
    target : ndarray of shape (cells,)
        (S).
    distance : float
        Accepted (S).
    """
    within_reach = np.abs(states - target[:, None]) <= distance
    reached = np.asarray(within_reach.any(axis=1))
    last = np.where(reached, within_reach.argmax(axis=1), states.shape[1] - 1)
    # A cell that did not switch is where it was before; at first, in its first state that is known.
    recorded = np.where(np.isfinite(states), np.arange(states.shape[1]), -1)
    last_values = np.maximum.accumulate(recorded, axis=1)[np.arange(len(states)), last]
    first = np.isfinite(states).argmax(axis=1)
    end = states[np.arange(len(states)), np.where(last_values < 0, first, last_values)]
    return end, last + 1.0, reached


def by_cycles(setup: Setup, tolerances: Sequence[float], targets: list[Floats]) -> Variables:
    """Return what cells of a card reach that RESET and SET until a state is near; nothing without a card.

    Parameters
    ----------
    setup : Setup
    tolerances : sequence of float
        Accepted distances over g_max.
    targets : list of ndarray of shape (seeds, m, n)
        Conductances that the weights of each layer ask for (S).
    """
    settings = setup.settings
    if settings.cell.startswith(PREFIX):
        return {}
    card = Card.load(settings.cell)
    cycles = int(min(CYCLES, card.validity.get("cycles", (1, CYCLES))[1]))
    names = ("cycle_reached", "cycle_pulses", "cycle_rmse", "cycle_accuracy")
    totals = np.zeros((len(names), len(tolerances), settings.seeds))
    chips = min(settings.chips, FEW_CHIPS)
    cell_count = sum(t[0].size for t in targets)
    for chip in range(chips):
        for seed in range(settings.seeds):
            sampled = card.sample(
                cell_count, cycles, seed=int(settings.random(20, chip, seed).integers(2**31))
            )
            states = 1.0 / np.stack([sampled["hrs"], sampled["lrs"]], axis=2).reshape(cell_count, -1)
            flat = np.concatenate([t[seed].ravel() for t in targets])
            for k, tolerance in enumerate(tolerances):
                end, pulses, reached = settled(states, flat, tolerance * setup.device.g_max)
                hits = accuracy_of_one(setup, seed, end)
                error = np.sqrt(np.mean((end - flat) ** 2)) / setup.device.g_max
                totals[:, k, seed] += np.array([100.0 * reached.mean(), pulses.mean(), error, hits]) / chips
    description = (
        ("%", "cells that cycled to within the tolerance"), ("1", "pulses per cell"),
        ("1", "rms distance from the target over g_max"), ("%", "accuracy after cycling"),
    )  # fmt: skip
    variables = {
        n: variable("distance seed", v, *a) for n, v, a in zip(names, totals, description, strict=True)
    }
    return variables | {"cycles": variable("", cycles, "1", "most whole cycles of a cell")}


def accuracy_of_one(setup: Setup, seed: int, cells: Floats) -> float:
    """Return the accuracy (%) of one network whose cells, layer after layer, have these conductances (S)."""
    network, window, weights, at = setup.network, setup.device.window, [], 0
    for w in network.weights:
        shape = (w.shape[1], 2 * w.shape[2])
        part = cells[at : at + shape[0] * shape[1]].reshape(shape)
        at += part.size
        weights.append(decode(part, "pair", *window) * np.abs(w[seed]).max())
    single = network.having([w[None] for w in weights], [b[seed : seed + 1] for b in network.biases])
    return 100.0 * float(accuracy(single.logits(setup.test.x[seed]), setup.test.y[seed])[0])
