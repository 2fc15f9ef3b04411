"""Cells of electrochemical metallisation: making them, holding them, and how far the metal reaches."""

import numpy as np
from scipy.ndimage import label

from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.run import EventBudgetError
from frenkel.kinetic.waveform import Waveform
from frenkel.units import CONDUCTANCE_QUANTUM

G0 = CONDUCTANCE_QUANTUM


def cell(material, layers, seed, *, width=8, **circuit):
    """Return a fresh cell of a number of layers."""
    spacing = material.lattice.spacing
    return Device(
        material, layers * spacing, width * spacing, circuit=Circuit(**circuit), seed=seed, cache=8192
    )


def hold(device, waveform, until=None, budget=20_000, samples=2):
    """Advance until a condition on the conductance (G0) holds; return the time taken and why it ended."""
    began = device.time
    stop = None if until is None else lambda at, _: until(at.solved().conductance / G0)
    try:
        device.advance(waveform, samples=samples, stop=stop, budget=budget)
    except EventBudgetError:
        return device.time - began, "budget"
    met = until is not None and until(device.conductance / G0)
    return device.time - began, "met" if met else "time"


def fronts(device):
    """Return how many layers the metal reaches from the cathode and from the anode."""
    metal = (device.engine.species[: device.n_hosts] == 1).reshape(device.shape)
    parts, _ = label(metal, structure=np.ones((3, 3, 3)))
    reach = []
    for layer, depth in ((0, lambda z: z.max() + 1), (-1, lambda z: device.shape[2] - z.min())):
        touching = np.setdiff1d(parts[:, :, layer], [0])
        z = np.nonzero(np.isin(parts, touching))[2] if touching.size else np.zeros(0)
        reach.append(int(depth(z)) if z.size else 0)
    return reach


def lifetime(device, budget, limit=1e6):
    """Return the time (s) at 0 V until the conductance is below 0.1 G0, and whether it was reached."""
    needed, why = hold(device, Waveform.constant(0.0, limit), lambda g: g < 0.1, budget=budget)
    return needed, why == "met"


def retracted(device, layers=4):
    """Let the filament dissolve at 0 V until it is short and insulated."""

    def short(at, _):
        return at.conductance < 1e-9 * G0 and fronts(at)[0] <= layers

    try:
        device.advance(Waveform.constant(0.0, 1.0), samples=2, stop=short, budget=40_000)
    except EventBudgetError:
        pass  # what is there then is measured
