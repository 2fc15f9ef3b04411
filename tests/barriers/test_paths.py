"""Bands and frequencies against potentials whose saddles and curvatures are known."""

import numpy as np
import pytest

from frenkel.barriers import paths
from frenkel.barriers.errors import BarrierError

pytest.importorskip("ase", reason="paths are found by ASE")
models = pytest.importorskip("barrier_models")


@pytest.fixture(scope="module")
def bent():
    ends = [paths.relax(models.atom(place), 1e-4) for place in ((-1.1, 0.1, 0.05), (0.9, 0.0, -0.05))]
    return paths.band(*ends, models.BentWell(), 3, 1e-3)


def test_a_bent_path_has_its_known_saddle(bent):
    assert bent.forward == pytest.approx(models.HEIGHT, abs=1e-5)
    assert bent.backward == pytest.approx(models.HEIGHT, abs=1e-5)
    assert bent.saddle.positions[0] == pytest.approx([0, models.BEND, 0], abs=2e-3)
    assert len(bent.images) == 5 and np.all(np.diff(bent.coordinates) > 0.2)


def test_a_partial_hessian_is_that_of_the_model():
    at_minimum = paths.hessian(models.atom((1.0, 0.0, 0.0)), [0])
    slope = np.array([2 * models.BEND, 1.0, 0.0])
    exact = np.diag([8 * models.HEIGHT, 0, 2 * models.UP]) + 2 * models.STIFF * np.outer(slope, slope)
    assert at_minimum == pytest.approx(exact, abs=5e-3)  # the quartic term: 4 HEIGHT step^2 and its kin


def test_the_attempt_frequency_is_that_of_the_closed_form(bent):
    """det of the minimum over the real curvatures of the saddle leaves sqrt(8 HEIGHT / m) / 2 pi."""
    ends = [models.atom(image.positions[0]) for image in (bent.images[0], bent.saddle)]
    found = paths.attempt_frequency(*ends, [0])
    mass = bent.saddle.get_masses()[0] * paths.ATOMIC_MASS
    exact = np.sqrt(8 * models.HEIGHT * 1.602176634e-19 / 1e-20 / mass) / (2 * np.pi)
    assert found == pytest.approx(exact, rel=2e-3)


def test_a_minimum_in_place_of_the_saddle_has_no_frequency(bent):
    with pytest.raises(BarrierError, match="0 curvatures of the minimum and 0 of the saddle are negative"):
        paths.attempt_frequency(*(models.atom(bent.images[k].positions[0]) for k in (0, -1)), [0])


def test_a_vacancy_of_a_pair_potential_hops_over_the_midpoint():
    """With the other atoms held the saddle is half way, by symmetry: its energy is a sum over pairs."""
    build, constraints = pytest.importorskip("ase.build"), pytest.importorskip("ase.constraints")
    crystal = build.bulk("Ar", cubic=True, a=1.6) * (2, 2, 2)
    here, there = crystal.positions[0], crystal.positions[1]
    first, last, middle = (crystal.copy() for _ in range(3))
    last.positions[0], middle.positions[0] = there, (here + there) / 2
    for atoms in (first, last, middle):
        del atoms[1]
        atoms.set_constraint(constraints.FixAtoms(range(1, len(atoms))))
        atoms.calc = models.lennard_jones()
    exact = middle.get_potential_energy() - first.get_potential_energy()
    for images in (1, 3):
        band = paths.band(first, last, models.lennard_jones(), images, 0.02)
        assert band.forward == pytest.approx(exact, abs=1e-3)
        assert band.backward == pytest.approx(exact, abs=1e-3)


def test_what_does_not_come_to_rest_is_said(monkeypatch):
    monkeypatch.setattr(paths, "MOST_STEPS", 1)
    with pytest.raises(BarrierError, match=r"O does not relax below 1e-06 eV/angstrom in 1 steps"):
        paths.relax(models.atom((0.5, 0.3, 0.2)), 1e-6)
    with pytest.raises(BarrierError, match="a band does not relax"):
        paths.band(models.atom((-1, 0, 0)), models.atom((1, 0, 0)), models.BentWell(), 3, 1e-6)
