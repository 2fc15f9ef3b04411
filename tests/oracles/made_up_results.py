"""A made-up device that forms, resets and sets: the arrays of its result."""

import json
from itertools import pairwise

import numpy as np

from frenkel.migrate import of_samples

SPACING, SIDE = 0.26e-9, 20
COMPLIANCE = 20e-6


def _filament(seed, gap):
    """Return host sites of a conical filament with ``gap`` empty layers below its upper third."""
    random = np.random.default_rng(seed)
    sites = []
    for z in range(SIDE):
        if 12 <= z < 12 + gap:
            continue
        radius = 1.1 + 1.2 * abs(z - 13) / 10
        for x in range(SIDE):
            for y in range(SIDE):
                inside = np.hypot(x - 10, y - 10) <= radius
                if random.random() < (0.85 if inside else 0.0005):
                    sites.append((x * SIDE + y) * SIDE + z)
    return np.array(sites, np.int32)


def _phase(kind, amplitude, before, after, compliance):
    """Return source voltage, device voltage and current of one triangle with a jump on its way up."""
    up = np.linspace(0, amplitude, 150)
    source = np.concatenate([up, up[::-1]])
    if kind == "reset":
        high = np.arange(300) > 60
        conductance = np.where(high, np.geomspace(before / 5, after, 300), before)
    else:
        conductance = np.where(np.arange(300) < 110, before, after)
    current = source * conductance / (1 + 2e3 * conductance)
    if compliance:
        current = np.clip(current, -compliance, compliance)
    return source, current / conductance, current, conductance


def synthetic(cycles=3):
    """Return the arrays of a whole result under their names in the schema."""
    plan = [("form", 4.0, 2e-8, 6e-5, 0)]
    for cycle in range(1, cycles + 1):
        plan += [("reset", -1.5, 6e-5, 2e-6, cycle), ("set", 1.5, 2e-6, 6e-5, cycle)]
    empty = np.unique(np.random.default_rng(3).integers(0, SIDE**3, 40)).astype(np.int32)
    states = [empty] + [_filament(i, 4 if kind == "reset" else 0) for i, (kind, *_) in enumerate(plan)]
    columns = [
        _phase(kind, amplitude, before, after, COMPLIANCE if kind != "reset" else None)
        for kind, amplitude, before, after, _ in plan
    ]
    sizes = np.array([len(sites) for sites in states], np.int32)
    sites = np.concatenate(states)
    x, y, z = np.unravel_index(sites, (SIDE,) * 3)
    n = 300 * len(plan)
    source, device, current, conductance = (np.concatenate(part) for part in zip(*columns, strict=True))
    vacancies = np.concatenate([np.linspace(a, b, 300).astype(np.int32) for a, b in pairwise(sizes)])
    kinds = [kind for kind, *_ in plan]
    time = np.linspace(0, 1e-4, n)
    limits = [np.nan if kind == "reset" else COMPLIANCE for kind in kinds]
    samples = (column.reshape(len(plan), 300) for column in (current, source, device, time))
    extremes = [
        of_samples(*parts, compliance=limit).values() for *parts, limit in zip(*samples, limits, strict=True)
    ]
    return {name: np.array([one[name] for one in extremes]) for name in extremes[0]} | {
        "direction": ["up", "down"],
        "time": time,
        "phase": np.repeat(np.arange(len(plan), dtype=np.int16), 300),
        "source_voltage": source,
        "device_voltage": device,
        "current": current,
        "conductance": conductance,
        "temperature_max": 300 + 2e7 * np.abs(device * current),
        "events": np.arange(n),
        "field_solves": np.arange(n) // 2,
        "floor_events": np.arange(n) // 9,
        "count": vacancies[:, None],
        "species": ["vacancy"],
        "reservoir": np.stack([0 * vacancies, 100 + vacancies - sizes[0]], 1),
        "electrode": ["bottom", "top"],
        "phase_name": [f"{kind} {cycle}".removesuffix(" 0") for kind, *_, cycle in plan],
        "phase_kind": kinds,
        "phase_cycle": np.array([cycle for *_, cycle in plan], np.int16),
        "phase_attempt": np.ones(len(plan), np.int16),
        "phase_compliance": limits,
        "read_current": [0.1 * after for _, _, _, after, _ in plan],
        "read_voltage": 0.1,
        "snapshot_time": np.linspace(0, 1e-4, len(states)),
        "snapshot_phase": np.r_[0, np.arange(len(plan))].astype(np.int16),
        "snapshot_label": ["before"] + ["after"] * len(plan),
        "snapshot_size": sizes,
        "snapshot_voltage": np.zeros(len(states)),
        "snapshot_current": np.zeros(len(states)),
        "defect_site": sites,
        "defect_species": np.zeros(len(sites), np.int8),
        "defect_x": x * SPACING,
        "defect_y": y * SPACING,
        "defect_z": (z + 1) * SPACING,
        "defect_conducting": (np.hypot(x - 10, y - 10) < 3.5).astype(np.int8),
        "defect_temperature": np.full(len(sites), 300.0),
        "lattice_spacing": SPACING,
        "lattice_shape": np.array([SIDE] * 3, np.int32),
        "axis": ["x", "y", "z"],
        "ambient_temperature": 300.0,
        "series_resistance": 2e3,
        "member": np.int32(0),
    }


ATTRS = {
    "title": "made-up device",
    "lateral": "periodic",
    "provenance": json.dumps(
        {
            "version": 1,
            "software": {"name": "frenkel", "version": "0", "git": None},
            "configuration": {},
            "configuration_hash": "0",
            "seed": 7,
            "member": 0,
            "environment": {"python": "3", "machine": "?", "libraries": {}},
        }
    ),
}
