"""Charge states, corrections and disordered cells."""

import importlib.util

import numpy as np
import pytest

from frenkel.barriers import disorder
from frenkel.barriers.disorder import correlation_length
from frenkel.barriers.errors import BarrierError
from frenkel.barriers.numbers import changes
from frenkel.barriers.study import Disorder, Findings, HopEnergy
from frenkel.cli.main import main
from frenkel.kinetic.lattice.structure import log_normal
from frenkel.kinetic.materials.material import Material


def findings(**other):
    hop = HopEnergy("O1-O1", 2.5, 12, 0.8, 0.6, (), (), "here")
    given = {"hops": (hop,), "barrier": 0.8, "decided_by": "the hop", "cell": "48 atoms"}
    return Findings("HfO2-fast", "O", "CHGNet 0", "machine-learned potential", **(given | other))


def test_a_planted_correlation_is_found_and_none_where_there_is_none():
    rng = np.random.default_rng(1)
    places = rng.uniform(0, 20, (60, 3))
    gaps = places[:, None] - places
    gaps -= 20 * np.rint(gaps / 20)
    law = np.exp(-(gaps**2).sum(axis=-1) / (2 * 3.0**2)) + 1e-6 * np.eye(60)
    values = np.linalg.cholesky(law) @ rng.standard_normal(60)
    length, gain = correlation_length(places, values, 20 * np.eye(3))
    assert length == pytest.approx(3.0, abs=0.75) and gain > 5
    assert correlation_length(places, rng.standard_normal(60), 20 * np.eye(3))[1] < 1.92


LAWS = {"normal": (-7.8, 0.0), "log-normal": (-2.6, 0.5)}


@pytest.mark.parametrize(("length", "width"), [(0.0, 1.013), (2.5, 0.885)])
def test_the_spread_of_hops_is_that_of_a_mean_of_two_sites(length, width):
    """Of 400,000 means of two factors with the width that is written, the variance is that of the hops."""
    spreads = Disorder(0.2, 0.5, 0.8, LAWS, 20, 12, length, 3.0)
    written = changes(findings(disorder=spreads), ["vacancy"])["disorder"]
    assert written["site_energy"]["value"] == 0.2 and ("correlation_length" in written) == bool(length)
    site = written["barrier_factor"]
    assert site["value"] == pytest.approx(width, abs=0.01) and "+5.2 against normal" in site["note"]
    assert site["range"][0] < site["value"] < site["range"][1]
    alike = np.exp(-0.5) if length else 0.0
    one, two = np.random.default_rng(1).standard_normal((2, 400_000))
    two = alike * one + np.sqrt(1 - alike**2) * two
    hops = (log_normal(one, site["value"]) + log_normal(two, site["value"])) / 2
    assert hops.mean() == pytest.approx(1.0, abs=0.01)
    assert hops.var() == pytest.approx(np.exp(0.8**2) - 1, rel=0.03)


def test_laws_of_barriers_are_told_apart():
    """Sixty barriers of each law: the other one is less likely and refused."""
    random = np.random.default_rng(2).standard_normal(60)
    for barriers, own, other in (
        (0.4 * np.exp(0.8 * random), "log-normal", "normal"),
        (1.0 + 0.3 * random, "normal", "log-normal"),
    ):
        found = disorder.laws(barriers)
        assert found[own][0] > found[other][0] + 5
        assert found[own][1] > 0.05 > found[other][1]


def test_charge_states_and_a_correction():
    hops = tuple(
        HopEnergy("a", 2.5, 1, e, e, (), (), "f", charge=q) for q, e in ((2, 0.7), (1, 1.1), (0, 2.4))
    )
    written = changes(findings(hops=hops), ["vacancy", "charge_states"], correction=-0.1)
    assert written["charge_states"]["migration_barrier_one"]["value"] == 1.1
    assert written["charge_states"]["migration_barrier_two"]["value"] == 2.4
    assert written["vacancy"]["migration_barrier"]["value"] == pytest.approx(0.7)
    with pytest.raises(BarrierError, match="below 0"):
        changes(findings(), ["vacancy"], correction=-0.9)


ALLOY = """16
Lattice="7.6 0 0 0 7.6 0 0 0 3.8" Properties=species:S:1:pos:R:3
""" + "".join(
    f"{symbol} {3.8 * (k // 8 + x)} {3.8 * (k // 4 % 2 + y)} {3.8 * z}\n"
    for k, symbol in enumerate("Cu Pt Al Cu Au Ni Cu Pt Al Au Cu Ni Au Cu Al Pt".split())
    for x, y, z in [[(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)][k % 4]]
)
"""Face-centred cubic alloy of six metals, which a short quench does not order."""
QUICK = "--calculator emt --melt-quench 0.06ps --sample 5 --images 1 --largest-force 0.4 --cutoff 0.35nm"
QUICK += " --species Cu --attempt-frequency 6THz --supercell 1x1x1 --base HfO2"


@pytest.fixture
def quench(tmp_path, monkeypatch, capsys):
    if not all(importlib.util.find_spec(name) for name in ("ase", "spglib")):
        pytest.skip("ASE and spglib, of the extra barriers, are not installed")
    monkeypatch.chdir(tmp_path)

    def run(text, *options):
        (tmp_path / "cell.xyz").write_text(text)
        status = main(["barriers", "cell.xyz", *QUICK.split(), *options, "--force", "-o", "glass.toml"])
        return status, capsys.readouterr()

    return run


@pytest.mark.filterwarnings("ignore:.*is a label")
def test_a_cell_is_molten_and_its_spread_becomes_the_disorder_of_a_material(quench, tmp_path, monkeypatch):
    """Three segments of ten steps; a command that was killed after the second continues with the third."""
    monkeypatch.setattr(disorder, "SEGMENT", 10)
    status, shown = quench(ALLOY)
    assert status == 0, shown.err
    lines = [line for line in shown.err.splitlines() if line.startswith("melt and quench")]
    assert [line.split(":")[0][-7:] for line in lines] == ["0.02 ps", "0.04 ps", "0.06 ps"]
    rows = {f"{row.section}.{row.key}": row for row in Material.read(tmp_path / "glass.toml").table()}
    sites, barriers = rows["disorder.site_energy"], rows["disorder.barrier_factor"]
    assert 0.01 < sites.value < 0.5 and sites.range[0] < sites.value < sites.range[1]
    assert 0.05 < barriers.value < 1 and "each the mean of two sites" in barriers.source
    first = (tmp_path / "glass.toml").read_bytes()
    for path in (tmp_path / "cell-barriers").glob("*.json"):
        if "0.06 ps" in path.read_text():
            path.unlink()
    status, shown = quench(ALLOY)
    lines = [line for line in shown.err.splitlines() if line.startswith("melt and quench")]
    assert [line.endswith("kept") for line in lines] == [True, True, False]
    assert (tmp_path / "glass.toml").read_bytes() == first


def test_a_quench_that_ends_in_a_crystal_is_refused(quench, monkeypatch):
    """Copper that hardly moves stays simple cubic in its cube."""
    monkeypatch.setattr(disorder, "MELT", 1.0)
    monkeypatch.setattr(disorder, "COLD", 1.0)
    status, shown = quench('1\nLattice="2.4 0 0 0 2.4 0 0 0 2.4"\nCu 0 0 0\n', "--supercell", "2x2x2")
    assert status == 1
    assert "the quenched cell is a crystal again, with 384 operations of symmetry: take another" in shown.err


def test_temperatures_of_a_melt_and_a_quench():
    temperatures = disorder.schedule(0.02)
    assert list(temperatures) == [5000] * 5 + [5000, 3825, 2650, 1475, 300]
