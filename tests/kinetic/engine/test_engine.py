"""The engine and a lattice gas: what they list, how they stop and resume, and what they refuse."""

import os
import pickle
import signal
import threading
import time

import numpy as np
import pytest
from gas_runs import run

from frenkel.kinetic.engine.engine import Engine
from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import EMPTY, INTERSTITIAL, OXYGEN, VACANCY, Species
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.mechanisms.mechanism import Mechanism, PairInteraction, SiteEnergy
from frenkel.units import BOLTZMANN_EV

A = 2.6e-10
NU = 1e13


def hop(**changes):
    values = {"barrier": 0.7, "attempt_frequency": NU} | changes
    return Mechanism("vacancy hop", before=(VACANCY, OXYGEN), after=(OXYGEN, VACANCY), **values)


def exchange(**changes):
    values = {"barrier": 0.9, "attempt_frequency": NU, "electrode": "top", "energy": 0.1} | changes
    return Mechanism("exchange", before=(OXYGEN,), after=(VACANCY,), **values)


def frenkel_pair(**changes):
    values = {"barrier": 1.0, "attempt_frequency": NU, "energy": 0.2, "motif": "pair"} | changes
    return Mechanism("Frenkel pair", before=(OXYGEN, EMPTY), after=(VACANCY, INTERSTITIAL), **values)


def interstitial_hop(**changes):
    values = {"barrier": 0.5, "attempt_frequency": NU} | changes
    return Mechanism("interstitial hop", before=(INTERSTITIAL, EMPTY), after=(EMPTY, INTERSTITIAL), **values)


def box(shape=(4, 4, 5), share=0.2, interstitial=False, mechanisms=None, **arguments):
    """Return a gas with random vacancies, always the same."""
    lattice = Lattice.cubic(shape, A, interstitial=interstitial)
    codes = np.where(lattice.sublattice == 0, OXYGEN.code, EMPTY.code)
    rng = np.random.default_rng(0)
    hosts = rng.choice(lattice.n_hosts, int(share * lattice.n_hosts), replace=False)
    codes[hosts] = VACANCY.code
    values = {"temperature": 1500.0, "seed": 3} | arguments
    return LatticeGas(lattice, mechanisms or [hop()], codes, **values)


def full_box(**arguments):
    mechanisms = [hop(crowding=(0.1, 3)), exchange(), frenkel_pair(), interstitial_hop()]
    return box(
        interstitial=True, mechanisms=mechanisms, reservoir=(0, 4),
        interactions=[PairInteraction(VACANCY, VACANCY, -0.1)], **arguments,
    )


def same(first, second):
    """Return whether two gases are in the same state, bit for bit, whatever they keep of earlier ones."""
    one, two = first.state() | {"field_solves": 0}, second.state() | {"field_solves": 0}
    arrays = one.pop("engine"), two.pop("engine")
    return one == two and all(np.array_equal(arrays[0][name], arrays[1][name]) for name in arrays[0])


def is_listed_afresh(gas):
    """Return whether rates after many events are those of a new gas with the same atoms."""
    fresh = gas.branch()
    return np.array_equal(gas.transitions(), fresh.transitions()) and fresh.engine is not gas.engine


def test_rates_of_an_empty_box():
    gas = box(share=0.0, shape=(3, 3, 3), mechanisms=[hop(), exchange()], temperature=600.0)
    table = gas.transitions()
    assert len(table) == 9 and np.all(table["direction"] == 0)
    assert np.all(gas.lattice.electrode[table["site_a"]] == 2)
    np.testing.assert_allclose(table["energy"], 0.1, atol=1e-15)
    assert np.all(table["site_b"] == -1)


def test_hop_rate_in_flat_field():
    gas = box(shape=(5, 5, 5), share=0.01)
    table = gas.transitions()
    assert len(table) in (5, 6)
    thermal = 1.380649e-23 / 1.602176634e-19 * 1500.0
    np.testing.assert_allclose(table["rate"], NU * np.exp(-0.7 / thermal), rtol=1e-12)


def test_field_moves_a_charged_vacancy_and_electrode_sets_the_price_of_exchange():
    gas = box(shape=(3, 3, 5), share=0.0, mechanisms=[hop(), exchange(dipole=A * 0.5)])
    gas.set_fields(potential=0.01 * gas.lattice.layer, electrode_potential=(0.0, 0.14))
    row = gas.transitions()[0]
    assert row["energy"] == pytest.approx(0.1 + 2 * (0.04 - 0.14))
    lowered = 0.9 - 0.5 * 0.1
    g = row["energy"] / (np.pi * lowered)
    assert row["barrier"] == pytest.approx(
        lowered * (np.sqrt(1 - g * g) + g * np.arcsin(g)) + row["energy"] / 2
    )


def test_forward_and_reverse_see_the_same_lowered_barrier():
    gas = box(shape=(3, 3, 3), share=0.0, mechanisms=[exchange(dipole=A, floor=0.3)], reservoir=(0, 0))
    gas.set_fields(electrode_potential=(0.0, 0.2))
    before = gas.transitions()[0]
    gas.fire(0)
    table = gas.transitions()
    after = table[(table["direction"] == 1) & (table["site_a"] == before["site_a"])][0]
    assert after["energy"] == pytest.approx(-before["energy"])
    assert before["barrier"] - after["barrier"] == pytest.approx(before["energy"])


def test_floor_is_counted():
    gas = box(
        shape=(3, 3, 3), share=0.0, mechanisms=[exchange(dipole=A, floor=0.5)], electrode_potential=(0.0, 0.9)
    )
    run(gas, events=4)
    assert gas.floor_events == 4


def test_reservoir_is_conserved_and_empty_electrode_gives_nothing():
    gas = box(share=0.3, mechanisms=[hop(), exchange(energy=0.0)], reservoir=(0, 2))
    engine = gas.engine
    start = np.count_nonzero(engine.species == VACANCY.code)
    for _ in range(50):
        run(gas, events=20)
        assert np.count_nonzero(engine.species == VACANCY.code) - start == engine.reservoir[1] - 2
        assert engine.reservoir[1] >= 0
        assert is_listed_afresh(gas)
    forward, reverse = engine.counts[1]
    assert forward > 0 and reverse > 0 and engine.reservoir[1] == 2 + forward - reverse
    empty = box(share=0.3, mechanisms=[exchange()], reservoir=(0, 0))
    assert np.all(empty.transitions()["direction"] == 0)


def test_frenkel_pairs_keep_charge_and_atoms():
    gas = full_box(seed=1)
    engine = gas.engine
    for _ in range(20):
        run(gas, events=100)
        codes = engine.species
        vacancies = np.count_nonzero(codes == VACANCY.code)
        interstitials = np.count_nonzero(codes == INTERSTITIAL.code)
        assert vacancies - interstitials - engine.reservoir[1] == 16 - 4
        assert is_listed_afresh(gas)
    assert np.all(engine.counts[[0, 1, 3], 0] > 0) and np.all(engine.counts[[1, 2], 1] > 0)


def test_catalogue_is_a_function_of_the_state():
    gas, other = full_box(), full_box(seed=1)
    run(gas, events=500)
    other.restore(gas.state())
    listed, again = gas.engine.catalogue(), other.engine.catalogue()
    for name in ("mechanism", "direction", "site_a", "site_b", "barrier", "energy", "attempt_frequency"):
        np.testing.assert_array_equal(getattr(listed, name), getattr(again, name))
    fresh = LatticeGas(
        gas.lattice, gas.engine.mechanisms, gas.engine.species, reservoir=gas.engine.reservoir,
        temperature=1500.0, interactions=[PairInteraction(VACANCY, VACANCY, -0.1)], seed=9,
    )
    np.testing.assert_array_equal(fresh.transitions(), gas.transitions())


def test_fire_and_draw():
    gas = full_box()
    engine = gas.engine
    version = engine.version
    for _ in range(300):
        listed = engine.catalogue()
        k = int(engine.draw() * len(listed))
        a, mechanism, direction = listed.site_a[k], listed.mechanism[k], listed.direction[k]
        engine.fire(k)
        side = (engine.mechanisms[mechanism].after, engine.mechanisms[mechanism].before)[direction]
        assert engine.codes[a] == side[0].code
    assert engine.version == version + 300 and engine.events == 300
    with pytest.raises(ValueError, match="catalogue is older"):
        engine.fire(0)
    with pytest.raises(ValueError, match="event must be between 0"):
        engine.catalogue()
        engine.fire(10**6)
    run(gas, events=100)
    assert is_listed_afresh(gas)


def test_split_run_is_the_same_trajectory():
    """X-33, first half: cut by events, by times and through a checkpoint; times to rounding."""
    whole, cut = full_box(), full_box()
    events = run(whole, events=1000, log=True).log
    pieces = []
    for stop in np.linspace(0.0, whole.time, 40)[1:-1]:
        pieces += run(cut, time=stop, log=True).log
        assert cut.time == pytest.approx(stop, rel=1e-12)
    resumed = full_box(seed=8)
    resumed.restore(pickle.loads(pickle.dumps(cut.state())))
    rest = []
    for gas in (cut, resumed):
        rest.append([])
        while gas.events < 1000:
            rest[-1] += run(gas, events=min(7, 1000 - gas.events), log=True).log
    assert same(cut, resumed) and rest[0] == rest[1] and len(pieces) > 900
    found = pieces + rest[0]
    assert [event[1:] for event in found] == [event[1:] for event in events]
    np.testing.assert_allclose([event[0] for event in found], [event[0] for event in events], rtol=1e-9)


def test_same_seed_same_run_and_members_differ():
    one, two, three = full_box(seed=4), full_box(seed=4), full_box(seed=4, member=1)
    for gas in (one, two, three):
        run(gas, events=200)
    assert same(one, two) and one.time != three.time


def test_missing_seed_is_drawn_and_kept():
    gas = box()
    lattice, codes = gas.lattice, gas.engine.species
    drawn = LatticeGas(lattice, [hop()], codes, temperature=1500.0)
    again = LatticeGas(lattice, [hop()], codes, temperature=1500.0, seed=drawn.seed)
    run(drawn, events=20)
    run(again, events=20)
    assert same(drawn, again)


def test_nothing_happens_where_nothing_is_possible():
    gas = box(share=0.0)
    gas.hold(2.0)
    assert gas.time == 2.0 and gas.events == 0


def test_fields_can_change_between_runs():
    gas = full_box()
    run(gas, events=100)
    left = gas.hazard
    gas.set_fields(potential=0.02 * gas.lattice.layer, temperature=900.0)
    np.testing.assert_allclose(gas.fields.temperature, 900.0)
    np.testing.assert_allclose(gas.fields.potential, 0.02 * gas.lattice.layer)
    assert gas.hazard == left
    run(gas, events=100)
    assert is_listed_afresh(gas)


def test_fields_follow_the_source_and_are_those_given_at_1_volt():
    """Work and potentials by the voltage; the maps are what was given."""
    kelvin = np.linspace(900.0, 1100.0, 80)
    gas = box(potential=np.linspace(0.0, 0.4, 80), temperature=kelvin)
    one = gas.transitions()["energy"]
    gas.device_voltage = 0.25
    np.testing.assert_allclose(gas.transitions()["energy"], 0.25 * one, atol=1e-15)
    potential, rise = gas.solver.maps(1.0)
    np.testing.assert_array_equal(potential, gas.fields.potential)
    np.testing.assert_allclose(rise + gas.temperature, kelvin, rtol=1e-15)


@pytest.mark.parametrize("held", [0, 1])
def test_first_atom_of_an_electrode_opens_the_way_back_and_the_last_one_shuts_it(held):
    """Every rate after each of 60 exchanges with a nearly empty electrode is what a new gas would have."""
    gas = box(share=0.3, shape=(4, 4, 3), mechanisms=[exchange(energy=0.0)], reservoir=(0, held))
    seen = set()
    for _ in range(60):
        run(gas, events=1)
        seen.add(gas.engine.reservoir[1])
        assert is_listed_afresh(gas)
    assert {0, 1} <= seen


def test_user_species_and_neutral_change_of_one_site():
    whole, broken = Species("whole", 0), Species("broken", 1)
    mechanism = Mechanism(
        "break", before=(whole,), after=(broken,), barrier=0.5, attempt_frequency=NU, energy=-9.0
    )
    gas = LatticeGas(Lattice.cubic((3, 3, 3), A), [mechanism], np.zeros(27), seed=1)
    run(gas, events=27)
    assert gas.events == 27 and np.all(gas.engine.species == 1)


def test_pair_of_like_species_is_counted_once():
    atom, empty, pair = Species("atom", 1), Species("empty", 0), Species("molecule", 2)
    meet = Mechanism("meet", before=(atom, atom), after=(pair, pair), barrier=0.1, attempt_frequency=1.0)
    walk = Mechanism("walk", before=(atom, empty), after=(empty, atom), barrier=0.1, attempt_frequency=1.0)
    codes = np.zeros(5)
    codes[[1, 2, 3]] = 1
    table = LatticeGas(Lattice.cubic((5, 1, 1), A), [meet, walk], codes).transitions()
    assert table[table["mechanism"] == 0][["site_a", "site_b"]].tolist() == [(1, 2), (2, 3)]


def test_interrupt_stops_within_a_second(interruptible):
    gas = box(shape=(20, 20, 20), share=0.05)
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(gas, events=10**12)
    assert time.monotonic() - start < 1.3
    run(gas, events=10)
    assert is_listed_afresh(gas)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"potential": np.zeros(3)}, r"potential must have shape \(80,\), one value per site, got \(3,\)"),
        ({"potential": np.full(80, np.nan)}, r"potential must be finite \(V\), got nan at site 0"),
        ({"temperature": -5.0}, "temperature must be above 0 and at most 100000 K, got -5.0"),
        ({"temperature": float("nan")}, "temperature must be finite"),
        ({"temperature": np.ones(4)}, "temperature must have shape"),
        ({"reservoir": (0, -1)}, "reservoir must be two whole numbers of at least 0"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"electrode_potential": (0.0, float("inf"))}, "electrode_potential must be two finite values"),
        ({"mechanisms": [hop(motif="third")]}, "no motif 'third' in the lattice; there are: nearest, second"),
        ({"mechanisms": [hop(barrier_shift=np.zeros(3))]}, "barrier_shift of 'vacancy hop' must have shape"),
        ({"mechanisms": [hop(barrier_shift=np.full(80, -1.0))]}, "must be at least 0 eV, got -0.3"),
        ({"interactions": [SiteEnergy(VACANCY, np.zeros(2))]}, "energy of vacancy must have shape"),
        (
            {"interactions": [PairInteraction(VACANCY, VACANCY, 0.1, exempt=np.zeros(2, bool))]},
            "exempt must have shape",
        ),
    ],
)
def test_bad_arguments_are_errors(arguments, words):
    with pytest.raises(ValueError, match=words):
        box(**arguments)


def test_bad_species_are_errors():
    lattice = Lattice.cubic((3, 3, 3), A, interstitial=True)
    with pytest.raises(ValueError, match=r"species must have shape \(45,\)"):
        Engine(lattice, [hop()], np.zeros(27))
    with pytest.raises(ValueError, match="species code 7 is in no mechanism"):
        Engine(lattice, [hop()], np.full(45, 7))
    codes = np.where(lattice.sublattice == 0, 0, 2)
    codes[-1] = VACANCY.code
    with pytest.raises(ValueError, match="species vacancy must stand on sublattice 0"):
        Engine(lattice, [hop(), interstitial_hop()], codes)
    with pytest.raises(ValueError, match="share the code 1"):
        Engine(lattice, [hop(), Mechanism(
            "x", before=(Species("other", 1),), after=(Species("third", 5),), barrier=0, attempt_frequency=1.0
        )], np.zeros(45))
    with pytest.raises(ValueError, match="at least one Mechanism"):
        Engine(lattice, [], np.zeros(45))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: hop(barrier=-0.1), "'vacancy hop' must be between 0 and 20 eV, got -0.1"),
        (lambda: hop(barrier=float("nan")), "barrier of mechanism"),
        (lambda: hop(attempt_frequency=0.0), "attempt_frequency of mechanism"),
        (
            lambda: hop(law="cubic"),
            "law of mechanism 'vacancy hop' must be one of sinusoidal, linear, marcus, multiphonon, "
            "got 'cubic'",
        ),
        (lambda: hop(energy=0.1), "energy and dipole of mechanism 'vacancy hop' must be 0"),
        (lambda: hop(dipole=1e-10), "energy and dipole"),
        (lambda: hop(law="linear", alpha=0.3), "alpha of mechanism 'vacancy hop' must be 0.5"),
        (lambda: hop(electrode="top"), "cannot involve an electrode"),
        (lambda: hop(crowding=(0.1, 0)), "crowding of mechanism"),
        (lambda: hop(crowding=(0.1, 2), crowding_start=2), "must be 0 to less than its count of 2, got 2"),
        (lambda: hop(barrier=0.0, heat_of_transport=0.2), "heat_of_transport needs a barrier"),
        (lambda: exchange(electrode=None), "must conserve charge or involve an electrode"),
        (lambda: exchange(electrode="left"), "must be 'bottom', 'top' or None"),
        (lambda: exchange(floor=-1.0), "floor of mechanism"),
        (lambda: hop(sites=np.ones(80, bool)), "has sites and needs an electrode"),
        (lambda: exchange(sites=np.ones(80, int)), "sites of .* must be true or false, got int64"),
        (
            lambda: Mechanism(
                "m", before=(VACANCY, EMPTY), after=(EMPTY, VACANCY), barrier=1, attempt_frequency=1
            ),
            "lives on another sublattice",
        ),
        (
            lambda: Mechanism("m", before=(VACANCY,), after=(VACANCY,), barrier=1, attempt_frequency=1),
            "must change a site",
        ),
        (
            lambda: Mechanism("m", before=(VACANCY,), after=(OXYGEN, OXYGEN), barrier=1, attempt_frequency=1),
            "one or two species before",
        ),
        (lambda: Species("x", 16), "code of species x must be between 0 and 15"),
        (lambda: Species("x", 1, float("nan")), "charge of species x"),
        (lambda: PairInteraction(VACANCY, VACANCY, float("nan")), "energy of the pair vacancy-vacancy"),
    ],
)
def test_bad_mechanisms_are_errors(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_bad_runs_are_errors():
    gas = box()
    with pytest.raises(ValueError, match="duration must be"):
        gas.hold(-1.0)
    with pytest.raises(ValueError, match="duration must be"):
        gas.hold(float("nan"))


def test_heat_of_transport_beyond_the_gradient_is_an_error():
    kelvin = np.where(np.arange(80) % 5 < 2, 300.0, 2000.0)
    gas = box(mechanisms=[hop(heat_of_transport=2.0)], temperature=kelvin)
    with pytest.raises(ValueError, match="above 0 K"):
        run(gas, events=10)


def test_both_directions_of_a_pair_start_from_their_own_end():
    """Birth of a Frenkel pair reads T_a + beta (T_b - T_a), its end T_b + beta (T_a - T_b)."""
    gas = box(interstitial=True, mechanisms=[frenkel_pair(heat_of_transport=0.4), interstitial_hop()])
    run(gas, events=40)
    kelvin = 900.0 + 40.0 * np.arange(gas.lattice.n_sites) ** 0.5
    gas.set_fields(temperature=kelvin)
    table = gas.transitions()
    table = table[table["mechanism"] == 0]
    assert set(table["direction"]) == {0, 1}
    way_back = table["direction"] == 1
    start = np.where(way_back, table["site_b"], table["site_a"])
    end = np.where(way_back, table["site_a"], table["site_b"])
    beta = 0.5 * (1 - 0.4 / 1.0)
    read = kelvin[start] + beta * (kelvin[end] - kelvin[start])
    expected = NU * np.exp(-table["barrier"] / (BOLTZMANN_EV * read))
    np.testing.assert_allclose(table["rate"], expected, rtol=1e-12)


def test_a_source_at_rest_takes_the_fields_off():
    """Work, heat and what dipoles take off barriers grow with the voltage, and are 0 at 0 V."""
    mechanisms = [frenkel_pair(heat_of_transport=0.4, dipole=2.6e-10), interstitial_hop()]
    gas = box(interstitial=True, mechanisms=mechanisms)
    run(gas, events=40)
    n = gas.lattice.n_sites
    gas.set_fields(temperature=900.0)
    plain = gas.rates()
    gas.set_fields(temperature=900.0 + 40.0 * np.arange(n) ** 0.5, potential=np.linspace(0.0, -2.0, n))
    np.testing.assert_array_equal(gas.rates(0.0), plain)
    assert np.all(gas.rates(1.0) != plain)
    assert np.any(gas.transitions()["barrier"] < 1.0)


def test_more_mechanisms_than_the_kernel_holds_are_refused():
    with pytest.raises(ValueError, match="an engine can hold at most 32 mechanisms, got 33"):
        box(mechanisms=[hop() for _ in range(33)])


def test_a_mark_follows_the_species_whatever_led_to_them():
    """After events and a state put back it is that of a fresh engine."""
    for make, events in ((full_box, 300), (lambda: box((8, 8, 8), seed=5), 4000)):
        gas = make()
        engine = gas.engine
        first, marks = engine.state(), {engine.mark}
        for _ in range(4):
            run(gas, events=events)
            marks.add(engine.mark)
            fresh = make().engine
            fresh.restore(engine.state())
            assert fresh.mark == engine.mark
            assert fresh.holds(engine.species)
        assert len(marks) == 5
        engine.restore(first)
        assert engine.mark in marks
        assert not engine.holds(fresh.species)


def test_an_event_is_carried_out_by_its_row_as_by_its_number():
    one, other = full_box().engine, full_box().engine
    rng = np.random.default_rng(2)
    for _ in range(100):
        listed = one.catalogue()
        k = int(rng.integers(len(listed)))
        row = [int(getattr(listed, name)[k]) for name in ("mechanism", "direction", "site_a", "site_b")]
        one.fire(k)
        other.carry_out(*row)
        assert np.array_equal(one.species, other.species)
    with pytest.raises(ValueError, match="vacancy hop is not possible at sites"):
        other.carry_out(0, 0, *np.flatnonzero(other.species == OXYGEN.code)[:2])
