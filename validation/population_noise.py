"""Conductance that moves by itself: relaxation after programming, and noise of a read."""

import math

import numpy as np
from device_cell import FAILED, READ, Watch, for_each
from population_cell import Levels

from frenkel.analysis.measured import files
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.waveform import Waveform
from frenkel.networks import measured

ROOM = 298.15  # K: 25 C
READS = tuple(10.0**k for k in range(-2, 5))
"""Times after programming at which a state is read (s)."""

EARLY = READS[0]
BINS, SPAN, LOWEST, DECADES = 8192, 10.0, 2, 3
"""Means of a trace; its length (s); its lowest frequency times that length; decades of the slope above."""

EACH = 5  # bins of a decade of frequency
FOLLOWED = 2  # samples in each mean: what switches faster than between samples may be averaged


def relaxed(prepared, limits, *, budget=None, workers=None):
    """Program HRS states by SETs to limits (A), and read them while they wait at 0 V and 25 C.

    Returns
    -------
    start : (states, limits) array
        Conductance (S) right after SET.
    ratio : (states, limits, times) array
        G over that at `READS`; NaN where SET failed or the CPU time ran out.
    """
    found = for_each(_relaxed, prepared, workers, tuple(limits), budget)
    start = np.array([row for rows, _ in found for row in rows]).reshape(-1, len(limits))
    ratio = np.array([row for _, rows in found for row in rows]).reshape(-1, len(limits), len(READS))
    return start, ratio


def _relaxed(limits, budget, one):
    cell, starts, ratios = one.cell(temperature=ROOM), [], []
    for high in one.high:
        start, ratio = np.full(len(limits), np.nan), np.full((len(limits), len(READS)), np.nan)
        for k, limit in enumerate(limits):
            cell.allow(budget)
            cell.again(high, k)
            try:
                if math.isnan(cell.set(limit).switched):
                    continue
                start[k] = 1.0 / cell.read()
                for j, span in enumerate(np.diff(READS, prepend=0.0)):
                    cell.apply(Waveform.constant(0.0, span), Watch(), superbasin=True)
                    ratio[k, j] = 1.0 / cell.read() / start[k]
            except FAILED:
                continue
        starts.append(start)
        ratios.append(ratio)
    return starts, ratios


def spread_and_growth(ratio, times=READS):
    """Return the standard deviation of ln(G/G0) over all rows at each time, and its growth a decade.

    Parameters
    ----------
    ratio : (..., times) array
        G over G0, NaN where there is none.
    times : sequence of float
        s; the growth is that of a line in log10 of those from 10 ms on.

    Returns
    -------
    spread : (times,) array
    growth : float
    """
    rows = np.log(np.reshape(ratio, (-1, len(times))))
    spread = np.array([np.nan if len(one) < 2 else one.std(ddof=1) for one in map(_finite, rows.T)])
    kept = np.isfinite(spread) & (np.asarray(times) >= EARLY)
    if kept.sum() < 2:
        return spread, math.nan
    return spread, float(np.polyfit(np.log10(np.asarray(times)[kept]), spread[kept], 1)[0])


def _finite(values):
    return values[np.isfinite(values)]


def foundry(low, high):
    """Return times (s) and G/G0 of the foundry's cells of `measured:foundry_b` that start between (S)."""
    path = measured.file_of("measured:foundry_b")
    cells = measured.relaxation_of(files.read([path]), path.name)
    kept = (cells.start >= low) & (cells.start <= high)
    return np.array(cells.times), (cells.later / cells.start[:, None])[kept]


# ---------------------------------------------------------------- noise


def traces(prepared, *, span=SPAN, bins=BINS, budget=None, workers=None):
    """Hold states at `READ` without a series resistance and follow their conductance.

    They are held as long before, so that most of what relaxes after a pulse is over.

    Returns
    -------
    (states, bins) array
        ln of the mean conductance (S) in equal times; states whose CPU time ran out are left out.
    """
    found = for_each(_traces, prepared, workers, span, bins, budget)
    return np.array([row for rows in found for row in rows]).reshape(-1, bins)


def _traces(span, bins, budget, one):
    cell, rows = one.cell(temperature=ROOM), []
    for state in (*one.high, *one.low):
        cell.allow(budget)
        cell.again(state)
        cell.device.circuit = Circuit(series_resistance=0.0)
        try:
            cell.apply(Waveform.constant(READ, span), Watch())
            # No current reaches this limit: it has `Watch` note each event.
            seen = Levels(Watch(1.0))
            cell.apply(Waveform.constant(READ, span), seen, samples=FOLLOWED * bins)
        except FAILED:
            continue
        rows.append(binned(seen.time, np.exp(seen.level), span, bins))
    return rows


def binned(times, values, span, bins):
    """Return ln of the mean in equal parts of a span (s) of what is constant from each time to the next."""
    ends = np.append(times, span)
    area = np.append(0.0, np.cumsum(values * np.diff(ends)))
    edges = np.linspace(0.0, span, bins + 1)
    return np.log(np.diff(np.interp(edges, ends, area)) / np.diff(edges))


def spectra(table, span=SPAN):
    """Return mean log frequency (Hz), and the density of each trace in bins of `EACH` a decade.

    The density is the periodogram under a Hann window, over what averaging in the parts of a trace leaves of
    it, from `LOWEST` over the span on, `DECADES` up.
    """
    rows = table - table.mean(axis=1, keepdims=True)
    bins = rows.shape[1]
    window = np.hanning(bins)
    power = np.abs(np.fft.rfft(rows * window, axis=1)) ** 2 * 2.0 * span / bins / (window @ window)
    number = np.arange(power.shape[1])
    power = power / np.sinc(number / bins) ** 2
    edges = LOWEST * 10 ** (np.arange(DECADES * EACH + 1) / EACH)
    place = np.digitize(number, edges) - 1
    held = [np.flatnonzero(place == k) for k in range(DECADES * EACH)]
    held = [one for one in held if len(one)]
    frequency = np.array([np.log10(number[one] / span).mean() for one in held])
    return frequency, np.array([power[:, one].mean(axis=1) for one in held]).T


def falling(frequency, density):
    """Return by which power of the frequency the mean density of traces falls."""
    return -float(np.polyfit(frequency, np.log10(density.mean(axis=0)), 1)[0])
