"""What sets sheets apart: MoS2 atomristors, silver in few-layer h-BN, graphene as a barrier of ions."""

import math

import numpy as np
import small_cells as run
from row import Row, notes, within

from frenkel.kinetic.materials.material import Material
from frenkel.units import BOLTZMANN_EV

ATOMRISTOR = "monolayer atomristors, arXiv:1709.04592"
COEXISTENCE = "grain boundaries in multilayer h-BN: bipolar and threshold switching together (abstract)"
BARRIERS = "ab initio, doi:10.1038/s41699-025-00593-x"
GRAPHENE = "Ag/graphene/HfOx/Pt, doi:10.1039/c9na00409b"
FITTED = "the cost of an ion was fitted to it on seeds 101 to 124 (0.45 eV before: 95 and 85 % of 20 cells)"
SLOW = ". Out: 0.95 eV are added to the barrier of each metal, so that silver leaves vacancies empty"
SIDE = 28
RATE = 1.0


def mos2(name, seed, compliance=None, values=None):
    """Return a monolayer of 28 x 28 sites with 39 sulphur vacancies."""
    material = Material.load(name)
    return run.cell(material.with_values(values) if values else material, 1, SIDE, seed, compliance)


def forming_free():
    """First SET against later ones."""
    first, later = [], []
    for seed in range(1, 21):
        device = mos2("MoS2-Au", seed, 1e-5)
        first.append(run.sweep(device, 4.0, RATE, 1e-5))
        for _ in range(3):
            run.fall(device, RATE)
            run.sweep(device, -4.0, RATE, math.inf)
            run.fall(device, RATE)
            later.append(run.sweep(device, 4.0, RATE, 1e-5))
    begin, error = run.median(first)
    usual, usual_error = run.median(later)
    ratio = begin / usual
    return [
        Row(
            id="S2D-01",
            quantity="MoS2-Au: first SET voltage over later ones",
            published="1: no forming",
            source=ATOMRISTOR,
            confidence="seen (abstract)",
            ours=ratio,
            error=ratio * math.hypot(error / begin, usual_error / usual),
            verdict=within(ratio, 0.9, 1.1),
            n=f"{len(first)} sheets, 3 cycles each at {RATE:g} V/s",
            note=f"first {begin:.2f} V, later {usual:.2f} V",
        )
    ]


def window():
    """On over off, and the states that the compliance reaches."""
    limits = np.array([1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3])
    filled, conductance = np.zeros((2, 3, len(limits)))
    for seed in range(3):
        for k, limit in enumerate(limits):
            device = mos2("MoS2-Au", seed + 1, limit)
            off = device.conductance
            run.sweep(device, 4.0, RATE, limit)
            run.hold(device, device.source_voltage, 1e-6)
            run.fall(device, 1e7)
            conductance[seed, k], filled[seed, k] = device.conductance, device.count(1)
    ratio, decades = conductance[:, -1] / off, np.log10(conductance[:, -1] / conductance[:, 0])
    states = ", ".join(
        f"{n:.0f} at {1e6 * limit:g} uA" for n, limit in zip(filled.mean(0), limits, strict=True)
    )
    return [
        Row(
            id="S2D-02",
            quantity="MoS2-Au: on/off",
            published="up to 1e7",
            source=ATOMRISTOR,
            confidence="seen (abstract)",
            ours=float(np.median(ratio)),
            error=float(ratio.std()),
            verdict=within(np.median(ratio), 1e5, 2e7),
            n=f"3 sheets of {SIDE}x{SIDE} sites",
            note="leakage fitted to 1e7 with all vacancies filled; few filled vacancies give "
            f"{np.median(conductance[:, 0]) / off:.1g}",
        ),
        Row(
            id="S2D-03",
            quantity="MoS2-Au: decades of conductance reached by 1 uA to 1 mA of compliance",
            published="5 decades of states",
            source=ATOMRISTOR,
            confidence="seen (abstract)",
            ours=float(decades.mean()),
            error=float(decades.std(ddof=1) / math.sqrt(3)),
            unit="decades",
            verdict=within(decades.mean(), 4.0, 6.0),
            n="3 sheets x 6 compliances",
            note=notes(
                f"filled vacancies: {states}",
                "limits from 10 nA add no state, since one vacancy has 10 uS in the median. Out: here are 39 "
                "vacancies that differ by a factor of 1.35; five decades take 1e5 vacancies, 1 um2 of sheet, "
                "or a wider spread, of which no number was found",
            ),
        ),
    ]


def speed():
    """Time to the first filled vacancy at constant voltage; the steepness in decades per volt."""
    voltages = (2.0, 2.4, 2.8, 3.2)
    times = [[run.wait(mos2("MoS2-Au", seed, 1e-6), v, 1.0, 1e-6) for seed in range(1, 41)] for v in voltages]
    middle = np.median(times, axis=1)
    slope = -np.polyfit(voltages, np.log10(middle), 1)[0]
    exact = 1 / (4 * BOLTZMANN_EV * 300.0 * math.log(10))
    best, error = run.median(times[-1])
    reached = np.interp(-math.log10(15e-9), -np.log10(middle), voltages)
    steady = mos2("MoS2-Au", 1)
    leave = math.exp(steady.material.redox.barrier / (BOLTZMANN_EV * 300.0)) / 1e13
    return [
        Row(
            id="S2D-04",
            quantity=f"MoS2-Au: switching time at {voltages[-1]:g} V",
            published="< 15 ns",
            source=ATOMRISTOR + "; pulse height not seen",
            confidence="seen (abstract)",
            ours=best * 1e9,
            error=error * 1e9,
            unit="ns",
            verdict=bool(best < 15e-9),
            n=f"40 sheets x {len(voltages)} voltages",
            note=f"15 ns takes {reached:.2f} V, twice the SET voltage at 1 V/s; a filled mean vacancy lasts "
            f"{leave / 3600:.0f} h at 0 V" + ("" if best < 15e-9 else SLOW),
        ),
        Row(
            id="S2D-05",
            quantity="MoS2-Au: steepness of the switching time",
            published=f"{exact:.2f}, e/(4 kT ln 10)",
            source="Butler-Volmer in half of the voltage, transfer coefficient one half",
            confidence="derived (gate)",
            ours=slope,
            error=1.25 * float(np.std(np.log10(times[1]))) / math.sqrt(40) / 0.9,
            unit="decades/V",
            verdict=within(slope, 0.95 * exact, 1.05 * exact),
            n=f"40 sheets x {len(voltages)} voltages",
        ),
    ]


def occupancy():
    """Fraction of filled vacancies against the two-state formula."""
    values = {"redox.barrier": 0.42, "redox.energy": 0.0, "disorder.site_energy": 0.0}
    values |= {"sites.exchange_spread": 0.0, "disorder.relaxation_rate": 0.0, "disorder.quenched_share": 0.0}
    values |= {"heat.conductivity": 1e4, "heat.ballistic_factor": 100.0}
    worst, measured = 0.0, []
    for voltage in (-0.2, -0.1, 0.0, 0.1, 0.2):
        device = mos2("MoS2-Au", 1, values=values)
        run.advance(device, run.Waveform.constant(voltage, 2e-4), 10, run.BUDGET)
        filled = run.advance(device, run.Waveform.constant(voltage, 2e-4), 200, run.BUDGET).sample["defect"]
        expected = 1 / (1 + math.exp(-voltage / 2 / (BOLTZMANN_EV * 300.0)))
        # Samples are 1e-6 s apart and a vacancy forgets in 0.5e-6 s: half of them count as independent.
        error = math.sqrt(expected * (1 - expected) / (39 * 100))
        measured.append(f"{filled.mean() / 39:.3f} ({expected:.3f}) at {voltage:g} V")
        worst = max(worst, abs(filled.mean() / 39 - expected) / error)
    return [
        Row(
            id="S2D-06",
            quantity="MoS2: worst deviation of the occupancy from 1/(1 + exp((E - eV/2)/kT))",
            published="< 4",
            source="two states",
            confidence="exact (gate)",
            ours=worst,
            unit="standard errors",
            verdict=bool(worst < 4),
            n="39 vacancies x 5 voltages, 200 times each",
            note="; ".join(measured),
        )
    ]


def metals():
    """SET voltage by the metal of the electrode."""
    found = {}
    for name in ("Ag", "Cu", "Au"):
        found[name] = run.median(
            [run.sweep(mos2(f"MoS2-{name}", seed, 1e-6), 4.0, RATE, 1e-6) for seed in range(1, 41)]
        )
    gap = found["Au"][0] - found["Ag"][0]
    return [
        Row(
            id="S2D-07",
            quantity="MoS2: SET voltage of gold less that of silver",
            published="> 0: silver lowest, gold and copper alike",
            source=BARRIERS,
            confidence="seen (abstract)",
            ours=gap,
            error=math.hypot(found["Au"][1], found["Ag"][1]),
            unit="V",
            verdict=bool(gap > 0.5 and abs(found["Au"][0] - found["Cu"][0]) < 0.1),
            n=f"40 sheets each at {RATE:g} V/s",
            note=", ".join(f"{name} {value:.2f} V" for name, (value, _) in found.items())
            + "; 0.289 eV less barrier is 1.16 V in a quarter of the voltage",
        )
    ]


def boron_nitride(limit, seed, rate=10.0):
    """Return SET voltage, on/off and the kept fraction of the conductance of a three-layer cell."""
    device = run.cell(Material.load("hBN-Ag"), 3, 7, seed, limit)
    off = device.conductance
    voltage = run.sweep(device, 2.0, rate, limit)
    run.hold(device, device.source_voltage, 2e-4)
    on = device.conductance
    run.fall(device, 1e4)
    _, left = run.hold(device, 0.0, 0.02)
    inside = device.chemistry.weak[device.defects[0]]
    return voltage, on / off, np.median(left[-20:]) / on, float(inside.mean()) if len(inside) else 1.0


def coexistence():
    """Volatile and non-volatile switching of one set of numbers, by the compliance."""
    low = np.array([boron_nitride(1e-7, seed) for seed in range(3, 11)])
    high = np.array([boron_nitride(1e-5, seed) for seed in range(3, 11)])
    slow = [boron_nitride(1e-5, seed, rate=1.0)[0] for seed in range(3, 6)]
    lost, kept = (low[:, 2] < 0.01).mean(), (high[:, 2] > 0.01).mean()
    voltage, error = run.median(high[:, 0])
    common = {"source": COEXISTENCE, "confidence": "seen (abstract)"}
    tuned = "energies of silver were fitted to both modes on seeds 1 and 2"
    return [
        Row(
            id="S2D-10",
            quantity="h-BN: cells volatile at 0.1 uA and not at 10 uA, the smaller fraction",
            published="both kinds in one stack",
            ours=float(min(lost, kept)),
            verdict=bool(min(lost, kept) > 0.7),
            n="8 cells x 2 compliances, read 20 ms later",
            note=f"{100 * lost:.0f} % lose 99 % at 0.1 uA, {100 * kept:.0f} % keep more at 10 uA; {tuned}",
            **common,
        ),
        Row(
            id="S2D-11",
            quantity="h-BN: SET voltage",
            published="down to 0.4 V",
            ours=voltage,
            error=error,
            unit="V",
            verdict=within(voltage, 0.35, 1.0),
            n="8 cells at 10 V/s",
            note=f"{np.median(slow):.2f} V at 1 V/s; {tuned}",
            **common,
        ),
        Row(
            id="S2D-12",
            quantity="h-BN: on/off at 10 uA",
            published="up to 1e6",
            ours=float(np.median(high[:, 1])),
            error=float(high[:, 1].std() / math.sqrt(8)),
            verdict=within(np.median(high[:, 1]), 1e4, 5e6),
            n="8 cells",
            note="leakage fitted to 1e6",
            **common,
        ),
        Row(
            id="S2D-13",
            quantity="h-BN: fraction of silver at the grain boundary",
            published="1: conduction at boundaries alone",
            ours=float(min(low[:, 3].min(), high[:, 3].min())),
            verdict=bool(min(low[:, 3].min(), high[:, 3].min()) == 1.0),
            n="16 cells",
            note="by 4 eV more barrier outside: built in, not found",
            **common,
        ),
    ]


def turning():
    """Sheets whose cells turn in place: 2H to 1T in MoS2, bonds between two layers of h-BN."""
    rows = []
    for number, (name, published, source) in enumerate(
        (
            ("MoS2-1T", "2H to 1T as a way to switch (no number)", "review 3.2"),
            ("hBN-GB", "0P to 1B at 2 to 4 layers (graph only)", "ab initio, doi:10.1038/s41699-022-00340-6"),
        ),
        start=30,
    ):
        voltages = [run.sweep(mos2(name, seed, 1e-7), 6.0, RATE, 1e-7) for seed in range(1, 11)]
        voltage, error = run.median(voltages)
        material = Material.load(name)
        barrier = material.exchange.barrier - material.exchange.energy / 2
        life = math.exp(barrier / (BOLTZMANN_EV * 300.0)) / material.exchange.attempt_frequency
        rows.append(
            Row(
                id=f"S2D-{number}",
                quantity=f"{name}: SET voltage",
                published=published,
                source=source,
                confidence="not found",
                ours=voltage,
                error=error,
                unit="V",
                verdict=None,
                n=f"{len(voltages)} sheets at {RATE:g} V/s",
                note=f"a turned cell lasts about {life:.2g} s at 0 V; a charge from the electrode drives "
                "it: a dipole without charge has no mechanism yet, so only one layer can turn",
            )
        )
    return rows


def graphene_cell(material, seed, limit):
    """Return forming voltage, atoms and columns at the limit, and the kept fraction of the conductance."""
    device = run.cell(material, 6, 6, seed, limit)
    voltage = run.sweep(device, 5.0, 1e3, limit)
    atoms = device.count(1)
    inside = (device.engine.species[: device.n_hosts] == 1).reshape(6, 6, 6)
    columns = int(inside[..., :5].any(axis=2).sum())
    run.hold(device, device.source_voltage, 2e-6, 10)
    on = device.conductance
    run.fall(device, 1e5)
    _, left = run.hold(device, 0.0, 1e-2)
    return voltage, atoms, columns, np.median(left[-20:]) / on


def graphene():
    """Silver over HfO2 with and without a sheet of graphene that has one pore."""
    seeds, limit = range(201, 241), 1e-5
    sheet, bare = Material.load("Ag-graphene-HfO2"), run.without("Ag-graphene-HfO2", "plane")
    with_sheet, without = (
        np.array([graphene_cell(material, seed, limit) for seed in seeds]) for material in (sheet, bare)
    )
    voltage, error = run.median(with_sheet[:, 0])
    atoms, columns = with_sheet[:, 1:3].mean(0) / without[:, 1:3].mean(0)
    spread = with_sheet[:, 1:3].std(0) / with_sheet[:, 1:3].mean(0) / math.sqrt(len(seeds))
    kept, lost = (with_sheet[:, 3] > 0.01).mean(), (without[:, 3] < 0.01).mean()
    doubt = math.sqrt((kept * (1 - kept) + lost * (1 - lost)) / len(seeds))
    common = {"source": GRAPHENE, "n": f"{len(seeds)} cells of 36 sites, 10 uA"}
    return [
        Row(
            id="S2D-20",
            quantity="graphene: forming voltage",
            published="+3 V, and no forming without it",
            confidence="seen (abstract)",
            ours=voltage,
            error=error,
            unit="V",
            verdict=within(voltage, 2.0, 4.0),
            note=f"{np.median(without[:, 0]):.2f} V without graphene, at 1 kV/s; {FITTED}",
            **common,
        ),
        Row(
            id="S2D-21",
            quantity="graphene: silver atoms at the limit over those without it",
            published="< 1: no over-injection",
            confidence="seen (summary)",
            ours=atoms,
            error=atoms * spread[0],
            verdict=bool(atoms < 0.8),
            note=f"{with_sheet[:, 1].mean():.0f} and {without[:, 1].mean():.0f} atoms",
            **common,
        ),
        Row(
            id="S2D-22",
            quantity="graphene: columns that hold silver over those without it",
            published="< 1: fewer, fixed filaments",
            confidence="seen (summary)",
            ours=columns,
            error=columns * spread[1],
            verdict=bool(columns < 0.8),
            note=f"{with_sheet[:, 2].mean():.1f} and {without[:, 2].mean():.1f} of 36",
            **common,
        ),
        Row(
            id="S2D-23",
            quantity="graphene: cells that keep their state 10 ms, less those that keep it without graphene",
            published="> 0: threshold becomes non-volatile",
            confidence="seen (abstract)",
            ours=float(kept + lost - 1),
            error=doubt,
            verdict=bool(kept + lost - 1 > 2 * doubt),
            note=f"{100 * kept:.0f} % keep it with graphene, {100 * (1 - lost):.0f} % without; {FITTED}"
            + ("" if kept + lost - 1 > 2 * doubt else ". Out: silver stays under the bare electrode as well"),
            **common,
        ),
    ]


SIGNATURES = {
    "forming-free": forming_free,
    "window": window,
    "speed": speed,
    "occupancy": occupancy,
    "metals": metals,
    "coexistence": coexistence,
    "graphene": graphene,
    "turning": turning,
}
