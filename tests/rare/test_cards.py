"""Tails of the cells of a card against the master equation of its states. False alarm 1e-4 for each z."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from made_up_jumps import ensemble
from scipy import stats
from scipy.linalg import expm
from small_boxes import FALSE_ALARM

from frenkel.analysis.fitting import jump_fit
from frenkel.cells._jump_law import JumpKernel
from frenkel.cells.card import Card
from frenkel.cli.main import main
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.waveform import Waveform
from frenkel.rare import cards
from frenkel.rare.cards import card_tails, strides
from frenkel.rare.events import Question
from frenkel.rare.tails import estimate

TINY = Path(__file__).with_name("pulse.toml").read_text(encoding="utf-8")
Z = stats.norm.isf(FALSE_ALARM / 2)
EDGE = 1e-5
"""Conductance (S) between the two kinds of states of the made-up cells, 1e-6 and 1e-4."""


@pytest.fixture(scope="module")
def law():
    """Return a jump-process model between states of two kinds."""
    data = ensemble(4, seed=2)
    return jump_fit.fit(data, np.arange(4), seed=1)[0]


def generator(law, volts):
    """Return the rate matrix (1/s) of all states of the law at a voltage (V), without a circuit."""
    number = len(law.level)
    every, logs = np.arange(number), law.log_rates(300.0)
    kernel, at = JumpKernel(law, logs), np.full(number, volts)
    rate = np.exp(kernel.log_rate(every, at))
    near, weight = kernel.nearest(every, at)
    matrix = np.zeros((number, number))
    for state in range(number):
        np.add.at(matrix[state], law.after[near[state]], rate[state] * weight[state])
    return matrix - np.diag(matrix.sum(axis=1))


def exact(law, waveform, question):
    """Return the chance of the event, cells starting in all end states alike."""
    ends = np.flatnonzero(law.kind == (0 if question.rises else 1))
    met = (np.exp(law.level) >= EDGE) if question.rises else (np.exp(law.level) <= EDGE)
    now = np.zeros(len(law.level))
    now[ends] = 1.0 / len(ends)
    for begin, end, low, high in strides(waveform):
        for part in range(4):  # short enough for one voltage
            volts = low + (part + 0.5) / 4 * (high - low)
            matrix = generator(law, volts) * ~met[:, None]
            now = now @ expm(matrix * (end - begin) / 4)
            if low == high:
                now = now @ expm(matrix * (end - begin) * 3 / 4)
                break
    return float(now[~met].sum() if question.what.absent else now[met].sum())


@pytest.mark.parametrize(
    ("event", "volts", "time", "scale"),
    [
        ("set fails", 1.0, 4e-5, 0.3),
        ("set fails", 1.0, 4e-4, 1e-4),
        ("reset fails", -1.0, 3e-5, 1e-2),
        ("state is lost", 0.1, 3.0, 0.1),
        ("half-select disturbs", 0.4, 5e-2, 0.1),
    ],
)
def test_a_hold_by_the_master_equation(law, event, volts, time, scale):
    """Fails where states are drawn of the other kind, and where half-selected cells see the whole voltage."""
    edge = {"conductance": EDGE} if "fails" in event else {"share": 0.1 if event == "state is lost" else 10.0}
    question = Question(event=event, particles=60, kill=6, starts=60, **edge)
    wave = Waveform.constant(volts, time)
    chance = exact(law, question.waveform(wave), question)
    found = estimate(card_tails(law, wave, Circuit(), question, temperature=300.0, repeats=8, seed=1))
    print(event, time, chance, found.probability / chance, found.error / chance, found.stated / chance)
    assert scale / 30 < chance < scale
    assert abs(found.probability - chance) < Z * max(found.error, found.stated) < 2 * chance


def test_a_ramp_by_the_master_equation(law):
    """From 0 V up and down again: along a stride ln(rate) is straight."""
    question = Question(event="set fails", conductance=EDGE, particles=60, kill=6, starts=60)
    wave = Waveform((0.0, 2e-5, 4e-5), (0.0, 1.1, 0.0))
    chance = exact(law, wave, question)
    found = estimate(card_tails(law, wave, Circuit(), question, temperature=300.0, repeats=4, seed=1))
    print(chance, found.probability / chance, found.error / chance)
    assert abs(found.probability - chance) < Z * max(found.error, found.stated) < chance < 0.5


def test_a_card_beside_devices_on_the_command_line(law, tmp_path, capsys):
    """A row of the gate below what devices say; a card without a jump-process model is one sentence."""
    (tmp_path / "tiny.toml").write_text(TINY)
    card = replace(Card.load("hfo2"), jump_law=law)
    (tmp_path / "card.json").write_text(json.dumps(card.to_dict()))
    command = [
        "tails",
        str(tmp_path / "tiny.toml"),
        "--event",
        "read disturbs",
        "--at",
        "1.5",
        "--particles",
        "8",
        "--kill",
        "2",
        "--repeats",
        "2",
        "-q",
        "--engine",
        "serial",
        "--no-isolation",
    ]
    few = [*command, "-o", str(tmp_path / "t.nc")]
    assert main([*few, "--card", str(tmp_path / "card.json")]) in (0, 1)
    out = capsys.readouterr().out
    assert "card hfo2" in out and ("no row" in out or "read disturbs, 0.2 V, 1500 K: ln P at" in out)
    (tmp_path / "plain.json").write_text(json.dumps(replace(card, jump_law=None).to_dict()))
    assert main([*few, "--card", str(tmp_path / "plain.json")]) == 1
    assert "no jump-process model" in capsys.readouterr().err


def test_devices_of_one_start_each_are_told_apart():
    from frenkel.reports.tails import apart

    words = "\n".join(apart(np.array([1e-9, 1e-8, 2e-9, 0.1, 1e-3]), 1e-7))
    assert "1e-08 in the median; 1 of 5 hold nine tenths" in words
    assert "3 of 5 devices are below 1e-07" in words
    assert apart(np.zeros(3), 1e-7) == []


def test_a_device_that_lost_all_particles_is_not_said_to_be_below():
    """2 of 20 particles lost, then all: 0.9 came so far, and of 20 none went on; who is there cannot fail."""
    from frenkel.rare.events import Question
    from frenkel.reports.tails import apart, left_open

    found = xr.Dataset({
        "probability": ("repeat", [0.0, 1e-9, 0.0, 0.0]), "stage_count": ("repeat", [2, 3, 1, 1]),
        "killed": ("stage", [2, 20, 4, 5, 6, 20, 20]),
        "start_conductance": (("repeat", "start"), [[1e-6], [1e-6], [1e-6], [2e-5]]),
    })  # fmt: skip
    asked = Question(event="set fails", conductance=1e-5, particles=20, kill=2, starts=1)
    most = left_open(found, asked)
    assert most == pytest.approx([0.9 * 0.15, 1e-9, 0.15, 0.0])
    words = apart(found["probability"].values, 1e-7, most)[-1]
    assert words == "2 of 4 devices are below 1e-07, 2 that lost all particles may be"


@pytest.mark.parametrize(("start", "stop"), [(0.2, 0.24), (0.24, 0.2)])
def test_a_cell_jumps_at_the_voltage_of_the_moment(start, stop):
    """Jumps after a quarter of a ramp, after half of what is left, then none: voltages and times."""
    passages, asked, jumps, seen = iter([0.25, 0.5, 1.0]), [], [], []

    def passage(state, low, high, left, series, limit, hazard):
        asked.append((state, low, high, left))
        return next(passages)

    kernel = SimpleNamespace(
        passage=passage, voltage=lambda states, source, *_: source,
        next_states=lambda states, volts, random: jumps.append(volts) or states + 1,
        law=SimpleNamespace(level=np.zeros(5)),
    )  # fmt: skip
    question = Question(event="set fails", conductance=EDGE, particles=60, kill=6, starts=60)
    cell = cards.CardCell(kernel, Waveform((0.0, 8.0), (start, stop)), Circuit(), question, 1, 0)
    cell._strides = [(0.0, 8.0, start, stop)]
    cell.go(0, 0.0, (1,), lambda time: seen.append(time) or False)
    at = [start + part * (stop - start) for part in (0.0, 0.25, 0.625)]
    np.testing.assert_allclose(
        asked, [(k, volts, stop, left) for k, volts, left in zip(range(3), at, (8, 6, 3), strict=True)]
    )
    np.testing.assert_allclose(jumps, at[1:])
    assert seen == [0.0, 2.0, 5.0] and cell.state() == 2
