"""From the configuration of an array to what stands around it."""

import contextlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from frenkel.array.lines.wires import NODES
from frenkel.cells.interface import conductance
from frenkel.configuration import array as configuration
from frenkel.experiment import array as array_run
from frenkel.experiment.array_margin import margin
from frenkel.experiment.assembled import AssembledArray

LINEAR = {"kind": "linear", "lrs": "10 kohm", "hrs": "1 Mohm"}
GAP = {"kind": "gap", "lrs": "10 kohm", "hrs": "1 Mohm", "set_voltage": "0.9 V", "reset_voltage": "-1.1 V"}


def assembled(seed=1, size=(2, 3), cells=LINEAR, folder=Path(), periphery=(), **array):
    document = {
        "array": {"word_lines": size[0], "bit_lines": size[1], "crossing": "0T1R"} | array,
        "cells": cells,
        "periphery": dict(periphery),
        "phase": [{"kind": "map", "voltage": "0.2 V"}],
    }
    return AssembledArray(configuration.parse(document), folder, seed)


@pytest.mark.parametrize("latency", [1e-9, 30e-9])
def test_every_time_of_a_read_is_that_of_the_configuration(latency):
    """Driver, read and the nine clocks of a conversion of 8 bits, to the picosecond."""
    given = {"driver_latency": f"{latency} s", "read_width": "20 ns"}
    controller = assembled(periphery=given).controller
    controller.clock.run(controller.clock.process(controller.read((0, 0))))
    assert controller.clock.now == round(latency * 1e12) + 20_000 + 9_000


def test_converters_have_the_steps_of_the_configuration():
    given = {"full_scale": "64 uA", "adc_bits": 6, "bit_lines_per_adc": 2}
    timing = assembled(periphery=given).controller.timing
    assert timing.resolution == pytest.approx(1e-6) and timing.converters == 2


def test_stuck_cells_have_their_resistance_and_places_of_the_seed():
    made = [assembled(seed, (20, 20), stuck=0.25, stuck_resistance="50 kohm") for seed in (1, 2, 1)]
    places = [np.isclose(conductance(one.cells), 1 / 50e3) for one in made]
    assert 50 < places[0].sum() < 150
    np.testing.assert_array_equal(places[0], places[2])
    assert np.any(places[0] != places[1])


def test_targets_of_weights_lie_between_least_and_most(tmp_path):
    np.savetxt(tmp_path / "w.txt", [[0.0, 0.5, 1.0], [0.25, 0.75, 1.0]])
    section = configuration.TargetsSection(least="10 uS", most="50 uS", weights="w.txt")
    found = assembled(folder=tmp_path).targets(section)
    np.testing.assert_allclose(found, [[10e-6, 30e-6, 50e-6], [20e-6, 40e-6, 50e-6]], rtol=1e-12)


def test_each_feature_of_a_gap_has_its_own_spread():
    """Logarithms of both resistances of 400 cells, within 4.5 standard errors; voltages are all alike."""
    window = assembled(size=(20, 20), cells=GAP | {"spread": 0.3}).cells.window()
    for values in window:
        assert np.log(values).std() == pytest.approx(0.3, rel=4.5 / np.sqrt(800))


def test_lines_of_a_passive_array_have_a_pitch_of_two_widths():
    one = assembled(node="65 nm", bit_resistance="7 ohm").lines((2, 3))
    assert one.word_resistance == NODES["65 nm"].segment(2.0)[0] and one.bit_resistance == 7.0


def test_a_margin_is_of_the_furthest_cell():
    """Wires as long as a cell is resistive: the far corner has the least margin, by Kirchhoff's laws."""
    array = assembled(word_resistance="500 ohm", bit_resistance="500 ohm")
    far = margin(array, 4, array.direct, 0.2, "grounded")
    alone = 1.0 - 1e4 / 1e6
    assert far < alone - 0.03


def test_live_cells_get_the_workers_that_the_configuration_asks_for(monkeypatch):
    """Workers are there while the array is made and runs, and end with it."""
    steps = []

    @contextlib.contextmanager
    def executors(configuration):
        yield "workers"
        steps.append("closed")

    def assembled(configuration, folder, seed, executors=None):
        steps.append((configuration.seed, folder, seed, executors))
        raise ValueError("no further")

    monkeypatch.setattr(array_run, "executors", executors)
    monkeypatch.setattr(array_run, "AssembledArray", assembled)
    with pytest.raises(ValueError, match="no further"):
        array_run.run(SimpleNamespace(seed=5), folder=Path("here"))
    assert steps == [(5, Path("here"), 5, "workers")]
