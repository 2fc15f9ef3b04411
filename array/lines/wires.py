"""Wires between cells and the area of cells, by technology node. Every figure is modelled."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ... import checks

VACUUM_PERMITTIVITY = 8.8541878128e-12
"""(F/m), CODATA 2018."""

COPPER_RESISTIVITY, COPPER_FREE_PATH = 1.678e-8, 39.9e-9
"""Of the bulk (ohm m) and mean free path of its electrons (m) at 300 K: D. Gall, J. Appl. Phys. 119, 085101
(2016), 10.1063/1.4942216. Confidence: recalled."""

ASPECT, REFLECTION, PERMITTIVITY = 2.0, 0.25, 3.0
"""Height of a line over its width, reflection of electrons at a grain boundary (surfaces scatter
diffusely), and relative permittivity of what is between the lines. Chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A copper line between two others of the same pitch.

    Parameters
    ----------
    width : float
        Of the line, and of the space beside it (m), 1e-9 to 1e-5.

    Notes
    -----
    rho/rho_0 = 3/8 l (1/w + 1/h) + 1/(1 - 3a/2 + 3a^2 - 3a^3 ln(1 + 1/a)), a = (l/w) R/(1 - R): Fuchs and
    Sondheimer at the surfaces, Mayadas and Shatzkes [1]_ at the grain boundaries, added. It gives 1.2 ohm/um
    at 100 nm and 167 ohm/um at 14 nm. The capacitance is that of plates: two neighbours, a plane above and
    one below at a distance of one width.

    References
    ----------
    .. [1] A. F. Mayadas, M. Shatzkes, Phys. Rev. B 1, 1382 (1970), 10.1103/PhysRevB.1.1382.
    """

    width: float

    def __post_init__(self) -> None:
        checks.between("width of a wire", self.width, 1e-9, 1e-5, "m")

    @property
    def resistance(self) -> float:
        """Per length (ohm/m)."""
        height = ASPECT * self.width
        surface = 0.375 * COPPER_FREE_PATH * (1.0 / self.width + 1.0 / height)
        a = COPPER_FREE_PATH / self.width * REFLECTION / (1.0 - REFLECTION)
        grains = 1.0 - 1.5 * a + 3.0 * a**2 - 3.0 * a**3 * math.log1p(1.0 / a)
        return COPPER_RESISTIVITY * (surface + 1.0 / grains) / (self.width * height)

    @property
    def capacitance(self) -> float:
        """Per length (F/m)."""
        return PERMITTIVITY * VACUUM_PERMITTIVITY * 2.0 * (ASPECT + 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A technology node: the wires that lines of cells can be drawn with.

    Parameters
    ----------
    name : str
        Such as "65 nm".
    half_pitch : float
        Width of the narrowest wires (m).
    source : str
        Of the pitch, as recalled.
    """

    name: str
    half_pitch: float
    source: str

    @property
    def wire(self) -> Wire:
        """Of this width."""
        return Wire(width=self.half_pitch)

    def segment(self, pitch: float = 2.0) -> tuple[float, float]:
        """Return resistance (ohm) and capacitance (F) of a line from one cell to the next.

        Parameters
        ----------
        pitch : float
            Of the cells, in widths of the wire: 2 for a passive array, 4 for 1T1R cells of 16 F2.
        """
        checks.positive("pitch", pitch, "widths")
        length = pitch * self.half_pitch
        return self.wire.resistance * length, self.wire.capacitance * length


NODES: dict[str, Node] = {
    name: Node(name=name, half_pitch=half_pitch, source=source)
    for name, half_pitch, source in (
        ("130 nm", 175e-9, "metal 1 pitch 350 nm: Tyagi et al., IEDM 2000"),
        ("90 nm", 110e-9, "metal 1 pitch 220 nm: Thompson et al., IEDM 2002"),
        ("65 nm", 105e-9, "metal 1 pitch 210 nm: Bai et al., IEDM 2004"),
        ("45 nm", 80e-9, "metal 1 pitch 160 nm: Mistry et al., IEDM 2007"),
        ("32 nm", 56.25e-9, "metal 1 pitch 112.5 nm: Packan et al., IEDM 2009"),
        ("22 nm", 40e-9, "metal pitch 80 nm: Auth et al., VLSI Symposium 2012"),
        ("14 nm", 26e-9, "metal pitch 52 nm: Natarajan et al., IEDM 2014"),
        ("10 nm", 18e-9, "metal pitch 36 nm: Auth et al., IEDM 2017"),
    )
}
"""Nodes by name. Resistance and capacitance of their wires follow from the pitch, see `Wire`."""

CELL_AREA: dict[str, tuple[float, float, float]] = {
    "0T1R": (4.0, 4.0, 4.0),
    "1S1R": (4.0, 4.0, 4.0),
    "CRS": (4.0, 4.0, 4.0),
    "1T1R": (16.0, 12.0, 48.0),
    "2T2R": (32.0, 24.0, 96.0),
}
"""Of a cell, in F2: typical, least, most. Crossing lines of width F take 2F x 2F, two cells of a CRS on top
of each other; 1T1R cells are drawn with
12 to 48 F2 in public tools and reviews, a 2T2R cell is two of them. F is the half pitch."""


def area_of(cell: str, count: int, node: Node) -> float:
    """Return the area of a number of cells alone (m2)."""
    checks.one_of("cell", cell, CELL_AREA)
    return CELL_AREA[cell][0] * count * node.half_pitch**2
