"""A device under test: forming, RESET and SET held at the limit, and readings at each event.

Voltages are those of the source. Nothing is read off a grid of samples: peaks and switching voltages are those of
events, with the current just before the atom moved as well as just after it.
"""

import math
import pickle
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..configuration.base import ConfigurationError
from ..configuration.device import Configuration
from ..configuration.phases import Sweep
from ..kinetic.circuit import Circuit
from ..kinetic.device import Device
from ..kinetic.materials.material import Material
from ..kinetic.run import EventBudgetError
from ..kinetic.waveform import Waveform
from ..typing import Floats

READ = 0.1
"""Voltage (V) at which resistances are read."""

HALF = 0.5
"""Voltage (V) at which they are read again: the ratio of both is the nonlinearity of a state."""

REACHED = 0.999
"""Fraction of the current limit from which on the device is at the limit."""

SWITCHED = 3.0
"""A device at the limit has SET once it reads this many times less than before."""

LASTING = 1e-9
"""Time (s): a temperature of a shorter-lived arrangement does not count."""

MOST_EVENTS = 500_000
"""In one waveform."""


class OutOfBudget(RuntimeError):
    """A device used up its CPU time."""


FAILED = (OutOfBudget, EventBudgetError)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a device is measured, in SI units.

    Parameters
    ----------
    size, width : float
        Thickness and width (m); without a width both are the same.
    series, limit, form_limit : float
        Series resistance (ohm), current limits (A) of SET and of forming. Without ``form_limit`` the device carries
        a filament from the start and is not formed.
    rate, reset, set_to : float
        Rate (V/s) of the triangles of RESET and SET, and their amplitudes (V, positive).
    form_rate, form_to, hold, attempts
        Rate (V/s) and end (V) of the ramp of forming, time at the limit after it (s), and how often it is repeated
        while the resistance is above ``form_read`` (0.4 V over the limit, twice that allowed).
    temperature : float
        Of the electrodes, K.
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
    def form_read(self) -> float:
        """Resistance (ohm) below which a device is formed."""
        return 0.8 / self.limit

    @classmethod
    def of(cls, configuration: Configuration) -> "Setting":
        """Return the setting that the device, the circuit and the first sweeps of a configuration say.

        Raises
        ------
        ConfigurationError
            There is no RESET, or no SET with a compliance.
        """
        sweeps: dict[str, Sweep] = {}
        for _, _, phase in configuration.phases():
            if isinstance(phase, Sweep):
                sweeps.setdefault(phase.kind, phase)
        if not {"reset", "set"} <= sweeps.keys() or sweeps["set"].compliance is None:
            raise ConfigurationError("a search needs phases of RESET and of SET with a compliance")
        form, down, up = sweeps.get("form"), sweeps["reset"], sweeps["set"]
        limit = up.compliance
        if form is not None and form.compliance is None:
            raise ConfigurationError("a search needs forming with a compliance")
        device = configuration.device
        forming: dict[str, Any] = {}
        if form is not None:
            forming = {"form_limit": form.compliance, "form_rate": form.rate, "form_to": form.amplitude}
        if device.thickness is None or limit is None:
            raise ConfigurationError("a search needs a device of one layer with a thickness")
        return cls(
            size=device.thickness,
            width=device.width,
            series=configuration.circuit.series_resistance,
            rate=up.rate,
            limit=limit,
            reset=abs(down.amplitude),
            set_to=up.amplitude,
            temperature=device.temperature,
            **forming,
        )


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
    member : int
        Number of the device; together with the seed it fixes every random draw.

    Attributes
    ----------
    hottest : float
        Highest temperature (K) so far that lasted longer than `LASTING`.
    """

    def __init__(
        self,
        material: Material,
        seed: int,
        setting: Setting,
        budget: float | None = None,
        temperature: float | None = None,
        member: int = 0,
    ) -> None:
        self.setting, self.seed, self.hottest = setting, seed, 0.0
        self.device = Device(
            material,
            setting.size,
            setting.width or setting.size,
            seed=seed,
            member=member,
            temperature=temperature or setting.temperature,
        )
        self.allow(budget)

    def allow(self, budget: float | None) -> None:
        """Give the device so much CPU time (s) from now on."""
        self.deadline = math.inf if budget is None else time.process_time() + budget

    def circuit(self, limit: float | None = None) -> None:
        """Put the series resistance around the device, and a limit of the current (A) if given."""
        self.device.circuit = Circuit(series_resistance=self.setting.series, compliance=limit)

    def apply(self, waveform: Waveform, watch: Any, samples: int = 3, **options: Any) -> Any:
        """Apply a waveform under a `Watch`; return it."""
        watch.begin(self.device, self.deadline)
        self.device.advance(waveform, samples=samples, stop=watch, budget=MOST_EVENTS, **options)
        self.hottest = max(self.hottest, watch.hottest)
        return watch

    def read(self, voltage: float = READ) -> float:
        """Return the resistance (ohm) at a device voltage (V), without letting time pass."""
        return voltage / self.device.current(voltage)

    # ------------------------------------------------------------------ phases

    def form(self, rate: float | None = None) -> "Watch":
        """Form on a ramp and hold at the limit, again until the filament reads low.

        Returns
        -------
        Watch of the first ramp; ``switched`` is the forming voltage (V), NaN if the limit was never reached.
        """
        s = self.setting
        first: Watch | None = None
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
        assert first is not None
        return first

    def reset(self, stop: float | None = None) -> "Watch":
        """RESET on a triangle to minus ``stop`` (V); return its `Watch`."""
        s = self.setting
        self.circuit()
        watch: Watch = self.apply(Waveform.triangle(-(stop or s.reset), s.rate), Watch())
        return watch

    def set(self, limit: float | None = None, set_to: float | None = None) -> "Watch":
        """SET on a triangle that goes on while the source is limited; return its `Watch`."""
        s = self.setting
        limit = limit or s.limit
        # What a higher limit drops over the series resistance comes on top.
        top = (set_to or s.set_to) + max(0.0, limit - s.limit) * s.series
        self.circuit(limit)
        watch: Watch = self.apply(Waveform.triangle(top, s.rate), Watch(limit, high=self.read()))
        return watch

    # ------------------------------------------------------------------ states

    def keep(self) -> bytes:
        """Return the state of the device."""
        return pickle.dumps(self.device.state())

    def again(self, state: bytes, number: int | None = None) -> None:
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

    def __init__(self, limit: float | None = None, *, high: float | None = None, end: bool = False) -> None:
        self.limit, self.high, self.end = limit, high, end
        self.switched = self.after = math.nan
        self.peak = self.peak_voltage = 0.0
        self.hottest, self.over, self.warmest, self.rise = 0.0, 0.0, 0.0, 0.0
        self.lasting: list[float] = []
        self.path: list[float] = []
        self.trace: list[tuple[float, float, float, float]] = []
        self.events = 0

    def begin(self, device: Device, deadline: float) -> None:
        """Note the state in which the waveform finds the device."""
        self.deadline, self.started = deadline, device.time
        self.solved, self.since, self.first = device.solved(), device.time, device.events
        self.path.append(self._level(device))
        self.rise = 0.0

    def __call__(self, device: Device, current: float) -> bool:
        """Note an event or a sample; return whether the waveform shall end."""
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

    def _heat(self, device: Device, voltage: float) -> None:
        """Note the temperature of the arrangement until now, at both ends of its time."""
        rise = max(self.rise, self.solved.rise(voltage))
        self.warmest = max(self.warmest, device.temperature + rise)
        if device.time - self.since > LASTING:
            self.hottest = max(self.hottest, device.temperature + rise)

    def _limited(self, device: Device, current: float, moved: bool) -> bool:
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

    def _level(self, device: Device) -> float:
        return math.log(device.current(READ) / READ)

    def _low(self, device: Device) -> bool:
        assert self.high is not None
        return self.high > SWITCHED * READ / device.current(READ)

    @property
    def share(self) -> float:
        """Largest part of the whole change of ln G until the device switched that one event made."""
        total = self.path[-1] - self.path[0]
        return float(np.diff(self.path).max() / total) if total > 0 else math.nan

    @property
    def steps(self) -> int:
        """Events that changed ln G from 10 to 90 % of that change."""
        total = self.path[-1] - self.path[0]
        if total <= 0:
            return 0
        done = (np.array(self.path) - self.path[0]) / total
        late = np.flatnonzero(done >= 0.9)[0]
        early = np.flatnonzero(done[: late + 1] <= 0.1)[-1]
        return int(np.count_nonzero(np.diff(done[early : late + 1])))


@dataclass(frozen=True, kw_only=True)
class Layers:
    """Current through the layers of atoms of a filament.

    Parameters
    ----------
    height : (n,) array
        Number of each layer that carries current, ascending.
    count : (n,) array
        Atoms that carry it: (sum i)^2 / sum i^2, i half of the currents through the bonds of an atom.
    current : (n,) array
        A.
    potential : (n,) array
        Mean over the atoms, weighed by their current (V).
    spacing : float
        Of layers, and of atoms in them (m).
    """

    height: Floats
    count: Floats
    current: Floats
    potential: Floats
    spacing: float

    @property
    def radius(self) -> float:
        """Median over the layers of a sqrt(N / pi) (m)."""
        return (
            self.spacing * math.sqrt(float(np.median(self.count)) / math.pi) if len(self.count) else math.nan
        )

    @property
    def conductivity(self) -> Floats:
        """Conductance x spacing / area of each pair of neighbouring layers (S/m), (k,)."""
        beside = np.diff(self.height) == 1
        drop = np.abs(np.diff(self.potential))[beside]
        flow, count = (((one[1:] + one[:-1]) / 2)[beside] for one in (self.current, self.count))
        with np.errstate(divide="ignore"):
            conductivities: Floats = flow / drop * self.spacing / (count * self.spacing**2)
        return conductivities


def filament(device: Device, voltage: float = READ) -> Layers:
    """Return the `Layers` of the filament of a device at a device voltage (V)."""
    device.solved(refresh=True)
    fields = device.fields
    if fields.has_laws():
        site, potential = fields.operate(voltage).potentials.nodes()[:2]
    else:
        site, potential = fields.nodes()[0], fields.nodes()[1] * voltage
    at = dict(zip(site.tolist(), potential.tolist(), strict=True)) | {-1: 0.0, -2: voltage}
    through = dict.fromkeys(at, 0.0)
    for one, other, conductance in fields.solver.bonds():
        current = conductance * abs(at[one] - at[other])
        through[one] += current / 2
        through[other] += current / 2
    spacing = device.material.lattice.spacing
    height = np.rint(device.lattice.position[site][:, 2] / spacing).astype(int)
    current = np.array([through[one] for one in site.tolist()])
    rows = []
    for layer in np.unique(height):
        of, volts = current[height == layer], potential[height == layer]
        if of.sum() > 0.0:
            rows.append((layer, of.sum() ** 2 / (of**2).sum(), of.sum(), of @ volts / of.sum()))
    height, count, current, potential = np.array(rows).reshape(-1, 4).T
    return Layers(height=height, count=count, current=current, potential=potential, spacing=spacing)
