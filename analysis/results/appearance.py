"""How defects look wherever they are drawn: colours and radii, for pictures, films and files of atoms."""

import numpy as np
from numpy.typing import NDArray

CONDUCTING, ISOLATED, INTERSTITIAL = (0.80, 0.27, 0.16), (0.24, 0.50, 0.78), (0.30, 0.66, 0.35)
"""Colours (red, green, blue from 0 to 1) of defects in the network, outside of it, and of interstitials."""

SECOND, SECOND_ISOLATED = (0.90, 0.62, 0.10), (0.52, 0.36, 0.68)
"""The same of a second kind of defect that conducts: cations beside vacancies."""

STATES = (CONDUCTING, ISOLATED, INTERSTITIAL, SECOND, SECOND_ISOLATED)
"""The same, by the number of :func:`states`."""

TOP, BOTTOM = "#c9a96a", "#a9adb3"
"""Colours of the electrodes."""

REGIONS = ("#2a8f7a", "#7a5ea8", "#b07a1e", "#4f7d2e")
"""Colours of regions of layers, in turn."""

DEFECT_RADIUS, BOND_RADIUS = 0.34, 0.11
"""In lattice spacings: of a defect, and of what joins two neighbours that conduct."""


def states(
    conducting: NDArray[np.bool_], species: NDArray[np.integer], kinds: int = 1
) -> NDArray[np.int8]:
    """Return what each defect is drawn as: 0 in the network, 1 outside of it, 2 an interstitial.

    Of ``kinds`` 2, the first two species conduct, and 3 and 4 are those of the second.
    """
    own = np.where(np.asarray(species) > 0, 3, 0) + np.where(conducting, 0, 1)
    return np.where(np.asarray(species) >= kinds, 2, own).astype(np.int8)
