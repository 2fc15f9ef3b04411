"""A card with a known law for the tests: two features, two kinds of device, one cycle of memory."""

import numpy as np

from frenkel.cells.card import Card
from frenkel.cells.law import Feature

SCORES = np.linspace(-3, 3, 13)


def made_up_card(**changes):
    """Return a card; `changes` replace its fields."""
    skewed = SCORES + 0.1 * (SCORES**2 - 1)
    skewed = np.maximum.accumulate(skewed + 1e-3 * np.arange(SCORES.size))
    fields = {
        "name": "made up",
        "version": "0.1.0",
        "features": (
            Feature("hrs", "ohm", "log", tuple(skewed)),
            Feature("reset_voltage", "V", "linear", tuple(SCORES), sign=-1),
        ),
        "scores": SCORES,
        "weights": np.array([0.9, 0.1]),
        "means": np.array([[12.0, 1.1, np.log(0.5), np.log(0.1)], [9.0, 1.4, np.log(0.2), np.log(0.1)]]),
        "covariances": np.array([np.diag([0.2, 0.01, 0.02, 0.02]) + 0.001] * 2),
        "coefficients": np.array([[[0.6, 0.1], [0.0, 0.4]]]),
        "innovation": np.array([[0.6, 0.2], [0.2, 0.8]]),
        "validity": {"voltage": (-2.0, 2.0), "cycles": (1, 100), "temperature": (300.0, 300.0)},
        "gate": ({"statistic": "pooled", "value": 0.1, "floor": 0.1, "limit": 0.2, "passed": True},),
        "intervals": {"weight 1": (0.85, 0.95)},
        "provenance": {"ensemble": "made up", "level": 0.95},
    }
    return Card(**(fields | changes))
