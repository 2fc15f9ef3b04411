"""A study of a crystal: which atoms it takes out, the names of calculations, and what it makes of them."""

from types import SimpleNamespace

import numpy as np
import pytest

from frenkel.barriers import crystal, paths, report
from frenkel.barriers.study import BarrierSettings, CrystalStudy, Findings, HopEnergy

ase = pytest.importorskip("ase", reason="ASE, of the extra barriers, is not installed")
pytest.importorskip("spglib", reason="spglib, of the extra barriers, is not installed")
SIDE = 1.6


class Study(CrystalStudy):
    """Face-centred cubic oxygen whose calculations return made-up energies at once, and are noted."""

    def __init__(self, **settings):
        self.settings = BarrierSettings("O", 1.2, **settings)
        self.unit = ase.Atoms("O", cell=SIDE / 2 * (1 - np.eye(3)), pbc=True)
        self.repeats = (3, 3, 3)
        self.perfect = self.unit * self.repeats
        self.energy, self.cpu, self.failures, self.calculator = -27.0, 0.0, [], None
        self.potential = SimpleNamespace(identity="made up", confidence="chosen")
        self.relaxed, self.taken, self.lost = [], [], ()

    def _relaxed(self, kind, words, atoms):
        self.relaxed.append((kind, words, atoms))
        return None if words in self.lost else (atoms, -float(len(self.relaxed)))

    def _take(self, kind, words, inputs, compute):
        self.taken.append((kind, words, inputs))
        images = [inputs["start"], inputs["start"], inputs["end"]]
        return {"images": images, "energies": [0.0, 0.8, 0.2], "coordinates": [0.0, 1.0, 2.0]}

    def _moves(self, vacant):
        return np.zeros_like(self.perfect.positions)


def first_hop(study):
    return crystal.hops(study.unit, "O", study.settings.cutoff)[0]


def places(atoms):
    return {tuple(np.round(place, 6)) for place in atoms.positions}


def test_an_interstitial_is_an_atom_more_in_each_of_the_largest_voids():
    """The octahedral void of the cubic cell first, half a side from six atoms; what fails has no energy."""
    study = Study(interstitials=2)
    study.lost = ("interstitial 2",)
    energies = study._interstitials()
    assert energies == [-1.0, None] and [words for _, words, _ in study.relaxed] == [
        "interstitial 1",
        "interstitial 2",
    ]
    for kind, _, atoms in study.relaxed:
        assert kind == "interstitial" and len(atoms) == 28
        assert places(atoms) > places(study.perfect)
    octahedral = study.relaxed[0][2]
    assert octahedral.get_distances(27, range(27), mic=True).min() == pytest.approx(SIDE / 2)


@pytest.mark.parametrize("besides", [(), (20,), (1, 24), (26, 2, 11)])
def test_a_hop_leads_from_its_own_site_to_the_vacant_one(besides):
    """Both ends lack the atom of the site hopped to and the vacancies beside; all others stand still."""
    study = Study()
    hop = first_hop(study)
    end = study._end_atom(hop)
    besides = tuple(k for k in besides if k not in (hop.start, end))
    band, moving = study._hop(hop, besides)
    (_, first_words, first), (_, last_words, last) = study.relaxed
    assert (first_words[-5:], last_words[-5:]) == ("end 1", "end 2")
    assert ("beside" in first_words) == bool(besides)
    gone = {end, *besides}
    stay = study.perfect[[k for k in range(27) if k not in gone]]
    assert places(first) == places(stay) and len(first) == len(last) == 27 - len(gone)
    np.testing.assert_allclose(first.positions[moving], study.perfect.positions[hop.start], atol=1e-9)
    np.testing.assert_allclose(last.positions[moving], study._place(hop), atol=1e-9)
    others = [k for k in range(len(first)) if k != moving]
    np.testing.assert_allclose(last.positions[others], first.positions[others], atol=1e-9)
    assert np.linalg.norm(last.positions[moving] - first.positions[moving]) == pytest.approx(hop.length)
    # The band goes from the one relaxed end to the other.
    ((kind, _, inputs),) = study.taken
    assert kind == "band"
    np.testing.assert_allclose(inputs["start"]["positions"], first.positions, atol=1e-6)
    np.testing.assert_allclose(inputs["end"]["positions"], last.positions, atol=1e-6)
    assert (band.forward, band.backward) == (pytest.approx(0.8), pytest.approx(0.6))


def test_a_hop_whose_end_does_not_relax_has_no_band():
    study = Study()
    study.lost = (f"{study._name(first_hop(study))}, end 2",)
    assert study._hop(first_hop(study)) is None and study.taken == []


@pytest.mark.parametrize("crowding", [0, 1, 3])
def test_crowding_takes_the_nearest_atoms_out_one_by_one(monkeypatch, crowding):
    """Barriers of 0.8 and 0.6 eV alone; each vacancy beside adds 0.1 to the one and 0.3 to the other."""
    study = Study(crowding=crowding)
    hop, calls = first_hop(study), []

    def beside(self, hop, besides=()):
        calls.append(besides)
        more = len(besides)
        energies = np.array([0.0, 0.8 + 0.1 * more, 0.2 - 0.2 * more])
        return paths.Band([], energies, np.arange(3.0)), 0

    monkeypatch.setattr(Study, "_hop", beside)
    found = study._crowding(hop, beside(study, hop))
    calls.pop(0)
    assert found == pytest.approx([0.2 * number for number in range(1, crowding + 1)])
    assert [len(one) for one in calls] == list(range(1, crowding + 1))
    # Neighbours of both sites come first: in a face-centred cubic crystal four.
    ends = study.perfect.positions[hop.start], study._place(hop)
    for k in calls[-1] if calls else ():
        one = study.perfect.copy() + ase.Atoms("H2", ends)
        assert one.get_distances(k, [27, 28], mic=True) == pytest.approx(np.full(2, SIDE / np.sqrt(2)))


def test_findings_hold_what_was_calculated(monkeypatch):
    """Energies above the crystal: a vacancy with its atom in the reservoir, an interstitial without."""
    study = Study()
    (hop,) = crystal.hops(study.unit, "O", 1.2)
    band = paths.Band([], np.array([0.0, 0.8, 0.2]), np.arange(3.0))
    monkeypatch.setattr(study, "_vacancy", lambda site: -20.0)
    monkeypatch.setattr(study, "_reference", lambda: (-3.0, "as given"))
    monkeypatch.setattr(study, "_interstitials", lambda: [-25.0, None])
    monkeypatch.setattr(study, "_hop", lambda hop: (band, 0))
    monkeypatch.setattr(study, "_frequency", lambda hop, band: (6e12, "Vineyard"))
    monkeypatch.setattr(study, "_pairs", lambda distinct, vacancies: {"O1-O1": len(distinct) + vacancies[0]})
    monkeypatch.setattr(study, "_crowding", lambda hop, found: [0.1, 0.2])
    study.cpu, study.failures = 120.0, ["interstitial 2: no"]
    found = study.run()
    assert found.vacancies == {"O1": (pytest.approx(-20.0 + 27.0 - 3.0), 1)}
    assert found.interstitials == (pytest.approx(-25.0 + 27.0 + 3.0),)
    assert (found.pairs, found.crowding, found.reference) == ({"O1-O1": -19.0}, (0.1, 0.2), "as given")
    assert (found.barrier, found.frequency, found.frequency_from) == (0.8, 6e12, "Vineyard")
    assert (found.formula, found.species, found.origin, found.confidence) == ("O", "O", "made up", "chosen")
    assert (found.failures, found.cpu_seconds) == (("interstitial 2: no",), 120.0)
    assert [(one.multiplicity, one.forward) for one in found.hops] == [(hop.multiplicity, 0.8)]


def test_a_report_says_each_number_with_its_unit():
    hop = HopEnergy("O1-O1 0.2500 nm", 2.5, 12, 0.8, 0.6, (0.0, 0.8, 0.2), (0.0, 1.0, 2.0), "here")
    found = Findings(
        "HfO2-fast", "O", "made up", "chosen", "27 atoms", (hop,), 0.8, "the hop", frequency=6e12,
        frequency_from="as given", vacancies={"O1": (4.0, 2)}, interstitials=(5.0,), reference="-3 eV",
        pairs={"O1-O1": -0.25}, crowding=(0.1, -0.2), failures=("pair: no",), cpu_seconds=90.0,
    )  # fmt: skip
    lines = report.text(found).split("\n")
    for words in (
        "| O1-O1 0.2500 nm | 0.2500 | 12 | 0.800 | 0.600 | - |",
        "Barrier of long-range motion: 0.800 eV; the hop.",
        "Attempt frequency: 6.00 THz; as given.",
        "| vacancy O1 | 4.000 | 2 |", "| interstitial 1 | 5.000 | |",
        "Vacancies O1-O1 apart gain -0.250 eV (negative: they repel).",
        "Beside 1 more vacancies the barrier changes by +0.100 eV (mean of both directions).",
        "Beside 2 more vacancies the barrier changes by -0.200 eV (mean of both directions).",
        "- pair: no", "CPU time of all calculations: 1.5 min.",
    ):  # fmt: skip
        assert words in lines
    less = Findings("HfO2-fast", "O", "made up", "chosen", "", (hop,), 0.8, "the hop")
    assert "CPU time" not in report.text(less) and "Not finished" not in report.text(less)


@pytest.mark.parametrize(("off", "operations"), [(1e-4, 48), (5e-3, 6)])
def test_symmetry_is_that_of_relaxed_atoms(off, operations):
    """What relaxing leaves of 1e-4 angstrom is none; along a diagonal a cube keeps 6 operations of 48."""
    atoms = ase.Atoms("CsCl", [(0, 0, 0), (2 + off, 2 + off, 2 + off)], cell=[4.0] * 3, pbc=True)
    rotations, translations = crystal.symmetry(atoms)
    assert rotations.shape == (operations, 3, 3) and translations.shape == (operations, 3)
