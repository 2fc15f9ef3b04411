"""Trap-assisted tunnelling: detailed balance, equilibrium, conservation, and limits in closed form."""

import numpy as np
import pytest
import trap_network as tat
from scipy.optimize import brentq
from trap_network import Elastic, Marcus, Multiphonon, TrapNetwork, rates

from frenkel.errors import ConvergenceError
from frenkel.kinetic.conduction.tunnelling import decay
from frenkel.kinetic.mechanisms import multiphonon
from frenkel.units import BOLTZMANN_EV, ELEMENTARY_CHARGE, nm

TRANSITIONS = [
    Elastic(),
    Marcus(relaxation_energy=0.6),
    Multiphonon(relaxation_energy=0.6, phonon_energy=0.07),
]
OXIDE = {
    "thickness": 5 * nm,
    "barrier": 1.8,
    "mass": 0.5,
    "attempt_frequency": 1e13,
    "contact_frequency": 1e12,
}
by_name = pytest.mark.parametrize("transition", TRANSITIONS, ids=lambda t: type(t).__name__)


def network(transition, n=40, seed=0, temperature=300.0, **changed):
    random = np.random.default_rng(seed)
    place = np.c_[random.uniform(0, 5, (n, 2)), random.uniform(0.2, 4.8, n)] * nm
    given = {"position": place, "level": random.normal(0.3, 0.3, n), **OXIDE, **changed}
    return TrapNetwork(transition=transition, temperature=temperature, **given)


@by_name
@pytest.mark.parametrize("temperature", [80.0, 300.0, 900.0])
def test_detailed_balance(transition, temperature):
    step = np.array([-1.5, -0.3, -0.01, 0.0, 0.02, 0.4, 1.1])
    forward, reverse = rates(transition, step, temperature)
    assert np.log(forward / reverse) == pytest.approx(
        -step / (BOLTZMANN_EV * temperature), rel=1e-12, abs=1e-12
    )
    back, there = rates(transition, -step, temperature)
    assert np.array_equal(forward, there) and np.array_equal(reverse, back)


def test_closed_forms_of_the_transitions():
    thermal, step = BOLTZMANN_EV * 300, np.array([-0.7, -0.2, 0.0, 0.3])
    assert rates(Elastic(), step, 300)[0] == pytest.approx(np.minimum(1, np.exp(-step / thermal)), rel=1e-12)
    marcus = np.exp(-((0.6 + step) ** 2) / (4 * 0.6 * thermal))
    assert rates(TRANSITIONS[1], step, 300)[0] == pytest.approx(marcus, rel=1e-12, abs=0)
    # Of many phonons: the sum over whole p is 1, and the mean number given off is S.
    p = np.arange(-60, 90)
    weight = rates(TRANSITIONS[2], -0.07 * p, 300)[0]
    assert weight.sum() == pytest.approx(1, rel=1e-12)
    assert weight @ p == pytest.approx(0.6 / 0.07, rel=1e-12)


def test_many_phonons_become_classical():
    """Small phonons: L times sqrt(4 pi E_rel kT) over the phonon's energy is the rate of Marcus."""
    step, phonon = np.linspace(-0.8, 0.4, 7), 0.002
    many = rates(Multiphonon(relaxation_energy=0.5, phonon_energy=phonon), step, 600)[0]
    classical = rates(Marcus(relaxation_energy=0.5), step, 600)[0]
    width = np.sqrt(4 * np.pi * 0.5 * BOLTZMANN_EV * 600)
    assert many * width / phonon == pytest.approx(classical, rel=2e-3, abs=0)


def test_bessel_function_and_its_expansion_meet():
    from scipy.special import ive

    order = np.array([20.0, 60.0, 100.0])
    exact = np.log(ive(order, 3.0)) + 3.0
    expanded = multiphonon._log_bessel(np.array([400.0, 401.0]), 0.5)  # below the range of numbers
    assert multiphonon._log_bessel(order, 3.0) == pytest.approx(exact, rel=1e-14)
    # I_p(z) = (z / 2)^p / p! (1 + z^2 / (4 (p + 1)) + ...) for small z
    from scipy.special import gammaln

    p = np.array([400.0, 401.0])
    series = p * np.log(0.25) - gammaln(p + 1) + np.log1p(0.25**2 / (p + 1))
    assert expanded == pytest.approx(series, abs=1e-7)


@pytest.mark.parametrize("transition", TRANSITIONS[1:], ids=lambda t: type(t).__name__)
def test_contacts_take_part_at_all_their_energies(transition):
    """Capture is the integral of f(E) g(e - E) over E, divided by that of g."""
    thermal = BOLTZMANN_EV * 300
    level = np.array([-0.6, 0.0, 0.5])
    captured = np.exp(transition.log_exchanged(level, 300) - level / (2 * thermal))
    energy = np.linspace(-6, 6, 600001)
    inner = rates(transition, level[:, None] - energy[None, ::20], 300)[0]
    filled = 1 / (1 + np.exp(np.clip(energy[::20] / thermal, -700, 700)))
    norm = rates(transition, energy, 300)[0].sum() * (energy[1] - energy[0])
    summed = (inner * filled).sum(axis=1) * (energy[20] - energy[0]) / norm
    assert captured == pytest.approx(summed, rel=2e-3, abs=0)


@by_name
@pytest.mark.parametrize("temperature", [100.0, 300.0, 700.0])
def test_nothing_flows_at_zero_voltage_and_traps_follow_fermi(transition, temperature):
    traps = network(transition, temperature=temperature)
    solution = traps.solve(0.0)
    assert solution.top_current == solution.current == solution.residual == 0.0
    expected = 1 / (1 + np.exp(traps.level / (BOLTZMANN_EV * temperature)))
    assert solution.occupation == pytest.approx(expected, rel=1e-12, abs=0)
    # Also where fixed charge has bent the bands.
    bent = np.random.default_rng(4).normal(0, 0.2, len(traps.level))
    solution = traps.solve(0.0, potential=bent)
    shifted = 1 / (1 + np.exp((traps.level - bent) / (BOLTZMANN_EV * temperature)))
    assert solution.current == 0
    assert solution.occupation == pytest.approx(shifted, rel=1e-12, abs=0)


@by_name
@pytest.mark.parametrize("voltage", [1e-6, 0.1, 1.0, 3.0, -2.0])
@pytest.mark.parametrize("temperature", [80.0, 300.0, 700.0])
def test_what_enters_leaves(transition, voltage, temperature):
    solution = network(transition, temperature=temperature).solve(voltage)
    assert solution.top_current == pytest.approx(solution.current, rel=1e-9, abs=0)
    assert np.sign(solution.current) == np.sign(voltage)
    assert solution.residual <= 1e-9 * abs(solution.current)
    assert np.all((solution.occupation >= 0) & (solution.occupation <= 1))
    assert solution.iterations <= 30


@by_name
def test_current_rises_with_voltage_and_is_ohmic_at_first(transition):
    traps = network(transition, 25, seed=3)
    low = [traps.solve(v).current / v for v in (1e-5, -1e-5, 1e-4)]
    assert low == pytest.approx([low[0]] * 3, rel=1e-2)
    assert np.all(np.diff([traps.solve(v).current for v in np.linspace(-0.3, 0.3, 7)]) > 0)


def test_a_mirrored_oxide_carries_the_opposite_current():
    traps = network(TRANSITIONS[1], 30, seed=5)
    flipped = traps.position * [1, 1, -1] + [0, 0, 5 * nm]
    mirrored = TrapNetwork(
        position=flipped, level=traps.level, transition=TRANSITIONS[1], temperature=300.0, **OXIDE
    )
    assert mirrored.solve(-0.7).current == pytest.approx(-traps.solve(0.7).current, rel=1e-9, abs=0)


def chain(n, **changed):
    """Return n equal traps on a line, contacts as far from the ends as neighbours from each other."""
    depth = np.arange(1, n + 1) * 3 * nm  # so far apart that the far contact does not count
    given = {**OXIDE, "thickness": 3 * (n + 1) * nm, "contact_frequency": 1e13, **changed}
    return TrapNetwork(
        position=np.c_[0 * depth, 0 * depth, depth],
        level=np.zeros(n),
        transition=Elastic(),
        temperature=300.0,
        reach=3 * nm,
        **given,
    )


def test_incoherent_hops_add_resistance():
    """X-31: half-filled levels at the Fermi level; kT / (e^2 w / 4) a hop, kT / (e^2 w / 2) a contact."""
    traps = np.arange(1, 9)
    rate = 1e13 * np.exp(-decay(1.8, 0.5) * 3 * nm)
    thermal = BOLTZMANN_EV * 300
    hop = thermal / (ELEMENTARY_CHARGE * rate / 4)
    resistance = np.array([1e-9 / chain(n).solve(1e-9).current for n in traps])
    assert np.diff(resistance) == pytest.approx(hop, rel=1e-8, abs=0)
    assert resistance == pytest.approx(hop * (traps - 1) + 2 * hop, rel=1e-8)


def test_one_trap_against_its_own_equation():
    """Elastic exchange: I = e k_b k_t (f_b - f_t) / (k_b + k_t), k the rate through each barrier."""
    thermal = BOLTZMANN_EV * 300
    for level, depth, voltage in ((0.2, 2.0, 0.5), (-0.3, 1.0, 0.9), (0.4, 4.5, -0.6)):
        traps = TrapNetwork(
            position=[[0, 0, depth * nm]], level=[level], transition=Elastic(), temperature=300.0, **OXIDE
        )
        energy = level - voltage * depth / 5
        k = []
        for fermi, distance in ((0.0, depth), (-voltage, 5 - depth)):
            a, b = 1.8 - level, 1.8 + fermi - energy
            exponent = 2 / 3 * decay(1.0, 0.5) * distance * nm * (a**1.5 - b**1.5) / (a - b)
            k.append(1e12 * np.exp(-exponent))
        f = [1 / (1 + np.exp((energy - fermi) / thermal)) for fermi in (0.0, -voltage)]
        expected = ELEMENTARY_CHARGE * k[0] * k[1] * (f[0] - f[1]) / (k[0] + k[1])
        solution = traps.solve(voltage)
        assert solution.current == pytest.approx(expected, rel=1e-10, abs=0)
        occupation = (k[0] * f[0] + k[1] * f[1]) / (k[0] + k[1])
        assert solution.occupation == pytest.approx([occupation], rel=1e-10)


def test_two_traps_against_a_search_in_one_dimension():
    traps = chain(2)
    voltage, thermal = 0.4, BOLTZMANN_EV * 300
    energy = -voltage * np.array([1, 2]) / 3
    flow = {}
    logs = traps._log_hops(energy), traps._log_contacts(energy, np.array([0.0, -voltage]))
    up, down = (np.exp(logs[0][0, 1] - s * (energy[1] - energy[0]) / (2 * thermal)) for s in (1, -1))
    for i in (0, 1):
        for c, fermi in ((0, 0.0), (1, -voltage)):
            half = (energy[i] - fermi) / (2 * thermal)
            flow[i, c] = np.exp(logs[1][i, c] - half), np.exp(logs[1][i, c] + half)

    def second(first):  # from the balance of the first trap
        taken = sum((1 - first) * flow[0, c][0] - first * flow[0, c][1] for c in (0, 1))
        return (first * up - taken) / (first * up + (1 - first) * down)

    def balance(first):
        f = second(first)
        taken = sum((1 - f) * flow[1, c][0] - f * flow[1, c][1] for c in (0, 1))
        return taken + first * (1 - f) * up - f * (1 - first) * down

    solution = traps.solve(voltage)
    f = solution.occupation[0]
    exact = brentq(balance, f * 0.99, min(1, f * 1.01), xtol=1e-15)
    assert f == pytest.approx(exact, rel=1e-9)
    assert solution.occupation[1] == pytest.approx(second(exact), rel=1e-9)


def test_jacobian_is_the_derivative():
    traps = network(TRANSITIONS[2], 8, seed=7)
    energy, thermal = traps.level - 0.3 * traps.position[:, 2] / (5 * nm), BOLTZMANN_EV * 300
    ends = np.array([0.0, -0.3])
    flow = tat._Flow(
        traps._log_hops(energy), traps._log_contacts(energy, ends), energy / thermal, ends / thermal
    )
    fermi = np.random.default_rng(8).normal(-3, 2, 8)
    _, jacobian, _, total = flow.at(0 * fermi, fermi)
    for j, e in enumerate(np.eye(8)):
        difference = (flow.at(fermi, 1e-4 * e)[0] - flow.at(fermi, -1e-4 * e)[0]) / 2e-4
        assert jacobian[:, j] == pytest.approx(difference, rel=1e-5, abs=1e-8 * total.max())


def test_activation_energy_of_classical_hops():
    """Between equal levels E_rel / 4, as Marcus has it, from the current against temperature."""
    kelvin = np.linspace(300, 400, 5)
    values = []
    for t in kelvin:
        traps = TrapNetwork(
            position=[[0, 0, 2 * nm], [0, 0, 3 * nm]],
            level=[0.0, 0.0],
            temperature=t,
            transition=Marcus(relaxation_energy=0.8),
            **{**OXIDE, "mass": 2.0, "contact_frequency": 4e25},
        )
        values.append(traps.solve(1e-6).current * t)
    energy = -np.polyfit(1 / (BOLTZMANN_EV * kelvin), np.log(values), 1)[0]
    assert energy == pytest.approx(0.8 / 4, rel=0.03)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"position": [[0, 0, 6 * nm]] * 40}, "position must lie between the contacts at 0 and 5e-09 m"),
        ({"level": np.full(40, 2.0)}, "level must be below barrier 1.8 eV, got 2"),
        ({"level": np.zeros(3)}, r"position must have shape \(3, 3\)"),
        ({"attempt_frequency": 0.0}, r"attempt_frequency must be positive and finite \(Hz\)"),
        ({"thickness": -1.0}, r"thickness must be positive and finite \(m\)"),
    ],
)
def test_bad_traps_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        network(Elastic(), **changed)


def test_bad_requests_are_refused():
    traps = network(Elastic(), 3)
    with pytest.raises(ValueError, match="temperature must be between 50 and 5000 K"):
        network(Elastic(), 3, temperature=4.0)
    with pytest.raises(ValueError, match="voltage must be finite"):
        traps.solve(np.nan)
    with pytest.raises(ValueError, match=r"potential must have shape \(3,\)"):
        traps.solve(1.0, potential=[0.0])
    with pytest.raises(ValueError, match="relaxation_energy must be between 0.01 and 5 eV"):
        Marcus(relaxation_energy=0.0)
    with pytest.raises(ValueError, match="phonon_energy must be between 0.001 and 1 eV"):
        Multiphonon(relaxation_energy=1.0, phonon_energy=2.0)


def test_what_cannot_be_solved_says_so(monkeypatch):
    monkeypatch.setattr(tat, "NEWTON_LIMIT", 1)
    with pytest.raises(ConvergenceError, match="trap occupations not found at 1 V") as caught:
        network(Elastic(), 10).solve(1.0)
    assert caught.value.bias == 1.0
