"""The physical model of a cell as one Verilog-A module: the equations of :mod:`frenkel.cells.physical`.

A simulator of circuits keeps numbers in nodes only, and repeats and rejects steps. One node is the gap g, the
other one a count q of jumps. In jump j its rate is that of leaving the state over a wait W_j::

    dq/dt = k/h(q - j),    j = floor(q),    integral of h from 0 to 1 = W_j = -ln(hash(j, seed))

so that waits are exponential. h is continuous, and small where a jump is made. Each random number is a
function of the seed and the number of the jump: steps of a simulator that are refused or finer draw nothing
again. g moves in the last quarter of each jump. Of the channels that compete the step is the mean, weighted
by their rates. Where k exceeds ``fast`` g follows its mean drift, and the fraction fast/(fast + k) of the
jumps stays random.

Not as in :mod:`frenkel.cells.physical`: relaxation has no state of its own. It follows each jump at once;
where jumps are faster than n sites relax, the largest n, a fraction 1/(1 + k/(n r)) of them has one. Nothing
relaxes after a pulse. All jumps draw the cycle part of the barrier again, and ``back`` acts along the step,
as -ln(1 - back), not at its end.
"""

from ...cells.physical import MOST_SITES, PARAMETERS, SMALLEST_GAP, SPREADS, PhysicalModel
from ...escape import line
from ...units import BOLTZMANN_EV
from .templates import fill

FAST = 1e7
"""Rate of jumps (1/s) above which a circuit follows their mean drift."""

JUMP, RESOLUTION = 0.05, 0.005
"""Smallest wait, in units of the mean one; largest part of a jump in one step of a simulator."""

def to_verilog_a(model: PhysicalModel) -> str:
    """Return the module ``frenkel_physical(p, n)``; instance parameters: ``seed``, and ``lrs`` (0 or 1).

    Parameters
    ----------
    model : PhysicalModel
    """
    volts, heats = model.voltages, model.temperatures
    header = (
        f"// frenkel_physical: physical model {line(model.name)}, checksum {model.to_dict()['checksum']}\n"
        f"// Valid from {volts[0]:g} to {volts[-1]:g} V, {heats[0]:g} to {heats[-1]:g} K; no telegraph noise"
    )
    parameters = [
        f"  parameter real {name}={model.values[name]:.9g}; // {unit}"
        for name, (unit, *_) in PARAMETERS.items()
    ]
    return fill(
        "physical.va",
        header=header,
        parameters="\n".join(parameters),
        read=model.read_voltage,
        fast=FAST,
        jump=JUMP,
        resolution=RESOLUTION,
        spreads=SPREADS,
        sites=MOST_SITES,
        smallest=SMALLEST_GAP,
        boltzmann=BOLTZMANN_EV,
    )
