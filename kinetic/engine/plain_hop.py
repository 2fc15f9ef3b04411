"""Which mechanisms the loop that is specialised to one plain hop can carry out."""

from collections.abc import Sequence

from ..lattice.lattice import Lattice
from ..mechanisms.mechanism import Mechanism
from ._hops import Hops
from .tables import Compiled


def plain_hop(lattice: Lattice, mechanisms: Sequence[Mechanism], compiled: Compiled) -> Hops | None:
    """Return the specialised loop, or None where the mechanisms are more than one plain hop."""
    only = mechanisms[0]
    plain = len(mechanisms) == 1 and only.is_own_reverse and only.motif == "nearest"
    if not plain or 0 in lattice.shape or lattice.n_sites != lattice.n_hosts:
        return None
    if lattice.lateral == "periodic" and 2 in lattice.shape[:2]:
        return None
    if lattice.motifs["nearest"][0].max() < 0:
        return None
    owner = int(compiled.channel["role"][0])
    moving, background = only.before[owner].code, only.before[1 - owner].code
    counted = compiled.count
    if len(counted) > 1 or (len(counted) and (counted["species"][0] != moving or counted["exempt"][0] >= 0)):
        return None
    if compiled.standing.any():
        return None
    if len(counted) and compiled.motifs[counted["motif"][0]] is not lattice.motifs["nearest"]:
        return None
    if compiled.site_row[[moving, background]].max() >= 0 or only.floor > 0.0 or owner == 1:
        return None
    if not 0.0 <= compiled.mechanism["beta"][0] <= 1.0:
        return None
    return Hops(lattice.shape, lattice.lateral == "periodic", moving, background)
