"""Arrays that do not fit into the memory are refused before it is taken, in one sentence."""

from pathlib import Path

import pytest

from frenkel.cli.main import main
from frenkel.configuration import array as configuration
from frenkel.configuration.base import ConfigurationError
from frenkel.experiment import array, array_memory

LINEAR = {
    "seed": 1,
    "array": {"word_lines": 100, "bit_lines": 200},
    "cells": {"kind": "linear", "lrs": "10 kohm", "hrs": "1 Mohm"},
    "phase": [{"kind": "multiply", "vectors": 2}],
}
LIVE = LINEAR | {
    "array": {"word_lines": 8, "bit_lines": 8},
    "cells": {
        "kind": "live", "material": "TaOx", "compliance": "60 uA",
        "device": {"thickness": "2.6 nm", "width": "2.08 nm"},
        "forming": [{"kind": "form", "amplitude": "3 V", "rate": "1 MV/s", "compliance": "60 uA"}],
    },
}  # fmt: skip

ONE_LAYER = {"width": "2.08 nm", "layer": [{"thickness": "2.6 nm"}]}
LAYERED = LIVE | {"cells": LIVE["cells"] | {"device": ONE_LAYER}}


@pytest.fixture
def free(monkeypatch):
    """Let there be so much memory, in bytes."""
    return lambda number: monkeypatch.setattr(array_memory, "available", lambda: number)


@pytest.mark.parametrize(
    ("document", "least", "words"),
    [
        (LINEAR, 100 * 200 * 250.0, "100 x 200 cells take about 0.005 GB of memory, there is"),
        (LAYERED, 64 * (250.0 + 2e6 + 378_400), "8 x 8 live devices of 8 x 8 x 10 sites take about 0.152 GB"),
        (LIVE, 64 * (250.0 + 2e6 + 378_400), "8 x 8 live devices of 8 x 8 x 10 sites take about 0.152 GB"),
    ],
)
def test_an_array_is_refused_where_there_is_too_little(document, least, words, free):
    settings = configuration.parse(document)
    free(least / 0.79)
    array_memory.check_memory(settings, Path())
    free(least / 0.81)
    with pytest.raises(ConfigurationError, match=words):
        array_memory.check_memory(settings, Path())
    with pytest.raises(ConfigurationError, match="array.word_lines and array.bit_lines must be smaller"):
        array.run(settings)


def test_two_cells_a_crossing_take_twice_as_much(free):
    cells = {"kind": "gap", "hrs": "1 Mohm", "lrs": "10 kohm", "set_voltage": "1 V", "reset_voltage": "-1 V"}
    settings = configuration.parse(LINEAR | {"array": LINEAR["array"] | {"crossing": "CRS"}, "cells": cells})
    free(1.5 * 100 * 200 * 250.0 / 0.8)
    with pytest.raises(ConfigurationError, match="100 x 200 cells take about 0.01 GB"):
        array_memory.check_memory(settings, Path())


def test_the_command_says_it_in_one_line(tmp_path, free, capsys):
    path = tmp_path / "large.toml"
    path.write_text(
        '[array]\nword_lines = 4096\nbit_lines = 4096\n'
        '[cells]\nkind = "linear"\nlrs = "10 kohm"\nhrs = "1 Mohm"\n'
        '[[phase]]\nkind = "multiply"\nvectors = 2\n'
    )
    free(4e9)
    for command in (["check", str(path)], ["run", str(path), "-o", str(tmp_path / "x.nc")]):
        assert main(command) == 1
        assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "x.nc").exists()


def live(**cells):
    device = cells.pop("device", {})
    return LIVE | {"cells": LIVE["cells"] | {"device": LIVE["cells"]["device"] | device} | cells}


def test_live_cells_have_the_temperature_of_the_array():
    """One of their own is refused where it differs; what is recorded is read again."""
    array_at = {"word_lines": 2, "bit_lines": 2, "temperature": "350 K"}
    for device in ({}, {"temperature": "350 K"}):
        read = configuration.parse(live(device=device) | {"array": array_at})
        assert array_memory.devices_of(read.cells, 1, {}).device.temperature == 350.0
        assert configuration.parse(read.document()) == read
    words = r"cells\.device\.temperature must be left out: all cells have array\.temperature, {} K, got {} K"
    with pytest.raises(ConfigurationError, match=words.format(350, 300)):
        configuration.parse(live(device={"temperature": "300 K"}) | {"array": array_at})
    with pytest.raises(ConfigurationError, match=words.format(300, 400)):
        configuration.parse(live(device={"temperature": "400 K"}))


def test_a_list_of_temperatures_in_the_forming_of_live_cells_gets_one_sentence():
    forming = LIVE["cells"]["forming"][0] | {"temperature": "300, 350 K"}
    with pytest.raises(ConfigurationError, match=r"forming 1\.temperature must have one value for each of 1"):
        configuration.parse(live(forming=[forming]))
    configuration.parse(live(forming=[forming | {"repeat": 2}]))
