"""A state at rest with the neighbours that are part of it: against a closed form, and against waits."""

from types import SimpleNamespace

import numpy as np
import pytest

from frenkel.configuration.base import ConfigurationError
from frenkel.configuration.measure import MeasureSection
from frenkel.experiment.state_survey import jumps
from frenkel.experiment.state_survey import resting as rest
from frenkel.experiment.state_survey.measurement import Measurement
from frenkel.experiment.state_survey.reading import level, read
from frenkel.experiment.state_survey.resting import _Member, _times
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.waveform import Waveform

HEATS = (300.0, 350.0)
READ = 0.1


@pytest.fixture(scope="module")
def device():
    """Return a small device whose filament goes half-way."""
    found = Device(Material.load("HfO2-volatile"), thickness=1.6e-9, width=1.6e-9, seed=5)
    found.advance(Waveform.triangle(3.0, 1e6), samples=3, stop=lambda device, _: device.events >= 20)
    return found


@pytest.fixture(scope="module")
def nonlinear():
    """Return such a device whose gaps obey a law: its energies are known at the ends of its cells alone."""
    laws = {"conduction.gap_reorganisation": 0.5, "conduction.gap_hops": 2}
    material = Material.load("HfO2-volatile").with_values(laws)
    found = Device(material, thickness=1.6e-9, width=1.6e-9, seed=5)
    found.advance(Waveform.triangle(3.0, 1e6), samples=3, stop=lambda device, _: device.events >= 20)
    return found


def test_a_state_whose_bonds_obey_laws_has_rates_too(nonlinear, monkeypatch):
    assert nonlinear.solved().make_ends is not None
    with pytest.raises(ValueError, match="rates at 0 V are not known here"):
        nonlinear.solved().events.rates(0.0, 300.0)
    monkeypatch.setattr(rest, "MOST", 1)
    found = rest.resting(nonlinear, HEATS, READ)
    np.testing.assert_allclose(found.rate, [raw(nonlinear, heat).sum() for heat in HEATS], rtol=1e-12)
    assert found.rate.min() > 0.0


def test_exits_are_those_at_the_temperature_of_the_device(device, monkeypatch):
    """Whatever temperatures are asked for."""
    monkeypatch.setattr(rest, "MOST", 1)
    found, own = rest.resting(device, (358.0,), READ), raw(device, device.temperature)
    np.testing.assert_allclose(found.rate, raw(device, 358.0).sum(), rtol=1e-12)
    np.testing.assert_allclose(found.exits[0], own / own.sum(), rtol=1e-12)
    among = rest.resting(device, (358.0, device.temperature), READ)
    np.testing.assert_allclose(among.rate, [found.rate[0], own.sum()], rtol=1e-12)
    np.testing.assert_allclose(among.exits[0], found.exits[0], rtol=1e-12)


def relaxing(rate):
    """Return a small device whose oxide relaxes at a rate (1/s) round sites that wait, and one such site."""
    moves = {"disorder.bond": 0.5, "disorder.relaxation_rate": 1e6}
    material = Material.load("HfO2-volatile").with_values(moves)
    found = Device(material, thickness=1.6e-9, width=1.6e-9, seed=5)
    found.advance(Waveform.triangle(3.0, 1e6), samples=3, stop=lambda device, _: device.events >= 20)
    found.relaxation.rate = rate
    found.relaxation.held[:] = found.relaxation.held ^ (np.arange(found.n_hosts) == 0)
    found.look()
    return found


def test_a_state_is_left_where_its_oxide_relaxes_too():
    """The rate of relaxing is part of all rates; a fast one is the first step of every walk. Exact.

    At 1e40 per s no atom is drawn in 1e9 walks; the conductance of the fresh bonds is another.
    """
    settings = MeasureSection(voltages="-0.5, 0, 0.5 V", temperatures="300, 350 K")
    device = relaxing(1e40)
    solved, at_rest = device.solved(), rest.resting(device, HEATS, READ)
    waiting = len(device.relaxation.waiting)
    assert waiting > 0 and device.relaxing == 1e40 * waiting
    plain, whole = (read(solved, settings, READ, at_rest.rate, one).rate for one in (0.0, device.relaxing))
    np.testing.assert_array_equal(whole, plain + device.relaxing)
    for volts in (0.0, 0.5):
        species, held = device.engine.species.copy(), device.relaxation.held.copy()
        walked, _ = jumps.walk(
            device,
            Circuit(),
            volts,
            (None, at_rest),
            np.random.default_rng(1),
            1,
            lambda now, _: (level(now, READ), None),
        )
        assert len(walked) == 1 and np.array_equal(device.engine.species, species)
        assert np.count_nonzero(device.relaxation.held != held) == 1
        assert walked[0].after != level(solved, READ)
    # A rest lets all sites relax that wait, and one of no time none.
    for time, left in ((1e-30, 0), (0.0, len(device.relaxation.waiting))):
        device.relaxation.held[0] ^= True
        device.look()
        rest._relax(device, time)
        assert len(device.relaxation.waiting) == (left if time else 1)


def test_a_device_settles_until_its_oxide_has_relaxed():
    """Two events are kept, one on the way and the last, after which no site waits; at most so many happen."""
    for most in (1000, 3):
        device = relaxing(1e40)
        waiting = len(device.relaxation.waiting)
        assert waiting > 4
        at_rest = rest.resting(device, HEATS, READ)

        def read_level(now, _, at_rest=at_rest):
            return level(now, READ), at_rest

        path = jumps.settle(device, (None, at_rest), np.random.default_rng(1), most, read_level)
        assert len(path) == 2 and all(one.voltage == 0.0 for one in path)
        assert path[-1].after == level(device.solved(), READ)
        # No atom moves beside 1e40 per s, so that each event is of one site.
        assert len(device.relaxation.waiting) == max(waiting - most, 0)


def raw(device, heat):
    """Return the rates of all events at 0 V."""
    return device.rates(0.0, heat)


def test_without_neighbours_it_is_the_sum_of_all_rates(device, monkeypatch):
    monkeypatch.setattr(rest, "MOST", 1)
    found = rest.resting(device, HEATS, READ)
    np.testing.assert_allclose(found.rate, [raw(device, heat).sum() for heat in HEATS], rtol=1e-12)
    shares = found.exits[0] / found.exits[0].sum()
    np.testing.assert_allclose(shares, raw(device, HEATS[0]) / raw(device, HEATS[0]).sum(), rtol=1e-12)


def test_times_are_those_of_the_chain_of_members():
    """From A by a in two events to B, by c outside; from B by b back, by d outside."""
    a, b, c, d = 3.0, 50.0, 0.2, 0.7
    rates, one = [np.array([[a / 3, c, 2 * a / 3]]), np.array([[b, d]])], np.ones(1)
    members = [_Member({}, rate, [], 0.0, one, one) for rate in rates]
    into = [np.array([1, 2, 1]), np.array([0, 2])]
    expected = np.array([b + d, a]) / (c * b + c * d + a * d)
    np.testing.assert_allclose(_times(members, into, 0), expected, rtol=1e-12)
    nowhere = [_Member({}, np.array([[rate]]), [], 0.0, one, one) for rate in (a, b)]
    assert _times(nowhere, [np.array([1]), np.array([0])], 0) is None


def test_what_is_taken_back_is_not_a_jump_and_the_device_stays(device):
    before = device.arrangement()
    found = rest.resting(device, HEATS, READ)
    assert len(found.members) > 1
    for heat, rate in zip(HEATS, found.rate, strict=True):
        assert 0.0 < rate < raw(device, heat).sum()
    for name, values in device.arrangement().items():
        np.testing.assert_array_equal(values, before[name])


def test_exits_lead_out_of_the_members_and_as_often_as_waits_do(device):
    """Mean of 200 waits until the members are left: within 4 standard errors, a false alarm in 16,000."""
    found = rest.resting(device, HEATS, READ)
    inside = {one["species"].tobytes() for one in found.members}
    random = np.random.default_rng(1)
    with device.trial():
        for _ in range(20):
            device.arrange(**found.members[0])
            assert rest.leave(device, found, random)
            assert device.engine.species.tobytes() not in inside
        waits = []
        for _ in range(200):
            device.arrange(**found.members[0])
            wait = 0.0
            while device.engine.species.tobytes() in inside:
                rates = raw(device, HEATS[0])
                wait += random.exponential(1.0 / rates.sum())
                device.fire(int(random.choice(len(rates), p=rates / rates.sum())))
            waits.append(wait)
    error = np.std(waits) / np.sqrt(len(waits))
    assert abs(np.mean(waits) - 1.0 / found.rate[0]) < 4.0 * error


def test_a_rest_by_sets_ends_like_one_event_by_event(device):
    """Share that moved of 80 rests each way: within 4 standard errors of the difference; false alarm 6e-5."""
    time, number, moved = 1e-3, 80, np.zeros((2, 80))
    start = device.state()
    own = level(device.solved(), READ)
    random = np.random.default_rng(7)
    for k in range(number):
        device.restore(start, keep_solved=True)
        assert rest.rest(device, time, READ, 2000, random) is not None
        moved[0, k] = abs(level(device.solved(), READ) - own) > rest.ALIKE
        device.restore(start, stream=(9, k), keep_solved=True)
        device.advance(Waveform.constant(0.0, time), samples=2)
        moved[1, k] = abs(level(device.solved(), READ) - own) > rest.ALIKE
    device.restore(start)
    one, other = moved.mean(axis=1)
    assert 0.1 < other < 0.95
    assert abs(one - other) < 4.0 * np.sqrt(moved.var(axis=1).sum() / number)
    assert rest.rest(device, 1e9, READ, 1, random) is None
    device.restore(start)


def test_members_conduct_alike_or_are_hardly_ever_there(device):
    """Fractions of the time from the stationary law of the members alone, with nowhere else to go."""
    found = rest.resting(device, HEATS, READ)
    numbers = {one["species"].tobytes(): place for place, one in enumerate(found.members)}
    n = len(numbers)
    levels, chain = np.empty(n), np.zeros((len(HEATS), n, n))
    with device.trial():
        for place, atoms in enumerate(found.members):
            device.arrange(**atoms)
            levels[place] = level(device.solved(), READ)
            rates = [raw(device, heat) for heat in HEATS]
            for k in np.flatnonzero(rates[0]):
                device.arrange(**atoms)
                device.fire(int(k))
                there = numbers.get(device.engine.species.tobytes())
                if there is not None:
                    chain[:, place, there] += [one[k] for one in rates]
    other = np.abs(levels - levels[0]) >= rest.ALIKE
    for one in chain:
        ones = np.append(np.zeros(n), 1.0)
        balance = np.vstack([one.T - np.diag(one.sum(axis=1)), np.ones(n)])
        share = np.linalg.lstsq(balance, ones, rcond=None)[0]
        assert np.all(share[other] < rest.SHARE * share[0] * (1.0 + 1e-6))


def test_two_level_sites_are_refused():
    """Their switching is no jump of atoms, which a survey of states would take it for."""
    device = SimpleNamespace(two_level=object(), material=SimpleNamespace(name="HfO2-fast"))
    with pytest.raises(ConfigurationError, match="without a section .two_level., .* got HfO2"):
        Measurement(SimpleNamespace(measure=MeasureSection()), device, lambda kelvin: device)


def test_waits_of_a_rest_are_exponentials_of_the_mean_and_end_with_its_time(monkeypatch):
    """Unit exponentials 0.5, 1 and 4 at 2 per s: waits of 0.25 and 0.5 s, and the rest of 1 s in a member."""
    state = SimpleNamespace(rate=[2.0], times=np.array([0.0, 3.0]), members=[{}, {}])
    steps, left = [], []
    monkeypatch.setattr(rest, "resting", lambda *_: state)
    monkeypatch.setattr(rest, "_relax", lambda _, time: steps.append(time))
    monkeypatch.setattr(rest, "leave", lambda *_: left.append(len(steps)))

    def random():
        return SimpleNamespace(
            standard_exponential=iter([0.5, 1.0, 4.0]).__next__,
            choice=lambda n, p: int(np.argmax(p)),
        )

    arranged = []
    device = SimpleNamespace(
        temperature=300.0, look=lambda: None, arrange=lambda **atoms: arranged.append(atoms)
    )
    assert rest.rest(device, 1.0, READ, 2, random()) == 2
    assert steps == [0.25, 0.5, 0.25] and left == [1, 2] and len(arranged) == 1
    assert rest.rest(device, 1.0, READ, 1, random()) is None
    state.rate, steps[:] = [0.0], []  # a state that nothing leaves
    assert rest.rest(device, 1.0, READ, 0, random()) == 0 and steps == [1.0]
