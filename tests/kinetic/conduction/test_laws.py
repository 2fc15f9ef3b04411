"""Every bond law against finite differences, its own limits, and the closed form of each regime."""

from itertools import pairwise

import numpy as np
import pytest
from barriers_and_chains import chain_transmission, wkb_exponent
from scipy.integrate import quad

from frenkel.kinetic.conduction.emission import RICHARDSON
from frenkel.kinetic.conduction.laws import (
    LAWS,
    TOP,
    Bonds,
    DirectTunnelling,
    FowlerNordheim,
    QuantumPointContact,
    SpaceCharge,
    ThermionicField,
)
from frenkel.kinetic.conduction.tunnelling import decay
from frenkel.units import (
    BOLTZMANN_EV,
    CONDUCTANCE_QUANTUM,
    ELECTRON_MASS,
    ELEMENTARY_CHARGE,
    PLANCK,
    VACUUM_PERMITTIVITY,
    nm,
)

AREA = (10 * nm) ** 2
DISTANCE = {"prefactor": 1e-4, "decay_length": 0.35 * nm, "spacing": 0.26 * nm}
HOT = {"area": AREA, "temperature": 350.0}
SCHOTTKY = {"barrier": 0.7, "mass": 0.5, "permittivity": 5.5, **HOT}
FIELD = {
    "barrier": 0.5,
    "fermi_depth": 0.1,
    "donor_density": 2e25,
    "mass": 0.5,
    "permittivity": 17.0,
    "image_permittivity": 5.5,
    **HOT,
}
TRAPPED = {
    "carrier_density": 1e18,
    "mobility": 1e-6,
    "permittivity": 23.0,
    "area": AREA,
    "trap_density": 1e24,
    "trap_occupancy_density": 1e21,
}
EXAMPLES = {
    "ohmic": ({"conductance": 3e-5}, (-3, 3)),
    "tunnelling": (DISTANCE, (-3, 3)),
    "contact": (DISTANCE, (-3, 3)),
    "sinh": ({**DISTANCE, "voltage_scale": 0.2}, (-3, 3)),
    "filament": ({"prefactor": 1e-3, "activation_energy": 0.08, "temperature": 350.0}, (-3, 3)),
    "Poole-Frenkel": ({"prefactor": 40.0, "trap_depth": 0.8, "permittivity": 5.5, **HOT}, (-2, 2)),
    "direct tunnelling": ({"barrier": 1.2, "mass": 0.4, "area": AREA}, (-6, 6)),
    "Fowler-Nordheim": ({"barrier": 1.2, "mass": 0.4, "area": AREA}, (1.2, 6)),
    "Schottky": ({**SCHOTTKY, "ideality": 1.4}, (-2, 0.7)),
    "thermionic field": (FIELD, (-2, 0.4)),
    "space charge": (TRAPPED, (-3, 3)),
    "hopping": (
        {"hop_distance": 1 * nm, "barrier": 0.4, "site_density": 1e26, "attempt_frequency": 1e12, **HOT},
        (-2, 2),
    ),
    "quantum point contact": ({"channels": 2.0, "transmission": 0.9}, (-3, 3)),
    "electron transfer": (
        {"conductance": 1e-6, "reorganisation": 0.6, "hops": 2, "temperature": 310.0}, (-3, 3)),
    "quantum gap": ({"channels": 3.0, "barrier": 0.6, "mass": 0.4, "share": 0.7}, (-3, 3)),
}
"""Of each law, parameters and the voltages over which they are valid."""
EVEN_SLOPE = set(LAWS) - {"Schottky", "thermionic field", "quantum gap"}


def made(name, **changed):
    return LAWS[name](**{**EXAMPLES[name][0], **changed})


def applied(law, voltage, length=4 * nm):
    """Return current and slope of one bond after the other, all of one length."""
    v = np.atleast_1d(np.asarray(voltage, float))
    n = len(v)
    return law.current(
        v, Bonds(first=np.arange(n), second=np.full(n, TOP), law=law, length=np.full(n, length))
    )


def current(law, voltage, length=4 * nm):
    return applied(law, voltage, length)[0]


def test_every_law_has_an_example():
    assert set(LAWS) == set(EXAMPLES)


@pytest.mark.parametrize("name", LAWS)
def test_slope_is_the_derivative_over_the_whole_range(name):
    law, (low, high) = made(name), EXAMPLES[name][1]
    at = np.r_[np.linspace(low, high, 401), low + (high - low) * np.random.default_rng(1).random(50)]
    step = 1e-5
    _, slope = applied(law, at)
    # Third differences vary fast near V_TFL and near 0 V, where a square root enters.
    difference = (current(law, at + step) - current(law, at - step)) / (2 * step)
    smooth = np.abs(at) > 1e-3
    assert slope[smooth] == pytest.approx(difference[smooth], rel=2e-6, abs=0)
    assert np.all(slope > 0)


@pytest.mark.parametrize("name", LAWS)
def test_value_and_slope_are_continuous(name):
    """Branches meet: at 0 V, at eV = phi, at the filling of the traps."""
    law = made(name)
    for joint in (0.0, 1.2, 3.0):
        (low, here, high), slope = applied(law, joint + np.array([-1e-9, 0, 1e-9]))
        rise = 1e-9 * slope.max()
        assert abs(high - here) <= 1.1 * rise + 1e-300 and abs(here - low) <= 1.1 * rise + 1e-300
        assert np.ptp(slope) <= 2e-3 * slope.max()


@pytest.mark.parametrize("name", LAWS)
def test_low_field_limit_is_ohmic(name):
    law = made(name)
    value, slope = applied(law, [0.0, 1e-8, -1e-8])
    assert value[0] == 0
    if name == "Fowler-Nordheim":  # it has none: current and slope vanish faster than any power
        assert np.all(value == 0) and np.all(slope == 0)
        return
    assert 0 < slope[0] < np.inf
    # Poole-Frenkel and Schottky lowering start as sqrt(V): by 10 nV they are 2e-3 kT already.
    assert value[1:] == pytest.approx(slope[0] * np.array([1e-8, -1e-8]), rel=3e-3, abs=0)


@pytest.mark.parametrize("name", LAWS)
def test_laws_say_whether_they_are_odd(name):
    law, at = made(name), np.linspace(0.01, 0.4, 40)
    assert law.odd == np.array_equal(current(law, -at), -current(law, at)) == (name in EVEN_SLOPE)
    assert made("quantum gap", share=0.5).odd


def test_laws_of_direction_turn_with_their_polarity():
    at = np.linspace(-1, 0.4, 30)
    for name in ("Schottky", "thermionic field"):
        turned = made(name, polarity=-1)
        assert current(turned, -at) == pytest.approx(-current(made(name), at), rel=1e-13, abs=0)
        assert current(made(name), 0.3)[0] > 10 * -current(made(name), -0.3)[0]
    odd = made("quantum gap", share=0.5)
    assert current(odd, -at) == pytest.approx(-current(odd, at), rel=1e-12, abs=0)


def test_equilibrium_ratio_of_both_directions():
    """What crosses a contact forward over what crosses it in reverse is exp(V / kT) at the same barrier."""
    law, thermal = made("Schottky", ideality=1.0), BOLTZMANN_EV * 350
    saturation = AREA * RICHARDSON * 0.5 * 350**2 * np.exp(-0.7 / thermal)
    at = np.array([0.01, 0.1, 0.3])
    assert current(law, at) == pytest.approx(saturation * np.expm1(at / thermal), rel=1e-12, abs=0)
    assert applied(law, 0.0)[1][0] == pytest.approx(saturation / thermal, rel=1e-12, abs=0)


# ---- Arrhenius and field slopes, each regime on its own (3 % of the closed form)


def arrhenius(name, voltage, power=0, length=4 * nm, **changed):
    """Return the activation energy of I / T^power (eV) between 300 and 400 K by regression."""
    kelvin = np.linspace(300, 400, 6)
    values = [current(made(name, temperature=t, **changed), voltage, length)[0] / t**power for t in kelvin]
    return -np.polyfit(1 / (BOLTZMANN_EV * kelvin), np.log(np.abs(values)), 1)[0]


def field_slope(law, voltage, of_voltage, of_current=np.log, length=4 * nm):
    v = np.asarray(voltage)
    return np.polyfit(of_voltage(v), of_current(np.abs(current(law, v, length))), 1)[0]


def image(permittivity, factor, length=4 * nm):
    """Return sqrt(e / (factor eps d)), the lowering by 1 V (eV)."""
    return np.sqrt(ELEMENTARY_CHARGE / (factor * permittivity * VACUUM_PERMITTIVITY * length))


def test_filament_and_contact_of_ohm():
    assert arrhenius("filament", 0.1) == pytest.approx(0.08, rel=1e-9)
    assert field_slope(made("filament"), [0.1, 1, 2], np.log) == pytest.approx(1, rel=1e-12)


def test_poole_frenkel_slopes():
    lowering = image(5.5, np.pi)
    assert arrhenius("Poole-Frenkel", 1.0) == pytest.approx(0.8 - lowering, rel=0.03)
    law, v = made("Poole-Frenkel"), np.linspace(0.5, 2, 20)
    slope = np.polyfit(np.sqrt(v), np.log(current(law, v) / v), 1)[0]
    assert slope == pytest.approx(lowering / (BOLTZMANN_EV * 350), rel=0.03)
    assert law.largest_voltage(4 * nm) == pytest.approx((0.8 / lowering) ** 2)


def test_schottky_slopes():
    lowering, thermal = image(5.5, 4 * np.pi), BOLTZMANN_EV * 350
    assert arrhenius("Schottky", -1.0, 2) == pytest.approx(0.7 - lowering, rel=0.03)
    reverse = field_slope(made("Schottky"), np.linspace(-2, -0.5, 20), lambda v: np.sqrt(-v))
    assert reverse == pytest.approx(lowering / thermal, rel=0.03)
    forward = field_slope(made("Schottky", ideality=1.4), np.linspace(0.3, 0.6, 20), lambda v: v)
    assert forward == pytest.approx(1 / (1.4 * thermal), rel=0.03)
    assert made("Schottky").largest_voltage(4 * nm) == pytest.approx((0.7 / lowering) ** 2)


def test_thermionic_field_slopes_and_the_branch_of_jart():
    """Reverse: A (A* T / k) sqrt(pi W00 (V + phi_B / cosh^2)) exp(-phi_B / W0) (exp(V / E') - 1)."""
    law, thermal = made("thermionic field"), BOLTZMANN_EV * 350
    narrow = law.tunnelling_energy
    hbar = PLANCK / (2 * np.pi)
    squared = (hbar / 2) ** 2 * 2e25 / (0.5 * ELECTRON_MASS * 17 * VACUUM_PERMITTIVITY)
    assert narrow**2 == pytest.approx(squared)
    broad = narrow / np.tanh(narrow / thermal)
    forward = field_slope(law, np.linspace(0.2, 0.4, 20), lambda v: v)
    assert forward == pytest.approx(1 / broad, rel=0.03)
    v = np.linspace(0.4, 2, 9)
    lowered = (
        0.5
        - (ELEMENTARY_CHARGE**3 * 2e25 * (0.4 + v) / (8 * np.pi**2 * (5.5 * VACUUM_PERMITTIVITY) ** 3))
        ** 0.25
    )
    jart = (
        AREA
        * RICHARDSON
        * 0.5
        * 350
        / BOLTZMANN_EV
        * np.sqrt(np.pi * narrow * (v + law.zero_bias_barrier / np.cosh(narrow / thermal) ** 2))
        * np.exp(-lowered / broad)
        * np.expm1(v * (1 / thermal - 1 / broad))
    )
    # JART has exp(V / E') - 1 for our exp(V / E') (1 - exp(-V / kT)): they part within a few E'.
    steep = 1 / thermal - 1 / broad
    ratio = -np.expm1(-v / thermal) / -np.expm1(-v * steep)
    assert -current(law, -v) == pytest.approx(jart * ratio, rel=1e-10, abs=0)
    kelvin = np.linspace(300, 330, 4)
    values = [-current(made("thermionic field", temperature=t), -1e-3)[0] for t in kelvin]
    apparent = -np.polyfit(1 / (BOLTZMANN_EV * kelvin), np.log(values), 1)[0]
    # By 1 / kT: of exp(-phi / E0) phi / cosh^2(E00 / kT), of the prefactor's cosh E00 tanh(E00 / kT).
    middle = BOLTZMANN_EV * 315
    expected = law.zero_bias_barrier / np.cosh(narrow / middle) ** 2 + narrow * np.tanh(narrow / middle)
    assert apparent == pytest.approx(expected, rel=0.03)


def test_hopping_slopes():
    """E-02: a / (2 d kT), 1.05 decades per volt at 300 K for 0.25 nm over 2 nm; the drop off the barrier."""
    law = made("hopping", hop_distance=0.25 * nm, temperature=300.0)
    slope = field_slope(law, np.linspace(3, 6, 10), lambda v: v, np.log10, 2 * nm)
    assert slope == pytest.approx(0.25 / (2 * 2) / (BOLTZMANN_EV * 300) / np.log(10), rel=0.03)
    assert slope == pytest.approx(1.05, rel=0.03)
    assert arrhenius("hopping", 1.5) == pytest.approx(0.4 - 0.5 * 1.5 / 4, rel=0.03)
    assert arrhenius("hopping", 1e-4, power=-1) == pytest.approx(0.4, rel=0.03)  # sinh(x) = x is in 1 / T


def test_space_charge_regimes():
    free = SpaceCharge(**{**TRAPPED, "trap_density": 0.0})
    eps = 23 * VACUUM_PERMITTIVITY
    child = 9 / 8 * eps * 1e-6 / (4 * nm) ** 3 * AREA
    assert current(free, 2.0)[0] == pytest.approx(4 * child, rel=1e-3)
    assert field_slope(free, np.geomspace(0.5, 3, 10), np.log) == pytest.approx(2, rel=0.03)
    ohmic = made("space charge", carrier_density=1e26)
    assert field_slope(ohmic, np.geomspace(1e-4, 1e-3, 10), np.log) == pytest.approx(1, rel=0.03)
    trapped, long = made("space charge", carrier_density=1e12), 100 * nm
    free = SpaceCharge(**{**TRAPPED, "trap_density": 0.0, "carrier_density": 1e12})
    filling = ELEMENTARY_CHARGE * 1e24 * long**2 / (2 * eps)
    low = np.geomspace(0.01, 0.8, 10)
    share = current(trapped, low * filling, long) / current(free, low * filling, long)
    assert share == pytest.approx(1e21 / (1e24 * (1 - low) + 1e21), rel=0.03)  # of the traps left empty
    assert field_slope(trapped, np.geomspace(1e-3, 1e-2, 10) * filling, np.log, length=long) == pytest.approx(
        2, rel=0.03
    )
    high = 200 * filling
    assert current(trapped, high, long)[0] == pytest.approx(current(free, high, long)[0], rel=0.01)
    kelvin = np.linspace(300, 400, 6)
    filled = [SpaceCharge.shallow(1e25, 0.6, t) for t in kelvin]
    values = [
        current(made("space charge", carrier_density=1e12, trap_occupancy_density=n), 0.3, long)[0]
        for n in filled
    ]
    assert -np.polyfit(1 / (BOLTZMANN_EV * kelvin), np.log(values), 1)[0] == pytest.approx(0.6, rel=0.03)


# ---- tunnelling


def test_decay_of_a_gap():
    """X-30: G falls as exp(-2 d sqrt(2 m phi) / hbar), that is by e per 0.0976 nm / sqrt(m phi)."""
    for phi, mass in ((0.5, 0.1), (1.0, 0.5), (2.0, 1.0)):
        g0 = 0.0976 * nm / np.sqrt(mass * phi)
        assert 1 / decay(phi, mass) == pytest.approx(g0, rel=1e-3)
        gap = np.linspace(8, 30, 12) * g0
        law = DirectTunnelling(barrier=phi, mass=mass, area=AREA)
        conductance = np.array([applied(law, 0.0, d)[1][0] for d in gap])
        exponent = gap * decay(phi, mass)
        prefactor = (exponent + 1) / exponent**2  # of the sum over directions of flight
        slope = np.polyfit(gap, np.log(conductance / prefactor), 1)[0]
        assert -1 / slope == pytest.approx(g0, rel=0.01)
        # The exponent itself, and the whole closed form of the conductance.
        assert wkb_exponent(phi, phi, gap, mass) == pytest.approx(exponent, rel=1e-12)
        closed = (
            AREA
            * ELEMENTARY_CHARGE**2
            / PLANCK
            * 4
            * np.pi
            * mass
            * ELECTRON_MASS
            * phi
            * ELEMENTARY_CHARGE
            / PLANCK**2
            * 2
            * prefactor
            * np.exp(-exponent)
        )
        assert conductance == pytest.approx(closed, rel=1e-6, abs=0)


def integrated(phi, mass, length, voltage):
    """Return the current by adaptive integration of the exponent as it is written in books."""
    unit = decay(1.0, mass) * length

    def term(x):
        a, b = phi + x, max(phi + x - voltage, 0.0)
        return min(x, voltage) * np.exp(-2 / 3 * unit * (a**1.5 - b**1.5) / voltage)

    edges = sorted({0, *np.geomspace(1e-3, 15, 20), voltage, *([voltage - phi] if voltage > phi else [])})
    total = sum(quad(term, low, high, epsrel=1e-9, epsabs=0)[0] for low, high in pairwise(edges))
    return AREA * 4 * np.pi * mass * ELECTRON_MASS * (ELEMENTARY_CHARGE / PLANCK) ** 3 * total


@pytest.mark.parametrize(
    ("phi", "mass", "length"), [(1.2, 0.4, 4 * nm), (0.6, 0.1, 1.5 * nm), (3.0, 1.0, 5 * nm)]
)
def test_direct_tunnelling_against_adaptive_integration(phi, mass, length):
    law = DirectTunnelling(barrier=phi, mass=mass, area=AREA)
    for share in (0.01, 0.3, 0.99, 1.01, 1.5, 4):
        expected = integrated(phi, mass, length, share * phi)
        assert current(law, share * phi, length)[0] == pytest.approx(expected, rel=1e-3, abs=0)


def test_direct_tunnelling_goes_over_to_fowler_nordheim():
    both = {"barrier": 3.0, "mass": 1.0, "area": AREA}
    direct, high = DirectTunnelling(**both), FowlerNordheim(**both)
    v = np.linspace(4.5, 7, 10)
    assert current(direct, v, 8 * nm) == pytest.approx(current(high, v, 8 * nm), rel=0.03)
    steep = 2 / 3 * decay(3.0, 1.0) * 3.0 * 8 * nm
    for law in (direct, high):
        slope = np.polyfit(1 / v, np.log(current(law, v, 8 * nm) / v**2), 1)[0]
        assert slope == pytest.approx(-steep, rel=0.03)


def test_wkb_exponent_of_slanted_barriers():
    straight = 2 / 3 * decay(1.0, 0.5) * 3 * nm
    assert wkb_exponent(1.5, 0.5, 3 * nm, 0.5) == pytest.approx(straight * (1.5**1.5 - 0.5**1.5), rel=1e-12)
    assert wkb_exponent(0.5, 1.5, 3 * nm, 0.5) == wkb_exponent(1.5, 0.5, 3 * nm, 0.5)
    assert wkb_exponent(1.0, -1.0, 3 * nm, 0.5) == pytest.approx(straight / 2, rel=1e-12)  # half of the way


# ---- quanta (X-31, E-05)


def test_one_level_between_two_leads():
    energy = np.linspace(-1, 1, 41)
    found = chain_transmission(energy, [0.2], [], 0.1, 0.3)
    assert found == pytest.approx(0.1 * 0.3 / ((energy - 0.2) ** 2 + (0.4 / 2) ** 2), rel=1e-8)


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_a_perfect_chain_conducts_one_quantum(n):
    """X-31: leads of the same chain broaden the ends by 2 t at the band's centre; T = 1 at any length."""
    assert chain_transmission(0.0, np.zeros(n), np.full(n - 1, 0.4), 0.8, 0.8) == pytest.approx(1, abs=1e-8)
    contact = QuantumPointContact(channels=1.0)
    assert applied(contact, 0.1)[1][0] == pytest.approx(77.4809e-6, rel=1e-6)


def test_a_chain_of_levels_never_exceeds_one_quantum():
    random = np.random.default_rng(2)
    level, hop = random.normal(0, 0.3, 9), random.uniform(0.1, 0.5, 8)
    through = chain_transmission(np.linspace(-2, 2, 500), level, hop, 0.5, 0.9)
    assert np.all((through >= 0) & (through <= 1 + 1e-12))
    back = chain_transmission(np.linspace(-2, 2, 500), level[::-1], hop[::-1], 0.9, 0.5)
    assert back == pytest.approx(through, rel=1e-9)


def test_quantum_gap_stays_below_its_channels():
    law = made("quantum gap")
    at = np.linspace(-10, 10, 301)
    value, slope = applied(law, at, 0.5 * nm)
    assert np.all(slope <= 3 * CONDUCTANCE_QUANTUM * (1 + 1e-12))
    assert np.all(np.abs(value) <= 3 * CONDUCTANCE_QUANTUM * np.abs(at) * (1 + 1e-12))
    assert slope[-1] == pytest.approx(0.7 * 3 * CONDUCTANCE_QUANTUM, rel=0.05)
    steep = (
        np.pi
        * 0.5
        * nm
        / (PLANCK / (2 * np.pi))
        * np.sqrt(0.4 * ELECTRON_MASS / (2 * 0.6 * ELEMENTARY_CHARGE))
        * ELEMENTARY_CHARGE
    )
    expected = 3 * CONDUCTANCE_QUANTUM / (1 + np.exp(steep * 0.6))
    assert applied(law, 0.0, 0.5 * nm)[1][0] == pytest.approx(expected, rel=1e-12)
    # Landauer's integral of the same transmission.
    area = quad(lambda e: 1 / (1 + np.exp(steep * (0.6 - e))), -0.3 * 0.8, 0.7 * 0.8)[0]
    assert current(law, 0.8, 0.5 * nm)[0] == pytest.approx(3 * CONDUCTANCE_QUANTUM * area, rel=1e-8)


# ---- what is refused


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        ("filament", {"activation_energy": -0.1}, "activation_energy must be between 0 and 5 eV, got -0.1"),
        ("filament", {"temperature": 0.0}, "temperature must be between 1 and 5000 K, got 0$"),
        (
            "Poole-Frenkel",
            {"permittivity": 0.5},
            r"permittivity must be between 1 and 1000 \(relative\), got 0.5",
        ),
        ("Poole-Frenkel", {"prefactor": np.nan}, r"prefactor must be positive and finite \(S/m\)"),
        ("direct tunnelling", {"barrier": 0.0}, "barrier must be between 0.05 and 10 eV, got 0$"),
        ("Fowler-Nordheim", {"mass": 20.0}, "mass must be between 0.01 and 10 electron masses, got 20$"),
        ("Schottky", {"ideality": 0.9}, "ideality must be between 1 and 5"),
        ("Schottky", {"polarity": 0}, "polarity must be one of 1, -1, got 0"),
        ("thermionic field", {"fermi_depth": 0.6}, "fermi_depth must be at least 0 and below barrier 0.5 eV"),
        (
            "thermionic field",
            {"donor_density": 1e19},
            "tunnelling energy E00 over kT must be between 0.2 and 20",
        ),
        ("thermionic field", {"donor_density": 2e27}, "barrier must be above the image-force lowering"),
        (
            "space charge",
            {"trap_occupancy_density": 0.0},
            r"trap_occupancy_density must be positive and finite",
        ),
        (
            "space charge",
            {"mobility": -1.0},
            r"mobility must be positive and finite \(m\^2/\(V s\)\), got -1$",
        ),
        ("hopping", {"hop_distance": 0.0}, r"hop_distance must be positive and finite \(m\), got 0$"),
        ("quantum point contact", {"transmission": 1.1}, "transmission must be between 0 and 1"),
        ("quantum gap", {"share": 1.5}, "share must be between 0 and 1"),
    ],
)
def test_parameters_out_of_range_are_refused(name, changed, message):
    with pytest.raises(ValueError, match=message):
        made(name, **changed)


def test_bonds_out_of_range_are_refused():
    with pytest.raises(ValueError, match="length of a tunnel barrier must be at least .* got 1e-10"):
        current(made("direct tunnelling"), 0.1, 0.1 * nm)
    with pytest.raises(ValueError, match="hopping must have one entry fewer than level"):
        chain_transmission(0.0, [0.0, 0.0], [], 0.1, 0.1)
    law = ThermionicField(**FIELD)
    assert law.zero_bias_barrier > 0
