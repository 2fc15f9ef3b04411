"""Commands for cards, run through a parser as the command line has."""

import argparse

import numpy as np
import pytest
import xarray as xr
from made_up_cycles import NAMES, UNITS, truth

from frenkel import cli_cards
from frenkel.card import Card

pytest.importorskip("sklearn", reason="fitting needs the extra fit")


def run(*words):
    """Return the exit code of a command."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()

    def add(commands, name, command, text, example):
        found = commands.add_parser(name, help=text, epilog=example)
        found.set_defaults(command=command)
        return found

    cli_cards.add_commands(commands, add)
    options = parser.parse_args([str(word) for word in words])
    return options.command(options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with two ensembles of the same law."""
    path = tmp_path_factory.mktemp("cards")
    for name, seed in (("one", 1), ("two", 2)):
        drawn = truth().sample(160, 40, seed)
        xr.Dataset(
            {
                n: (("device", "cycle"), drawn[n], {"units": unit})
                for n, unit in zip(NAMES, UNITS, strict=True)
            }
        ).to_netcdf(path / f"{name}.nc")
    return path


def test_fit_show_gate_export(folder, capsys):
    card = folder / "one.card.json"
    ramps = ("--set-ramp", "0.1 MV/s", "--reset-ramp", "0.1 MV/s", "--read-voltage", "0.1 V")
    assert run("fit", folder / "one.nc", "-o", card, "--bootstrap", 2, "--seed", 3, *ramps) == 0
    assert "wrote" in capsys.readouterr().out
    made = Card.load(card)
    assert made.gate and all(row["passed"] for row in made.gate)
    assert made.provenance["file"] == "one.nc" and made.provenance["devices"] == 112
    assert run("gate", card, folder / "two.nc") == 0
    assert run("card", card) is None
    shown = capsys.readouterr().out
    assert "cycles of memory" in shown and "made for cycles 1 to 40" in shown
    for form, ending in (("npz", "npz"), ("verilog-a", "va"), ("ngspice", "sub")):
        assert run("card", card, "--to", form, "-o", folder / f"a.{ending}") is None
        assert (folder / f"a.{ending}").stat().st_size > 1000


def test_gate_fails_for_other_devices(folder, tmp_path, capsys):
    """Devices with an HRS 1.6 times as large are refused, and the exit code says so."""
    from frenkel.analysis import card_schema

    card = card_schema.save(truth(), tmp_path / "a.json")
    with xr.open_dataset(folder / "two.nc") as data:
        other = data.assign(hrs=data["hrs"] * 1.6)
        other["hrs"].attrs["units"] = "ohm"
        other.to_netcdf(tmp_path / "b.nc")
    assert run("gate", card, tmp_path / "b.nc") == 1
    assert "FAILED" in capsys.readouterr().out


def test_core_from_the_protocol():
    """Ramps, read voltage, box: from the configuration that an ensemble records."""
    sweeps = [
        {"kind": "reset", "amplitude": "-1.8 V", "rate": "0.2 MV/s"},
        {"kind": "set", "amplitude": "2 V", "rate": "0.1 MV/s"},
    ]
    document = {
        "device": {"thickness": "4 nm", "width": "4 nm", "temperature": "320 K"},
        "phase": [{"kind": "cycle", "repeat": 3, "phase": sweeps}],
    }
    options = argparse.Namespace(set_ramp=None, reset_ramp="1 MV/s", read_voltage=None, drive=15.0)
    made = {"file": "a.nc", "ensemble": {"configuration": {"points": [document]}}}
    box, core = cli_cards._protocol(options, made)
    assert box == {"voltage": (-1.8, 2.0), "temperature": (320.0, 320.0)}
    assert (core["set_ramp"], core["reset_ramp"], core["drive"]) == pytest.approx((1e5, 1e6, 15.0))
    assert cli_cards._protocol(options, {"file": "a.csv"}) == ({}, {})


def test_output_must_be_json(folder):
    with pytest.raises(ValueError, match="must end in .json"):
        run("fit", folder / "one.nc", "-o", folder / "card.nc")


def test_formats_agree():
    from frenkel.analysis import card_exports

    assert set(cli_cards.FORMATS) == set(card_exports.FORMATS)
    assert np.all([ending.startswith(".") for ending in card_exports.FORMATS.values()])
