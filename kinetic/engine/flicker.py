"""Names the pair of sites that uses up an event budget."""

from collections import Counter
from collections.abc import Iterable

from ..lattice.lattice import Lattice
from ..mechanisms.mechanism import Mechanism
from .engine import Engine

Moved = tuple[int, int, int]  # mechanism, site a, site b (-1: none)


def flicker_report(moves: Iterable[Moved], mechanisms: tuple[Mechanism, ...], lattice: Lattice) -> str:
    """Say which pair of sites took the largest part of some events.

    Parameters
    ----------
    moves : iterable of tuple
        Mechanism number and both sites (-1: none) of successive events; direction does not matter.
    mechanisms : tuple of Mechanism
        The mechanisms that the numbers stand for.
    lattice : Lattice
        Tells the layers.

    Returns
    -------
    str
        One sentence without a full stop, for instance ``"990 of the last 1,000 events are 'vacancy hop'
        between site 310 (layer 10) and site 311 (layer 11)"``.
    """
    count = Counter((m, min(a, b), max(a, b)) for m, a, b in moves)
    if not count:
        return "no event has happened"
    (mechanism, first, second), most = count.most_common(1)[0]
    place = f"site {second} (layer {lattice.layer[second]})"
    if first >= 0:
        place = f"between site {first} (layer {lattice.layer[first]}) and {place}"
    else:
        place = f"at {place}"
    return f"{most:,} of the last {count.total():,} events are {mechanisms[mechanism].name!r} {place}"


def next_moves(engine: Engine, events: int = 1000) -> list[Moved]:
    """Return the events that an engine would carry out next, and leave it as it was.

    Parameters
    ----------
    engine : Engine
        Its state, clock and random numbers are put back at the end.
    events : int
        How many to look at, >= 1.

    Returns
    -------
    list of tuple
        Mechanism number and both sites of each event; fewer than asked for when none is possible.
    """
    if events < 1:
        raise ValueError(f"events must be at least 1, got {events}")
    state, moves = engine.state(), []
    for _ in range(events):
        if engine.run(events=1) != "events":
            break
        mechanism, _, a, b = engine.last_event
        moves.append((mechanism, a, b))
    engine.restore(state)
    return moves
