"""Whole devices: Coulomb energy, Joule heat, rates and energies of events from both ends."""

import math

import numpy as np
from numpy.typing import NDArray

from ..kinetic.device import Device
from ..kinetic.lattice.species import VACANCY
from ..kinetic.materials.material import Material
from ..kinetic.waveform import Waveform
from ..units import BOLTZMANN_EV, ELEMENTARY_CHARGE, VACUUM_PERMITTIVITY
from .fields import laplacian
from .row import SIGMAS, Check

EVERY_MECHANISM = ("HfO2-ETH", "HfO2-traps", "HfO2-phonons", "SiOx-electrons", "Ag-HfO2")
"""Material sets that have all mechanisms of filaments between them."""

BIASES = (0.5, -0.5, 1.0, -1.0, -1.4)
"""Device voltages (V) at which closed paths of two events are printed."""


def coulomb() -> list[Check]:
    """Two vacancies enter a box and walk: every event costs the change of one Coulomb energy.

    Their charges, with all images in the electrodes, stand in the inverse of the whole lattice; a vacancy is
    charged where it touches neither an electrode nor the other one.
    """
    material = Material.load("HfO2-volatile").with_values({"column.vacancy_fraction": 0.0})
    device = Device(material, thickness=1.82e-9, width=1.56e-9, seed=9)
    inverse = np.asarray(np.linalg.inv(laplacian(device.shape)), np.float64)
    random = np.random.default_rng(9)
    worst = 0.0
    for _ in range(60):
        columns = device.solved().events.arrays()
        a, b = columns["site_a"], columns["site_b"]
        vacancies = set(np.flatnonzero(device.engine.species == VACANCY.code).tolist())
        change = columns["energy0"] - columns["chemical"]
        before = _coulomb_energy(device, vacancies, inverse)
        after = [vacancies ^ ({i} if j < 0 else {i, j}) for i, j in zip(a.tolist(), b.tolist(), strict=True)]
        for k, sites in enumerate(after):
            if len(sites) <= 2:
                exact = _coulomb_energy(device, sites, inverse) - before
                worst = max(worst, abs(float(change[k]) - exact))
        # Two in the box from the second event on.
        least = min(2, len(vacancies) + 1)
        device.fire(int(random.choice([k for k, sites in enumerate(after) if len(sites) == least])))
    return [Check("device: worst Coulomb energy of 60 arrangements of two vacancies (eV)", 0.0, worst, 1e-10)]


def _coulomb_energy(device: Device, vacancies: set[int], inverse: NDArray[np.float64]) -> float:
    """Return the energy (eV) of the charges of at most two vacancies: Coulomb and charge transitions."""
    numbers, (nx, ny, nz) = device.material.electrostatics, device.shape
    sites = np.array(sorted(vacancies), int)
    x, y, z = np.unravel_index(sites, device.shape)
    dx, dy = np.ptp(x) if len(x) else 0, np.ptp(y) if len(y) else 0
    squared = min(dx, nx - dx) ** 2 + min(dy, ny - dy) ** 2 + (np.ptp(z) if len(z) else 0) ** 2
    isolated = (z > 0) & (z < nz - 1) & (len(sites) == 1 or squared > 2)
    isolated_sites = sites[isolated]
    # Self energies in the bulk are part of the charge transition: Watson's integral of the endless lattice.
    watson = math.prod(map(math.gamma, (1 / 24, 5 / 24, 7 / 24, 11 / 24))) * 6**0.5 / (192 * math.pi**3)
    scale = ELEMENTARY_CHARGE / (numbers.permittivity * VACUUM_PERMITTIVITY * device.material.lattice.spacing)
    pairs = float(inverse[np.ix_(isolated_sites, isolated_sites)].sum()) - len(isolated_sites) * watson
    coulomb = 0.5 * scale * device.material.vacancy.charge**2 * pairs
    return float(coulomb + len(isolated_sites) * numbers.charge_transition)


def heat() -> list[Check]:
    """The bond of two vacancies between the electrodes of a film of two layers: rise of temperature at 1 V.

    Half of the power of a bond at either end, half of a contact's; bonds carry heat by Wiedemann and Franz.
    """
    material = Material.load("HfO2-volatile").with_values({"column.vacancy_fraction": 0.0})
    device = Device(material, thickness=0.52e-9, width=0.78e-9, seed=1)
    device.solver.fields.solve(np.array([0, 1], np.int32))
    _, _, rises = device.solver.fields.nodes()
    bond, heat = material.conduction, material.heat
    # Of a column of two sites in 3 x 3: the mean over the waves in the plane, of 0, 3 and 6 links.
    green = np.zeros((2, 2))
    for links, waves in ((0, 1), (3, 4), (6, 4)):
        green += waves / 9 * np.linalg.inv(np.array([[2.0 + links, -1.0], [-1.0, 2.0 + links]]))
    film = np.linalg.inv(green)
    bonds = np.array(
        [
            [bond.contact_bottom + bond.prefactor, -bond.prefactor],
            [-bond.prefactor, bond.contact_top + bond.prefactor],
        ]
    )
    source = bond.background * film @ np.array([1 / 3, 2 / 3]) + np.array([0.0, bond.contact_top])
    low, high = np.linalg.solve(bond.background * film + bonds, source)
    middle = bond.prefactor * (high - low) ** 2
    power = 0.5 * np.array(
        [bond.contact_bottom * low**2 + middle, middle + bond.contact_top * (1 - high) ** 2]
    )
    conducting = heat.conductivity * heat.ballistic_factor * material.lattice.spacing * film
    exact = np.linalg.solve(conducting + heat.lorenz * heat.lorenz_temperature * bonds, power)
    return [
        Check(f"device: rise at the {end} end of one bond (K at 1 V)", exact[i], rises[i], 1e-9, "relative")
        for i, end in enumerate(("lower", "upper"))
    ]


def device_balance() -> list[Check]:
    """Events of devices and their ways back have rates in the ratio exp(-dE/kT), all fields solved again.

    At 1 V, but at one temperature: small conductances in a good conductor of heat leave potentials as they
    are, and no rise of note. Where Joule heat acts, both directions read other temperatures.
    """
    worst, kt, bonds = 0.0, BOLTZMANN_EV * 300.0, ("prefactor", "background", "contact_bottom", "contact_top")
    for name in EVERY_MECHANISM:
        material = Material.load(name)
        cold = {f"conduction.{bond}": 1e-4 * getattr(material.conduction, bond) for bond in bonds}
        material = material.with_values(cold | {"heat.conductivity": 1e4, "heat.ballistic_factor": 100.0})
        device = Device(material, thickness=2.1e-9, width=1.8e-9, seed=10, precise=True)
        random = np.random.default_rng(10)
        for _ in range(12):
            device.device_voltage = 1.0
            table = device.transitions()
            for kind in np.unique(table[["mechanism", "direction"]]):
                event = int(random.choice(np.flatnonzero(table[["mechanism", "direction"]] == kind)))
                worst = max(worst, _imbalance(device, table[event], event, kt))
            device.transitions()
            device.fire(int(random.integers(len(table))))
    return [Check("device: worst |ln(k_f/k_r) + dE/kT|, every mechanism, 1 V, no heat", 0.0, worst, 1e-7)]


def _imbalance(device: Device, event: np.void, number: int, kt: float) -> float:
    """Return |ln(k_f/k_r) + dE/kT| of one event, and leave the device as it is."""
    if event["rate"] == 0.0:  # underflow, or an exchange with a filament that is not there
        return 0.0
    with device.trial():
        device.fire(number)
        listed = device.transitions()
        reverse_event = listed[_way_back(listed, event)]
    return abs(math.log(event["rate"] / reverse_event["rate"]) + float(event["energy"]) / kt)


def closure() -> list[Check]:
    """An event and its way back, all fields solved again between them, cost nothing in sum.

    Refined energies must close to 1e-9 eV; quick ones to the bound on their error that the fields state.
    """
    rows = []
    for precise, voltage in ((True, 0.0), (True, 2.0), (True, -1.0), (False, 2.0)):
        worst, stated = _worst_round_trip(precise, voltage)
        name = "refined" if precise else "quick, against its stated bound"
        rows.append(
            Check(
                f"device: worst |dE_f + dE_r|, all solved again, {voltage:g} V, {name} (eV)",
                0.0,
                worst,
                1e-9 if precise else stated,
            )
        )
    return rows


def _worst_round_trip(precise: bool, voltage: float) -> tuple[float, float]:
    """Return the worst sum of both energies (eV) of 50 events and the least error that the fields stated."""
    device = Device(Material.load("HfO2-volatile"), thickness=2.6e-9, width=2.08e-9, seed=7, precise=precise)
    random = np.random.default_rng(8)
    worst = stated = 0.0
    for _ in range(50):
        device.device_voltage = voltage
        table = device.transitions()
        chosen = int(random.integers(len(table)))
        event = table[chosen]
        bound = device.solved().removal_error
        device.fire(chosen)
        device.device_voltage = voltage
        listed = device.transitions()
        reverse_event = listed[_way_back(listed, event)]
        bound += device.solved().removal_error
        # A charge of 2 moves between two potentials, each within the bound.
        stated = max(stated, 1e-9 + 4 * abs(voltage) * bound)
        worst = max(worst, abs(float(event["energy"]) + float(reverse_event["energy"])))
    return worst, stated


def paths_of_two(device: Device, voltage: float, number: int, random: np.random.Generator) -> list[float]:
    """Return what closed paths of two events cost at a device voltage (V), in eV.

    An event, a second one elsewhere, the way back of the first and that of the second lead to the first
    arrangement again. With no current that costs nothing. With current no total energy exists: the energy
    that one event gains from the bias depends on the currents that the other one changes.

    Parameters
    ----------
    device : Device
        Is left as it was found.
    voltage : float
        V.
    number : int
        Pairs of events to draw; those whose second event the first one makes impossible are left out.
    random : Generator
    """
    costs, held = [], device.device_voltage
    device.device_voltage = voltage
    first = device.transitions()
    for _ in range(number if len(first) > 1 else 0):
        one, other = first[random.choice(len(first), 2, replace=False)]
        sites = [int(event[name]) for event in (one, other) for name in ("site_a", "site_b")]
        occupied = [site for site in sites if site >= 0]
        if len(set(occupied)) < len(occupied):
            continue
        with device.trial():
            cost = 0.0
            for find, event in ((_again, one), (_again, other), (_way_back, one), (_way_back, other)):
                listed = device.transitions()
                k = find(listed, event)
                if k is None:
                    break
                cost += float(listed["energy"][k])
                device.fire(k)
            else:
                costs.append(cost)
    device.device_voltage = held
    return costs


def _again(table: NDArray[np.void], event: np.void) -> int | None:
    """Return the number of an event in a table of the events of another arrangement; None: not there."""
    names = ["mechanism", "direction", "site_a", "site_b"]
    found = np.flatnonzero(table[names] == event[names])
    return int(found[0]) if len(found) else None


def closed_paths() -> list[Check]:
    """Closed paths of two events: nothing at 0 V, below kT in the median at other voltages.

    The default material, with vacancies at seven tenths of the sites of its column: a filament with gaps.
    """
    material, rows = Material.load("HfO2-fast").with_values({"column.vacancy_fraction": 0.7}), []
    for precise, voltage in ((True, 0.0), (False, 0.0), *((False, bias) for bias in BIASES)):
        device = Device(material, thickness=2.6e-9, width=1.56e-9, seed=7, precise=precise)
        found = np.abs(paths_of_two(device, voltage, 16, np.random.default_rng(5)))
        name = f"device: two events and their ways back, {voltage:g} V"
        if voltage == 0.0:
            kind, allowed = ("refined", 1e-12) if precise else ("quick", 1e-9)
            rows.append(Check(f"{name}, {kind}, worst (eV)", 0.0, float(found.max()), allowed))
            continue
        # The largest has no bound by theory, which the pages explain.
        for part, share, allowed in (
            ("median", 0.5, BOLTZMANN_EV * 300.0), ("90 %", 0.9, math.inf), ("worst", 1.0, math.inf)
        ):  # fmt: skip
            rows.append(Check(f"{name}, {part} (eV)", 0.0, float(np.quantile(found, share)), allowed))
    return rows


def _way_back(table: NDArray[np.void], event: np.void) -> int | None:
    """Return the number of the event that undoes ``event``, which was carried out; None: not there."""
    a, b = int(event["site_a"]), int(event["site_b"])
    is_reverse = table["mechanism"] == event["mechanism"]
    if b < 0:
        is_reverse &= (table["site_a"] == a) & (table["direction"] != event["direction"])
    else:
        is_reverse &= ((table["site_a"] == a) & (table["site_b"] == b)) | (
            (table["site_a"] == b) & (table["site_b"] == a)
        )
    found = np.flatnonzero(is_reverse)
    return int(found[0]) if len(found) else None


def mean_weights(runs: int = 400) -> list[Check]:
    """Score weights of a device under a ramp are 0 in the mean: events less what their rates let expect.

    The derivative of a likelihood by any parameter has the mean 0, by the barrier and by ln of the frequency
    of each mechanism, whatever the run. It tests the clock with all fields on: waits under a voltage that
    changes, the choice of the event, and the temperature that each reads. By the scatter of 400 runs a false
    alarm has a probability of 9e-6 for each row (Student's t), with a fixed seed; fewer runs make it larger.
    """
    device = Device(Material.load("HfO2-fast"), thickness=1.3e-9, width=0.78e-9, temperature=2000.0, seed=11)
    start, weights, rows = device.state(), device.keep_weights(), []
    for run in range(runs):
        device.restore(start, stream=(run,), keep_solved=True)
        weights.clear()
        device.advance(Waveform.ramp(1.0, 1e12), samples=2)
        rows.append(weights.values())
    sums = np.array(rows)
    mean, error = sums.mean(axis=0), sums.std(axis=0, ddof=1) / math.sqrt(runs)
    return [
        Check(
            f"device: mean score weight by {parameter}, {mechanism.name}",
            0.0,
            mean[k, i],
            SIGMAS,
            "sigma",
            error[k, i],
        )
        for k, parameter in enumerate(("barrier (1/eV)", "ln frequency"))
        for i, mechanism in enumerate(device.chemistry.mechanisms)
    ]
