"""A small device under test: forming, RESET and SET held at the limit, and what is read at each event.

Voltages are those of the source. Nothing is read off a grid of samples: peaks and switching voltages are
those of events, with the current just before the atom moved as well as just after it.
"""

import math
import pickle
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
from cell import snapshot
from scipy.sparse.csgraph import connected_components

from frenkel.analysis.results.filament import LINK, distances, longest_jump
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.run import EventBudgetError
from frenkel.kinetic.waveform import Waveform

READ = 0.1  # V, where resistances are read
HALF = 0.5  # V, where they are read again: the ratio of both says how far from ohmic a state is
REACHED = 0.999  # of the current limit
SWITCHED = 3.0  # times less than before: at the limit and this low, a device has SET
LASTING = 1e-9  # s: hotter for a shorter time than this is no temperature that counts
MOST_EVENTS = 500_000  # in one waveform


class OutOfBudget(RuntimeError):
    """A device used up its CPU time."""


FAILED = (OutOfBudget, EventBudgetError)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a device is measured, in SI units.

    ``form_limit`` None: the device carries a filament from the start and is not formed. ``hold`` is the time
    at the limit after forming, ``form_read`` the resistance that it is repeated for (0.4 V over the limit of
    the cycles, twice that allowed).
    """

    size: float = 2.6e-9
    width: float | None = None
    series: float = 2e3
    rate: float = 1e5
    limit: float = 30e-6
    reset: float = 1.8
    set_to: float = 2.0
    form_limit: float | None = None
    form_rate: float = 100.0
    form_to: float = 6.0
    hold: float = 1e-3
    attempts: int = 3
    temperature: float = 300.0

    @property
    def form_read(self):
        """Resistance (ohm) below which a device is formed."""
        return 0.8 / self.limit


def material_of(material, numbers=None):
    """Return a material set, given as itself, by name or by path, with some of its numbers replaced."""
    found = Material.find(material) if isinstance(material, str) else material
    return found.with_values(dict(numbers)) if numbers else found


def devices(material, seeds, numbers=None):
    """Return material and seed of each device; a list has a material for each seed."""
    if isinstance(material, list):
        return list(zip([material_of(one, numbers) for one in material], seeds, strict=True))
    found = material_of(material, numbers)
    return [(found, seed) for seed in seeds]


class Cell:
    """A device with its setting and a budget.

    Parameters
    ----------
    material : Material
    seed : int
    setting : Setting
    budget : float, optional
        CPU time (s) after which a measurement ends with `OutOfBudget`.
    temperature : float, optional
        Another temperature (K) than the setting's.

    Attributes
    ----------
    hottest : float
        Highest temperature (K) so far that lasted longer than `LASTING`.
    """

    def __init__(self, material, seed, setting, budget=None, temperature=None):
        self.setting, self.seed, self.hottest = setting, seed, 0.0
        width = setting.width or setting.size
        self.device = Device(
            material, setting.size, width, seed=seed, temperature=temperature or setting.temperature
        )
        self.allow(budget)

    def allow(self, budget):
        """Give the device so much CPU time (s) from now on."""
        self.deadline = math.inf if budget is None else time.process_time() + budget

    def circuit(self, limit=None):
        """Put the series resistance around the device, and a limit of the current (A) if given."""
        self.device.circuit = Circuit(series_resistance=self.setting.series, compliance=limit)

    def apply(self, waveform, watch, samples=3, **options):
        """Apply a waveform under a `Watch`; return it."""
        watch.begin(self.device, self.deadline)
        self.device.advance(waveform, samples=samples, stop=watch, budget=MOST_EVENTS, **options)
        self.hottest = max(self.hottest, watch.hottest)
        return watch

    def read(self, voltage=READ):
        """Resistance (ohm) at a device voltage (V), without letting time pass."""
        return voltage / self.device.current(voltage)

    # ------------------------------------------------------------------ phases

    def form(self, rate=None):
        """Form on a ramp and hold at the limit, again until the filament reads low.

        Returns
        -------
        Watch of the first ramp; ``switched`` is the forming voltage (V), NaN if the limit was never reached.
        """
        s, first = self.setting, None
        rate = rate or s.form_rate
        for _ in range(s.attempts):
            self.circuit(s.form_limit)
            watch = self.apply(Waveform.ramp(s.form_to, rate), Watch(s.form_limit, end=True), samples=200)
            first = first or watch
            top = self.device.source_voltage
            if not math.isnan(watch.switched):
                self.apply(Waveform.constant(top, s.hold), Watch(s.form_limit))
            self.apply(Waveform.ramp(0.0, 1e6, start=top), Watch(s.form_limit))
            if self.read() < s.form_read:
                break
        return first

    def reset(self, stop=None):
        """RESET on a triangle to minus ``stop`` (V); return its `Watch`."""
        s = self.setting
        self.circuit()
        return self.apply(Waveform.triangle(-(stop or s.reset), s.rate), Watch())

    def set(self, limit=None, set_to=None):
        """SET on a triangle that goes on while the source is limited; return its `Watch`."""
        s = self.setting
        limit = limit or s.limit
        # What a higher limit drops over the series resistance comes on top.
        top = (set_to or s.set_to) + max(0.0, limit - s.limit) * s.series
        self.circuit(limit)
        return self.apply(Waveform.triangle(top, s.rate), Watch(limit, high=self.read()))

    # ------------------------------------------------------------------ states

    def keep(self):
        """Return the state of the device."""
        return pickle.dumps(self.device.state())

    def again(self, state, number=None):
        """Go back to a state at time 0; with a ``number``, on other random draws from there."""
        found = pickle.loads(state)
        if number is not None:
            words = np.random.SeedSequence((self.seed, 7, number)).generate_state(2, np.uint64)
            found["engine"]["random"][:2] = words
        self.device.restore(found)
        if number is not None:
            self.device.draw_hazard()
        self.device.time = 0.0


class Watch:
    """What happens to a device in one waveform, event by event: the ``stop`` of `Device.advance`.

    Parameters
    ----------
    limit : float, optional
        Current (A) at which the source is limited.
    high : float, optional
        Resistance (ohm) before; a device has switched at the limit once it reads `SWITCHED` times less.
    end : bool
        End the waveform as soon as the device has switched.

    Attributes
    ----------
    switched, after : float
        Source voltage (V) and time (s) since the start at which it first had; NaN: it never did.
    peak, peak_voltage : float
        Largest current (A, absolute) and the source voltage (V) there.
    hottest : float
        Highest temperature (K) that lasted longer than `LASTING`.
    lasting : list of float
        Highest temperature (K) of each arrangement that lasted longer than `LASTING` until an event ended it.
    over : float
        Largest current over the limit, relative.
    path : list of float
        ln of the conductance at `READ` after each event until the device switched.
    trace : list of tuple
        Time since the start (s), source voltage (V), current (A) just before and just after each event.
    events : int
        All of them.
    """

    def __init__(self, limit=None, *, high=None, end=False):
        self.limit, self.high, self.end = limit, high, end
        self.switched = self.after = math.nan
        self.peak = self.peak_voltage = 0.0
        self.hottest, self.over, self.lasting, self.warmest = 0.0, 0.0, [], 0.0
        self.path, self.trace, self.events = [], [], 0

    def begin(self, device, deadline):
        """Note the state in which the waveform finds the device."""
        self.deadline, self.started = deadline, device.time
        self.solved, self.since, self.first = device.solved(), device.time, device.events
        self.path.append(self._level(device))
        self.rise = 0.0

    def __call__(self, device, current):
        """Note an event or a sample; tell whether the waveform shall end."""
        if time.process_time() > self.deadline:
            raise OutOfBudget(
                f"out of CPU time at {device.source_voltage:.2f} V after {device.events} events"
            )
        now, source = device.solved(), device.source_voltage
        moved = now is not self.solved
        before, voltage = current, device.device_voltage
        if moved:
            chord = self.solved.chord(device.circuit, source)
            voltage = device.circuit.device_voltage(source, chord)
            before = voltage * chord
        self._heat(device, voltage)
        for value in (before, current):
            if abs(value) > self.peak:
                self.peak, self.peak_voltage = abs(value), source
        self.trace.append((device.time - self.started, source, before, current))
        if moved:
            if device.time - self.since > LASTING:
                self.lasting.append(self.warmest)
            self.warmest = 0.0
            self.solved, self.since, self.rise = now, device.time, now.rise(device.device_voltage)
        self.events = device.events - self.first
        return self._limited(device, current, moved)

    def _heat(self, device, voltage):
        """Note the temperature of the arrangement until now, at both ends of its time."""
        rise = max(self.rise, self.solved.rise(voltage))
        self.warmest = max(self.warmest, device.temperature + rise)
        if device.time - self.since > LASTING:
            self.hottest = max(self.hottest, device.temperature + rise)

    def _limited(self, device, current, moved):
        if self.limit is None:
            return False
        self.over = max(self.over, abs(current) / self.limit - 1.0)
        if not math.isnan(self.switched):
            return False
        if moved:
            self.path.append(self._level(device))
        if abs(current) >= REACHED * self.limit and (self.high is None or self._low(device)):
            self.switched, self.after = device.source_voltage, device.time - self.started
        return self.end and not math.isnan(self.switched)

    def _level(self, device):
        return math.log(device.current(READ) / READ)

    def _low(self, device):
        return self.high > SWITCHED * READ / device.current(READ)

    @property
    def share(self):
        """Largest part of the whole change of ln G until the device switched that one event made."""
        total = self.path[-1] - self.path[0]
        return float(np.diff(self.path).max() / total) if total > 0 else math.nan

    @property
    def steps(self):
        """Events that changed ln G from 10 to 90 % of that change."""
        total = self.path[-1] - self.path[0]
        if total <= 0:
            return 0
        done = (np.array(self.path) - self.path[0]) / total
        late = np.flatnonzero(done >= 0.9)[0]
        early = np.flatnonzero(done[: late + 1] <= 0.1)[-1]
        return int(np.count_nonzero(np.diff(done[early : late + 1])))


def gaps(device):
    """Return missing layers between what is attached to the top and to the bottom electrode.

    Hanging and standing are conducting vacancies linked to the electrode; what floats between them does not
    count. The second number is that of layers passed over in the longest jump of the easiest path between the
    electrodes, floating vacancies included.
    """
    shot = snapshot(device)
    place, layers = shot.position[shot.conducting], shot.shape[2]
    height = np.rint(place[:, 2] / shot.spacing).astype(int) - 1
    linked = distances(place, shot.spacing, shot.shape, shot.periodic) <= LINK
    label = connected_components(linked, directed=False)[1]
    hanging, standing = (np.isin(label, label[height == end]) for end in (layers - 1, 0))
    missing = min(height[hanging], default=layers) - max(height[standing], default=-1) - 1
    return max(int(missing), 0), longest_jump(shot).length / shot.spacing - 1.0


def vacancies(device):
    """Return the number of vacancies."""
    return device.count(VACANCY.code)


def for_each(measure, seeds, workers, *arguments, **options):
    """Return what a measurement of one device gives for each seed, in processes if ``workers`` is given."""
    call = partial(measure, *arguments, **options)
    if not workers:
        return [call(seed) for seed in seeds]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(call, seeds))
