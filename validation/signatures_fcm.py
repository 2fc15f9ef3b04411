"""Filament conductivity change: a filament that stays whole, ohmic, and more linear than a gap."""

import math

import numpy as np
from oxide_cell import COMPLIANCE, cells
from row import Row, notes
from scipy.sparse.csgraph import connected_components

from frenkel.analysis.reliability.linearity import update_statistics
from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.run import EventBudgetError
from frenkel.kinetic.waveform import Waveform

PULSE, WIDTH = 1.5, 3e-3  # V, s: identical pulses up and down
COUNT = 50  # pulses a way
LAYERS, SIDE = 10, 10
BUDGET = 20_000
SMALL = {"column.radius": 0.52e-9}  # 13 sites a layer for the many cycles
GAP_UP, GAP_DOWN, GAP_WIDTH = 1.5, -1.2, 1e-6
"""Identical pulses of a filament that breaks: those of the filament that does not would need years."""


def device_of(material, seed, *, layers=LAYERS, side=SIDE):
    """Return a device of so many sites."""
    a = material.lattice.spacing
    return Device(material, layers * a, side * a, seed=seed)


def train(device, voltage, count=COUNT, each=None):
    """Apply equal pulses; return the conductance (S) before and after each."""
    values = [device.conductance]
    for _ in range(count):
        pulse = Waveform.pulse(voltage, WIDTH, WIDTH / 100)
        device.advance(pulse, samples=2, budget=BUDGET)
        values.append(device.conductance)
        if each is not None:
            each(device)
    return np.array(values)


def whole(device):
    """Tell whether vacancies within sqrt(2) spacings join the layers next to both electrodes."""
    sites = np.flatnonzero(device.engine.species[: device.n_hosts] == VACANCY.code)
    place = np.stack(np.unravel_index(sites, device.shape), axis=1)
    apart = np.abs(place[:, None] - place[None])
    sideways = np.array(device.shape[:2])
    apart[..., :2] = np.minimum(apart[..., :2], sideways - apart[..., :2])
    _, label = connected_components((apart**2).sum(-1) <= 2)
    bottom, top = label[place[:, 2] == 0], label[place[:, 2] == device.shape[2] - 1]
    return bool(np.intersect1d(bottom, top).size)


def ohmic():
    """Measure I-01: slope of I(V) and continuity in both states, over many cycles."""
    rows = []
    for name in ("TaOx-FCM", "SiOx-FCM"):
        broken, pulses, worst, ends = 0, 0, 0.0, []

        def look(device):
            nonlocal broken, pulses
            broken, pulses = broken + (not whole(device)), pulses + 1

        material = Material.load(name).with_values(SMALL)
        for seed in (1, 2):
            device = device_of(material, seed, layers=8, side=8)
            for _ in range(10):
                for sign in (1, -1):
                    train(device, sign * PULSE, 15, look)
                    slope = math.log(device.current(0.2) / device.current(0.05)) / math.log(4.0)
                    worst = max(worst, abs(slope - 1), abs(device.current(-0.1) / device.current(0.1) + 1))
                    ends.append(device.conductance)
        rows.append(_continuity_row(name, broken, pulses, worst, ends))
    return rows


def _continuity_row(name, broken, pulses, worst, ends):
    good = worst < 0.05 and broken == 0
    return Row(
        id="I-01",
        quantity=f"{name}: reads without a continuous filament, after each pulse",
        published="0; |d ln I / d ln V - 1| < 0.05 in both states",
        source="Chen et al. 2025, 10.1038/s41467-025-57543-w",
        confidence="seen (abstract)",
        ours=broken / pulses,
        verdict=bool(good),
        n=f"2 devices x 10 cycles of 15 + 15 pulses, {pulses} reads",
        note=notes(
            f"slope off 1 by {worst:.1g}: the network is one of conductances; "
            f"on/off {np.mean(ends[::2]) / np.mean(ends[1::2]):.2f}",
            ""
            if good
            else "Out: a layer lost its chain of neighbours for a while; longer bonds still conduct",
        ),
    )


def resistivity():
    """Measure I-01: resistance of frozen filaments against length over area at equal stoichiometry."""
    a, values = 0.26e-9, []
    for layers in (6, 8, 10, 12):
        for radius in (0.52e-9, 0.60e-9, 0.79e-9):
            numbers = {"column.radius": radius, "column.vacancy_fraction": 0.85}
            material = Material.load("TaOx-FCM").with_values(numbers)
            devices = [device_of(material, seed, layers=layers) for seed in (1, 2, 3)]
            area = a**2 * int(devices[0].chemistry.weak.sum()) / layers
            resistance = float(np.mean([1 / device.conductance for device in devices]))
            values.append((layers * a / area, resistance))
    shape, resistance = np.array(values).T
    product = resistance / shape
    off = float(np.abs(product / np.median(product) - 1).max())
    slope = np.polyfit(np.log(shape), np.log(resistance), 1)[0]
    return [
        Row(
            id="I-01R",
            quantity="TaOx-FCM: largest deviation of R from rho L / A",
            published="< 0.2",
            source="review; Chen et al. 2025",
            confidence="review, band ours",
            ours=off,
            verdict=bool(off < 0.2),
            n="4 lengths x 3 areas x 3 frozen filaments",
            note=notes(
                f"rho {np.median(product):.2g} ohm m, d ln R / d ln(L/A) {slope:.2f}",
                ""
                if off < 0.2
                else "Out: contacts and the rim of thin filaments, whose sites lack neighbours",
            ),
        )
    ]


def filament(seeds=(1, 2, 3), skip=1, cycles=2):
    """Return the update statistics of continuous filaments; the first cycle is not counted."""
    up, down = [], []
    for seed in seeds:
        device = device_of(Material.load("TaOx-FCM"), seed)
        for cycle in range(skip + cycles):
            curves = [train(device, sign * PULSE) for sign in (1, -1)]
            if cycle >= skip:
                up.append(curves[0])
                down.append(curves[1])
    return update_statistics(up, down)


def rupture(seeds=(1, 2), cycles=2):
    """Return the update statistics of filaments of the same lattice that break and close."""
    up, down = [], []
    for cell in cells("TaOx", seeds):
        cell.off()
        for _ in range(cycles):
            for voltage, kept in ((GAP_UP, up), (GAP_DOWN, down)):
                cell.circuit(COMPLIANCE if voltage > 0 else None)
                curve = [cell.device.conductance]
                for _ in range(COUNT):
                    try:
                        pulse = Waveform.pulse(voltage, GAP_WIDTH, GAP_WIDTH / 10)
                        cell.device.advance(pulse, samples=2, budget=500)
                    except EventBudgetError:
                        pass  # flicker at the current limit; the pulse ends early
                    curve.append(cell.device.conductance)
                kept.append(np.array(curve))
    return update_statistics(up, down)


def linearity():
    """Measure I-02: labels of identical pulses, with a continuous filament and with a gap."""
    fcm, gap = filament(), rupture()
    one = max(abs(fcm.potentiation), abs(fcm.depression))
    other = max(abs(gap.potentiation), abs(gap.depression))
    good = one <= 0.5 * other and fcm.asymmetry < gap.asymmetry
    return [
        Row(
            id="I-02",
            quantity="nonlinearity label of the filament over that of the gap, identical pulses",
            published="<= 0.5, with less asymmetry",
            source="review",
            confidence="review only",
            ours=one / other,
            verdict=bool(good),
            n=f"3 and 2 devices x 2 cycles of {COUNT} + {COUNT} pulses",
            note=notes(
                f"TaOx-FCM {_told(fcm)}; TaOx {_told(gap)}; pulses of {PULSE:g} V, {WIDTH * 1e3:g} ms and of "
                f"{GAP_UP:g} and {GAP_DOWN:g} V, {GAP_WIDTH * 1e6:g} us; the ranges differ",
                ""
                if good
                else "Out: at the end of a way the filament holds no more oxygen, its steps shrink",
            ),
        ),
        Row(
            id="I-03",
            quantity="TaOx-FCM: states",
            published="40 to 102 of real analog devices",
            source="NeuroSim tables: AlOx/HfO2 40, PCMO 50, TaOx/TiO2 102",
            confidence="seen",
            ours=float(fcm.states),
            verdict=None,
            n=f"median of trains of {COUNT}",
            note=f"labels {fcm.potentiation:.2f} / {fcm.depression:.2f}, TaOx/TiO2 has 1.85 / -1.79",
        ),
    ]


def _told(found):
    return (
        f"{found.potentiation:.2f} / {found.depression:.2f}, asymmetry {found.asymmetry:.2f}, "
        f"{found.states} states, on/off {found.on_off:.2f}"
    )


SIGNATURES = {"I-01": ohmic, "I-01R": resistivity, "I-02": linearity}
