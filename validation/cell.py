"""One device under test: forming with verify, RESET, SET, holds, and what is read off each of them."""

import math
import pickle
import time
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from frenkel.analysis.results.filament import Snapshot, layers, longest_jump, radius
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import VACANCY
from frenkel.kinetic.waveform import Waveform

REACHED = 0.999  # of the current limit
NUCLEUS = 5  # vacancies
SLICE = 1e-9  # m
EARLY = 0.01  # of the conductance of a formed device
METER = 20e-3  # V: step of the sweeps over which currents are averaged
READ = 0.1  # V, where resistances are read


class OutOfTime(RuntimeError):
    """A task used up its CPU time."""


class Cell:
    """A device, the protocol and a clock of CPU time.

    Parameters
    ----------
    seed : int
    protocol : Protocol
    thickness, width : float, optional
        Other sizes (m) than the protocol's.
    """

    def __init__(self, seed, protocol, *, thickness=None, width=None):
        self.protocol = protocol
        thickness, width = thickness or protocol.thickness, width or protocol.width
        self.device = Device(protocol.of_material(), thickness, width, seed=seed)
        self.deadline = time.process_time() + protocol.patience
        self.trace = []
        self.watch = None

    # ------------------------------------------------------------------ moving on

    def _each(self, limit):
        """Return a stop function: trace, CPU time and, with a ``limit``, the current (A) to stop at."""

        def stop(device, current):
            if time.process_time() > self.deadline:
                raise OutOfTime(f"out of CPU time at {device.source_voltage:.2f} V, {device.events} events")
            self.trace.append((device.time, device.source_voltage, current, device.conductance))
            if self.watch is not None:
                self.watch(device)
            return limit is not None and abs(current) >= limit

        return stop

    def apply(self, waveform, *, limit=None, samples=100, wait=False):
        """Apply a waveform until its end or until a current (A); return its samples and its trace.

        The trace has one row after each event and sample: time (s), source voltage (V), current (A),
        conductance (S). A ``wait`` leaves what goes to and fro in one exact step, and ends with its CPU time,
        not with a number of events: a pair that flickers would use those up in milliseconds.
        """
        self.trace = []
        budget = None if wait else self.protocol.budget
        record = self.device.advance(
            waveform, samples=samples, stop=self._each(limit), budget=budget, superbasin=wait
        )
        return record.sample, np.array(self.trace).reshape(-1, 4)

    @property
    def resistance(self):
        """Resistance of the device (ohm) at `READ`."""
        return READ / self.device.current(READ)

    def circuit(self, compliance=None):
        """Put the series resistance, and a current limit (A) if given, around the device."""
        resistance = self.protocol.series_resistance
        self.device.circuit = Circuit(series_resistance=resistance, compliance=compliance)

    def close(self, rate, limit, fall_rate, attempts, compliance, target):
        """Ramp up, and on while held at the compliance; fall, read; again while above a resistance (ohm).

        Returns
        -------
        dict
            ``voltage`` (V) where the first attempt reached the compliance (None: it did not), ``attempts``,
            ``ok``, ``resistance`` (ohm), ``over`` (largest current over the compliance, relative),
            ``temperature`` (K), ``events`` and the figures of `rise` for the first attempt.
        """
        device, out = self.device, {}
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
            if reached and top < limit:
                sample, trace = self.apply(Waveform.ramp(limit, rate, start=top), samples=20)
                peaks += [np.abs(sample["current"]).max(), np.abs(trace[:, 2]).max()]
                top = device.source_voltage
            if top > 0:
                self.apply(Waveform.ramp(0.0, fall_rate, start=top), samples=10)
            out["over"] = max(out["over"], float(max(peaks)) / compliance - 1.0)
            if self.resistance < target:
                break
        ok = self.resistance < target
        return out | {
            "attempts": attempt,
            "ok": bool(ok),
            "resistance": self.resistance,
            "events": device.events - first,
        }

    def form(self, *, rate=None, compliance=None, attempts=None):
        """Form the device; see `close`."""
        p = self.protocol
        attempts, limit = attempts or p.forming_attempts, compliance or p.forming_compliance
        target = p.verified(compliance or p.compliance)
        return self.close(rate or p.forming_rate, p.forming_limit, p.fall_rate, attempts, limit, target)

    def set(self, compliance=None):
        """SET the device; see `close`."""
        p, compliance = self.protocol, compliance or self.protocol.compliance
        extra = max(0.0, compliance - p.compliance) * p.series_resistance
        top, target = p.set_limit + extra, p.verified(compliance)
        return self.close(p.cycle_rate, top, p.set_fall_rate, p.set_attempts, compliance, target)

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
        wave = Waveform.triangle(-amplitude, p.cycle_rate, fall_rate=p.reset_fall_rate)
        sample, trace = self.apply(wave, samples=120)
        source, current = sample["source_voltage"], np.abs(sample["current"])
        peak = int(np.argmax(current))
        return {
            "voltage": float(source[peak]),
            "current": float(current[peak]),
            "resistance": self.resistance,
            "gap": gap(device),
            "vacancies": device.count(VACANCY.code),
            "temperature": float(sample["temperature_max"].max()),
            "events": device.events - first,
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
            self.device.draw_hazard()
        self.device.time = 0.0


def formed(seed, protocol, folder, **sizes):
    """Return a formed cell and what its forming was like, from a file of an earlier task if there is one."""
    name = "-".join(["formed", str(seed), *(f"{key}{value:.4g}" for key, value in sorted(sizes.items()))])
    path = Path(folder) / f"{name}.pickle"
    cell = Cell(seed, protocol, **sizes)
    if path.exists():
        asked, state, told = pickle.loads(path.read_bytes())
        if asked == protocol.key():
            cell.device.restore(state)
            return cell, told
    cell.watch = nucleation = Nucleation(cell.device, protocol.verified(protocol.compliance))
    told = cell.form()
    cell.watch = None
    told |= {
        "nucleus": nucleation.found,
        "start": nucleation.start.tolist(),
        "before": nucleation.before.tolist(),
    }
    temporary = path.with_suffix(f".{time.time_ns()}")
    temporary.write_bytes(pickle.dumps((protocol.key(), cell.device.state(), told)))
    temporary.rename(path)
    # What comes after has the whole CPU time again, whether the file was there or not.
    cell.deadline = time.process_time() + protocol.patience
    return cell, told


class Nucleation:
    """Watches for the first nucleus: a slice of 1 nm that gained five vacancies and has a cluster of five.

    The vacancies that the weak column holds at the start lie in clusters too, hence the gain.

    Parameters
    ----------
    device : Device
    resistance : float
        Resistance (ohm) of a formed device, about.

    Attributes
    ----------
    start, before : (n,) array of int
        Vacancies in each slice at the start, and when the conductance was last below `EARLY`.
    found : dict or None
        ``slice`` (0 at the bottom), ``slices`` (their number), ``size`` (vacancies in the largest cluster
        there), ``voltage`` (V).
    """

    def __init__(self, device, resistance):
        self.resistance = resistance
        layers = device.shape[2]
        self.number = max(1, round(layers * device.material.lattice.spacing / SLICE))
        self.slice = device.lattice.layer[: device.n_hosts] * self.number // layers
        self.start = self.before = self.counts(device)
        self.found = None

    def counts(self, device):
        """Return the vacancies in each slice."""
        vacant = device.engine.species[: device.n_hosts] == VACANCY.code
        return np.bincount(self.slice[vacant], minlength=self.number)

    def __call__(self, device):
        if device.conductance * self.resistance < EARLY:
            self.before = self.counts(device)
        if self.found is not None:
            return
        gain = self.counts(device) - self.start
        if gain.max() < NUCLEUS:
            return
        where = int(np.argmax(gain))
        sizes = [int(np.count_nonzero(self.slice[sites] == where)) for sites in clusters(device)]
        if max(sizes) >= NUCLEUS:
            self.found = {
                "slice": where,
                "slices": self.number,
                "size": max(sizes),
                "voltage": device.source_voltage,
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
    """Return the vacancies of a device, and which of them conduct, for `analysis.results.filament`."""
    device.solved(refresh=True)
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


def metered(voltage, values):
    """Average values that hold from one row of a trace to the next over steps of `METER` in voltage.

    This is what a meter shows: single hops back and forth, often a microsecond apart, are averaged out.

    Returns
    -------
    edge, mean : (n,) arrays
        Upper end of each step (V), and the mean in it.
    """
    edges = np.arange(voltage[0], voltage[-1] + METER, METER)
    edges[-1] = max(voltage[-1], edges[-2] + 1e-9)
    area = np.concatenate([[0.0], np.cumsum(values[:-1] * np.diff(voltage))])
    return edges[1:], np.diff(np.interp(edges, voltage, area)) / np.diff(edges)


def rise(trace, compliance, before):
    """Describe a way up: how abrupt, and how many events it takes.

    Returns
    -------
    dict
        ``width``: source voltage (V) between 10 and 90 % of the compliance, in steps of `METER`; ``share``:
        the largest part of the whole change of ln G that one event makes (above 1: it went back again);
        ``steps``: events from 10 to 90 % of that change. None if the compliance was not reached.
    """
    voltage, current, conductance = trace[:, 1], trace[:, 2], trace[:, 3]
    if not len(voltage) or current.max() < 0.9 * compliance or voltage[-1] <= voltage[0]:
        return {"width": None, "share": None, "steps": None}
    edge, mean = metered(voltage, current)
    low, high = np.flatnonzero(mean >= 0.1 * compliance), np.flatnonzero(mean >= 0.9 * compliance)
    # The sweep ends at the compliance, often in the step that began below it.
    top = edge[high[0]] if len(high) else voltage[-1]
    width = float(max(top - edge[low[0]], 0.0)) if len(low) else 0.0
    level = np.log(np.concatenate([[before], conductance]))
    total = level[-1] - level[0]
    if total <= 0:
        return {"width": width, "share": None, "steps": 0}
    done = (level - level[0]) / total
    late = np.flatnonzero(done >= 0.9)[0]
    early = np.flatnonzero(done[: late + 1] <= 0.1)[-1]
    changed = np.count_nonzero(np.diff(level[early : late + 1]))
    return {"width": width, "share": float(np.diff(level).max() / total), "steps": int(changed)}


def fall(trace, before):
    """Describe a RESET: how much of it is the first drop, and over which voltage the rest is spread.

    Returns
    -------
    dict
        In steps of `METER`: ``first``, part of the whole change of ln R within the step of the first 10 % and
        the next; ``spread``, source voltage (V) from the first 10 % of that change to the last time below
        90 % of it; ``levels``, distinct levels (10 % apart in R) from there to the end. None without change.
    """
    turn = int(np.argmin(trace[:, 1])) + 1
    edge, level = metered(np.abs(trace[:turn, 1]), -np.log(trace[:turn, 3] / before))
    total = level[-1]
    if total <= math.log(1.5):
        return {"first": None, "spread": None, "levels": 0}
    begin = int(np.flatnonzero(level >= 0.1 * total)[0])
    below = np.flatnonzero(level < 0.9 * total)
    last = below[-1] if len(below) else begin
    return {
        "first": float(level[begin : begin + 2].max() / total),
        "spread": float(max(0.0, edge[last] - edge[begin])),
        "levels": len(np.unique(np.round(level[begin:] / 0.1))),
    }
