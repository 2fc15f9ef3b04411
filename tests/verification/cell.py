"""One device under test: forming with verify, RESET, SET, holds, and what is read off each of them."""

import math
import pickle
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from frenkel.analysis.filament import Snapshot, layers, longest_jump, radius
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.material import Material
from frenkel.kinetic.species import VACANCY
from frenkel.kinetic.waveform import Waveform
from frenkel.units import V, kohm, mV, nm, us

REACHED = 0.999  # of the current limit
NUCLEUS = 5  # vacancies


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Everything about the measurements that a preset may need to have changed, in SI units.

    Voltages are those of the source; RESET and SET get the drop over the series resistance on top where the
    compliance is higher than the one here.
    """

    material: str = "HfO2"
    thickness: float = 5.2 * nm
    width: float = 5.2 * nm
    series_resistance: float = 2 * kohm
    compliance: float = 50e-6
    forming_rate: float = 10.0
    """Ramp rate of forming (V/s)."""
    forming_limit: float = 7 * V
    cycle_rate: float = 1e5
    """Ramp rate of RESET and SET (V/s)."""
    fall_rate: float = 1e7
    """Rate of every way back to 0 V (V/s): slower, and the filament coarsens at compliance."""
    hold: float = 1 * us
    """Time at compliance before the fall (s)."""
    reset_voltage: float = 1.5 * V
    set_limit: float = 3 * V
    verify_product: float = 0.6 * V
    """Forming and SET must end below this over the compliance (ohm)."""
    forming_attempts: int = 5
    set_attempts: int = 3
    read_voltage: float = 100 * mV
    ramps: tuple[float, ...] = (1.0, 1e1, 1e2, 1e3, 1e4)
    """Ramp rates of V-02 (V/s)."""
    thicknesses: tuple[float, ...] = (3.12 * nm, 4.16 * nm, 5.2 * nm, 6.5 * nm, 7.8 * nm)
    pulse_voltages: tuple[float, ...] = (0.5, 0.6, 0.7, 0.8, 0.9)
    """Constant voltages of V-07 (V)."""
    compliances: tuple[float, ...] = (5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3)
    budget: int = 60_000
    """Most events in one waveform."""
    wall: float = 120.0
    """Most wall time of one task (s), so that nothing hangs; what is missing is said in the table."""

    def verified(self, compliance: float) -> float:
        """Return the resistance (ohm) below which a device counts as on."""
        return self.verify_product / compliance


class OutOfTime(RuntimeError):
    """A task used up its wall time."""


class Cell:
    """A device, the protocol and a wall clock.

    Parameters
    ----------
    seed : int
    protocol : Protocol
    thickness, width : float, optional
        Other sizes (m) than the protocol's.
    values : dict, optional
        Material numbers to replace, as in `Material.with_values`.
    """

    def __init__(self, seed, protocol, *, thickness=None, width=None, values=None):
        material = Material.load(protocol.material)
        if values:
            material = material.with_values(values)
        self.protocol = protocol
        self.device = Device(material, thickness or protocol.thickness, width or protocol.width, seed=seed)
        self.deadline = time.monotonic() + protocol.wall
        self.trace = []
        self.watch = None

    # ------------------------------------------------------------------ moving on

    def _each(self, limit):
        """Return a stop function: trace, wall clock and, with a ``limit``, the current (A) to stop at."""

        def stop(device, current):
            if time.monotonic() > self.deadline:
                raise OutOfTime(f"out of wall time at {device.source_voltage:.2f} V, {device.events} events")
            self.trace.append((device.time, device.source_voltage, current, device.conductance))
            if self.watch is not None:
                self.watch(device)
            return limit is not None and abs(current) >= limit

        return stop

    def apply(self, waveform, *, limit=None, samples=100):
        """Apply a waveform until its end or until a current (A); return its samples and its trace.

        The trace has one row after each event and sample: time (s), source voltage (V), current (A),
        conductance (S).
        """
        self.trace = []
        record = self.device.advance(
            waveform, samples=samples, stop=self._each(limit), budget=self.protocol.budget
        )
        return record.sample, np.array(self.trace).reshape(-1, 4)

    @property
    def resistance(self):
        """Resistance of the device (ohm), at any voltage since it is linear."""
        return 1.0 / self.device.conductance

    def circuit(self, compliance=None):
        """Put the series resistance, and a current limit (A) if given, around the device."""
        self.device.circuit = Circuit(series_resistance=self.protocol.series_resistance, compliance=compliance)

    def close(self, rate, limit, attempts, compliance, *, hold=True):
        """Ramp up to the compliance, hold, fall, read; again while the device reads as off.

        Returns
        -------
        dict
            ``voltage`` (V) where the first attempt reached the compliance (None: it did not), ``attempts``,
            ``ok``, ``resistance`` (ohm), ``over`` (largest current over the compliance, relative),
            ``temperature`` (K), ``events`` and the figures of `rise` for the first attempt.
        """
        protocol, device, out = self.protocol, self.device, {}
        self.circuit(compliance)
        first, before = device.events, device.conductance
        for attempt in range(1, attempts + 1):
            sample, trace = self.apply(Waveform.ramp(limit, rate), limit=REACHED * compliance)
            reached = abs(trace[-1, 2]) >= REACHED * compliance
            top = device.source_voltage
            peaks = [np.abs(sample["current"]).max(), np.abs(trace[:, 2]).max()]
            if attempt == 1:
                out = {"voltage": top if reached else None, "time": float(trace[-1, 0])}
                out |= rise(trace, compliance, before)
                out["temperature"], out["over"] = float(sample["temperature_max"].max()), 0.0
            if reached and hold and protocol.hold:
                sample, trace = self.apply(Waveform.constant(top, protocol.hold), samples=5)
                peaks += [np.abs(sample["current"]).max(), np.abs(trace[:, 2]).max()]
            if top > 0:
                self.apply(Waveform.ramp(0.0, protocol.fall_rate, start=top), samples=10)
            out["over"] = max(out["over"], float(max(peaks)) / compliance - 1.0)
            if self.resistance < protocol.verified(compliance):
                break
        ok = self.resistance < protocol.verified(compliance)
        return out | {
            "attempts": attempt, "ok": bool(ok), "resistance": self.resistance, "events": device.events - first,
        }

    def form(self, *, rate=None, compliance=None, attempts=None):
        """Form the device; see `close`."""
        p = self.protocol
        return self.close(
            rate or p.forming_rate, p.forming_limit, attempts or p.forming_attempts, compliance or p.compliance
        )

    def set(self, compliance=None):
        """SET the device; see `close`."""
        p, compliance = self.protocol, compliance or self.protocol.compliance
        extra = max(0.0, compliance - p.compliance) * p.series_resistance
        return self.close(p.cycle_rate, p.set_limit + extra, p.set_attempts, compliance)

    def reset(self, *, amplitude=None, compliance=None):
        """RESET the device with a triangle to minus ``amplitude`` (V).

        Returns
        -------
        dict
            ``voltage`` (V) and ``current`` (A) at the largest current, ``resistance`` (ohm), ``gap`` (missing
            layers of the filament), ``vacancies``, ``temperature`` (K), ``zero`` (largest current where the
            source is at 0 V over the largest of all) and the figures of `fall`.
        """
        p, device = self.protocol, self.device
        self.circuit()
        extra = max(0.0, (compliance or p.compliance) - p.compliance) * p.series_resistance * 1.5
        amplitude = (amplitude or p.reset_voltage) + extra
        first, before = device.events, device.conductance
        wave = Waveform.triangle(-amplitude, p.cycle_rate, fall_rate=p.fall_rate)
        sample, trace = self.apply(wave, samples=120)
        source, current = sample["source_voltage"], np.abs(sample["current"])
        peak = int(np.argmax(current))
        return {
            "voltage": float(source[peak]), "current": float(current[peak]), "resistance": self.resistance,
            "gap": gap(device), "vacancies": device.count(VACANCY.code),
            "temperature": float(sample["temperature_max"].max()), "events": device.events - first,
            "zero": float(current[source == 0.0].max(initial=0.0) / current[peak]),
            "turned": bool(peak < np.argmin(source)),
        } | fall(trace, before)

    # ------------------------------------------------------------------ states

    def keep(self):
        """Return the state of the device."""
        return pickle.loads(pickle.dumps(self.device.state()))

    def again(self, state, number=None):
        """Go back to a state; with a ``number``, on other random draws from there."""
        state = pickle.loads(pickle.dumps(state))
        if number is not None:
            words = np.random.SeedSequence((self.device.seed, 7, number)).generate_state(2, np.uint64)
            state["engine"]["random"][:2] = words
        self.device.restore(state)
        if number is not None:
            self.device._hazard = self.device._draw_hazard()
        self.device.time = 0.0


def formed(seed, protocol, folder, **sizes):
    """Return a formed cell and what its forming was like, from a file of an earlier task if there is one."""
    name = "-".join(["formed", str(seed), *(f"{key}{value:.4g}" for key, value in sorted(sizes.items()))])
    path = Path(folder) / f"{name}.pickle"
    cell = Cell(seed, protocol, **sizes)
    if path.exists():
        asked, state, told = pickle.loads(path.read_bytes())
        if asked == asdict(protocol):
            cell.device.restore(state)
            return cell, told
    cell.watch = nucleation = Nucleation(cell.device)
    told = cell.form()
    cell.watch = None
    told["nucleus"] = nucleation.found
    temporary = path.with_suffix(f".{time.time_ns()}")
    temporary.write_bytes(pickle.dumps((asdict(protocol), cell.device.state(), told)))
    temporary.rename(path)
    # What comes after has the whole wall time again, whether the file was there or not.
    cell.deadline = time.monotonic() + protocol.wall
    return cell, told


class Nucleation:
    """Watches for the first new cluster: five or more vacancies, and more than the largest one at the start.

    Attributes
    ----------
    found : dict or None
        ``height`` (mean distance of the cluster from the plane of the bottom electrode, m), ``low``, ``high``
        (m), ``size``, ``start`` (size of the largest cluster at the start), ``voltage`` (V), ``time`` (s).
    """

    def __init__(self, device):
        self.start = max(map(len, clusters(device)), default=0)
        self.found = None

    def __call__(self, device):
        if self.found is not None:
            return
        largest = max(clusters(device), key=len, default=[])
        if len(largest) >= max(NUCLEUS, self.start + 1):
            height = device.lattice.position[largest, 2]
            self.found = {
                "height": float(height.mean()), "low": float(height.min()), "high": float(height.max()),
                "size": len(largest), "start": self.start, "voltage": device.source_voltage,
                "time": device.time,
            }


def clusters(device):
    """Return the vacancies as lists of sites, one per cluster of nearest neighbours."""
    sites = np.flatnonzero(device.engine.species[: device.n_hosts] == VACANCY.code)
    if not len(sites):
        return []
    place = np.full(device.n_hosts + 1, -1)  # the last one stands for "no neighbour", which is -1
    place[sites] = np.arange(len(sites))
    near = place[device.lattice.motifs["nearest"][sites]]
    one, which = np.nonzero(near >= 0)
    graph = coo_array((np.ones(len(one)), (one, near[one, which])), shape=(len(sites),) * 2)
    number, label = connected_components(graph, directed=False)
    return [sites[label == k] for k in range(number)]


def snapshot(device):
    """Return the vacancies of a device, and which of them conduct, for `frenkel.analysis.filament`."""
    device.configuration(refresh=True)
    sites = np.flatnonzero(device.engine.species[: device.n_hosts] == VACANCY.code)
    position = device.lattice.position[sites]
    conducting = np.isin(sites, device.fields.nodes()[0])
    spacing = device.material.lattice.spacing
    return Snapshot(position, conducting, None, spacing, device.shape, device.lateral == "periodic", "", 0)


def gap(device):
    """Return the missing layers at the longest jump of the easiest path between the electrodes."""
    shot = snapshot(device)
    return longest_jump(shot).length / shot.spacing - 1.0


def shape_of(device):
    """Return equivalent radius (m), vacancies per layer, and waist over the wider end of the filament."""
    shot = snapshot(device)
    counts = layers(shot)
    smooth = np.convolve(counts, np.ones(3) / 3, "valid")
    ends = max(smooth[0], smooth[-1])
    waist = math.sqrt(max(smooth[2:-2].min(), 0.0) / ends) if ends > 0 else math.nan
    return {"radius": radius(shot), "layers": counts.tolist(), "waist": waist}


def rise(trace, compliance, before):
    """Describe a way up: how abrupt, and how many events it takes.

    Returns
    -------
    dict
        ``width``: source voltage (V) between 10 and 90 % of the compliance; ``share``: the largest part of the
        whole change of ln G that one event makes; ``steps``: events from 10 to 90 % of the change of ln G.
    """
    voltage, current, conductance = trace[:, 1], trace[:, 2], trace[:, 3]
    low, high = np.flatnonzero(current >= 0.1 * compliance), np.flatnonzero(current >= 0.9 * compliance)
    if not len(high):
        return {"width": None, "share": None, "steps": None}
    end = high[0] + 1
    level = np.log(np.concatenate([[before], conductance[:end]]))
    total = level[-1] - level[0]
    if total <= 0:
        return {"width": float(voltage[high[0]] - voltage[low[0]]), "share": None, "steps": 0}
    done = (level - level[0]) / total
    late = np.flatnonzero(done >= 0.9)[0]
    early = np.flatnonzero(done[: late + 1] <= 0.1)[-1]
    changed = np.count_nonzero(np.diff(level[early : late + 1]))
    return {
        "width": float(voltage[high[0]] - voltage[low[0]]),
        "share": float(np.diff(level).max() / total),
        "steps": int(changed),
    }


def fall(trace, before):
    """Describe a RESET: how much of it is the first drop, and over which voltage the rest is spread.

    Returns
    -------
    dict
        ``first``: part of the whole change of ln R that lies within 20 mV of the first drop; ``spread``:
        voltage (V) from the first 10 % of that change to the last time below 90 % of it; ``levels``: distinct
        levels (5 % apart in R) after the first drop.
    """
    turn = int(np.argmin(trace[:, 1])) + 1
    voltage = np.abs(trace[:turn, 1])
    level = -np.log(trace[:turn, 3] / before)
    total = level[-1] if len(level) else 0.0
    if total <= math.log(1.5):
        return {"first": None, "spread": None, "levels": 0}
    begin = int(np.flatnonzero(level >= 0.1 * total)[0])
    soon = voltage <= voltage[begin] + 20e-3
    below = np.flatnonzero(level < 0.9 * total)
    last = below[-1] if len(below) else begin
    return {
        "first": float(level[soon].max() / total),
        "spread": float(max(0.0, voltage[last] - voltage[begin])),
        "levels": int(len(np.unique(np.round(level[begin:] / 0.05)))),
    }
