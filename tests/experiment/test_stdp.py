"""Spike pairs of examples/stdp.py: the voltage of a cell, and the probability that it stays as it is."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

import frenkel as fk

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples"))
stdp = importlib.import_module("stdp")


def test_amplitudes_add_where_a_head_falls_on_a_tail():
    """Closed form: the tail has fallen by the delay less a head, over ten heads."""
    up, down, width = 2.0, -1.0, 1e-6
    for delay in stdp.DELAYS:
        tail = max(0.0, 1.0 - (delay - 1.0) / stdp.TAIL)
        for sign, volts in ((1, up), (-1, down)):
            waveform = stdp.pair(up, down, width, sign * delay * width)
            full = waveform.voltage((delay + stdp.EDGE) * width)
            assert full == pytest.approx(0.5 * volts * (1.0 + tail), rel=1e-12)
            assert waveform.duration == pytest.approx((delay + 1.0 + stdp.EDGE + stdp.TAIL) * width)
            assert waveform.voltages[0] == waveform.voltages[-1] == 0.0
    mirrored = [stdp.pair(up, -up, width, s * 3 * width) for s in (1, -1)]
    assert mirrored[0].scaled(-1.0).voltages == pytest.approx(mirrored[1].voltages)


def test_a_layer_survives_a_pair_with_the_probability_of_its_rates():
    """No event with exp(-integral of all rates), by quadrature of the voltage of the pair."""
    cell = stdp.CELLS["2d"]
    material = fk.Material.load(cell.material).with_values(cell.values)
    device = fk.Device(material, cell.thickness, "2.6 nm", seed=3)
    waveform, state = stdp.pair(1.9, -1.6, cell.width, 2.0 * cell.width), device.state()
    hazard = 0.0
    for start, end, first, last in waveform.segments():
        share = (np.arange(24) + 0.5) / 24
        rates = [device.rates(first + (last - first) * x).sum() for x in share]
        hazard += (end - start) * float(np.mean(rates))
    expected, draws, kept = np.exp(-hazard), 200, 0
    assert 0.2 < expected < 0.8
    for draw in range(draws):
        device.restore(state, stream=(draw,))
        before = device.events
        device.advance(waveform, samples=2, stop=lambda at, _, before=before: at.events > before)
        kept += device.events == before
    assert abs(kept / draws - expected) < 4.0 * np.sqrt(expected * (1.0 - expected) / draws)
