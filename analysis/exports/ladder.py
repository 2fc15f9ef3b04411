"""The law of jumps of a card in a circuit: a cell climbs a ladder of states, one jump at a time.

A simulator of circuits draws no numbers and keeps none, so that both are drawn when the file is written. Of a
cell that is its ladder, the states of one walk of the law from HRS to LRS with loops taken out, and what each
of its jumps waits for: unit exponentials. Two internal nodes integrate the rate of leaving the present state,
one where the voltage is positive and one where it is negative; how many of the drawn sums each of them has
passed is how often the cell has gone up, and down, so that its state is a plain function of both::

    state = start + ups(a) - downs(b),   da/dt = rate(state, V, T) where V > 0, db/dt = the same where V < 0

Rates, their temperature and currents are those of the states in the card. What a ladder does not have, and
the files say so: a RESET goes back through the states of the SET, so that a cell has one HRS, and jumps that
come back by themselves are left out. At rest nothing moves.
"""

from dataclasses import dataclass

import numpy as np

from ...cards.card import Card
from ...cards.jumps import JumpError, JumpLaw, Kernel, interpolated, place
from ...typing import Floats
from .circuit import Draws
from .templates import made_for, signature

STEPS = 16
"""Most steps of a ladder."""

KNOTS = 13
"""Voltages, of those that were read, between which a circuit takes ln(rate) and ln(current/V) as straight."""

RAMP = 1e5
"""Ramp (V/s) on which the walk of a ladder is drawn: where it meets a jump hardly tells where that leads."""

TRIES = 400
"""Jumps of a walk after which it has not reached LRS."""

JUMPS = 64
"""Jumps up, and as many down, that a cell can make where a caller does not say."""

WIDTH = 0.02
"""Part of a unit exponential over which a circuit changes from one state to the next."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """States that a cell of a circuit goes through, HRS first.

    Parameters
    ----------
    volts : ndarray of shape (n,)
        Device voltages (V), ascending; beyond them straight lines go on.
    log_rate, activation, log_conductance : ndarray of shape (s, n)
        ln of the rate of leaving (1/s) at the temperature, its slope in 1/T (K), and ln(current/voltage, S).
    temperature : float
        (K)
    ups, downs : ndarray of shape (j,)
        Hazard that is used up at each jump up and down: sums of unit exponentials.
    """

    volts: Floats
    log_rate: Floats
    activation: Floats
    log_conductance: Floats
    temperature: float
    ups: Floats
    downs: Floats


def of(card: Card) -> JumpLaw:
    """Return the law of jumps of a card.

    Raises
    ------
    ValueError
        It has none.
    """
    if card.jump_law is None:
        raise ValueError(
            f"card {card.name} has no law of jumps: its ensemble was not measured (a table [measure])"
        )
    return card.jump_law


def ladder(card: Card, seed: int, device: int, jumps: int = JUMPS) -> Ladder:
    """Draw the ladder of one cell.

    Parameters
    ----------
    card : Card
        With a law of jumps.
    seed, device : int
        0 or more; the same give the same ladder.
    jumps : int
        Up, and as many down, that the cell can make.

    Raises
    ------
    ValueError
        The card has no law of jumps, or its walks do not lead from HRS to LRS.
    """
    law = of(card)
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(device,)))
    states = walk(law, random)
    nought = int(np.flatnonzero(law.voltages == 0.0)[0])
    read = np.round(np.linspace(0, len(law.voltages) - 1, KNOTS)).astype(int)
    volts = law.voltages[np.unique(np.append(read, nought))]
    first, last = law.temperatures[[0, -1]]
    cold, hot = (_at(law, law.log_rates(float(heat)), states, volts) for heat in (first, last))
    slope = (hot - cold) / (1.0 / last - 1.0 / first) if last > first else np.zeros_like(cold)
    logs, on = np.repeat(law.level[states][:, None], len(volts), axis=1), volts != 0.0
    logs[:, on] = np.log(_at(law, law.steps, states, volts[on]) / volts[on])
    ups, downs = np.cumsum(random.standard_exponential((2, jumps)), axis=1)
    return Ladder(volts, cold, slope, logs, float(first), ups, downs)


def walk(law: JumpLaw, random: np.random.Generator) -> list[int]:
    """Return the states from an HRS to the level of the least LRS, on a ramp, with loops taken out."""
    ends = [np.flatnonzero(law.kind == kind) for kind in (0, 1)]
    if not ends[0].size or not ends[1].size:
        raise JumpError("a ladder needs end states of RESET and of SET, which this law does not hold")
    goal = float(np.min(law.level[ends[1]]))
    logs = law.log_rates(float(law.temperatures[0]))
    kernel = Kernel(law, logs)
    fine = np.linspace(0.0, law.grid[-1], 400)
    for _ in range(20):
        path, volts = [int(random.choice(ends[0]))], 0.0
        for _ in range(TRIES):
            if law.level[path[-1]] >= goal or len(path) > STEPS:
                break
            rates = np.exp(interpolated(np.repeat(logs[path[-1]][None], len(fine), 0), place(law.grid, fine)))
            hazard = np.concatenate([[0.0], np.cumsum(0.5 * (rates[1:] + rates[:-1]) * np.diff(fine))]) / RAMP
            used = np.interp(volts, fine, hazard) + random.standard_exponential()
            if used > hazard[-1]:
                break  # the ramp has ended
            volts = max(volts, float(np.interp(used, hazard, fine)))
            state = int(kernel.draw(np.array([path[-1]]), np.array([volts]), random)[0])
            # A loop is what came back: a state that was there begins anew.
            path = [*path[: path.index(state)], state] if state in path else [*path, state]
        if len(path) > 1 and law.level[path[-1]] >= goal:
            return path
    raise JumpError("no walk of this law leads from HRS to LRS: a circuit cannot have its cells")


def _at(law: JumpLaw, table: Floats, states: list[int], volts: Floats) -> Floats:
    """Return rows of a table of the law at device voltages (V), (states, volts)."""
    where = place(law.grid, volts)
    return np.stack([interpolated(np.repeat(table[state][None], len(volts), 0), where) for state in states])


def to_ngspice(card: Card, draws: Draws | None = None) -> str:
    """Return ngspice subcircuits ``frenkel_jumps_0 p n``, ...: one cell each, with its own ladder.

    Parameters
    ----------
    card : Card
    draws : Draws, optional
        Devices, and cycles: as many jumps up and down as the ladder has steps, in each of them.

    Raises
    ------
    ValueError
        As :func:`ladder`.
    """
    return "\n".join([_header(card, "*"), *(_subcircuit(one, d) for d, one in _drawn(card, draws))]) + "\n"


def to_verilog_a(card: Card, draws: Draws | None = None) -> str:
    """Return Verilog-A modules ``frenkel_jumps_0(p, n)``, ..., the equations of :func:`to_ngspice`."""
    head = [_header(card, "//"), '`include "constants.vams"', '`include "disciplines.vams"']
    return "\n".join([*head, *(_module(one, d) for d, one in _drawn(card, draws))]) + "\n"


def _drawn(card: Card, draws: Draws | None) -> list[tuple[int, Ladder]]:
    draws = draws or Draws(cycles=JUMPS // STEPS)
    return [(d, ladder(card, draws.seed, d, draws.cycles * STEPS)) for d in range(draws.devices)]


def _header(card: Card, mark: str) -> str:
    heats = of(card).temperatures
    known = f"{heats[0]:g} to {heats[-1]:g} K" if len(heats) > 1 else f"{heats[0]:g} K alone, at any .temp"
    lines = [
        f"frenkel_jumps: {signature(card)}",
        f"A ladder of states with drawn waits; rates of {known}. The state is start + ups - downs, 0: HRS",
        "A RESET goes back through the states of the SET; a cell has one HRS. After the jumps that were",
        "drawn it stands still, and within 1 mV of 0 V: rest is not in this file. All sources at 0 V at time",
        "0; steps of at most a hundredth of a ramp.",
        made_for(card),
    ]
    return "\n".join(f"{mark} {line}" for line in lines)


def _lines(volts: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """Return knots and values with one more at each end, far out on the last straight line."""
    far = volts[-1] - volts[0]
    ends = np.array([volts[0] - far, volts[-1] + far])
    low = rows[:, :1] - far * (rows[:, 1:2] - rows[:, :1]) / (volts[1] - volts[0])
    high = rows[:, -1:] + far * (rows[:, -1:] - rows[:, -2:-1]) / (volts[-1] - volts[-2])
    return np.concatenate([ends[:1], volts, ends[1:]]), np.concatenate([low, rows, high], axis=1)


def _stairs(marks: Floats) -> tuple[Floats, Floats]:
    """Return corners of a staircase that rises by 1 at each mark."""
    # Marks nearer to each other than the width share a slope.
    width = np.minimum(WIDTH, 0.5 * np.diff(marks, prepend=0.0))
    at = np.stack([marks - width, marks], axis=1).ravel()
    steps = np.stack([np.arange(len(marks)), np.arange(1, len(marks) + 1)], axis=1).ravel()
    return np.concatenate([[-1.0], at, [marks[-1] + 1e6]]), np.concatenate([[0.0], steps, [len(marks)]])


def _subcircuit(one: Ladder, number: int) -> str:
    top = len(one.log_rate) - 1

    def pwl(argument: str, at: Floats, values: Floats) -> str:
        pairs = [f"{x:.9g},{y:.9g}" for x, y in zip(at, values, strict=True)]
        lines = [",".join(pairs[first : first + 6]) for first in range(0, len(pairs), 6)]
        return f"pwl({argument}," + ",\n+ ".join(lines) + ")"

    def table(rows: Floats) -> str:
        at, values = _lines(one.volts, rows)
        rungs = (f"max(1-abs(v(s)-{k}),0)*{pwl('v(p,n)', at, row)}" for k, row in enumerate(values))
        return "\n+ +".join(rungs)

    heat = f"(1/(temper+273.15)-1/{one.temperature:.9g})"
    # Within a millivolt nothing moves: else the operating point were where a cell ends after ages of rest.
    up, down = "min(max(1000*v(p,n)-1,0),1)", "min(max(-1000*v(p,n)-1,0),1)"
    rate = "exp(min(v(r),{lnmax}))"
    return f""".subckt frenkel_jumps_{number} p n start=0 tau=1e-6 lnmax=23
bs s 0 v=min(max({{start}}+{pwl('v(a)', *_stairs(one.ups))}
+ -{pwl('v(b)', *_stairs(one.downs))},0),{top})
br r 0 v={table(one.log_rate)}
+ +{heat}*({table(one.activation)})
ca a 0 {{tau}}
ra a 0 1e15
ba 0 a i={{tau}}*{rate}*{up}*min(max({top}-v(s),0),1)
cb b 0 {{tau}}
rb b 0 1e15
bb 0 b i={{tau}}*{rate}*{down}*min(max(v(s),0),1)
bi p n i=v(p,n)*exp({table(one.log_conductance)})
.ends"""


def _module(one: Ladder, number: int) -> str:
    top = len(one.log_rate) - 1

    def ramps(argument: str, at: Floats, values: Floats) -> str:
        """Return straight lines between corners as a sum of what rises at each of them."""
        slopes = np.diff(values) / np.diff(at)
        turns = np.diff(slopes, prepend=0.0)
        corners = zip(at[:-1], turns, strict=True)
        terms = [f"{turn:.12g}*max({argument}-({x:.12g}),0)" for x, turn in corners if turn]
        return f"{values[0]:.12g}" + "".join(f"\n      + {term}" for term in terms)

    def stairs(argument: str, marks: Floats) -> str:
        at, _ = _stairs(marks)
        steps = zip(at[1:-1:2], at[2:-1:2], strict=True)
        terms = [f"min(max(({argument}-{low:.9g})/{high - low:.9g},0),1)" for low, high in steps]
        return "\n      + ".join(terms)

    def table(name: str, rows: Floats) -> str:
        at, values = _lines(one.volts, rows)
        lines = [f"    {name} = 0;"]
        for k, row in enumerate(values):
            lines.append(f"    {name} = {name} + max(1-abs(s-{k}),0)*({ramps('v', at, row)});")
        return "\n".join(lines)

    return f"""module frenkel_jumps_{number}(p, n);
  inout p, n; electrical p, n; electrical a, b;
  parameter real tau=1e-6; parameter real lnmax=23;
  (*type="instance"*) parameter real start=0;
  (*desc="state, from 0 in HRS"*) real s;
  real v, h, e, c, rate;
  analog begin
    v = V(p, n);
    s = min(max(start + {stairs('V(a)', one.ups)}
      - ({stairs('V(b)', one.downs)}), 0), {top});
{table('h', one.log_rate)}
{table('e', one.activation)}
{table('c', one.log_conductance)}
    rate = exp(min(h + e*(1.0/$temperature - {1.0 / one.temperature:.12g}), lnmax));
    I(p, n) <+ v*exp(c);
    I(a) <+ tau*ddt(V(a)) + 1e-15*V(a) - tau*rate*min(max(1000*v-1,0),1)*min(max({top}-s,0),1);
    I(b) <+ tau*ddt(V(b)) + 1e-15*V(b) - tau*rate*min(max(-1000*v-1,0),1)*min(max(s,0),1);
  end
endmodule"""
