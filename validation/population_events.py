"""Single events of SETs and RESETs: barrier over kT, temperature and field at the place of each."""

from dataclasses import dataclass, field

import numpy as np
from device_cell import FAILED, for_each
from device_retention import BOLTZMANN

from frenkel.verify.device import paths_of_two

LOW_BARRIER = 3.0  # kT: below this a rate constant is no rare event
SOFTENED, HOTTEST = 3073.0, 5000.0  # K: melting point of HfO2, and what no event may read


@dataclass
class EventLog:
    """What each event reads just before it happens: takes the place of `Device.weights`.

    Attributes
    ----------
    rows : list of tuple
        Barrier over kT at its place, temperature there (K), whether its barrier is at the floor of the
        mechanism or its field beyond the critical one.
    """

    rows: list = field(default_factory=list)

    def wait(self, now, voltage, source, elapsed):
        """Take no note of waits."""

    def event(self, now, voltage, source, chosen):
        """Note the event that is about to happen."""
        events = now.events if now.make_ends is None else now.at(voltage)
        kelvin = events.ambient + float(events.rises(voltage)[chosen])
        barrier = float(events.activation(voltage)[chosen])
        self.rows.append((barrier / (BOLTZMANN * kelvin), kelvin, float(events.at_floor(chosen, voltage))))


def events(prepared, currents, *, budget=None, workers=None):
    """Return what events of SETs to limits (A) and of the RESETs after them read.

    Returns
    -------
    list of tuple
        Of each SET its device, its limit (A), its events and those of the RESET after it, (n, 3) arrays as of
        `EventLog`, and the temperatures (K) of arrangements of both that lasted longer than a nanosecond. A
        waveform that ran out of CPU time is as long as it came, without the last of these.
    """
    found = for_each(_events, prepared, workers, tuple(currents), budget)
    return [(k, *pair) for k, pairs in enumerate(found) for pair in pairs]


def _events(currents, budget, one):
    cell, pairs = one.cell(), []
    for high in one.high:
        for k, limit in enumerate(currents):
            cell.allow(budget)
            cell.again(high, k)
            pair, lasting = [], []
            for move in (lambda limit=limit: cell.set(limit), cell.reset):
                cell.device.weights = EventLog()
                try:
                    lasting += move().lasting
                    done = True
                except FAILED:
                    done = False
                pair.append(np.array(cell.device.weights.rows).reshape(-1, 3))
                cell.device.weights = None
                if not done:
                    break
            pair += [np.zeros((0, 3))] * (2 - len(pair))
            pairs.append((limit, *pair, np.array(lasting)))
    return pairs


def field_law(sets):
    """Return fractions of the events of each SET: with a barrier below 3 kT, and beyond the critical field.

    Parameters
    ----------
    sets : list of (n, 3) array
        As of `EventLog`; those without events are left out.

    Returns
    -------
    (m, 2) array
    """
    rows = [(np.mean(one[:, 0] < LOW_BARRIER), one[:, 2].mean()) for one in sets if len(one)]
    return np.array(rows).reshape(-1, 2)


def hot_events(kelvin):
    """Return the number of events above the melting point, that of all, and the highest temperature (K)."""
    kelvin = np.asarray(kelvin, float)
    return int(np.sum(kelvin > SOFTENED)), len(kelvin), float(kelvin.max()) if len(kelvin) else np.nan


def closed_paths(prepared, voltages, *, number=8, workers=None):
    """Return what closed paths of two events cost (eV, absolute) at device voltages (V), from kept states.

    Returns
    -------
    list of (n,) array
        One for each voltage.
    """
    found = for_each(_closed_paths, prepared, workers, tuple(voltages), number)
    return [np.concatenate([np.zeros(0), *(rows[k] for rows in found)]) for k in range(len(voltages))]


def _closed_paths(voltages, number, one):
    cell, random = one.cell(), np.random.default_rng(one.seed)
    rows = [[] for _ in voltages]
    for state in (*one.high, *one.low):
        cell.again(state)
        for row, voltage in zip(rows, voltages, strict=True):
            row += paths_of_two(cell.device, voltage, number, random)
    return [np.abs(np.array(row)) for row in rows]


def listed_paths(voltages, costs):
    """Return median, 90 % and largest cost (meV) at each voltage as text."""
    return "; ".join(
        f"{voltage:g} V " + ", ".join(f"{1e3 * np.quantile(row, share):.2g}" for share in (0.5, 0.9, 1.0))
        for voltage, row in zip(voltages, costs, strict=True)
        if len(row)
    )
