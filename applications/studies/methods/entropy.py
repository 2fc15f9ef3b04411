"""Random bits from a device whose SET voltage differs from cycle to cycle, and how good they are."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frenkel.cells.card import Card, CardWarning
from frenkel.networks.measured import PREFIX
from frenkel.typing import Floats

Bits = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class EntropySource:
    """SET voltages of some devices, one per cycle: what chance there is.

    Attributes
    ----------
    voltages : ndarray of shape (devices, cycles)
        (V).
    origin : str
        The card.
    """

    voltages: Floats
    origin: str

    def uniforms(self) -> Floats:
        """Return the fraction of all SET voltages below each one, between 0 and 1.

        A pulse whose amplitude is the f-quantile of all devices sets a device with probability f in the mean
        over devices; each single device has a bias of its own.
        """
        flat = self.voltages.ravel()
        rank = np.empty(flat.size)
        rank[np.argsort(flat, kind="stable")] = np.arange(flat.size) + 0.5
        return np.asarray((rank / flat.size).reshape(self.voltages.shape))

    def bits(self) -> Bits:
        """Return whether a pulse of the median amplitude of all devices sets the device (devices, cycles).

        The median is that of these very voltages, so that the mean over all bits is 1/2 by construction; what
        is left to see is the bias of each device.
        """
        return np.asarray(self.uniforms() < 0.5)

    def steered_bits(self) -> Bits:
        """Return bits when the amplitude of each device follows its bits, down after a SET and up after none.

        A step of the amplitude is 5 % of the standard deviation of all voltages.
        """
        spread = 0.05 * float(self.voltages.std())
        amplitude = np.full(len(self.voltages), float(np.median(self.voltages)))
        bits = np.empty(self.voltages.shape, bool)
        for cycle in range(self.voltages.shape[1]):
            bits[:, cycle] = self.voltages[:, cycle] < amplitude
            amplitude += np.where(bits[:, cycle], -spread, spread)
        return bits


def source(cell: str | Card, devices: int, cycles: int, seed: int) -> EntropySource | None:
    """Return SET voltages drawn from a card, None where the cell is measured or has none.

    More cycles than the ensemble of the card had are drawn by its law all the same: the law is stationary.
    """
    if isinstance(cell, str) and cell.startswith(PREFIX):
        return None
    card = cell if isinstance(cell, Card) else Card.load(cell)
    if "set_voltage" not in card.names:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CardWarning)
        voltages = card.sample(devices, cycles, seed=seed)["set_voltage"]
    return EntropySource(np.asarray(voltages), f"card {card.name} {card.version}")


def corrected(bits: Bits) -> list[Bits]:
    """Return what von Neumann's corrector leaves of the bits of each device: of 01 0, of 10 1, else none.

    Pairs are two cycles apart, so that a memory of one cycle does not join them.

    References
    ----------
    von Neumann, Applied Mathematics Series 12 (1951) 36.
    """
    streams = []
    for row in bits:
        quads = row[: len(row) // 4 * 4].reshape(-1, 4)
        pairs = np.concatenate([quads[:, [0, 2]], quads[:, [1, 3]]], axis=1).reshape(-1, 2)
        streams.append(pairs[pairs[:, 0] != pairs[:, 1], 0])
    return streams


def numbers(bits: Bits) -> Floats:
    """Return numbers between 0 and 1 of nine bits each."""
    triples = bits[: len(bits) // 9 * 9].reshape(-1, 9)
    return np.asarray((triples @ 2.0 ** -np.arange(1, 10)) + 2.0**-10)


def autocorrelation(rows: list[Bits]) -> float:
    """Return the correlation of a bit with the next one in the same row."""
    first = np.concatenate([row[:-1] for row in rows if len(row) > 1]).astype(float)
    later = np.concatenate([row[1:] for row in rows if len(row) > 1]).astype(float)
    return float(np.corrcoef(first, later)[0, 1])


def min_entropy(rows: list[Bits]) -> float:
    """Return the min-entropy per bit of a chain of first order fitted to rows of bits.

    ``-log2 P / n`` of the most likely path of n = 128 bits, with the transition frequencies as they are. The
    frequencies are those of all rows together: this is the entropy for one who does not know the device, more
    than that of a device which is biased.

    References
    ----------
    NIST SP 800-90B, section 6.3.3 (Markov estimate, without its confidence bound).
    """
    first = np.concatenate([row[:-1] for row in rows if len(row) > 1]).astype(int)
    later = np.concatenate([row[1:] for row in rows if len(row) > 1]).astype(int)
    counts = np.zeros((2, 2))
    np.add.at(counts, (first, later), 1.0)
    of_state = counts.sum(axis=1)
    with np.errstate(divide="ignore"):
        # A state that never occurs is left by no path; it starts with probability 0.
        steps = np.log2(counts / np.where(of_state > 0.0, of_state, 1.0)[:, None])
        best = np.log2(of_state / of_state.sum())
    for _ in range(127):
        best = (best[:, None] + steps).max(axis=0)
    return float(-best.max() / 128.0)
