"""The table of currents of a material, and its picture."""

from types import SimpleNamespace

import numpy as np
import pytest

from frenkel.analysis.plots import conduction as conduction_plot
from frenkel.analysis.plots.conduction import draw_conduction, local_slopes, shares, tabulate
from frenkel.kinetic.conduction.iv import contributions, currents, largest_voltages, laws, state_density
from frenkel.kinetic.conduction.laws import LAWS
from frenkel.units import BOLTZMANN_EV, nm

NUMBERS = {
    "barrier": 1.3,
    "mass": 0.3,
    "optical_permittivity": 5.5,
    "donor_density": 0.0,
    "fermi_depth": 0.1,
    "trap_depth": 0.8,
    "trap_spacing": 3 * nm,
    "mobility": 1e-5,
    "hop_barrier": 0.45,
    "hop_frequency": 1e12,
}
VOLTAGE = np.linspace(0.05, 2, 40)
KELVIN = np.array([250.0, 300.0, 350.0, 400.0])
PLACE = {"thickness": 5 * nm, "area": (100 * nm) ** 2}


def material(**changed):
    """Return what stands for a material: only its sections are read."""
    return SimpleNamespace(
        transport=SimpleNamespace(**{**NUMBERS, **changed}),
        electrostatics=SimpleNamespace(permittivity=23.0),
    )


@pytest.fixture
def table():
    by_law = [currents(material(), kelvin, VOLTAGE, **PLACE) for kelvin in KELVIN]
    stacked = {name: [row[name] for row in by_law] for name in by_law[0]}
    limit = largest_voltages(material(), PLACE["thickness"])
    return tabulate(stacked, VOLTAGE, KELVIN, limit=limit, title="made-up oxide")


def test_a_law_is_there_if_its_numbers_are():
    assert set(laws(material(), 300.0, 1e-14)) == {
        "direct tunnelling",
        "Schottky",
        "Poole-Frenkel",
        "space charge",
        "hopping",
    }
    assert "thermionic field" in laws(material(donor_density=1e25), 300.0, 1e-14)
    assert "hopping" not in laws(material(hop_frequency=0.0), 300.0, 1e-14)
    bare = set(laws(material(trap_depth=0.0, trap_spacing=0.0), 300.0, 1e-14))
    assert bare == {"direct tunnelling", "Schottky"}
    for name, law in laws(material(donor_density=1e25), 300.0, 1e-14).items():
        assert type(law) is LAWS[name]


def test_currents_are_odd_and_follow_their_laws():
    at = np.linspace(-1, 1, 21)
    found = currents(material(donor_density=1e25), 300.0, at, **PLACE)
    for name, current in found.items():
        assert current.shape == at.shape and current[10] == 0
        assert current == pytest.approx(-current[::-1], rel=1e-12, abs=0), name
        assert np.all(np.diff(current) > 0), name
    twice = currents(material(), 300.0, at, PLACE["thickness"], 2 * PLACE["area"])
    assert twice["hopping"] == pytest.approx(2 * found["hopping"], rel=1e-12, abs=0)
    limit = largest_voltages(material(), 5 * nm)
    assert set(limit) == {"Poole-Frenkel", "Schottky", "hopping"}
    assert limit["hopping"] == pytest.approx(2 * 0.45 * 5 / 3)
    assert state_density(1.0, 300.0) == pytest.approx(2.5094e25, rel=1e-3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"temperature": 0.0}, "temperature must be between 1 and 5000 K"),
        ({"thickness": -1.0}, r"thickness must be positive and finite \(m\)"),
        ({"area": 0.0}, r"area must be positive and finite \(m\^2\)"),
        ({"voltage": np.nan}, r"voltage must be a row of finite numbers \(V\)"),
    ],
)
def test_bad_requests_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        currents(material(), **{"temperature": 300.0, "voltage": VOLTAGE, **PLACE, **changed})


def test_local_slopes_tell_the_laws_apart():
    v = np.geomspace(0.1, 2, 400)
    assert local_slopes(v, 3e-9 * v)[0] == pytest.approx(1, abs=1e-9)
    assert local_slopes(v, 3e-9 * v**2)[0] == pytest.approx(2, abs=1e-9)
    emission = local_slopes(v, np.exp(7 * np.sqrt(v)))[1]
    assert emission[1:-1] == pytest.approx(7, rel=1e-4)
    assert local_slopes(-v, -3e-9 * v**2)[0] == pytest.approx(2, abs=1e-9)


def test_shares_add_up_and_name_the_law_that_carries_most(table):
    part = shares(table)
    assert part.sum("law").values == pytest.approx(1)
    assert float(part.sel(law="hopping", temperature=300).isel(voltage=0)) > 0.99
    total, current = table["law_current"].sum("law").values, table["current"].values
    known = np.isfinite(current)
    assert np.array_equal(current[known], total[known])
    # Beyond 1.5 V the drop per hop has taken its barrier: no total where hopping would carry a tenth.
    hopping = part.sel(law="hopping").values > 0.1
    assert np.array_equal(known, ~(hopping & (VOLTAGE > float(table["limit"].sel(law="hopping")))))
    assert 0 < np.count_nonzero(~known) < known.size


def test_picture_shows_every_panel(table):
    figure = draw_conduction(table)
    axes = figure.axes
    assert len(axes) == 6
    assert [a.get_xlabel() for a in axes[:3]] == ["voltage / V", "sqrt(voltage / V)", "1000 K / temperature"]
    names = [text.get_text() for text in axes[0].get_legend().get_texts()]
    assert names == ["250 K", "300 K", "350 K", "400 K", *table["law"].values]
    assert figure.texts[0].get_text() == "made-up oxide"
    # A law's line ends where its validity does.
    hopping = next(line for line in axes[0].get_lines() if line.get_label() == "hopping")
    assert hopping.get_xdata().max() <= 1.5 < VOLTAGE.max()
    figure.draw_without_rendering()


def test_arrhenius_panel_names_the_activation_energy():
    pure = np.exp(-0.3 / (BOLTZMANN_EV * KELVIN))[:, None] * VOLTAGE
    axes = draw_conduction(tabulate(1e-6 * pure, VOLTAGE, KELVIN)).axes
    assert len(axes) == 5  # no laws, no strip
    names = [text.get_text() for text in axes[2].get_legend().get_texts()]
    assert len(names) == 5 and all(name.endswith(": 0.300 eV") for name in names)


def test_strip_is_painted_by_the_largest_share():
    v, kelvin = np.linspace(0.1, 2, 20), np.array([300.0, 400.0])
    parts = {"ohmic": np.tile(v, (2, 1)), "space charge": np.tile(v**2, (2, 1))}
    figure = draw_conduction(tabulate(parts, v, kelvin))
    strip = figure.axes[5]
    colour = np.asarray(strip.collections[0].get_array()).reshape(2, 20, 3)
    first, second = conduction_plot.SERIES[:2]
    red, blue = (np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) / 255 for c in (first, second))
    share = v[0] / (v[0] + v[0] ** 2)
    assert colour[0, 0] == pytest.approx(1 - share * (1 - red))
    share = v[-1] ** 2 / (v[-1] + v[-1] ** 2)
    assert colour[1, -1] == pytest.approx(1 - share * (1 - blue))
    assert [text.get_text() for text in strip.get_legend().get_texts()] == ["ohmic", "space charge"]


def test_both_signs_and_frozen_laws_can_be_drawn():
    v = np.arange(-10, 5) / 10
    parts = {"ohmic": v[None, :] * 1e-9, "hopping": np.zeros((1, 15))}
    figure = draw_conduction(tabulate(parts, v, [300.0]))
    line = figure.axes[0].get_lines()[0]
    assert line.get_xdata().min() > 0 and len(line.get_xdata()) == 10
    figure.draw_without_rendering()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((1, 3)), [1, 0, 2], [300]), "must ascend"),
        ((np.ones((1, 3)), [-1, 0, 1], [300]), "at least three values of one sign"),
        ((np.ones((2, 3)), [1, 2, 3], [300]), r"current must have shape \(1, 3\), got \(2, 3\)"),
    ],
)
def test_bad_tables_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        tabulate(*arguments)


def test_contact_and_bulk_stand_in_series():
    """The current is the harmonic mean of both groups and is credited to the one that limits."""
    current = {
        "direct tunnelling": np.array([1.0]),
        "Schottky": np.array([2.0]),
        "Poole-Frenkel": np.array([30.0]),
        "space charge": np.array([70.0]),
    }
    found = contributions(current)
    assert sum(found.values())[0] == pytest.approx(1.0 + 1 / (1 / 2.0 + 1 / 100.0))
    assert found["Schottky"] > 10 * (found["Poole-Frenkel"] + found["space charge"])
    assert found["space charge"] / found["Poole-Frenkel"] == pytest.approx(70 / 30)
    assert contributions({"Schottky": np.array([2.0])}) == {"Schottky": np.array([2.0])}
    assert contributions({name: 0 * value for name, value in current.items()})["Schottky"] == 0.0
