"""Cycles of a known hierarchical law: four features, two kinds of device, two cycles of memory."""

import numpy as np

from frenkel.analysis.fitting.cycle_memory import covariances
from frenkel.analysis.fitting.observations import build
from frenkel.cells.card import Card
from frenkel.cells.law import Feature

NAMES = ("hrs", "lrs", "set_voltage", "reset_voltage")
UNITS = ("ohm", "ohm", "V", "V")
SCORES = np.linspace(-3.5, 3.5, 15)


def unit(table):
    """Return a table with mean 0 and variance 1 under Gaussian scores."""
    x, weight = np.polynomial.hermite_e.hermegauss(60)
    values = np.interp(x, SCORES, table)
    mean = weight @ values / weight.sum()
    return (table - mean) / np.sqrt(weight @ (values - mean) ** 2 / weight.sum())


def truth():
    """Return the card that is the truth."""
    bent = SCORES + 0.08 * (SCORES**2 - 1) + 0.02 * SCORES**3
    tables = [unit(bent), SCORES, unit(0.95 * SCORES + 0.03 * (SCORES**2 - 1)), SCORES]
    means = np.array(
        [
            [12.0, 8.5, 0.8, 1.0, -0.8, -2.3, -2.6, -2.8],
            [11.0, 8.9, 1.1, 1.2, -0.5, -2.0, -2.3, -2.5],
        ]
    )
    half = np.array([0.35, 0.1, 0.05, 0.06, 0.15, 0.12, 0.15, 0.12])
    correlation = np.full((8, 8), 0.3) + 0.7 * np.eye(8)
    correlation[2] *= -1
    correlation[:, 2] *= -1
    coefficients = np.zeros((2, 4, 4))
    coefficients[0] = np.diag([0.35, 0.3, 0.25, 0.3])
    coefficients[0][0, 2] = 0.15
    coefficients[1] = np.diag([0.15, 0.2, 0.1, 0.15])
    innovation = 0.75 * np.eye(4) + 0.1
    scale = np.sqrt(np.diag(covariances(coefficients, innovation, 0)[0]))
    return Card(
        name="truth",
        version="1.0.0",
        features=tuple(
            Feature(name, unit, "log" if unit == "ohm" else "linear", tuple(table), -1 if i == 3 else 1)
            for i, (name, unit, table) in enumerate(zip(NAMES, UNITS, tables, strict=True))
        ),
        scores=SCORES,
        weights=np.array([0.75, 0.25]),
        means=means,
        covariances=np.array([correlation * half * half[:, None]] * 2),
        coefficients=coefficients * scale / scale[:, None],
        innovation=innovation / scale / scale[:, None],
    )


def observe(sample, origin="made up"):
    """Return observations from what a card sampled."""
    return build(NAMES, UNITS, np.stack([sample[name] for name in NAMES], axis=2), origin)


def cycles(devices, number, seed):
    """Return observations of the truth."""
    return observe(truth().sample(devices, number, seed))
