"""Parametric model of a filamentary cell: 25 numbers with units, which expand into a jump-process model.

The state of a cell is its level x = ln(G/S) at the read voltage, the number n of oxygen sites that have not
relaxed, and an offset u of its barriers. At the voltage V across it, with the power P and at the ambient
temperature T, it leaves the state by one of four channels::

    k_set    = nu / (exp((E0 - z_set(x) V + u)/kT') + exp((E1 - z1 V)/kT'))                                (1)
    k_reset  = nu / (exp((E_reset(x) + z_reset(x) V + u)/kT') + exp((E1 + z1 V)/kT'))                      (2)
    k_rest   = nu exp(-E0/kT'),    k_relax = n r,    T' = T + R P                                          (3)

Generation of a pair and migration follow each other: the slower one limits the rate. Negative barriers count
as 0, and V of the term with E1 counts only in the direction of its channel. Relaxation lowers n by 1, each
other jump raises it by 1. Levers and E_reset are linear in x between the medians of HRS (gap) and LRS
(filament) and half-way (middle); E_reset is E0 from half-way on. A gap is in series with a filament::

    x = x_f - ln(1 + exp(g)),    x_f = lrs_level + 3.5 lrs_spread                                          (4)
    G(V) = 1 / (1/G_f + R_g f(V_read)/f(V)),    f(V) = sinh(V/V0) / (V/V0)                                 (5)

so that a change of the gap g, in lengths over which tunnelling decays by e, moves a gap much and a filament
little. Jumps change g, with s = step_spread, in a filament half of it::

    SET: -(set_step + s normal),    RESET: reset_step exponential,    others: 0.7 s Laplace    (6)

each less back h, h = max(hrs_level - x, 0). In a filament SET moves g by nothing in the mean. u is normal;
``device_fraction`` of its variance belongs to the device, the other part is drawn again by each jump that
moves x by :data:`MOVED`. End states are normal in x.

Equations (4) to (6), half of s, 3.5 spreads and 0.7 are chosen. Whoever runs cells runs :attr:`.jump_law`: a
sample of states and jumps of this model with a seed of its own, so that no second implementation exists.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .. import checks
from ..typing import Floats, Index
from ..units import BOLTZMANN_EV
from . import files, gap_law
from .jump_cells import JumpCells
from .jumps import JumpError, JumpLaw, evenly

KIND = "frenkel physical model"
SCHEMA_VERSION = "1.0.0"
ENDING = ".physical.json"
KEYS = {
    "kind",
    "schema",
    "name",
    "parameters",
    "voltages",
    "temperatures",
    "read_voltage",
    "gate",
    "provenance",
}
"""Keys of a file, beside its checksum."""

PARAMETERS: dict[str, tuple[str, float, float]] = {
    "attempt_frequency": ("1/s", 1e8, 1e20),
    "generation_energy": ("eV", 0.1, 5.0),
    "migration_energy": ("eV", 0.0, 5.0),
    "migration_lever": ("eV/V", 0.0, 10.0),
    "thermal_resistance": ("K/W", 0.0, 1e12),
    "set_lever_gap": ("eV/V", 0.0, 20.0),
    "set_lever_middle": ("eV/V", 0.0, 20.0),
    "set_lever_filament": ("eV/V", 0.0, 20.0),
    "reset_energy_gap": ("eV", 0.1, 10.0),
    "reset_lever_gap": ("eV/V", 0.0, 20.0),
    "reset_lever_middle": ("eV/V", 0.0, 20.0),
    "reset_lever_filament": ("eV/V", 0.0, 20.0),
    "relaxation_rate": ("1/s", 1e-6, 1e15),
    "tunnel_voltage": ("V", 0.01, 10.0),
    "filament_conductance": ("S", 1e-12, 1.0),
    "hrs_level": ("1", -60.0, 5.0),
    "hrs_spread": ("1", 1e-6, 10.0),
    "lrs_level": ("1", -60.0, 5.0),
    "lrs_spread": ("1", 1e-6, 10.0),
    "barrier_spread": ("eV", 0.0, 1.0),
    "device_fraction": ("1", 0.0, 1.0),
    "set_step": ("1", 0.0, 10.0),
    "reset_step": ("1", 0.0, 10.0),
    "step_spread": ("1", 0.0, 10.0),
    "back": ("1", 0.0, 1.0),
}
"""Unit, smallest and largest value of each parameter; levels are ln(G/S), steps lengths of tunnelling."""

RATES = tuple(PARAMETERS)[:12]
"""Parameters of the rates of driven jumps, in the order of :data:`PARAMETERS`."""

SPREADS, MOVED, SMALLEST_GAP, MOST_SITES = 3.5, 0.02, 0.02, 6
WALKERS, ROUNDS, EVENTS, DRIVEN, JUMPS, ENDS = 2500, 4, 26, 15, 4000, 600
"""Sample: walkers, voltages of each, most jumps, most driven ones, jumps and end states that are kept."""

SERIES, LIMITS = 7.5e3, (5e-6, 10e-6, 15e-6, 20e-6, 30e-6, 1.0)
"""Series resistance (ohm) and current limits (A) behind which jumps are sampled: those of the ensembles."""

SCALES = {"neighbours": 16, "level_scale": 0.25, "rate_scale": 2.0, "voltage_scale": 0.1, "carry": 0.9,
          "rest_carry": 0.9, "rest_scale": 8.0}  # fmt: skip
"""Numbers of the jump law. Chosen; those of the card of HfO2 but for fewer neighbours and narrower scales."""

LOG_RATES = (-45.0, 40.0)
"""Bounds of ln of a rate (1/s)."""

RELAX, REST, SET, RESET = range(4)
"""Channels, in the order of :meth:`PhysicalModel.log_rates`."""


class PhysicalError(ValueError):
    """A physical model is damaged, or its numbers are out of range."""


@dataclass(frozen=True, kw_only=True)
class PhysicalModel:
    """Parametric model of a cell.

    Parameters
    ----------
    name : str
    values : mapping
        Of each name in :data:`PARAMETERS` its value (SI and eV).
    intervals : mapping
        Of parameters their 95 % interval; empty: not known.
    voltages, temperatures : tuple of float
        At which the expanded law has rates (V, with 0 V; K), ascending.
    read_voltage : float
        (V)
    gate : tuple of mapping
        Rows of the validation, as in a card.
    provenance : mapping
    """

    name: str
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    voltages: tuple[float, ...]
    temperatures: tuple[float, ...]
    read_voltage: float
    gate: tuple[Mapping[str, Any], ...] = ()
    provenance: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if set(self.values) != set(PARAMETERS) or not set(self.intervals) <= set(PARAMETERS):
            raise PhysicalError(f"a physical model has the parameters {', '.join(PARAMETERS)}")
        for name, (unit, low, high) in PARAMETERS.items():
            for value in (self.values[name], *self.intervals.get(name, ())):
                checks.between(name, value, low, high, unit, PhysicalError)
        if self.values["hrs_level"] >= self.values["lrs_level"]:
            raise PhysicalError("hrs_level must be below lrs_level")
        checks.between("read_voltage", self.read_voltage, 1e-3, 10.0, "V", PhysicalError)

    @cached_property
    def jump_law(self) -> JumpLaw:
        """Expanded law: a sample of end states and jumps, always the same one of the same parameters."""
        return _expanded(self)

    def jump_cells(
        self, number: int, seed: int, *, state: str = "hrs", temperature: float | None = None
    ) -> JumpCells:
        """Return cells for pulses, holds, rests and ramps, as of a card."""
        return JumpCells(self.jump_law, number, seed, state, temperature)

    # ------------------------------------------------------------------ equations

    @property
    def middle(self) -> float:
        """Level half-way between HRS and LRS."""
        return 0.5 * (self.values["hrs_level"] + self.values["lrs_level"])

    def filament(self, level: Floats) -> Floats:
        """Return how much of a filament levels are: 0 up to half-way to LRS, 1 from LRS on."""
        return np.asarray(np.clip((level - self.middle) / (self.values["lrs_level"] - self.middle), 0.0, 1.0))

    def below(self, level: Floats) -> Floats:
        """Return h of equation (6)."""
        return np.maximum(self.values["hrs_level"] - level, 0.0)

    def gap(self, level: Floats) -> Floats:
        """Return g of levels, equation (4)."""
        top = self.values["lrs_level"] + SPREADS * self.values["lrs_spread"]
        return np.asarray(np.log(np.expm1(np.maximum(top - level, SMALLEST_GAP))))

    def level(self, gap: Floats) -> Floats:
        """Return the levels of gaps."""
        top = self.values["lrs_level"] + SPREADS * self.values["lrs_spread"]
        return np.asarray(top - np.logaddexp(0.0, gap))

    def current(self, level: Floats, volts: Floats) -> Floats:
        """Return currents (A) at voltages (V), equation (5); both broadcast."""
        scale = self.values["tunnel_voltage"]
        size = np.maximum(np.abs(volts), 1e-9 * scale)
        growth = gap_law.per_volt(size, scale) / gap_law.per_volt(self.read_voltage, scale)
        total = np.exp(-level)
        filament = np.minimum(1.0 / self.values["filament_conductance"], 0.98 * total)
        return np.asarray(volts / ((total - filament) / growth + filament))

    def log_rates(
        self, level: Floats, sites: Floats, offset: Floats, volts: Floats, temperature: Floats
    ) -> Floats:
        """Return ln of the rates (1/s) of the four channels, equations (1) to (3).

        Parameters
        ----------
        level, sites, offset, volts, temperature : ndarray
            x, n, u (eV), V (V) and T (K), which broadcast.

        Returns
        -------
        ndarray
            Shape (4, ...), in the order relaxation, rest, SET, RESET.
        """
        of = self.values
        nodes = np.array([of["hrs_level"], self.middle, of["lrs_level"]])

        def at(*values: float) -> Floats:
            return np.asarray(np.interp(level, nodes, values))

        heat = BOLTZMANN_EV * (
            temperature + of["thermal_resistance"] * np.abs(volts * self.current(level, volts))
        )
        log_attempt = np.log(of["attempt_frequency"])

        def series(barrier: Floats, drive: Floats) -> Floats:
            migration = of["migration_energy"] - of["migration_lever"] * np.maximum(drive, 0.0)
            slow = (np.maximum(one, 0.0) / heat for one in (barrier, migration))
            return np.asarray(log_attempt - np.logaddexp(*slow))

        e0 = of["generation_energy"]
        set_lever = at(*(of[f"set_lever_{part}"] for part in ("gap", "middle", "filament")))
        reset_lever = at(*(of[f"reset_lever_{part}"] for part in ("gap", "middle", "filament")))
        channels = (
            np.where(sites > 0, np.log(of["relaxation_rate"] * np.maximum(sites, 1)), -np.inf),
            log_attempt - e0 / heat,
            series(e0 - set_lever * volts + offset, volts),
            series(at(of["reset_energy_gap"], e0, e0) + reset_lever * volts + offset, -volts),
        )
        return np.stack(np.broadcast_arrays(*channels))

    # ------------------------------------------------------------------ files

    def to_dict(self) -> dict[str, Any]:
        """Return the model as JSON data, checksum included."""
        parameters = {}
        for name, (unit, *_) in PARAMETERS.items():
            parameters[name] = {"value": float(self.values[name]), "unit": unit}
            if name in self.intervals:
                parameters[name]["interval"] = [float(value) for value in self.intervals[name]]
        data: dict[str, Any] = {"kind": KIND, "schema": SCHEMA_VERSION, "name": self.name}
        data |= {"parameters": parameters, "voltages": list(self.voltages)}
        data |= {"temperatures": list(self.temperatures), "read_voltage": self.read_voltage}
        data |= {"gate": [dict(row) for row in self.gate], "provenance": dict(self.provenance or {})}
        return data | {"checksum": files.checksum(data)}

    @classmethod
    def from_dict(cls, data: Any, origin: str = "the file") -> "PhysicalModel":
        """Return the model in JSON data.

        Raises
        ------
        PhysicalError
            The data are no physical model, were changed, or have numbers out of range.
        """
        if not isinstance(data, dict) or data.get("kind") != KIND:
            raise PhysicalError(f"{origin} is no physical model: its kind must be {KIND!r}")
        if data.get("schema") != SCHEMA_VERSION:
            raise PhysicalError(
                f"{origin} has schema {data.get('schema')!r}, this frenkel reads {SCHEMA_VERSION}"
            )
        content = {key: value for key, value in data.items() if key != "checksum"}
        if set(content) != KEYS:
            raise PhysicalError(f"{origin} must have the keys {', '.join(sorted(KEYS))}")
        if data.get("checksum") != files.checksum(content):
            raise PhysicalError(f"{origin} was changed by hand: its checksum is wrong")
        try:
            rows = content["parameters"]
            for name, row in rows.items():
                if name in PARAMETERS and row["unit"] != PARAMETERS[name][0]:
                    raise PhysicalError(f"{name} must be in {PARAMETERS[name][0]}, got {row['unit']!r}")
            return cls(
                name=str(content["name"]),
                values={name: float(row["value"]) for name, row in rows.items()},
                intervals={
                    name: (float(row["interval"][0]), float(row["interval"][1]))
                    for name, row in rows.items()
                    if "interval" in row
                },
                voltages=tuple(float(value) for value in content["voltages"]),
                temperatures=tuple(float(value) for value in content["temperatures"]),
                read_voltage=float(content["read_voltage"]),
                gate=tuple(content["gate"]),
                provenance=content["provenance"],
            )
        except (AttributeError, KeyError, TypeError, IndexError) as error:
            raise PhysicalError(f"{origin} is no physical model: {error!r}") from None

    @classmethod
    def load(cls, source: str | Path) -> "PhysicalModel":
        """Read the file of a model."""
        return cls.from_dict(files.read(source), str(source))


def is_physical(data: Any) -> bool:
    """Tell whether JSON data say that they are a physical model."""
    return isinstance(data, dict) and data.get("kind") == KIND


# ---------------------------------------------------------------------- expansion


def _expanded(model: PhysicalModel) -> JumpLaw:
    """Return the law of a sample of end states and jumps."""
    random = np.random.default_rng(47)
    of = model.values
    jumps = _sampled(model, random)
    if jumps.shape[1] < JUMPS:
        raise JumpError("the model leaves its states too seldom for a sample of jumps")
    kept = evenly(jumps[0], jumps[-1], JUMPS, random)
    x0, n0, u0, x1, n1, u1, volts = jumps[:, kept]
    ends = np.concatenate([_end_levels(model, state, ENDS, random) for state in ("hrs", "lrs")])
    level = np.concatenate([ends, x0, x1])
    sites = np.concatenate([np.zeros(len(ends)), n0, n1])
    offset = np.concatenate([of["barrier_spread"] * random.standard_normal(len(ends)), u0, u1])
    grid, heats = np.array(model.voltages), np.array(model.temperatures)
    logs = model.log_rates(
        level[:, None, None],
        sites[:, None, None],
        offset[:, None, None],
        grid[None, None],
        heats[None, :, None],
    )
    number, first = len(x0), len(ends)
    kind = np.concatenate([np.zeros(ENDS), np.ones(ENDS), np.full(2 * number, -1)])
    scales: dict[str, Any] = SCALES
    return JumpLaw(
        voltages=grid,
        temperatures=heats,
        level=level,
        current=model.current(level[:, None], grid[None]),
        rate=np.exp(np.clip(np.logaddexp.reduce(logs), *LOG_RATES)),
        kind=kind,
        before=first + np.arange(number),
        after=first + number + np.arange(number),
        jump_voltage=volts,
        read_voltage=model.read_voltage,
        **scales,
    )


def _end_levels(model: PhysicalModel, state: str, number: int, random: np.random.Generator) -> Floats:
    """Return levels of end states, within 3.4 spreads."""
    normal = np.clip(random.standard_normal(number), -3.4, 3.4)
    return np.asarray(model.values[f"{state}_level"] + model.values[f"{state}_spread"] * normal)


def _sampled(model: PhysicalModel, random: np.random.Generator) -> Floats:
    """Return level, sites and offset before and after sampled jumps, and their voltages: shape (7, jumps)."""
    of = model.values
    starts_low = random.integers(2, size=WALKERS) == 0
    level = np.where(starts_low, *(_end_levels(model, state, WALKERS, random) for state in ("hrs", "lrs")))
    sites = np.zeros(WALKERS)
    own = of["barrier_spread"] * np.sqrt([of["device_fraction"], 1.0 - of["device_fraction"]])
    device, offset = own[:, None] * random.standard_normal((2, WALKERS))
    volts_read = np.array([volt for volt in model.voltages if volt != 0.0])
    jumps = []
    for _ in range(ROUNDS):
        between = random.uniform(volts_read[0], volts_read[-1], WALKERS)
        source = np.where(random.random(WALKERS) < 0.5, random.choice(volts_read, WALKERS), between)
        limit = np.where(source > 0.0, random.choice(LIMITS, WALKERS), LIMITS[-1])
        driven = random.integers(1, DRIVEN + 1, WALKERS)
        for number in range(EVENTS):
            volts = np.where(number < driven, _device_voltage(model, level, source, limit), 0.0)
            logs = model.log_rates(
                level, sites, device + offset, volts, np.full(WALKERS, model.temperatures[0])
            )
            total = np.logaddexp.reduce(logs)
            passed = np.cumsum(np.exp(logs - total), axis=0) < random.random(WALKERS)
            channel = np.minimum(passed.sum(axis=0), RESET)
            next_level = _moved(model, level, channel, random)
            next_sites = np.clip(sites + np.where(channel == RELAX, -1.0, 1.0), 0.0, MOST_SITES)
            redrawn = own[1] * random.standard_normal(WALKERS)
            next_offset = np.where(np.abs(next_level - level) < MOVED, offset, redrawn)
            # A walker at rest goes on until it has relaxed; of states that last a second or more one in ten.
            active = (number < driven) | (sites > 0.0)
            active &= (total > 0.0) | (random.random(WALKERS) < 0.1)
            sides = (level, sites, device + offset, next_level, next_sites, device + next_offset, volts)
            jumps.append(np.stack(sides)[:, active])
            level, sites = np.where(active, next_level, level), np.where(active, next_sites, sites)
            offset = np.where(active, next_offset, offset)
    return np.concatenate(jumps, axis=1)


def _moved(model: PhysicalModel, level: Floats, channel: Index, random: np.random.Generator) -> Floats:
    """Return the levels after jumps of some channels, equation (6)."""
    of = model.values
    filament = model.filament(level)
    spread = of["step_spread"] * (1.0 - 0.5 * filament)
    shapes = {
        SET: -of["set_step"] * (1.0 - filament) - spread * random.standard_normal(len(level)),
        RESET: of["reset_step"] * random.standard_exponential(len(level)),
    }
    change = 0.7 * spread * random.laplace(size=len(level))
    for number, steps in shapes.items():
        change = np.where(channel == number, steps, change)
    levels = model.level(model.gap(level) + change - of["back"] * model.below(level))
    return np.clip(levels, of["hrs_level"] - 6.0 * of["hrs_spread"], model.level(np.array(-4.0)))


def _device_voltage(model: PhysicalModel, level: Floats, source: Floats, limit: Floats) -> Floats:
    """Return voltages (V) across cells behind :data:`SERIES` and current limits (A), by bisection."""
    low, high = np.zeros(len(level)), np.abs(source)
    for _ in range(30):
        middle = 0.5 * (low + high)
        current = model.current(level, middle)
        beyond = (middle + SERIES * current > np.abs(source)) | (current > limit)
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return np.sign(source) * low
