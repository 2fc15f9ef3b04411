"""Noise laws of two states, and a table of traps drawn from one."""

import numpy as np
import xarray as xr

from frenkel.cells.noise import RelaxationLaw, RelaxationState, RtnLaw, RtnState

RTN = RtnLaw(
    states=(
        RtnState(
            name="hrs", conductance=1e-5, traps=2.0, dispersion=1.5, amplitude=(-1.5, 0.4), high=(-3.0, 1.0),
            low=(-4.0, 1.2), correlation=0.6, noise=0.01,
        ),
        RtnState(
            name="lrs", conductance=1e-4, traps=1.0, dispersion=1.0, amplitude=(-3.0, 0.5), high=(-2.0, 1.0),
            low=(-2.0, 1.0), correlation=0.6, noise=0.002,
        ),
    ),
    temperature=300.0, activation=0.5, voltage=0.1, window=(1e-4, 1.0),
)  # fmt: skip
ONE_KIND = RtnLaw(
    states=(
        RtnState(
            name="all", conductance=1e-5, traps=1.5, dispersion=1.0, amplitude=(-2.0, 0.5),
            high=(0.0, 1.0), low=(0.0, 1.0),
        ),
    ),
    activation=0.6,
)  # fmt: skip
RELAXATION = RelaxationLaw(
    states=(
        RelaxationState(name="hrs", conductance=1e-5, location=(-0.02, -0.01), spread=(0.1, 0.02)),
        RelaxationState(name="lrs", conductance=1e-4, location=(0.0, -0.005), spread=(0.03, 0.004)),
    ),
    reference=1.0, times=(1.0, 1e5), forgetting=0.1, activation=1.0,
)  # fmt: skip


def made_up_table(law, devices, seed):
    """Return a table of traps drawn from a law, half of the devices in each state."""
    random = np.random.default_rng(seed)
    conductance = np.repeat([state.conductance for state in law.states], devices // 2)
    traps = law.draw(conductance, random)
    return xr.Dataset(
        {
            "state": ("device", np.repeat([state.name for state in law.states], devices // 2)),
            "number": ("device", np.bincount(traps.cell, minlength=devices).astype(float)),
            "current": ("device", conductance * law.voltage),
            "noise": ("device", law.noise(conductance) * conductance * law.voltage),
            "trap_device": ("trap", traps.cell),
            "amplitude": ("trap", traps.amplitude),
            "high": ("trap", traps.high),
            "low": ("trap", traps.low),
            "step": ((), law.window[0]),
            "length": ((), law.window[1]),
        }
    )
