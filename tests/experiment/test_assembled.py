"""From the configuration of an array to what stands around it."""

from pathlib import Path

import pytest

from frenkel.configuration import array as configuration
from frenkel.experiment.assembled import AssembledArray

SMALL = {
    "array": {"word_lines": 2, "bit_lines": 2, "crossing": "0T1R"},
    "cells": {"kind": "linear", "lrs": "10 kohm", "hrs": "1 Mohm"},
    "phase": [{"kind": "map", "voltage": "0.2 V"}],
}


def assembled(**periphery):
    return AssembledArray(configuration.parse(SMALL | {"periphery": periphery}), Path(), 1)


@pytest.mark.parametrize("latency", [1e-9, 30e-9])
def test_every_time_of_a_read_is_that_of_the_configuration(latency):
    """Driver, read and the nine clocks of a conversion of 8 bits, to the picosecond."""
    controller = assembled(driver_latency=f"{latency} s", read_width="20 ns").controller
    controller.clock.run(controller.clock.process(controller.read((0, 0))))
    assert controller.clock.now == round(latency * 1e12) + 20_000 + 9_000
