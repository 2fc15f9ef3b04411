"""What an array would see: wrong bits and wrong sums, of cells sampled from a card or resampled from devices.

An array of cells takes a device each, at random, and a random stretch of its cycles. Every cell is written
with one bit, again and again: 0 is its HRS, 1 its LRS. Nothing is read twice.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...cells.law import Feature
from ...typing import Floats

Whole = NDArray[np.int64]

ROWS, COLUMNS = 64, 128
"""Cells of the array."""

WRITES = 8
"""Successive cycles of every cell."""

WITHIN = 0.68
"""Fraction of the sums that the error of a sum stands for."""

ERRORS = 0.05
"""Fraction of wrong bits in the reference: it sets the limits between which a bit is wrong."""


def conductances(
    values: Floats, features: tuple[Feature, ...], random: np.random.Generator
) -> tuple[Floats, Whole]:
    """Return conductances (S) of an array, (writes, rows, columns), and its bits.

    Parameters
    ----------
    values : ndarray
        (devices, cycles, features) in transformed space; NaN: missing.
    features : tuple of Feature
    random : numpy.random.Generator
        Chooses bits, devices and stretches: alike for two arrays that are compared.
    """
    places = {f.name: i for i, f in enumerate(features)}
    resistances = np.stack([features[places[n]].backward(values[:, :, places[n]]) for n in ("hrs", "lrs")])
    writes = min(WRITES, values.shape[1])
    device = random.integers(0, values.shape[0], (ROWS, COLUMNS))
    start = random.integers(0, values.shape[1] - writes + 1, (ROWS, COLUMNS))
    bits = random.integers(0, 2, (ROWS, COLUMNS))
    cycle = start + np.arange(writes)[:, None, None]
    return 1.0 / resistances[bits, device, cycle], bits


def limits(conductance: Floats, bits: Whole) -> tuple[float, float]:
    """Return the largest conductance of a 0 and the smallest of a 1 (S) that count as right."""
    zeros, ones = conductance[:, bits == 0], conductance[:, bits == 1]
    return float(np.nanquantile(zeros, 1.0 - ERRORS)), float(np.nanquantile(ones, ERRORS))


def bit_errors(conductance: Floats, bits: Whole, window: tuple[float, float]) -> tuple[float, float]:
    """Return the fraction of wrong bits, and of those wrong in two successive writes."""
    finite = np.isfinite(conductance)
    wrong = np.where(bits == 0, conductance > window[0], conductance < window[1]) & finite
    pairs = finite[1:] & finite[:-1]
    return float(wrong.sum() / finite.sum()), float((wrong[1:] & wrong[:-1]).sum() / max(pairs.sum(), 1))


def sum_errors(
    conductance: Floats, bits: Whole, ideal: tuple[float, float], random: np.random.Generator
) -> tuple[float, float]:
    """Return the errors of the sums of columns under random inputs, of one write and of the mean of all.

    In units of the step between a 0 and a 1, per root of the rows that are on. An error is what 68 % of the
    sums stay within: a standard deviation would be that of a few cells whose HRS failed.
    """
    inputs = random.integers(0, 2, (32, ROWS)).astype(float)
    step = ideal[1] - ideal[0]
    error = np.nan_to_num(conductance - np.where(bits == 0, *ideal)) / step
    sums = np.einsum("nr,wrc->wnc", inputs, error) / np.sqrt(inputs.sum(axis=1))[None, :, None]
    single, mean = (float(np.quantile(np.abs(rows), WITHIN)) for rows in (sums, sums.mean(axis=0)))
    return single, mean


def differences(
    one: Floats, other: Floats, features: tuple[Feature, ...], seed: int | Sequence[int]
) -> dict[str, float]:
    """Return how two sets of devices differ in what an array of them does; the first is the reference.

    Parameters
    ----------
    one, other : ndarray
        (devices, cycles, features) in transformed space.
    features : tuple of Feature
    seed : int or sequence of int
    """
    resistances = {f.name for f in features if f.unit == "ohm"}
    if not {"hrs", "lrs"} <= resistances or one.shape[1] < 2:
        return {}
    built = [conductances(values, features, np.random.default_rng(seed)) for values in (one, other)]
    reference, bits = built[0]
    window = limits(reference, bits)
    # Roots of shares scatter alike whatever the share is.
    errors = [np.sqrt(bit_errors(g, b, window)) for g, b in built]
    # Sums are taken against the medians of their own array, as one that was calibrated.
    sums = [
        np.log(sum_errors(g, b, (_median(g, b, 0), _median(g, b, 1)), np.random.default_rng(seed)))
        for g, b in built
    ]
    return {
        "bit errors of an array": float(np.abs(errors[0] - errors[1]).max()),
        "sums of an array (MVM)": float(np.abs(sums[0] - sums[1]).max()),
    }


def _median(conductance: Floats, bits: Whole, bit: int) -> float:
    return float(np.nanmedian(conductance[:, bits == bit]))
