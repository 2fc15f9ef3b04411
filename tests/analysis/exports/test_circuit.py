"""Exports of a card: the same law in numpy and in circuits, as their texts say it; spice/ simulates these."""

import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_cards import made_up_card
from made_up_core import CARD, CORE
from made_up_cycles import truth
from spice_cell import by_scipy

from frenkel.analysis.exports import cards as card_exports
from frenkel.analysis.exports import circuit as exports_circuit
from frenkel.analysis.exports import law_equality
from frenkel.analysis.exports.cards import ExportDraws
from frenkel.cells.card import CardWarning
from frenkel.cells.core import GapCore
from frenkel.data.store import StoreError

SHIFT = np.zeros(8)
SHIFT[0] = 1.5
WIDE = replace(CARD, means=CARD.means + SHIFT)
"""A card with an HRS so high that no cycle lacks a window."""


CLOSED = replace(CARD, means=CARD.means - 3.0 * SHIFT)
"""A card of cells without a window."""


def npz_law(tmp_path, card, devices, cycles, seed):
    """Return what the sampler in an npz file draws."""
    with np.load(card_exports.export(card, "npz", tmp_path / "law.npz", force=True)) as law:
        space = {}
        exec(str(law["python"]), space)
        return space["sample"](law, devices, cycles, seed)


def circuit_law(text, form, devices, cycles):
    """Return the cycles that the sources in an exported circuit stand for, read from its text."""
    middle = {
        name: float(re.search(rf"\b{name}=([-\d.e]+)", text)[1])
        for name in ("lnhrs", "lnlrs", "vset", "vreset")
    }
    pattern = r"^v([hlsr])(\d+) .*wave=\[(.*)\]" if form == "vacask" else r"^v([hlsr]) \w 0 pwl\((.*)\)"
    rows = {name: [] for name in "hlsr"}
    for match in re.finditer(pattern, text, re.M):
        numbers = np.array(re.findall(r"[-+.\de]+", match.groups()[-1]), float)[1::2]
        assert len(numbers) == 2 * cycles - 1
        rows[match[1]].append(numbers[::2])
    h, low, s, r = (np.array(rows[name]) for name in "hlsr")
    assert h.shape == (devices, cycles)
    return {
        "hrs": np.exp(middle["lnhrs"] + h),
        "lrs": np.exp(middle["lnlrs"] + low),
        "set_voltage": middle["vset"] + s,
        "reset_voltage": -middle["vreset"] - r,
    }


def drawn_by(form, tmp_path, devices, cycles, seed, change=lambda text: text):
    """Return what a file in a format draws."""
    if form == "npz":
        return npz_law(tmp_path, WIDE, devices, cycles, seed)
    draws = ExportDraws(devices=devices, cycles=cycles, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CardWarning)
        path = card_exports.export(WIDE, form, tmp_path / "cell.x", force=True, draws=draws)
    return circuit_law(change(path.read_text()), form, devices, cycles)


@pytest.mark.parametrize("form", ["npz", "ngspice", "vacask"])
def test_exports_draw_the_law(tmp_path, form):
    """One test for all; false alarm 1e-4. Those of the learning exports are in their own file."""
    rows = law_equality.compare(WIDE, drawn_by(form, tmp_path, 400, 16, 5), 9)
    assert law_equality.equal(rows), law_equality.worst(rows)


def test_cycles_without_a_window_are_passed_over():
    """As cells of an array do. Where all cycles have one the draws are those of the card."""
    draws = ExportDraws(devices=400, cycles=20, seed=2)
    sample, drawn = CARD.sample(400, 20, 2), card_exports.draw(CARD, draws)
    assert not CORE.shows(sample).all() and CORE.shows(drawn).all()
    assert all(values.shape == (400, 20) for values in drawn.values())
    # Whole cycles are taken, those of a device in their order.
    more = CARD.sample(1600, 40, 2)
    kept = [np.flatnonzero(more["hrs"][0] == one)[0] for one in drawn["hrs"][0]]
    assert kept == sorted(kept) and np.array_equal(more["set_voltage"][0][kept], drawn["set_voltage"][0])
    wide = card_exports.draw(WIDE, draws)
    assert all(np.array_equal(wide[name], values) for name, values in WIDE.sample(400, 20, 2).items())


def test_a_wrong_circuit_is_refused(tmp_path):
    """Planted: the default of vset 0.1 V off, as if the sources were made for another cell."""

    def change(text):
        return re.sub(r"\bvset=([\d.]+)", lambda m: f"vset={float(m[1]) + 0.1}", text)

    rows = law_equality.compare(WIDE, drawn_by("vacask", tmp_path, 400, 16, 5, change), 9)
    refused = [row for row in rows if not row.passed]
    assert refused and all("set_voltage" in row.feature for row in refused)


def pooled(drawn, random):
    """Return cycles drawn from the pool of all devices."""
    size = next(iter(drawn.values())).size
    pick = random.integers(size, size=next(iter(drawn.values())).shape)
    return {name: values.ravel()[pick] for name, values in drawn.items()}


def test_wrong_laws_are_refused():
    """Planted: a pooled copula; HRS of other devices; Gaussian scores for HRS."""
    random = np.random.default_rng(1)
    drawn = CARD.sample(4000, 16, 3)
    shuffled = drawn | {"hrs": drawn["hrs"][random.permutation(4000)]}
    straight = replace(CARD.features[0], quantiles=tuple(CARD.scores))
    gaussian = replace(CARD, features=(straight, *CARD.features[1:])).sample(4000, 16, 3)
    for name, wrong in {
        "pooled": pooled(drawn, random),
        "shuffled": shuffled,
        "gaussian": gaussian,
    }.items():
        assert not law_equality.equal(law_equality.compare(CARD, wrong, 9)), name
    rows = law_equality.compare(CARD, drawn, 9)
    assert law_equality.equal(rows), law_equality.worst(rows)


def test_equality_needs_devices():
    with pytest.raises(ValueError, match="at least 8 devices"):
        law_equality.compare(CARD, {"hrs": np.ones((4, 9))})
    with pytest.raises(ValueError, match="drawn must hold features of the card"):
        law_equality.compare(CARD, {"ion": np.ones((9, 9))})
    with pytest.raises(ValueError, match="hrs must be finite and of the sign of the card"):
        law_equality.compare(CARD, {"hrs": -np.ones((9, 9))})


def test_npz_draws_the_same_numbers(tmp_path):
    drawn = npz_law(tmp_path, CARD, 7, 30, 3)
    with np.load(tmp_path / "law.npz") as law:
        assert "card truth 1.0.0" in str(law["source"])
    for name, values in CARD.sample(7, 30, 3).items():
        assert np.allclose(drawn[name], values, rtol=1e-12)


def test_npz_without_memory(tmp_path):
    card = replace(CARD, coefficients=CARD.coefficients[:0], innovation=np.eye(4))
    with np.load(card_exports.export(card, "npz", tmp_path / "a.npz")) as law:
        drawn = card_exports.sample(law, 2, 3, 1)
    assert np.allclose(drawn["hrs"], card.sample(2, 3, 1)["hrs"], rtol=1e-12)


def test_core_shows_the_features():
    """Features on ramps, by scipy: resistances to 2e-3, voltages to a sample of 6 mV."""
    drawn = {name: values[0] for name, values in CARD.sample(1, 6, 4).items()}
    for cycle in range(6):
        shown = by_scipy(CORE, drawn, cycle)
        for name in ("hrs", "lrs"):
            assert shown[name] == pytest.approx(drawn[name][cycle], rel=2e-3)
        for name in ("set_voltage", "reset_voltage"):
            assert shown[name] == pytest.approx(drawn[name][cycle], abs=0.007)


def test_velocities_are_written_out():
    """A nearly ohmic cell, whose peak of the RESET current the hyperbolic cotangent places; exact."""
    core = replace(CORE, voltage_scale=5.0, drive=4.0, reset_ramp=3e4)
    found = core.cells(FEATURES)
    way = found["gap_max"] - found["gap_min"]
    assert way == pytest.approx(core.gap_scale * np.log(10.0), rel=1e-12)
    assert found["set_velocity"] == pytest.approx(
        4.0 * core.set_ramp * way / 2 / (np.cosh(4.0) - 1), rel=1e-12
    )
    slope = core.gap_scale / 5.0 / np.tanh(1 / 5.0)
    assert found["reset_velocity"] == pytest.approx(3e4 * slope / np.sinh(4.0), rel=1e-12)


def test_verilog_a_keeps_to_the_safe_subset():
    text = card_exports.to_verilog_a(CARD)
    assert not re.search(r"\$r|@|initial_step|idt\(|\[|\bcross\b|\btimer\b", text.split("`include", 1)[1])
    assert len(re.findall(r"^module frenkel_cell\(p, n, h, l, s, r\);$", text, re.M)) == 1
    assert text.count("endmodule") == 1 and text.count("endfunction") == 2
    assert len(re.findall(r"\bbegin\b", text)) == len(re.findall(r"\bend\b", text)) == 2
    assert text.count("(") == text.count(")")
    instance = re.findall(r'type="instance"\*\) parameter real (\w+)=', text)
    assert instance == ["lnhrs", "lnlrs", "vset", "vreset", "gini"]
    # Variables are read after they are assigned only.
    body = text.split("analog begin")[1]
    for name in "v g gc gmin gmax us ur vels velr x room rate".split():
        first = re.search(rf"(?<![\w(.]){name}(?!\w|\()", body)
        assert re.match(rf"{name} = ", body[first.start() :]), name
    assert f"checksum {CARD.to_dict()['checksum']}" in text and "voltage -2.5 to 2.5" in text


def test_ngspice_subcircuit_is_whole():
    text = card_exports.to_ngspice(CARD)
    assert re.search(r"^\.subckt frenkel_cell p n h l s r ", text, re.M) and text.rstrip().endswith(".ends")
    for line in text.replace("\n+", "").splitlines():
        assert line.count("(") == line.count(")") and line.count("{") == line.count("}"), line
    made = re.findall(r"^b\w+ (\w+) 0 v=", text, re.M)
    used = set(re.findall(r"v\((\w+)", text.split(".subckt")[1]))
    assert used == {*made, "p", "h", "l", "s", "r", "y"} and len(set(made)) == len(made)


def test_both_circuits_have_the_same_numbers():
    numbers = [
        set(re.findall(r"(?<![\w.])\d+\.\d{4,}", text.split("Made for")[1]))
        for text in (card_exports.to_verilog_a(CARD), card_exports.to_ngspice(CARD))
    ]
    assert numbers[0] == numbers[1] and len(numbers[0]) >= 3


def test_sources_hold_the_cycles():
    times = np.arange(4) * 1e-3
    text, drawn = card_exports.sources(CARD, times, 5)
    whole = CARD.sample(1, 4, 5)
    assert all(np.array_equal(drawn[name], whole[name][0]) for name in drawn)
    default = float(re.search(r"vset=([\d.]+)", card_exports.to_ngspice(CARD))[1])
    points = np.array(re.search(r"vs s 0 pwl\((.*)\)", text)[1].split(), float).reshape(-1, 2)
    at = np.interp(times + 5e-4, points[:, 0], points[:, 1])
    assert at + default == pytest.approx(drawn["set_voltage"], abs=1e-6)


FEATURES = {"hrs": [1e5], "lrs": [1e4], "set_voltage": [1.0], "reset_voltage": [-1.0]}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: card_exports.to_ngspice(truth()), "card truth has no core"),
        (lambda: card_exports.to_verilog_a(made_up_card()), "needs the feature lrs in ohm"),
        (lambda: card_exports.export(CARD, "hspice", Path("a.x")), "format must be one of"),
        (lambda: card_exports.sources(CARD, np.array([1.0, 0.0]), 1), "one row of ascending"),
        (lambda: CORE.cells(FEATURES | {"hrs": [1e4]}), "hrs must be well above lrs"),
        (lambda: CORE.cells(FEATURES | {"reset_voltage": [1.0]}), "reset_voltage below 0 V"),
        (
            lambda: card_exports.export(CARD, "npz", Path("a.npz"), draws=ExportDraws()),
            "ngspice, vacask, .* not into",
        ),
        (lambda: card_exports.draw(CLOSED, ExportDraws(devices=3)), "hrs must be well .* only . have them"),
        (lambda: GapCore(drive=-1.0), "drive must be between 0.001 and 1000 1/V, got -1"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_export_keeps_files(tmp_path):
    path = card_exports.export(CARD, "ngspice", tmp_path / "a.sub")
    assert path.read_text() == card_exports.to_ngspice(CARD)
    with pytest.raises(StoreError, match="exists already"):
        card_exports.export(CARD, "npz", path)


def test_vacask_netlist_is_whole(tmp_path):
    text = card_exports.to_vacask(CARD, ExportDraws(devices=2, cycles=3, seed=1))
    assert card_exports.to_verilog_a(CARD) in text and text.rstrip().endswith(">>>FILE")
    assert len(re.findall(r"^x\d ", text, re.M)) == 2 and text.count("control\n") == 1
    end = float(re.search(r"stop=([\d.e+-]+)", text)[1])
    assert end == pytest.approx(3 * 4.2 * 2.5e-5)


def test_ramps_are_those_of_the_ensemble():
    """To the ends of the voltage box; without one, 1.3 times as far as was drawn."""
    drawn = CARD.sample(1, 20, 1)
    found = exports_circuit.ramps(CARD, drawn)
    times, volts = found.wave(2)
    assert (volts.min(), volts.max()) == (-2.5, 2.5)
    slopes = np.abs(np.diff(volts) / np.diff(times))
    assert np.allclose(slopes[slopes > 0], 1e5)
    free = exports_circuit.ramps(replace(CARD, validity={}), drawn)
    assert free.set == pytest.approx(1.3 * drawn["set_voltage"].max())


def test_false_alarm_is_shared():
    """The limits of all statistics add up to the false alarm of the whole; exact."""
    rows = law_equality.compare(CARD, CARD.sample(40, 6, 3), 9)
    assert len(rows) > 20 and sum(row.limit for row in rows) == pytest.approx(1e-4, rel=1e-12)
