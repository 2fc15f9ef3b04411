"""Measured on devices of columns: labels of the weight update, laws of area, retention against window."""

import numpy as np

from frenkel.analysis.reliability.linearity import nonlinearity
from frenkel.kinetic.device import Device
from frenkel.kinetic.waveform import Waveform

READ = 0.1  # V
THICKNESS = {"PCMO": 16, "GCMO": 16, "Nb2O5": 8, "SiOx-Au": 12}  # layers


def make(material, width, seed, **more):
    """Return a device of ``width`` columns a side."""
    spacing = material.lattice.spacing
    return Device(material, THICKNESS[material.name] * spacing, width * spacing, seed=seed, **more)


def read(device):
    """Return conductance (S) at the reading voltage."""
    return device.current(READ) / READ


def train(device, voltage, duration, pulses):
    """Return the conductance (S) before a train of equal pulses and after each."""
    found = [read(device)]
    for _ in range(pulses):
        device.advance(Waveform.constant(voltage, duration), samples=2)
        found.append(read(device))
    return np.array(found)


def weight_update(material, seed, *, width=20, voltage=-2.0, duration=1e-3, pulses=50):
    """I-03: return labels of potentiation and depression (falling fast: negative), and on/off.

    The voltage is that of potentiation; the first pair of trains is left out.
    """
    device = make(material, width, seed)
    for _ in range(2):
        down, up = (train(device, sign * voltage, duration, pulses) for sign in (-1, 1))
    return nonlinearity(up), -nonlinearity(down), up[-1] / up[0]


def area_exponents(material, low, high, duration, *, widths=(6, 9, 12, 17, 24), devices=(6, 4, 3, 2, 1)):
    """I-04: return d log R / d log A after saturating pulses of ``low`` and of ``high`` (V), x16 in area."""
    table = np.zeros((2, len(widths)))
    for i, (width, number) in enumerate(zip(widths, devices, strict=True)):
        for seed in range(1, number + 1):
            device = make(material, width, seed)
            for _ in range(2):
                states = [-np.log(train(device, voltage, duration, 1)[-1]) for voltage in (low, high)]
            table[:, i] += np.array(states) / number
    return [float(np.polyfit(2 * np.log(widths), row, 1)[0]) for row in table]


def crossover(material, limits, *, widths=(7, 10, 14, 20), devices=2, highest=7.0, rate=1e3):
    """I-05: return p of R ~ A^-p where a ramp first reaches each limit of the current density (A per column).

    Limits ascend; NaN where some device did not reach one.
    """
    table = np.full((len(widths), devices, len(limits)), np.nan)
    for i, width in enumerate(widths):
        for k in range(devices):
            reached = []

            def stop(device, current, reached=reached, area=width**2):
                while len(reached) < len(limits) and current >= limits[len(reached)] * area:
                    reached.append(-np.log(read(device)))
                return len(reached) == len(limits)

            device = make(material, width, k + 1)
            device.advance(Waveform.ramp(highest, rate=rate), samples=300, stop=stop)
            table[i, k, : len(reached)] = reached
    slopes = np.polyfit(2 * np.log(widths), table.mean(axis=1), 1)[0]
    return [float(-slope) for slope in slopes]


def retention_and_window(material, barriers, *, width=14, seed=1, temperature=400.0, time=100.0):
    """I-07: return, for each barrier of exchange (eV), on/off and the fraction of G_on kept (hops frozen)."""
    found = []
    for barrier in barriers:
        numbers = {"exchange.barrier": barrier, "vacancy.migration_barrier": 1.6}
        other = material.with_values(numbers)
        device = make(other, width, seed)
        low, high = (train(device, voltage, 1e-3, 50)[-1] for voltage in (2.0, -2.0))
        hot = make(other, width, seed, temperature=temperature)
        hot.restore(device.state())
        begin = read(hot)
        hot.advance(Waveform.constant(0.0, time), samples=2)
        found.append((high / low, read(hot) / begin))
    return found
