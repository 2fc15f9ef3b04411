"""Species: what may stand on a site of the lattice."""

from dataclasses import dataclass

from ...checks import between

HOST = 0
INTERSTITIAL_SITES = 1
SPECIES_LIMIT = 16


@dataclass(frozen=True, slots=True)
class Species:
    """One occupant of a lattice site.

    Parameters
    ----------
    name : str
        Name in the language of the field, for instance ``"vacancy"``.
    code : int
        Small integer that stands for the species in arrays, 0 to 15. On each sublattice the species with
        the lowest code is the background (the perfect lattice); the engine indexes events by the others.
    charge : float
        Charge relative to the perfect lattice (Kroeger-Vink), in elementary charges.
    sublattice : int
        Sublattice on which the species lives: ``HOST`` (0) or ``INTERSTITIAL_SITES`` (1), or another of
        the lattice's own.

    Raises
    ------
    ValueError
        If the name is empty, the code is outside 0 to 15 or the charge is not a finite number.
    """

    name: str
    code: int
    charge: float = 0.0
    sublattice: int = HOST

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("name of a species must not be empty")
        between(f"code of species {self.name}", self.code, 0, SPECIES_LIMIT - 1)
        between(f"charge of species {self.name}", self.charge, -8.0, 8.0, "elementary charges")
        between(f"sublattice of species {self.name}", self.sublattice, 0, 126)


OXYGEN = Species("oxygen", 0, 0.0, HOST)
VACANCY = Species("vacancy", 1, 2.0, HOST)
EMPTY = Species("empty", 2, 0.0, INTERSTITIAL_SITES)
INTERSTITIAL = Species("interstitial", 3, -2.0, INTERSTITIAL_SITES)
TRAP = Species("empty trap", 4, 0.0, INTERSTITIAL_SITES)
FILLED_TRAP = Species("filled trap", 5, -1.0, INTERSTITIAL_SITES)
EXCITED_TRAP = Species("empty trap, metastable", 6, 0.0, INTERSTITIAL_SITES)
FILLED_EXCITED_TRAP = Species("filled trap, metastable", 7, -1.0, INTERSTITIAL_SITES)
VACANCY_ONE = Species("vacancy with one electron", 8, 1.0, HOST)
VACANCY_TWO = Species("vacancy with two electrons", 9, 0.0, HOST)
CATION = Species("cation", 10, 1.0, HOST)
VACANCIES = (VACANCY, VACANCY_ONE, VACANCY_TWO)
"""Charge states of the vacancy; the first is the one that conducts where it is clustered."""
CONDUCTING = (VACANCY, CATION)
"""Kinds of defects that conduct where they are clustered; the number of a kind is its place here. A device
with one kind has the first, whatever its material calls it."""
TRAPS = (TRAP, FILLED_TRAP, EXCITED_TRAP, FILLED_EXCITED_TRAP)
