"""The jump-process model of a card in a circuit: a cell moves along a chain of levels, one step at a time.

A simulator of circuits draws no numbers and keeps none, so that both are drawn when the file is written. Of a
cell that is its chain, the levels of some walks of the law (:mod:`.chain_rates`), and what each of its steps
waits for: unit exponentials. Two internal nodes integrate the rate of leaving the present level, one where
the voltage is positive and one where it is negative; how many of the drawn sums each of them has passed is
how often the cell has gone up, and down, so that its state is a plain function of both::

    state = start + ups(a) - downs(b),   da/dt = rate(state, V, T) where V > 0, db/dt = the same where V < 0

Currents are those of states in the card, rates and their temperature those of its chain of states on the way
to the next level. What a chain does not have, and the files say so: steps down under a positive voltage and
up under a negative one, memory within a level, and levels that the walks of the cell did not meet. At rest
nothing moves.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ...cells._jump_law import JumpKernel
from ...cells.card import Card
from ...cells.jumps import JumpLaw
from ...progress import quiet
from ...typing import Floats
from .chain_rates import chain_rates
from .circuit import ExportDraws
from .templates import made_for, signature

Progress = Callable[[float, str], None]
"""Is told the share that is done, 0 to 1, and what is being done."""

STEPS = 16
"""Steps up, and as many down, that are drawn for each cycle; a chain has some six levels."""

KNOTS = 13
"""Voltages, of those that were read, between which a circuit takes ln(rate) and ln(current/V) as straight."""

JUMPS = 64
"""Jumps up, and as many down, that a cell can make where a caller does not say."""

WIDTH = 0.02
"""Part of a unit exponential over which a circuit changes from one state to the next."""

EDGE = 0.005
"""Last part of the way between two states in which the rate becomes that of the next one.

A cell that comes from a fast state to a calm one else stands still on the way: its rate falls first."""


@dataclass(frozen=True, slots=True)
class CircuitChain:
    """Levels that a cell of a circuit goes through, HRS first.

    Parameters
    ----------
    volts : ndarray of shape (n,)
        Device voltages (V), ascending; beyond them straight lines go on.
    log_rate, activation, log_conductance : ndarray of shape (s, n)
        ln of the rate of stepping (1/s) at the temperature, its slope in 1/T (K), and ln(current/voltage, S).
    temperature : float
        (K)
    ups, downs : ndarray of shape (j,)
        Hazard that is used up at each jump up and down: sums of unit exponentials.
    first : int
        State in which the cell starts, one of HRS.
    """

    volts: Floats
    log_rate: Floats
    activation: Floats
    log_conductance: Floats
    temperature: float
    ups: Floats
    downs: Floats
    first: int


def of(card: Card) -> JumpLaw:
    """Return the jump-process model of a card.

    Raises
    ------
    ValueError
        It has none.
    """
    if card.jump_law is None:
        raise ValueError(
            f"card {card.name} has no jump-process model: its ensemble was not measured (a table [measure])"
        )
    return card.jump_law


def circuit_chain(
    card: Card, seed: int, device: int, jumps: int = JUMPS, tell: Callable[[float], None] = quiet
) -> CircuitChain:
    """Draw the chain of one cell.

    Parameters
    ----------
    card : Card
        With a jump-process model.
    seed, device : int
        0 or more; the same give the same chain.
    jumps : int
        Up, and as many down, that the cell can make.
    tell : callable, optional
        Is told the share that is done, 0 to 1.

    Raises
    ------
    ValueError
        The card has no jump-process model, or its walks do not lead from HRS to LRS.
    """
    law = of(card)
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(device,)))
    nought = int(np.flatnonzero(law.voltages == 0.0)[0])
    knot_index = np.round(np.linspace(0, len(law.voltages) - 1, KNOTS)).astype(int)
    volts = law.voltages[np.unique(np.append(knot_index, nought))]
    chain = chain_rates(law, random, volts, tell)
    (first, last), cold, hot = law.temperatures[[0, -1]], chain.log_rate[0], chain.log_rate[-1]
    slope = (hot - cold) / (1.0 / last - 1.0 / first) if last > first else np.zeros_like(cold)
    kernel = JumpKernel(law, law.log_rates(float(first)))
    logs, not_zero = np.repeat(law.level[chain.states][:, None], len(volts), axis=1), volts != 0.0
    logs[:, not_zero] = np.log(kernel.current(chain.states[:, None], volts[not_zero]) / volts[not_zero])
    ups, downs = np.cumsum(random.standard_exponential((2, jumps)), axis=1)
    return CircuitChain(volts, cold, slope, logs, float(first), ups, downs, chain.first)


def to_ngspice(card: Card, draws: ExportDraws | None = None, progress: Progress = quiet) -> str:
    """Return ngspice subcircuits ``frenkel_jumps_0 p n``, ...: one cell each, with its own chain.

    Parameters
    ----------
    card : Card
    draws : ExportDraws, optional
        Devices, and cycles: as many jumps up and down as the chain has steps, in each of them.
    progress : callable, optional
        As of :func:`.cards.export`.

    Raises
    ------
    ValueError
        As :func:`circuit_chain`.
    """
    cells = (_subcircuit(chain, d) for d, chain in _drawn(card, draws, progress))
    return "\n".join([_header(card, "*"), *cells]) + "\n"


def to_verilog_a(card: Card, draws: ExportDraws | None = None, progress: Progress = quiet) -> str:
    """Return Verilog-A modules ``frenkel_jumps_0(p, n)``, ..., the equations of :func:`to_ngspice`."""
    head = [_header(card, "//"), '`include "constants.vams"', '`include "disciplines.vams"']
    cells = (_module(chain, d) for d, chain in _drawn(card, draws, progress))
    return "\n".join([*head, *cells]) + "\n"


def _drawn(card: Card, draws: ExportDraws | None, progress: Progress) -> Iterator[tuple[int, CircuitChain]]:
    draws = draws or ExportDraws(cycles=JUMPS // STEPS)
    for d in range(draws.devices):

        def tell(share: float, d: int = d) -> None:
            progress((d + share) / draws.devices, f"chain {d + 1} of {draws.devices}")

        yield d, circuit_chain(card, draws.seed, d, draws.cycles * STEPS, tell)


def _header(card: Card, mark: str) -> str:
    heats = of(card).temperatures
    span = f"{heats[0]:g} to {heats[-1]:g} K" if len(heats) > 1 else f"{heats[0]:g} K alone, at any .temp"
    lines = [
        f"frenkel_jumps: {signature(card)}",
        f"A chain of levels with drawn waits; rates of {span}. The state is start + ups - downs, from 0",
        "Up where the voltage is positive, down where it is negative. After the jumps that were drawn a cell",
        "stands still, and within 1 mV of 0 V: rest is not in this file. All sources at 0 V at time 0; steps",
        "of at most a hundredth of a ramp. Rates beyond exp(lnmax), 1e10 per s, are taken as that. Where a",
        "simulator finds its step too small, lnmax=17 (2e7 per s) lets it go on: for ramps up to 0.1 MV/s.",
        made_for(card),
    ]
    return "\n".join(f"{mark} {line}" for line in lines)


def _lines(volts: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """Return knots and values with two more at each end: far out on the last straight line, and level beyond.

    A simulator tries thousands of volts where a source is at its limit. If ln(current) went on rising there,
    each try would come back by one in it, which is little enough of the voltage to be taken for a solution.
    """
    span = volts[-1] - volts[0]
    low = rows[:, :1] - span * (rows[:, 1:2] - rows[:, :1]) / (volts[1] - volts[0])
    high = rows[:, -1:] + span * (rows[:, -1:] - rows[:, -2:-1]) / (volts[-1] - volts[-2])
    points = [volts[0] - 2.0 * span, volts[0] - span, *volts, volts[-1] + span, volts[-1] + 2.0 * span]
    return np.array(points), np.concatenate([low, low, rows, high, high], axis=1)


def _stairs(marks: Floats) -> tuple[Floats, Floats]:
    """Return corners of a staircase that rises by 1 at each mark."""
    # Marks nearer to each other than the width share a slope.
    width = np.minimum(WIDTH, 0.5 * np.diff(marks, prepend=0.0))
    corner_marks = np.stack([marks - width, marks], axis=1).ravel()
    steps = np.stack([np.arange(len(marks)), np.arange(1, len(marks) + 1)], axis=1).ravel()
    return np.concatenate([[-1.0], corner_marks, [marks[-1] + 1e6]]), np.concatenate(
        [[0.0], steps, [len(marks)]]
    )


def _between(state: str) -> str:
    """Return the weight of state ``{k}``, which falls in a straight line to its neighbours."""
    return f"max(1-abs({state}-{{k}}),0)"


def _leaving(state: str) -> str:
    """Return the weight of state ``{k}`` where it is left: whole up to the last part of the way up.

    Where the way is down, what is given as the state has been moved on by one less that part.
    """
    steps = (f"min(max(({state}-{{k}}{less})*{1 / EDGE:g}+1,0),1)" for less in ("", "-1"))
    return f"({'-'.join(steps)})"


def _subcircuit(one: CircuitChain, number: int) -> str:
    top = len(one.log_rate) - 1

    def pwl(argument: str, at: Floats, values: Floats) -> str:
        pairs = [f"{x:.9g},{y:.9g}" for x, y in zip(at, values, strict=True)]
        lines = [",".join(pairs[first : first + 6]) for first in range(0, len(pairs), 6)]
        return f"pwl({argument}," + ",\n+ ".join(lines) + ")"

    def table(rows: Floats, weight: str = _between("v(s)")) -> str:
        at, values = _lines(one.volts, rows)
        terms = (f"{weight.format(k=k)}*{pwl('v(p,n)', at, row)}" for k, row in enumerate(values))
        return "\n+ +".join(terms)

    leaving_rate = _leaving("v(q)")
    heat = f"(1/(temper+273.15)-1/{one.temperature:.9g})"
    # Within a millivolt nothing moves: else the operating point were where a cell ends after ages of rest.
    is_positive, is_negative = "min(max(1000*v(p,n)-1,0),1)", "min(max(-1000*v(p,n)-1,0),1)"
    rate = "exp(min(v(r),{lnmax}))"
    return f""".subckt frenkel_jumps_{number} p n start={one.first} tau=1e-6 lnmax=23
bs s 0 v=min(max({{start}}+{pwl('v(a)', *_stairs(one.ups))}
+ -{pwl('v(b)', *_stairs(one.downs))},0),{top})
bq q 0 v=v(s)+{1 - EDGE:g}*min(max(0.5-500*v(p,n),0),1)
br r 0 v={table(one.log_rate, leaving_rate)}
+ +{heat}*({table(one.activation, leaving_rate)})
ca a 0 {{tau}}
ra a 0 1e15
ba 0 a i={{tau}}*{rate}*{is_positive}*min(max({top}-v(s),0),1)
cb b 0 {{tau}}
rb b 0 1e15
bb 0 b i={{tau}}*{rate}*{is_negative}*min(max(v(s),0),1)
bi p n i=v(p,n)*exp({table(one.log_conductance)})
.ends"""


def _module(one: CircuitChain, number: int) -> str:
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

    def table(name: str, rows: Floats, weight: str) -> str:
        at, values = _lines(one.volts, rows)
        lines = [f"    {name} = 0;"]
        for k, row in enumerate(values):
            lines.append(f"    {name} = {name} + {weight.format(k=k)}*({ramps('v', at, row)});")
        return "\n".join(lines)

    between_states, left = _between("s"), _leaving("q")
    return f"""module frenkel_jumps_{number}(p, n);
  inout p, n; electrical p, n; electrical a, b;
  parameter real tau=1e-6; parameter real lnmax=23;
  (*type="instance"*) parameter real start={one.first};
  (*desc="state, 0 the lowest"*) real s;
  real v, q, h, e, c, rate;
  analog begin
    v = V(p, n);
    s = min(max(start + {stairs('V(a)', one.ups)}
      - ({stairs('V(b)', one.downs)}), 0), {top});
    q = s + {1 - EDGE:g}*min(max(0.5-500*v,0),1);
{table('h', one.log_rate, left)}
{table('e', one.activation, left)}
{table('c', one.log_conductance, between_states)}
    rate = exp(min(h + e*(1.0/$temperature - {1.0 / one.temperature:.12g}), lnmax));
    I(p, n) <+ v*exp(c);
    I(a) <+ tau*ddt(V(a)) + 1e-15*V(a) - tau*rate*min(max(1000*v-1,0),1)*min(max({top}-s,0),1);
    I(b) <+ tau*ddt(V(b)) + 1e-15*V(b) - tau*rate*min(max(-1000*v-1,0),1)*min(max(s,0),1);
  end
endmodule"""
