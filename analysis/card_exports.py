"""Cards for other programs: a sampler for numpy, Verilog-A, an ngspice subcircuit, sources that draw cycles.

The circuit models are plain rate equations: the state on an internal node as an offset from an instance
parameter, no random numbers, no events, nothing kept in a variable, every exponential finite at any iterate.
Beyond a gap limit the motion turns round, so that a solver whose step was too long for an abrupt edge comes
back. Devices differ by the instance parameters ``lnhrs``, ``lnlrs``, ``vset``, ``vreset``; cycles by voltages
of the terminals h, l, s and r against ground, which are added to them. Grounded, they leave a cell without
variability. :func:`sources` writes piecewise linear sources that draw them from the card.
"""

import inspect
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..card import Array, Card, CardWarning
from . import store
from .gap_core import GapCore

FORMATS = {"npz": ".npz", "verilog-a": ".va", "ngspice": ".sub"}
"""Formats and the endings of their files."""


def export(card: Card, form: str, path: str | Path, *, force: bool = False) -> Path:
    """Write a card in another format.

    Parameters
    ----------
    card : Card
    form : str
        One of :data:`FORMATS`.
    path : path
    force : bool
        Whether to replace a file.

    Raises
    ------
    ValueError
        Unknown format, or the card has no core for a circuit.
    StoreError
        The file exists.
    """
    if form not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {form!r}")
    if form == "npz":
        return save_npz(card, path, force=force)
    text = to_verilog_a(card) if form == "verilog-a" else to_ngspice(card)
    return store.write_bytes(text.encode(), store.writable(path, force=force))


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
    found = {}
    for i, name in enumerate(law["names"]):
        inner = np.interp(z[:, p:, i], law["scores"], law["quantiles"][i])
        value = device[:, i, None] + np.exp(device[:, k + i, None]) * inner
        found[str(name)] = law["signs"][i] * (np.exp(value) if law["logarithmic"][i] else value)
    return found


def save_npz(card: Card, path: str | Path, *, force: bool = False) -> Path:
    """Write the arrays of a card and the source of :func:`sample`, which needs numpy only.

    The entry ``python`` is that source; ``law = numpy.load(file)``, ``exec(str(law["python"]))`` and
    ``sample(law, devices, cycles, seed)`` draw. The tables of quantiles are written with their straight ends.
    """
    target = store.writable(path, force=force)
    far = np.array([card.scores[0] - 10.0, *card.scores, card.scores[-1] + 10.0])
    text = inspect.getsource(sample).replace("Mapping[str, Any]", "dict").replace("dict[str, Any]", "dict")
    with target.open("wb") as file:
        np.savez(
            file,
            names=np.array(card.names),
            units=np.array([feature.unit for feature in card.features]),
            logarithmic=np.array([feature.transform == "log" for feature in card.features]),
            signs=np.array([feature.sign for feature in card.features]),
            scores=far,
            quantiles=np.array([card.quantile(i, far) for i in range(len(card.features))]),
            weights=card.weights,
            means=card.means,
            roots=np.array([np.linalg.cholesky(c) for c in card.covariances]),
            coefficients=card.coefficients,
            innovation_root=np.linalg.cholesky(card.innovation),
            start_root=np.linalg.cholesky(card.stationary()) if len(card.coefficients) else np.zeros((0, 0)),
            validity=np.array(json.dumps({k: list(v) for k, v in card.validity.items()})),
            source=np.array(f"card {card.name} {card.version} {card.to_dict()['checksum']}"),
            python=np.array("import numpy as np\n\n\n" + text),
        )
    return target


def to_verilog_a(card: Card) -> str:
    """Return a Verilog-A module ``frenkel_cell(p, n, h, l, s, r)``.

    Raises
    ------
    ValueError
        The card has no core.
    """
    core, middle = GapCore.of(card), _middle(card)
    return VERILOG_A.format(header=_header(card, "//"), **_numbers(core), **middle)


def to_ngspice(card: Card) -> str:
    """Return an ngspice subcircuit ``frenkel_cell p n h l s r``, the equations of :func:`to_verilog_a`.

    Raises
    ------
    ValueError
        The card has no core.
    """
    core, middle = GapCore.of(card), _middle(card)
    return NGSPICE.format(header=_header(card, "*"), **_numbers(core), **middle)


def sources(card: Card, times: Array, seed: int, *, device: int = 0, prefix: str = "") -> tuple[str, Any]:
    """Return piecewise linear sources that draw the cycles of one device, and what they draw.

    Parameters
    ----------
    card : Card
    times : ndarray
        When each cycle begins [s], ascending; the device must be at 0 V then, so that nothing moves.
    seed, device : int
        Device of ``card.sample(device + 1, len(times), seed)``.
    prefix : str
        Of the names of sources and nodes.

    Returns
    -------
    text : str
        Sources of the nodes h, l, s and r (with the prefix), for instance parameters at their defaults.
    drawn : dict of str to ndarray
        The features of each cycle.
    """
    begin = np.asarray(times, float)
    if begin.ndim != 1 or begin.size < 1 or np.any(np.diff(begin) <= 0):
        raise ValueError("times must be one row of ascending values in s")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CardWarning)
        whole = card.sample(device + 1, begin.size, seed)
    drawn = {name: values[device] for name, values in whole.items()}
    GapCore.of(card).cells(drawn)
    middle = _middle(card)
    offsets = {
        "h": np.log(drawn["hrs"]) - middle["lnhrs"],
        "l": np.log(drawn["lrs"]) - middle["lnlrs"],
        "s": drawn["set_voltage"] - middle["vset"],
        "r": -drawn["reset_voltage"] - middle["vreset"],
    }
    # A thousandth of the shortest cycle for each step.
    rise = 1e-3 * float(np.diff(begin).min(initial=1.0))
    lines = []
    for name, values in offsets.items():
        points = [f"{begin[0]:.9g} {values[0]:.9g}"]
        for t, old, new in zip(begin[1:], values[:-1], values[1:], strict=True):
            points += [f"{t - rise:.9g} {old:.9g}", f"{t:.9g} {new:.9g}"]
        body = " ".join(points) if len(points) > 1 else None
        value = f"pwl({body})" if body else f"dc {values[0]:.9g}"
        lines.append(f"v{prefix}{name} {prefix}{name} 0 {value}")
    return "\n".join(lines) + "\n", drawn


def _middle(card: Card) -> dict[str, float]:
    """Return the instance parameters of the average device: where its scores are 0."""
    mean = card.weights @ card.means
    k, zero = len(card.features), np.zeros(1)
    found = {}
    keys = {"hrs": "lnhrs", "lrs": "lnlrs", "set_voltage": "vset", "reset_voltage": "vreset"}
    for i, feature in enumerate(card.features):
        if feature.name in keys:
            inner = float(mean[i] + np.exp(mean[k + i]) * card.quantile(i, zero)[0])
            size = abs(float(feature.backward(np.array(inner))))
            found[keys[feature.name]] = float(np.log(size)) if feature.unit == "ohm" else size
    return found


def _numbers(core: GapCore) -> dict[str, float]:
    """Return the parameters of the core in the units of the circuit models: lengths in nm."""
    sinh = np.sinh(core.read_voltage / core.voltage_scale)
    return {
        "i0": core.current_prefactor,
        "v0": core.voltage_scale,
        "g0": core.gap_scale * 1e9,
        "drive": core.drive,
        "sramp": core.set_ramp,
        "rramp": core.reset_ramp,
        "lnk": float(np.log(core.current_prefactor * sinh / core.read_voltage)),
        "edge": core.edge * 1e9,
    }


def _header(card: Card, mark: str) -> str:
    box = ", ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in card.validity.items()) or "none"
    lines = [
        f"frenkel_cell: card {card.name} {card.version}, checksum {card.to_dict()['checksum']}",
        "I = i0 exp(-g/g0) sinh(v/v0); the gap g [nm] closes for v(p,n) > 0 and opens below 0",
        "Devices: instance parameters. Cycles: v(h) and v(l) are added to lnhrs and lnlrs (ln of ohm), v(s)",
        "and v(r) to vset and vreset (V, both positive). They may change while v(p,n) = 0 only.",
        f"Made for: {box}",
    ]
    return "\n".join(f"{mark} {line}" for line in lines)


VERILOG_A = """{header}
`include "constants.vams"
`include "disciplines.vams"
module frenkel_cell(p, n, h, l, s, r);
  inout p, n, h, l, s, r; electrical p, n, h, l, s, r; electrical y;
  parameter real i0={i0:.9g}; parameter real v0={v0:.9g}; parameter real g0={g0:.9g};
  parameter real drive={drive:.9g}; parameter real sramp={sramp:.9g}; parameter real rramp={rramp:.9g};
  parameter real lnk={lnk:.12g}; parameter real rim={edge:.9g};
  parameter real rmax=1e10; parameter real tau=1e-6;
  (*type="instance"*) parameter real lnhrs={lnhrs:.12g};
  (*type="instance"*) parameter real lnlrs={lnlrs:.12g};
  (*type="instance"*) parameter real vset={vset:.9g};
  (*type="instance"*) parameter real vreset={vreset:.9g};
  (*type="instance"*) parameter real gini={g0:.9g}*({lnlrs:.12g}+{lnk:.12g});
  (*desc="gap", units="nm"*) real g;
  real gc, v, gmin, gmax, us, ur, vels, velr, x, room, rate;
  analog function real sc; input x, a, b; real x, a, b; sc = min(max(x, a), b); endfunction
  analog function real lsinh; input u, um; real u, um, a;
    begin a = min(max(u, -um), um); lsinh = sinh(a) + cosh(a)*(u - a); end
  endfunction
  analog begin
    v = V(p, n);
    g = gini - V(y);
    gmax = g0*(lnhrs + V(h) + lnk);
    gmin = g0*(lnlrs + V(l) + lnk);
    us = sc(drive*(vset + V(s)), 0.1, 100);
    ur = sc(vreset + V(r), 0.01, 10);
    vels = drive*sramp*0.5*(gmax - gmin)/(cosh(us) - 1);
    velr = rramp*g0/v0/tanh(ur/v0)/sinh(sc(drive*ur, 0.1, 100));
    gc = sc(g, gmin - 2, gmax + 2);
    x = sinh(sc(drive*v, -100, 100));
    room = v > 0 ? sc((g - gmin)/rim, -1, 1) : sc((gmax - g)/rim, -1, 1);
    rate = sc(x*(v > 0 ? vels : velr)*room, -rmax, rmax);
    I(p, n) <+ i0*exp(-gc/g0)*lsinh(v/v0, 10) + 1e-12*v;
    I(y) <+ tau*ddt(V(y)) + 1e-15*V(y) - tau*rate;
  end
endmodule
"""

NGSPICE = """{header}
.subckt frenkel_cell p n h l s r lnhrs={lnhrs:.12g} lnlrs={lnlrs:.12g} vset={vset:.9g} vreset={vreset:.9g}
+ gini={{{g0:.9g}*({lnlrs:.12g}+{lnk:.12g})}} tau=1e-6 rmax=1e10
bmax gmax 0 v={g0:.9g}*({{lnhrs}}+v(h)+{lnk:.12g})
bmin gmin 0 v={g0:.9g}*({{lnlrs}}+v(l)+{lnk:.12g})
bus us 0 v=min(max({drive:.9g}*({{vset}}+v(s)),0.1),100)
bur ur 0 v=min(max({{vreset}}+v(r),0.01),10)
bvels vels 0 v={drive:.9g}*{sramp:.9g}*0.5*(v(gmax)-v(gmin))/(cosh(v(us))-1)
bvelr velr 0 v={rramp:.9g}*{g0:.9g}/{v0:.9g}/tanh(v(ur)/{v0:.9g})/sinh(min(max({drive:.9g}*v(ur),0.1),100))
cy y 0 {{tau}}
ry y 0 1e15
by 0 y i={{tau}}*min(max(sinh(min(max({drive:.9g}*v(p,n),-100),100))*(v(p,n) > 0 ?
+ v(vels)*min(max(({{gini}}-v(y)-v(gmin))/{edge:.9g},-1),1) :
+ v(velr)*min(max((v(gmax)-{{gini}}+v(y))/{edge:.9g},-1),1)),-{{rmax}}),{{rmax}})
bi p n i={i0:.9g}*exp(-min(max({{gini}}-v(y),v(gmin)-2),v(gmax)+2)/{g0:.9g})
+ *(sinh(min(max(v(p,n)/{v0:.9g},-10),10))+cosh(min(max(v(p,n)/{v0:.9g},-10),10))
+ *(v(p,n)/{v0:.9g}-min(max(v(p,n)/{v0:.9g},-10),10)))+1e-12*v(p,n)
.ends
"""
