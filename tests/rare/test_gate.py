"""Rows of the gate of rare events: a card that has the tail of devices passes, one that has not fails.

Devices are cells of the same made-up law with other random numbers. Of 30 such pairs three had a row that
failed, of 180 rows five; the seeds here are fixed.
"""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from made_up_cycles import NAMES, UNITS, truth
from made_up_jumps import ensemble

from frenkel.analysis.fitting import jump_fit
from frenkel.analysis.statistics import comparison
from frenkel.cells.card import Card
from frenkel.cli.main import main
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.waveform import Waveform
from frenkel.rare.cards import card_tails
from frenkel.rare.curve import Curve
from frenkel.rare.events import Question
from frenkel.rare.gate import rows

TINY = Path(__file__).with_name("pulse.toml").read_text(encoding="utf-8")
VOLTS, TIME, EDGE = 1.0, 2e-3, 1e-5
ASKED = Question(event="set fails", conductance=EDGE, particles=60, kill=6, starts=60, floor=1e-8)


@pytest.fixture(scope="module")
def law():
    """Return a jump-process model between states of two kinds, the slowest seven times as slow as most."""
    return jump_fit.fit(ensemble(4, seed=2), np.arange(4), seed=1)[0]


def curve(law, seed):
    """Return what cells of a law say of a pulse that fails."""
    wave = Waveform.constant(VOLTS, TIME)
    runs = card_tails(law, wave, Circuit(), ASKED, temperature=300.0, repeats=6, seed=seed)
    return Curve.of(runs, ASKED.kill, math.inf)


def without_the_slow(law, number):
    """Return a law whose cells never start in the states that are left most slowly."""
    ends = np.flatnonzero(law.kind == 0)
    rates = law.log_rates(300.0)[ends, np.argmin(np.abs(law.grid - VOLTS))]
    kind = law.kind.copy()
    kind[ends[np.argsort(rates)[:number]]] = -1
    return replace(law, kind=kind)


@pytest.fixture(scope="module")
def devices(law):
    """Return what devices say."""
    return curve(law, 1)


@pytest.fixture(scope="module")
def short(law):
    """Return what cells say that never start in the slowest 6 of 24 states."""
    return curve(without_the_slow(law, 6), 2)


def test_a_card_with_the_tail_passes(law, devices):
    """A row for each decade down to 1e-6, and all of them pass."""
    found, untold = rows(devices, curve(law, 2), "set fails")
    print(comparison.table(found))
    assert [row.statistic for row in found] == [
        f"set fails: ln P at {10.0**-decade:.1g}" for decade in range(1, 7)
    ]
    assert comparison.passed(found) and not untold


def test_a_card_without_the_tail_fails(devices, short):
    """Nothing is left where devices have 1e-3, and a tenth tells it already."""
    found, _ = rows(devices, short, "set fails")
    print(comparison.table(found))
    assert not any(row.passed for row in found)
    assert found[3].value == pytest.approx(math.log(1e-4 / 1e-8), rel=0.15)  # given up at 1e-8


def test_a_card_whose_tail_is_too_heavy_fails(devices, short):
    """The other way round: devices have no slow states, and the cells do."""
    found, _ = rows(short, devices, "set fails")
    assert not any(row.passed for row in found)


def test_particles_lost_at_once(devices):
    """A card of which none of 60 x 6 went on from a fraction of 0.3: that is below 2.5e-3 and above 1e-6."""
    lost = replace(
        devices, levels=[np.array([1e-9, 2e-9])] * 6, killed=[np.array([42, 60])] * 6, probability=np.zeros(6)
    )
    found, untold = rows(devices, lost, "set fails")
    assert [row.statistic[-4:] for row in found] == [" 0.1", "0.01"]
    assert found[1].value == pytest.approx(math.log(0.01 / (0.3 * 3 / 360)), rel=0.1)
    assert len(untold) == 4 and max(untold) < 1.1e-3


def test_value_and_floor_by_hand():
    """0.4 +- 0.1 of devices against 0.1 +- 0.02 of cells, three repeats each: Student's t of four."""
    def whole(*probability):
        empty = [np.array([])] * 3
        return Curve(
            levels=empty, killed=empty, probability=np.array(probability), complete=np.ones(3, bool),
            particles=100, kill=1, goal=0.0,
        )  # fmt: skip

    step = math.sqrt(3.0)  # standard error of the mean of three over their deviation from it
    one = whole(0.4 - 0.1 * step, 0.4, 0.4 + 0.1 * step)
    other = whole(0.1 - 0.02 * step, 0.1, 0.1 + 0.02 * step)
    (row,), untold = rows(one, other, "x")
    assert row.value == pytest.approx(math.log(4.0)) and not untold
    widened = 2.8693 / 2.0  # t of four degrees of freedom where a Gaussian has 2, over 2
    assert row.floor == pytest.approx(math.hypot(widened * math.hypot(0.25, 0.2), -math.log(0.99)), rel=1e-3)
    assert row.limit == 2.0 * row.floor and not row.passed


@pytest.fixture(scope="module")
def folder(law, tmp_path_factory):
    """Return a folder with an ensemble, a card of it with a jump-process model, and a file of tails."""
    path = tmp_path_factory.mktemp("gate")
    drawn = truth().sample(40, 12, 1)
    variables = {
        name: (("device", "cycle"), drawn[name], {"units": unit})
        for name, unit in zip(NAMES, UNITS, strict=True)
    }
    xr.Dataset(variables).to_netcdf(path / "two.nc")
    (path / "card.json").write_text(json.dumps(replace(truth(), jump_law=law).to_dict()))
    (path / "tiny.toml").write_text(TINY)
    tails = ["tails", str(path / "tiny.toml"), "--event", "read disturbs", "--at", "1.5", "--particles", "8"]
    more = ["--kill", "2", "-q", "--engine", "serial", "--no-isolation"]
    assert main([*tails, *more, "--repeats", "2", "-o", str(path / "t.nc")]) == 0
    assert main([*tails, *more, "--repeats", "1", "-o", str(path / "one.nc")]) == 0
    return path


def test_rows_on_the_command_line(folder, capsys):
    """They stand below the other rows; a fault is one sentence."""
    def judge(name, card="card.json"):
        return main(["validate", str(folder / card), str(folder / "two.nc"), "--tails", str(folder / name)])

    assert judge("t.nc") in (0, 1)
    out = capsys.readouterr().out
    assert "pooled KS" in out and "read disturbs, 0.2 V, 1500 K: ln P at" in out
    assert judge("one.nc") == 1
    assert "needs the scatter of at least 2 repeats, got 1" in capsys.readouterr().err
    assert judge("two.nc") == 1 and "two.nc holds no tails" in capsys.readouterr().err
    assert judge("none.nc") == 1 and "none.nc" in capsys.readouterr().err
    found = xr.load_dataset(folder / "t.nc")
    found.drop_vars("level").to_netcdf(folder / "lacks.nc")
    assert judge("lacks.nc") == 1 and "lacks its level" in capsys.readouterr().err
    found.attrs["provenance"] = found.attrs["provenance"].replace('"event"', '"evnt"')
    found.to_netcdf(folder / "evnt.nc")
    assert judge("evnt.nc") == 1 and "does not say what was asked" in capsys.readouterr().err
    plain = replace(Card.load(str(folder / "card.json")), jump_law=None)
    (folder / "plain.json").write_text(json.dumps(plain.to_dict()))
    assert judge("t.nc", "plain.json") == 1 and "no jump-process model" in capsys.readouterr().err
