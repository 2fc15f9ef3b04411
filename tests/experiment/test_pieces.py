"""Pieces of a run: how waveforms are cut, logs joined, and members summed up."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from frenkel.configuration import device as config
from frenkel.experiment import members
from frenkel.experiment.protocol import CHUNK, PhaseLog, cut, decades
from frenkel.kinetic.extremes import CurrentSample, Extremes
from frenkel.kinetic.waveform import Waveform


def test_a_waveform_is_cut_at_samples_into_pieces_that_join():
    wave = Waveform.triangle(2.0, rate=1.0)
    for samples in (2, CHUNK, CHUNK + 1, CHUNK + 2, CHUNK + 3, 3 * CHUNK + 7):
        pieces = cut(wave, samples)
        # Each piece begins with the last sample of the one before.
        assert sum(number - 1 for _, number in pieces) == samples - 1
        assert min(number for _, number in pieces) > 2 or samples == 2
        begin = 0.0
        for piece, _ in pieces:
            for time, voltage in zip(piece.times, piece.voltages, strict=True):
                assert voltage == pytest.approx(wave.voltage(begin + time), abs=1e-12)
            assert min(np.diff(piece.times)) > 1e-9 * piece.duration
            begin += piece.duration
        assert begin == pytest.approx(4.0, rel=1e-12)


def test_a_rest_is_cut_at_its_marks():
    pieces = decades(Waveform.constant(0.5, 10.0), [0.0, 1.0, 10.0])
    assert [(piece.duration, piece.voltages, number) for piece, number in pieces] == [
        (1.0, (0.5, 0.5), 2), (9.0, (0.5, 0.5), 2),
    ]  # fmt: skip


def test_records_of_a_phase_share_the_sample_between_them():
    log = PhaseLog("set", "set", 1, 1, None, {})
    for values in ([0.0, 1.0, 2.0], [2.0, 3.0], [3.0, 4.0]):
        log.extend(SimpleNamespace(sample={"time": np.array(values), "events": np.array(values) + 7}))
    assert log.sample["time"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert log.events_since(SimpleNamespace(events=9)) == 2


def log(kind, cycle, current, hot=300.0):
    sample = {
        "time": np.array([0.0, 2.0]), "source_voltage": np.array([0.0, 1.0]),
        "current": np.array([0.0, 1e-6]), "temperature_max": np.array([hot, 290.0]),
        "events": np.array([0, 5]), "field_solves": np.array([0, 9]),
    }  # fmt: skip
    extremes = Extremes(peak=CurrentSample(1e-6, 1.0, 1.0, 2.0))
    return PhaseLog(kind, kind, cycle, 1, 1e-6, {}, sample=sample, read_current=current, extremes=extremes)


def test_a_member_is_summed_up():
    """Resistances are those after the last RESET and SET of a cycle."""
    cycle = {"kind": "cycle", "repeat": 3, "phase": [{"kind": "set", "amplitude": "1 V", "rate": "1 V/s"}]}
    settings = config.parse(
        {"material": "HfO2-volatile", "device": {"thickness": "2.6 nm", "width": "1.56 nm"},
         "read_voltage": "0.2 V", "phase": [cycle]}
    )
    logs = [
        log("form", 0, 1e-4, hot=900.0), log("reset", 1, 5e-5), log("reset", 1, 2e-6), log("set", 1, 1e-4),
        log("reset", 2, 0.0), log("set", 2, 2e-4),
    ]  # fmt: skip
    found = members.summary(logs, settings)
    assert found["hrs"].tolist() == pytest.approx([1e5, math.inf, math.nan], nan_ok=True)
    assert found["lrs"].tolist() == pytest.approx([2e3, 1e3, math.nan], nan_ok=True)
    assert found["on_off"].tolist() == pytest.approx([50.0, math.inf, math.nan], nan_ok=True)
    assert found["set_voltage"][:2].tolist() == [1.0, 1.0] == [found["forming_voltage"], 1.0]
    assert (found["hottest"], found["duration"], found["final_resistance"]) == (900.0, 2.0, 1e3)
    assert math.isnan(found["time_above_melting"])
    assert members.summary(logs[:1], settings, 800.0)["time_above_melting"] == 1.0
    assert (found["total_events"], found["total_field_solves"]) == (5, 9)
