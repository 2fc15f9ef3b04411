"""Cards for simulators of learning: a module for aihwkit, a device class for CrossSim, numbers for NeuroSim.

Both modules carry the law as arrays, and :mod:`frenkel.analysis.exports.exported` and
:mod:`frenkel.cells.gap_law`, which draw from it with numpy. Layers of relaxation and of telegraph noise, if
the card has them, come along with :mod:`frenkel.cells.noise`.
"""

import inspect
import pprint
from dataclasses import asdict
from typing import Any

import numpy as np

from ... import units
from ...cells import gap_law
from ...cells import noise as card_noise
from ...cells.card import Card
from ...cells.core import GapCore, middle
from ..reliability.pulse_trains import TrainStatistics, statistics
from . import exported
from .templates import fill, made_for, signature

LINE = 100

FLOATS = "Floats = np.ndarray[Any, np.dtype[np.float64]]"
STANDALONE = {
    "from ..typing import Floats, Index": f"{FLOATS}\nIndex = np.ndarray[Any, np.dtype[np.intp]]",
    "from ..typing import Floats": FLOATS,
    "from ..units import BOLTZMANN_EV": f"BOLTZMANN_EV = {units.BOLTZMANN_EV!r}  # eV/K",
}
"""Imports of what goes along, and what stands for them where frenkel is not installed."""


def arrays(card: Card) -> dict[str, Any]:
    """Return the law of a card as arrays, for :func:`frenkel.analysis.exports.exported.Cells`.

    The tables of quantiles have their straight ends written out, ten scores far.
    """
    knots = np.array([card.scores[0] - 10.0, *card.scores, card.scores[-1] + 10.0])
    return {
        "names": np.array(card.names),
        "logarithmic": np.array([feature.transform == "log" for feature in card.features]),
        "signs": np.array([feature.sign for feature in card.features]),
        "scores": knots,
        "quantiles": np.array([card.quantile(i, knots) for i in range(len(card.features))]),
        "ranks": np.array([feature.ranks for feature in card.features]),
        "levels": np.array([feature.levels for feature in card.features]),
        "weights": card.weights,
        "means": card.means,
        "roots": np.array([np.linalg.cholesky(c) for c in card.covariances]),
        "coefficients": card.coefficients,
        "innovation_root": np.linalg.cholesky(card.innovation),
        "start_root": np.linalg.cholesky(card.stationary()) if len(card.coefficients) else np.zeros((0, 0)),
    }


def window(card: Card) -> tuple[float, float]:
    """Return the conductances of the average device in HRS and in LRS (S).

    Raises
    ------
    ValueError
        The card lacks one of the two, or they are not in this order.
    """
    inner, ohms = middle(card), [feature.name for feature in card.features if feature.unit == "ohm"]
    conductance = {name: 1.0 / inner[name] for name in ("hrs", "lrs") if name in ohms}
    if len(conductance) < 2:
        raise ValueError(
            f"an export for learning needs hrs and lrs in ohm, card {card.name} has {', '.join(card.names)}"
        )
    if not 0.0 < conductance["hrs"] < conductance["lrs"]:
        raise ValueError(f"card {card.name} has no window: hrs must be above lrs, above 0 ohm, on average")
    return conductance["hrs"], conductance["lrs"]


def to_aihwkit(card: Card, number: int = 64) -> str:
    """Return a Python module with ``FrenkelNoiseModel`` and, if the card has a core, ``FrenkelDevice``.

    Parameters
    ----------
    card : Card
    number : int
        Of pulses from one end to the other, for the training device.

    Raises
    ------
    ValueError
        The card has no HRS and LRS.
    """
    off, on = window(card)
    law = arrays(card) | {"range": np.array([off, on])}
    device = ""
    if card.core:
        pulsed = statistics(card, number)
        law |= {"core": GapCore.of(card).row(), "pulses": pulsed.pulses.row()}
        law |= {"up": pulsed.up, "down": pulsed.down, "mean_range": np.array([pulsed.least, pulsed.most])}
        device = fill("aihwkit_device.py", **_device_fields(pulsed), **asdict(pulsed.pulses))
    return fill("aihwkit.py", **_common(card, law), least=off * 1e6, most=on * 1e6) + device


def to_crosssim(card: Card) -> str:
    """Return a Python module with the device class ``FrenkelCell``.

    Raises
    ------
    ValueError
        The card has no HRS and LRS.
    """
    off, on = window(card)
    law = arrays(card) | {"range": np.array([off, on])}
    current = ""
    if card.core:
        core = GapCore.of(card)
        current = fill("crosssim_current.py", scale=core.voltage_scale, read=core.read_voltage)
    return fill("crosssim.py", **_common(card, law), least=1.0 / on, most=1.0 / off) + current


def to_neurosim(card: Card, number: int = 64) -> str:
    """Return a block of parameters for NeuroSim, with how well its laws fit.

    Raises
    ------
    ValueError
        No core.
    """
    s = statistics(card, number)
    fields = asdict(s) | asdict(s.pulses)
    fields |= {"a_up": s.a_up * number, "a_down": s.a_down * number, "ratio": s.most / s.least}
    fields |= {"on": 1.0 / s.most, "off": 1.0 / s.least, "read": GapCore.of(card).read_voltage}
    heading = header(card).replace("\n", "\n# ")
    return fill("neurosim.txt", **fields, header=heading, bits=int(np.log2(number)))


def header(card: Card) -> str:
    """Return which card an export was made from, and what it was made for."""
    return f"{signature(card)}\n{made_for(card)}"


def _device_fields(found: TrainStatistics) -> dict[str, Any]:
    """Return the fields of a piecewise step device: weights from -1 to 1 are mean conductances."""
    span = found.most - found.least
    weight = 2.0 * (found.bounds - found.least) / span - 1.0
    nodes_up, nodes_down = (2.0 * nodes for nodes in (found.up, found.down))
    mean = float(np.mean([nodes_up, nodes_down]))
    scale = found.scales
    return {
        "low": float(weight[:, 0].mean()),
        "high": float(weight[:, 1].mean()),
        "low_spread": float(weight[:, 0].std() / abs(weight[:, 0].mean())),
        "high_spread": float(weight[:, 1].std() / abs(weight[:, 1].mean())),
        "step": mean,
        "up": [round(float(x), 9) for x in nodes_up / mean],
        "down": [round(float(x), 9) for x in nodes_down / mean],
        "step_spread": float(np.std(scale.mean(axis=1) / scale.mean())),
        "noise": found.noise,
    }


def _common(card: Card, law: dict[str, Any]) -> dict[str, str]:
    """Return the fields that both modules have."""
    return {
        "header": header(card), "runtime": _runtime(card), "law": _literal(law), "noise": _noise(card),
    }  # fmt: skip


def _literal(law: dict[str, Any]) -> str:
    return pprint.pformat(
        {name: value.tolist() for name, value in law.items()}, width=LINE, compact=True, sort_dicts=False
    )


def _runtime(card: Card) -> str:
    """Return the source that draws: numpy only, imports of frenkel replaced."""
    texts = [inspect.getsource(exported), inspect.getsource(gap_law)]
    if card.rtn_law is not None or card.relaxation_law is not None:
        texts.append(inspect.getsource(card_noise))
    for ours, plain in STANDALONE.items():
        texts = [text.replace(ours, plain) for text in texts]
    # Each brings its docstring along; the imports come again, which does no harm.
    return "\n\n".join(texts)


def _noise(card: Card) -> str:
    lines = []
    for name, kind, law in (
        ("RELAXATION", "RelaxationLaw", card.relaxation_law),
        ("RTN", "RtnLaw", card.rtn_law),
    ):
        if law is None:
            lines.append(f"{name} = None")
        else:
            data = pprint.pformat(law.to_dict(), width=LINE, compact=True, sort_dicts=False)
            lines.append(f"{name} = {kind}.from_dict({data})")
    return "\n".join(lines)
