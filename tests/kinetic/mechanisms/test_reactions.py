"""From a material to mechanisms on a lattice: weak column, cap, first vacancies, barriers per site."""

import numpy as np
import pytest

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.rows import MaterialError
from frenkel.kinetic.materials.sections import SpotsNumbers
from frenkel.kinetic.mechanisms.barrier import under_field
from frenkel.kinetic.mechanisms.mechanism import SiteEnergy
from frenkel.kinetic.mechanisms.place import weak_spots

CAP = {"cap.thickness": 0.52e-9, "cap.migration_shift": -0.2, "cap.vacancy_fraction": 0.25}


def device(**options):
    material = Material.load("HfO2-volatile").with_values(options.pop("values", {}))
    return Device(material, 2.6e-9, 2.6e-9, seed=1, **options)


def test_first_vacancies_lie_in_the_column():
    made = device()
    sites, _ = made.defects
    assert len(sites) == round(0.154 * made.chemistry.weak.sum())
    assert made.chemistry.weak[sites].all()


def test_a_column_may_widen_to_the_top():
    """A cone of 0.26 to 0.78 nm in ten layers: discs of radius 1 + 2 k / 9 spacings, counted by hand."""
    made = device(values={"column.radius": 0.26e-9, "column.top_radius": 0.78e-9})
    counts = made.chemistry.weak.reshape(10, 10, 10).sum(axis=(0, 1))
    assert counts.tolist() == [5, 5, 9, 9, 9, 13, 21, 21, 21, 29]
    straight = device(values={"column.radius": 0.26e-9, "column.top_radius": 0.26e-9})
    assert straight.chemistry.weak.sum() == 50


def spots(seed, width=10, lateral="periodic", **numbers):
    """Weak sites of 10 x 10 x 3 sites of 0.26 nm, and the shift of the exchange barrier there."""
    spacing = 0.26e-9
    given = {"density": 1.5e17, "radius": 0.4e-9, "exchange_spread": 0.1} | numbers
    section = SpotsNumbers(migration_shift=0.0, exchange_shift=0.0, vacancy_fraction=0.0, **given)
    lattice = Lattice.cubic((width, width, 3), spacing, lateral=lateral)
    shape = (width, width, 3)
    return weak_spots(section, lattice, shape, spacing, np.random.default_rng(seed))


def test_weak_spots_are_as_many_as_poissons_law_says_and_anywhere():
    """Small spots in 200 boxes of 100 x 100 sites: weak sites per box against density x area x pi r^2 / a^2.

    The number of spots in a box is Poisson's with the mean 8.1; the sum of its 200 boxes lies within 4
    standard deviations (false alarm 6e-5). Places: both halves of the box hold as many.
    """
    spacing, radius = 0.26e-9, 0.3e-9
    found = np.array(
        [spots(k, 100, density=1.2e16, radius=radius)[0].reshape(100, 100, 3) for k in range(200)]
    )
    assert np.array_equal(found[..., 0], found[..., 2])
    count = found[..., 0].sum() * spacing**2 / (np.pi * radius**2)
    mean = 200 * 1.2e16 * (100 * spacing) ** 2
    assert abs(count - mean) < 4 * np.sqrt(mean) + 0.03 * mean  # overlaps, and discs on a lattice
    left = found[:, :50, :, 0].sum() / found[..., 0].sum()
    assert abs(left - 0.5) < 4 * 0.5 / np.sqrt(mean)


def test_a_site_of_two_spots_has_the_smaller_shift_and_others_none():
    for seed in range(20):
        weak, shift = spots(seed)
        assert not shift[~weak].any()
        assert len(np.unique(shift[weak])) <= 8
    narrow = np.concatenate([np.unique(spots(seed, density=3e16)[1]) for seed in range(300)])
    narrow = narrow[narrow != 0.0]
    assert abs(narrow.std() / 0.1 - 1.0) < 4.0 / np.sqrt(2 * len(narrow))  # false alarm 6e-5
    crowded = np.concatenate([spots(seed, density=3e19)[1] for seed in range(20)])
    assert crowded.mean() < -0.1  # the least of some 20 normal shifts


def test_a_spot_goes_on_beyond_a_periodic_side_only():
    wrapped = [spots(seed, density=3e16)[0].sum() for seed in range(60)]
    cut = [spots(seed, density=3e16, lateral="reflecting")[0].sum() for seed in range(60)]
    assert all(one >= other for one, other in zip(wrapped, cut, strict=True))
    assert sum(wrapped) > sum(cut)


def test_a_spot_shifts_the_exchange_of_its_sites():
    values = {"spots.density": 4e17, "spots.radius": 0.4e-9, "spots.exchange_spread": 0.1}
    values |= {"spots.migration_shift": 0.2, "spots.exchange_shift": 0.5, "spots.vacancy_fraction": 0.0}
    material = Material.load("HfO2-fast").with_changes({"without": ["column"]}).with_values(values)
    made = Device(material, 1.3e-9, 2.6e-9, seed=3)
    by_name = {one.name: one for one in made.chemistry.mechanisms}
    weak, shift = made.chemistry.weak, by_name["oxygen exchange"].barrier_shift[: made.n_hosts]
    assert 0 < weak.sum() < made.n_hosts
    np.testing.assert_allclose(shift[~weak], 0.5)
    assert np.abs(shift[weak]).max() < 0.5 and len(np.unique(shift[weak])) > 1


def test_a_cap_holds_its_share_of_vacancies_and_eases_hops_there():
    made, plain = device(values=CAP), device()
    sites, _ = made.defects
    assert np.count_nonzero(sites % 10 >= 8) == 50  # a quarter of two layers of 100 sites
    change = made.chemistry.mechanisms[0].barrier_shift - plain.chemistry.mechanisms[0].barrier_shift
    np.testing.assert_allclose(change.reshape(10, 10, 10)[..., 8:], -0.2)
    np.testing.assert_allclose(change.reshape(10, 10, 10)[..., :8], 0.0)


def test_barriers_per_site_reach_the_events():
    shift = np.full(1000, 0.25)
    with_shift, plain = device(barrier_shift={"vacancy hop": shift}), device()
    hops = plain.transitions()["mechanism"] == 0
    difference = with_shift.solved().events.arrays()["barrier"] - plain.solved().events.arrays()["barrier"]
    np.testing.assert_allclose(difference[hops], 0.25)
    np.testing.assert_allclose(difference[~hops], 0.0)


@pytest.mark.parametrize(
    ("shift", "text"),
    [
        ({"hop": np.zeros(1000)}, "'hop'"),
        ({"vacancy hop": np.zeros(7)}, "1000"),
        ({"vacancy hop": np.full(1000, np.nan)}, "finite"),
    ],
)
def test_wrong_barriers_are_named(shift, text):
    with pytest.raises(ValueError, match=text):
        device(barrier_shift=shift)


def test_no_defect_starts_on_a_blocked_site_of_a_plane():
    """Every weak site but those of a plane without pores holds a vacancy; the column starts full."""
    plane = {"plane.height": 1.04e-9, "plane.pore_fraction": 0.0, "plane.migration_shift": 1.0}
    made = device(values=plane | {"column.vacancy_fraction": 1.0})
    sites, _ = made.defects
    blocked = np.arange(1000) % 10 == 3  # 1.04 nm are four spacings: the fourth layer
    np.testing.assert_array_equal(made.chemistry.blocked, blocked)
    np.testing.assert_array_equal(sites, np.flatnonzero(made.chemistry.weak & ~blocked))
    # A hop takes the mean of both ends: onto the plane or off it the whole shift, within it twice as much.
    shifts = [one.chemistry.mechanisms[0].barrier_shift.reshape(100, 10) for one in (made, device())]
    change = shifts[0] - shifts[1]
    np.testing.assert_allclose(0.5 * (change[:, 3] + change[:, 2]), 1.0, rtol=1e-12)
    np.testing.assert_allclose(0.5 * (change[:, 5] + change[:, 4]), 0.0, atol=1e-12)


def test_adsorption_holds_atoms_at_the_bottom_electrode():
    """A hop onto the lowest layer wins the adsorption energy, one within it or elsewhere nothing."""
    values = {"cation.adsorption_energy": 0.37, "cation.binding_energy": 0.0}
    made = Device(Material.load("Ag-HfO2").with_values(values), 2.03e-9, 2.03e-9, seed=1)
    (energies,) = [part.values for part in made.chemistry.interactions if isinstance(part, SiteEnergy)]
    layer = made.lattice.layer
    np.testing.assert_allclose(energies - np.where(layer == 0, -0.37, 0.0), 0.0, atol=1e-15)


def test_every_electron_that_eases_a_pair_is_paid_for():
    """Barriers with 0, 1 and 2 trapped electrons: each as given, plus the trapping energy of each."""
    material = Material.load("SiOx-electrons")
    numbers = material.frenkel_pair
    made = Device(material, 2.6e-9, 1.56e-9, seed=1)
    found = {m.name: m for m in made.chemistry.mechanisms}
    given = (numbers.barrier, numbers.barrier_one, numbers.barrier_two)
    for electrons, name in enumerate(("", ", one electron", ", two electrons")):
        pair = found["Frenkel pair" + name]
        assert pair.barrier == given[electrons] + electrons * numbers.trapping_energy
        assert pair.energy == numbers.energy  # one energy, so that no cycle gains
    assert numbers.trapping_energy > 0.0


def test_company_counts_among_six_or_eighteen_neighbours():
    near, wide = (
        device(values={"vacancy.crowding_shells": shells}).chemistry.mechanisms[0] for shells in (1, 2)
    )
    assert (near.crowding_motif, wide.crowding_motif) == ("nearest", "close")
    table = device().lattice.motifs["close"]
    inside = table[(table >= 0).all(axis=1)]
    assert all(len(set(row)) == 18 for row in inside.tolist()) and len(inside)


def test_an_exchange_below_the_face_feels_its_bond_alone():
    """Two layers below it at 0.6 nm, weak sites only; barriers fall by the dipole in the uniform field."""
    values = {
        "exchange.depth": 0.6e-9,
        "exchange.dipole": 1e-9,
        "exchange.barrier": 1.7,
        "exchange.floor": 0.1,
        "column.vacancy_fraction": 0.0,
    }
    made = device(values=values)
    events, solved = made.transitions(), made.solved()
    layer = events["site_a"] % 10
    assert made.chemistry.weak[events["site_a"][layer < 9]].all()
    assert [np.count_nonzero(layer == z) for z in (6, 7, 8, 9)] == [0, 13, 13, 100]
    voltage, columns = 2.0, solved.events.arrays()
    lower = columns["barrier"] - solved.at(voltage).activation(voltage)
    np.testing.assert_allclose(lower, 1e-9 / 0.26e-9 * voltage / 11, atol=1e-9)


def test_an_exchange_whose_barrier_bends_has_no_floor():
    """The power of the file is that of the events; a floor beside it is refused when the file is read."""
    values = {"exchange.dipole": 2.6e-9, "exchange.dipole_power": 1.5, "exchange.floor": 0.0}
    made = Material.load("HfO2-fast").with_values(values)
    with pytest.raises(MaterialError, match=r"exchange\.floor must be 0 with a dipole_power"):
        made.with_values({"exchange.floor": 0.1})
    device = Device(made, 9 * 0.26e-9, 8 * 0.26e-9, seed=1)
    solved, voltage = device.solved(), 1.5
    columns, site = solved.events.arrays(), device.transitions()["site_b"]
    one = np.flatnonzero((site < 0) & (columns["direction"] == 0))
    drop = columns["drop0"][one] + voltage / 10
    expected = under_field(columns["barrier"][one], 10.0 * drop, 1.5)
    assert np.ptp(expected) > 0.1 and expected.min() > 0.0
    np.testing.assert_allclose(solved.at(voltage).activation(voltage)[one], expected, atol=1e-6)


def test_a_set_of_columns_has_no_exchange_below_the_face():
    with pytest.raises(MaterialError, match=r"exchange\.depth needs a filament"):
        Material.load("PCMO").with_values({"exchange.depth": 1e-9})
