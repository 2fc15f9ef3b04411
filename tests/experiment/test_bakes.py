"""Lifetimes of bakes that are read at the temperature of the device."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from frenkel.experiment import measurements


def baked(*states, ambient=300.0):
    """Return the result of a device: of each bake name, temperature (K), ends (s), start and reads (S)."""
    names, kinds, kelvin, times, number, read, clock = [], [], [], [], [], [], 0.0
    for name, heat, ends, reads in states:
        for place, (early, late) in enumerate(zip([None, *ends[:-1]], ends, strict=True)):
            names.append(f"{name} {place}" if place else "set")
            kinds.append("constant" if place else "set")
            span = 1.0 if early is None else late - early
            times += [clock, clock + span]
            clock += span
            number += 2 * [len(names) - 1]
            kelvin += 2 * [heat if place else ambient]
            read.append(reads[place])
    return xr.Dataset(
        {
            "phase_name": ("phases", names), "phase_kind": ("phases", kinds), "time": ("sample", times),
            "phase": ("sample", number), "sample_temperature": ("sample", kelvin),
            "read_temperature": ("phases", np.full(len(names), ambient)),
            "read_current": ("phases", 0.1 * np.array(read)), "read_voltage": 0.1,
            "conductance": ("sample", np.ones(len(times))), "ambient_temperature": ambient,
        }
    )  # fmt: skip


@pytest.fixture
def lifetimes(monkeypatch):
    def of(*results, share=0.5, phase=None):
        monkeypatch.setattr(measurements, "devices", lambda _: [("", {}, result) for result in results])
        monkeypatch.setattr(measurements, "_table", lambda *_: None)
        return measurements.lifetimes(SimpleNamespace(name="bakes.nc"), share, phase)

    return of


ENDS = (0.0, 1.0, 10.0, 100.0)


def test_each_bake_of_a_device_counts_at_its_temperature(lifetimes):
    """Failed between two reads: the middle of their logarithms; who lives, lives to the last read."""
    device = baked(
        ("warm", 400.0, ENDS, (4.0, 3.9, 3.0, 2.1)), ("hot", 500.0, ENDS, (2.0, 1.9, 0.9, 1.5)),
        ("hottest", 600.0, ENDS, (1.0, 0.5, 0.5, 0.5)),
    )  # fmt: skip
    found = lifetimes(device, device)
    assert sorted(found) == [400.0, 500.0, 600.0]
    expected = {400.0: (100.0, 0.0), 500.0: (np.sqrt(10.0), 1.0), 600.0: (np.sqrt(0.1), 1.0)}
    for kelvin, (time, failed) in expected.items():
        times, flags = found[kelvin]
        assert times == pytest.approx([time, time]) and flags.tolist() == [failed, failed]


def test_a_bake_may_be_chosen_and_may_fail_by_rising(lifetimes):
    device = baked(("bake 1", 400.0, ENDS, (1.0, 1.0, 2.0, 3.0)), ("bake 10", 500.0, ENDS, (1.0,) * 4))
    assert list(lifetimes(device, phase="bake 1")) == [400.0]
    times, failed = lifetimes(device, share=2.0)[400.0]
    assert times == pytest.approx([np.sqrt(10.0)]) and failed.tolist() == [1.0]
