"""A small device under test, and what validation reads of it beside `frenkel.calibration.cell`."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
from cell import snapshot
from scipy.sparse.csgraph import connected_components

from frenkel.analysis.results.filament import LINK, distances, longest_jump
from frenkel.calibration.cell import FAILED, HALF, READ, Cell, OutOfBudget, Setting, Watch
from frenkel.kinetic.lattice.species import VACANCY
from frenkel.kinetic.materials.material import Material

__all__ = ["FAILED", "HALF", "READ", "Cell", "OutOfBudget", "Setting", "Watch"]


def material_of(material, numbers=None):
    """Return a material set, given as itself, by name or by path, with some of its numbers replaced."""
    found = Material.find(material) if isinstance(material, str) else material
    return found.with_values(dict(numbers)) if numbers else found


def devices(material, seeds, numbers=None):
    """Return material and seed of each device; a list has a material for each seed."""
    if isinstance(material, list):
        return list(zip([material_of(one, numbers) for one in material], seeds, strict=True))
    found = material_of(material, numbers)
    return [(found, seed) for seed in seeds]


def gaps(device):
    """Return missing layers between what is attached to the top and to the bottom electrode.

    Hanging and standing are conducting vacancies linked to the electrode; what floats between them does not
    count. The second number is that of layers passed over in the longest jump of the easiest path between the
    electrodes, floating vacancies included.
    """
    shot = snapshot(device)
    place, layers = shot.position[shot.conducting], shot.shape[2]
    height = np.rint(place[:, 2] / shot.spacing).astype(int) - 1
    linked = distances(place, shot.spacing, shot.shape, shot.periodic) <= LINK
    label = connected_components(linked, directed=False)[1]
    hanging, standing = (np.isin(label, label[height == end]) for end in (layers - 1, 0))
    missing = min(height[hanging], default=layers) - max(height[standing], default=-1) - 1
    return max(int(missing), 0), longest_jump(shot).length / shot.spacing - 1.0


def vacancies(device):
    """Return the number of vacancies."""
    return device.count(VACANCY.code)


def for_each(measure, seeds, workers, *arguments, **options):
    """Return what a measurement of one device gives for each seed, in processes if ``workers`` is given."""
    call = partial(measure, *arguments, **options)
    if not workers:
        return [call(seed) for seed in seeds]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(call, seeds))
