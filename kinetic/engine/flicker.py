"""Names the pair of sites that uses up an event budget."""

from collections.abc import Mapping, Sequence

from ..lattice.lattice import Lattice
from ..mechanisms.mechanism import Mechanism

Moved = tuple[int, int, int]  # mechanism, site a (-1: an electrode), site b


def busiest_pair(count: Mapping[Moved, int], mechanisms: Sequence[Mechanism], lattice: Lattice) -> str:
    """Return which pair of sites made the most events.

    Parameters
    ----------
    count : mapping
        Number of events by mechanism and both sites, the smaller number first (-1: an electrode); not empty.
    mechanisms : sequence of Mechanism
        The mechanisms that the numbers stand for.
    lattice : Lattice
        Where the sites lie.

    Returns
    -------
    str
        A clause, for instance ``"sites 310 and 311 near (0.26, 0.52, 2.86) nm made 990 of them by
        'vacancy hop'"``.
    """
    mechanism, first, second = max(count, key=lambda moved: count[moved])
    ends = f"sites {first} and {second}" if first >= 0 else f"site {second} and its electrode"
    x, y, z = lattice.position[second] * 1e9
    events = f"{count[mechanism, first, second]:,} of them by {mechanisms[mechanism].name!r}"
    return f"{ends} near ({x:.2f}, {y:.2f}, {z:.2f}) nm made {events}"
