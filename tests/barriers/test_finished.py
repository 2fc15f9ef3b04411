"""Files of finished calculations of VASP, Quantum ESPRESSO and VacHopPy."""

import json

import numpy as np
import pytest

from frenkel.barriers import finished
from frenkel.barriers.errors import BarrierError

ESPRESSO = """      0.0000000000      0.0000000000      2.1764284244
      0.2255889029     -0.1137301503      0.0126032441
      0.5000000043     -0.2847563767      0.0187003162
      0.7744111027     -0.1137301491      0.0126033840
      1.0000000000      0.0000000006      2.0996346522
"""
"""aiida.dat in tests/parsers/fixtures/neb/h2h_symm of aiidateam/aiida-quantumespresso (GitHub, MIT)."""

VACHOPPY_CSV = "A1,0.8698\nA2,1.058\nA3,1.766\n"
"""neb_TiO2.csv in the tutorial of github.com/TY-Jeong/VacHopPy (MIT), doi:10.1016/j.cpc.2025.110010."""

VACHOPPY = {
    "Ea_path": [0.8698, 1.058, 1.766],
    "a_path": [2.5626, 2.8031, 2.967],
    "z_path": [1, 8, 2],
    "nu": [6.1675, 6.0200, 5.7611, 5.6642, 5.8308],
    "Ea_D_rand": 0.958,
}
"""What the same tutorial prints of parameters.json: keys by its list of them, numbers by its tables."""

OUTCAR = """  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)
  ---------------------------------------------------
  free  energy   TOTEN  =      -256.31561198 eV

  energy  without entropy=     -255.64634333  energy(sigma->0) =     {energy}
"""
"""End of an OUTCAR of VASP 5.4.1, tests/files/io/vasp/fixtures/neb_analysis of pymatgen (MIT)."""

VASP = """  0     0.000000     0.000000     0.000000   0
  1     0.389947     0.191613    -1.474390   1
  2     0.789822     1.137031    -3.591041   2
  3     1.212818     2.054245     0.086021   3
  4     1.701348     1.882893     0.000000   4
"""
"""neb.dat of oxygen on graphene with nitrogen by VASP, from 01.vasp-neb.md in src/dft-learning/05.VASP of
github.com/northword/wiki, commit 2682fa01 (CC BY 3.0)."""

VASP_ENERGIES = """   0         0.000000      -224.399900         0.000000
   1         0.148350      -224.208300         0.191600
   2         0.132181      -223.262900         1.137000
   3         0.096709      -222.345700         2.054200
   4         0.000000      -222.517000         1.882900
"""
"""nebef.dat of the same band, from the same page."""

PYMATGEN = {
    "@module": "pymatgen.analysis.transition_state",
    "energies": [0.0, 0.5284745299999827, 0.4844461200000296, 0.33948880999997755, -0.06825986000001194],
    "r": [0.0, 0.7520911216733217, 1.3175040819353467, 1.8911929701995307, 2.469450125993166],
    "forces": [0.0, -0.02638, -0.050629, 0.740298, 0.0],
}
"""neb_analysis2.json of pymatgen (tests/files/neb_analysis/neb2, commit 91b24920, MIT), less structures."""


@pytest.fixture
def read(tmp_path):
    def of(name, text):
        (tmp_path / name).write_text(text)
        return finished.read(tmp_path / name)

    return of


def test_a_band_of_espresso_that_falls_between_its_ends_has_no_saddle(read):
    with pytest.raises(BarrierError, match="aiida.dat has no saddle: its highest energy is at an end"):
        read("aiida.dat", ESPRESSO)


def test_a_band_of_espresso(read):
    """The same band turned over: energies by their negative, as of a path that has a saddle."""
    rows = [line.split() for line in ESPRESSO.splitlines()]
    ((hop,), rate) = read("over.dat", "".join(f"{x} {-float(e)} {f}\n" for x, e, f in rows))
    assert hop.forward == pytest.approx(0.2847563767) and hop.backward == pytest.approx(0.2847563773)
    assert hop.coordinates[-1] == 1.0 and rate is None
    assert read("over.int", "".join(f"{x} {-float(e)}\n" for x, e, _ in rows))[0][0].forward == hop.forward


def test_tables_of_the_scripts_for_vasp(read):
    """Both tables of one band: energies from the first image on, and whole ones."""
    ((hop,), rate) = read("neb.dat", VASP)
    assert (hop.forward, hop.backward, hop.length) == pytest.approx((2.054245, 0.171352, 1.701348))
    ((whole,), _) = read("nebef.dat", VASP_ENERGIES)
    assert (whole.forward, whole.backward) == pytest.approx((hop.forward, hop.backward), abs=1e-4)
    assert rate is None and np.isnan(whole.length) and whole.coordinates == (0.0, 0.25, 0.5, 0.75, 1.0)


def test_a_band_of_vasp_by_pymatgen(read):
    ((hop,), rate) = read("neb_analysis2.json", json.dumps(PYMATGEN))
    assert (hop.forward, hop.backward, hop.length) == pytest.approx((0.528475, 0.596734, 2.469450), abs=1e-6)
    assert hop.coordinates == tuple(PYMATGEN["r"]) and rate is None
    with pytest.raises(BarrierError, match="short.json has 4 distances and 5 energies"):
        read("short.json", json.dumps(PYMATGEN | {"r": PYMATGEN["r"][1:]}))


def test_folders_of_vasp(tmp_path):
    """The same band as of the tables, each energy in a file of its image."""
    energies = [line.split()[2] for line in VASP_ENERGIES.splitlines()]
    for k, energy in enumerate(energies):
        (tmp_path / f"{k:02}").mkdir()
        steps = OUTCAR.format(energy=-1.0) + OUTCAR.format(energy=energy)
        (tmp_path / f"{k:02}" / "OUTCAR").write_text(steps)
    ((hop,), _) = finished.read(tmp_path)
    assert (hop.forward, hop.backward) == pytest.approx((2.0542, 0.1713))
    (tmp_path / "01" / "OUTCAR").write_text("nothing yet")
    with pytest.raises(BarrierError, match="states no energy"):
        finished.read(tmp_path)
    (tmp_path / "01" / "OUTCAR").unlink()
    with pytest.raises(BarrierError, match="01 has no OUTCAR"):
        finished.read(tmp_path)


def test_paths_of_vachoppy(read):
    hops, rate = read("parameters.json", json.dumps(VACHOPPY))
    assert [hop.forward for hop in hops] == [0.8698, 1.058, 1.766]
    assert [hop.multiplicity for hop in hops] == [1, 8, 2] and hops[0].length == 2.5626
    assert rate == pytest.approx(5.8887e12, rel=1e-4)
    table, nothing = read("neb_TiO2.csv", VACHOPPY_CSV)
    assert [(hop.name, hop.forward) for hop in table] == [("A1", 0.8698), ("A2", 1.058), ("A3", 1.766)]
    assert nothing is None


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("neb.dat", "1 2 3 4 5 6\n", "neb.dat is no finished calculation: neither neb.dat or nebef.dat"),
        ("neb.dat", "no table\n", "neb.dat is no finished calculation"),
        ("parameters.json", "{", "parameters.json is no JSON file"),
        ("parameters.json", '{"D": 1}', "parameters.json lacks Ea_path"),
        ("neb.csv", "A1\n", "neb.csv has no rows of a path's name and its barrier in eV"),
    ],
)
def test_what_is_none_of_these_is_said(read, name, text, message):
    with pytest.raises(BarrierError, match=message):
        read(name, text)


def test_no_file(tmp_path):
    with pytest.raises(BarrierError, match="there is no file"):
        finished.read(tmp_path / "nothing.dat")
    (tmp_path / "00").mkdir()
    with pytest.raises(BarrierError, match="has 1 folders 00, 01, ... of images, at least 3"):
        finished.read(tmp_path)


KMCPY = "473.25\n445.75\n437.575\n"
"""First rows of tests/files/fitting/local_cluster_expansion/e_kra.txt of caneparesearch/kMCpy (MIT)."""


def test_energies_of_kmcpy_are_in_mev(read):
    hops, rate = read("e_kra.txt", KMCPY)
    assert [hop.forward for hop in hops] == pytest.approx([0.47325, 0.44575, 0.437575]) and rate is None
    assert all(hop.forward == hop.backward for hop in hops)
