"""Cards for other programs: one file each, with the law of the card in the form that the program reads.

Every target draws the law of :meth:`frenkel.cells.card.Card.sample`, which
:mod:`frenkel.analysis.exports.law_equality` tests; what a target cannot draw stands in docs/exports.md.
"""

import inspect
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ... import plugins
from ...cells._jump_law import carry_fraction
from ...cells.card import Card
from ...cells.jumps import NEAR_LEVEL, NEAR_RATE, SCALES
from ...checks import one_of
from ...data import store
from ...escape import line
from ...progress import quiet
from . import circuit_chain, exported_jumps
from . import learning as exports_learning
from .circuit import ExportDraws, cycles_subcircuits, draw, sources, to_ngspice, to_vacask, to_verilog_a
from .learning import to_aihwkit, to_crosssim, to_neurosim
from .templates import signature

__all__ = [
    "FORMATS",
    "ExportDraws",
    "draw",
    "ending",
    "export",
    "sample",
    "sources",
    "to_aihwkit",
    "to_crosssim",
    "to_neurosim",
    "to_ngspice",
    "to_npz",
    "to_vacask",
    "to_verilog_a",
]

FORMATS = {
    "npz": ".npz",
    "verilog-a": ".va",
    "ngspice": ".sub",
    "vacask": ".sim",
    "aihwkit": ".py",
    "crosssim": ".py",
    "neurosim": ".txt",
    "jumps-ngspice": ".sub",
    "jumps-verilog-a": ".va",
}
"""Formats and the endings of their files."""

DRAWING = ("ngspice", "vacask", "jumps-ngspice", "jumps-verilog-a")
"""Formats that can hold drawn cycles."""


def ending(form: str) -> str:
    """Return the ending of the files of a format, of this package or another one (its ``ending``)."""
    if form in FORMATS:
        return FORMATS[form]
    return str(getattr(plugins.find("exports", form), "ending", ".txt"))


def export(
    card: Card,
    form: str,
    path: str | Path,
    *,
    force: bool = False,
    draws: ExportDraws | None = None,
    pulses: int = 64,
    progress: circuit_chain.Progress = quiet,
) -> Path:
    """Write a card in another format.

    Parameters
    ----------
    card : Card
    form : str
        One of :data:`FORMATS`, or an entry point "frenkel.exports" of another package.
    path : path
    force : bool
        Whether to replace a file.
    draws : ExportDraws, optional
        Devices and cycles to draw into a circuit, see :data:`DRAWING`.
    pulses : int
        From one end to the other, for aihwkit and NeuroSim.
    progress : callable, optional
        Is told the share that is done, 0 to 1, and what is being done: of chains, which take seconds each.

    Raises
    ------
    ValueError
        Unknown format; the card has no core for a circuit, or no window; drawn cycles for another format.
    StoreError
        The file exists or cannot be written.
    """
    other = None if form in FORMATS else plugins.find("exports", form)
    if other is None:
        one_of("format", form, FORMATS)
    if draws is not None and form not in DRAWING:
        raise ValueError(f"devices and cycles can be drawn into {', '.join(DRAWING)}, not into {form}")
    target = store.writable(path, force=force)
    makers: dict[str, Callable[[], bytes | str]] = {
        "npz": lambda: to_npz(card),
        "verilog-a": lambda: to_verilog_a(card),
        "ngspice": lambda: to_ngspice(card) + (cycles_subcircuits(card, draws) if draws else ""),
        "vacask": lambda: to_vacask(card, draws),
        "aihwkit": lambda: to_aihwkit(card, pulses).replace("THIS_FILE", line(target.stem)),
        "crosssim": lambda: to_crosssim(card).replace("THIS_FILE", line(target.stem)),
        "neurosim": lambda: to_neurosim(card, pulses),
        "jumps-ngspice": lambda: circuit_chain.to_ngspice(card, draws, progress),
        "jumps-verilog-a": lambda: circuit_chain.to_verilog_a(card, draws, progress),
    }
    content = makers[form]() if other is None else other(card)
    return store.write_bytes(content if isinstance(content, bytes) else content.encode(), target)


def sample(law: Mapping[str, Any], devices: int, cycles: int, seed: int) -> dict[str, Any]:
    """Draw devices and cycles from the arrays of a file; the same numbers as the card draws."""
    random = np.random.default_rng(seed)
    k, p = len(law["names"]), len(law["coefficients"])
    component = random.choice(len(law["weights"]), size=devices, p=law["weights"] / law["weights"].sum())
    noise = random.standard_normal((devices, 2 * k))
    device = law["means"][component] + np.einsum("dij,dj->di", law["roots"][component], noise)
    z = np.empty((devices, p + cycles, k))
    z[:, p:] = random.standard_normal((devices, cycles, k)) @ law["innovation_root"].T
    if p:
        start = random.standard_normal((devices, p * k)) @ law["start_root"].T
        z[:, :p] = start.reshape(devices, p, k)[:, ::-1]
    for c in range(p, p + cycles):
        for i in range(p):
            z[:, c] += z[:, c - 1 - i] @ law["coefficients"][i].T
    sampled = {}
    for i, name in enumerate(law["names"]):
        inner = np.interp(z[:, p:, i], law["scores"], law["quantiles"][i])
        value = device[:, i, None] + np.exp(device[:, k + i, None]) * inner
        if law["ranks"].size:
            value = np.interp(value, law["ranks"][i], law["levels"][i])
        sampled[str(name)] = law["signs"][i] * (np.exp(value) if law["logarithmic"][i] else value)
    return sampled


def to_npz(card: Card) -> bytes:
    """Return the arrays of a card and the source of :func:`sample`, which needs numpy only, as a .npz file.

    The entry ``python`` is that source; ``law = numpy.load(file)``, ``exec(str(law["python"]))`` and
    ``sample(law, devices, cycles, seed)`` draw. The tables of quantiles are written with their straight ends.
    A card with a jump-process model has its arrays too, with ``jumps.`` before their names. ``python_jumps``
    the class :class:`.exported_jumps.Jumping`, which takes them without that.
    """
    text = inspect.getsource(sample).replace("Mapping[str, Any]", "dict").replace("dict[str, Any]", "dict")
    file = io.BytesIO()
    np.savez(
        file,
        **exports_learning.arrays(card),
        units=np.array([feature.unit for feature in card.features]),
        validity=np.array(json.dumps({k: list(v) for k, v in card.validity.items()})),
        source=np.array(signature(card)),
        python=np.array("import numpy as np\n\n\n" + text),
        **jump_arrays(card),
    )
    return file.getvalue()


def jump_arrays(card: Card) -> dict[str, Any]:
    """Return the jump-process model of a card as a file has it; nothing where there is none."""
    law = card.jump_law
    if law is None:
        return {}
    names = ["grid", "temperatures", "level", "kind", "before", "after", "jump_voltage", "neighbours"]
    names += ["carry", "voltages", "current", "read_voltage"]
    arrays = {name: np.asarray(getattr(law, name)) for name in names}
    arrays |= {
        "rest_carry": carry_fraction(law, np.zeros(())),
        "log_rates": np.stack([law.log_rates(float(heat)) for heat in law.temperatures]),
        "scales": np.array([np.inf if x is None else x for x in (getattr(law, name) for name in SCALES)]),
        "marks": np.array([NEAR_LEVEL, *[NEAR_RATE] * 3]),
    }
    named = {f"jumps.{name}": values for name, values in arrays.items()}
    return named | {"python_jumps": np.array(inspect.getsource(exported_jumps))}
