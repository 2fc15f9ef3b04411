"""Commands of the command line for cards: fit one to an ensemble, look at it, judge it, export it."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .analysis.gate import Row
    from .analysis.observations import Observations
    from .card import Card

Add = Callable[[Any, str, Callable[[argparse.Namespace], int | None], str, str], argparse.ArgumentParser]

FORMATS = ("npz", "verilog-a", "ngspice")
"""As :data:`frenkel.analysis.card_exports.FORMATS`, which is not imported for --help."""


def add_commands(commands: Any, add: Add) -> None:
    """Add "fit", "gate" and "card" to the parser of commands."""
    _add_fit(commands, add)
    parser = add(
        commands,
        "gate",
        _gate,
        "compare a card with devices that it was not fitted to",
        "frenkel gate hfo2.card.json other.nc",
    )
    parser.add_argument("card", type=Path, metavar="CARD.json")
    parser.add_argument("data", type=Path, metavar="ENSEMBLE", help="other devices: .nc or .csv")
    parser.add_argument("--seed", type=int, default=0, help="of the splits (default: 0)")
    parser = add(
        commands,
        "card",
        _card,
        "print what is in a card, draw from it, or write it for another program",
        "frenkel card hfo2.card.json --to verilog-a -o hfo2.va",
    )
    parser.add_argument("card", type=Path, metavar="CARD.json")
    parser.add_argument("--to", choices=FORMATS, help="format to write it in")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="default: the name of the card")
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def _add_fit(commands: Any, add: Add) -> None:
    parser = add(
        commands,
        "fit",
        _fit,
        "fit a statistical compact model to an ensemble and judge it by devices that were held out",
        'frenkel fit ensemble.nc -o hfo2.card.json --drive "13 1/V"',
    )
    parser.add_argument(
        "data", type=Path, metavar="ENSEMBLE", help=".nc, or .csv: device, cycle, name [unit]"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="CARD.json", required=True)
    parser.add_argument("--name", help="of the card (default: that of the file)")
    parser.add_argument("--features", metavar="A,B", help="variables to fit (default: hrs, lrs, voltages)")
    parser.add_argument(
        "--held-out", type=float, default=0.3, metavar="FRACTION", help="of the devices (default: 0.3)"
    )
    parser.add_argument("--bootstrap", type=int, default=100, help="refits for intervals (default: 100)")
    parser.add_argument("--components", type=int, default=4, help="at most, of the mixture (default: 4)")
    parser.add_argument("--seed", type=int, default=0)
    group = parser.add_argument_group("for exports to circuits (default: from the protocol of the ensemble)")
    group.add_argument("--set-ramp", metavar="RATE", help='such as "0.1 MV/s"')
    group.add_argument("--reset-ramp", metavar="RATE", help='such as "0.1 MV/s"')
    group.add_argument("--read-voltage", metavar="VOLTAGE", help='such as "0.1 V"')
    group.add_argument(
        "--drive",
        type=float,
        metavar="NUMBER",
        help="slope of ln(SET time) against voltage [1/V]; default 13",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing card")


def _fit(options: argparse.Namespace) -> int:
    from dataclasses import replace

    from .analysis import card_schema, gate, statistical_model, store

    if options.output.suffix != ".json":
        raise ValueError(f"--output must end in .json, got {str(options.output)!r}")
    store.writable(options.output, force=options.force)
    whole, protocol = _observations(options.data, options.features)
    training, held_out = whole.split(1.0 - options.held_out, options.seed)
    settings = statistical_model.FitOptions(
        components=options.components, bootstrap=options.bootstrap, seed=options.seed
    )
    validity, core = _protocol(options, protocol)
    card = statistical_model.fit(
        training,
        options.name or options.data.stem,
        settings,
        validity=validity,
        core=core,
        provenance=protocol,
    )
    rows = gate.judge(held_out, card, seed=options.seed)
    card = replace(card, gate=tuple(row.to_dict() for row in rows))
    card_schema.save(card, options.output, force=options.force)
    print(_gate_table(rows))
    print(f"wrote {options.output}")
    return 0 if gate.passed(rows) else 1


def _gate(options: argparse.Namespace) -> int:
    from .analysis import gate
    from .card import Card

    card = Card.load(options.card)
    held_out, _ = _observations(options.data, ",".join(card.names))
    rows = gate.judge(held_out, card, seed=options.seed)
    print(_gate_table(rows))
    return 0 if gate.passed(rows) else 1


def _card(options: argparse.Namespace) -> None:
    from .card import Card

    card = Card.load(options.card)
    if options.to is None:
        print(describe(card))
        return
    export(options.card, options.to, options.output, force=options.force)


def export(path: Path, form: str, output: Path | None, *, force: bool = False) -> None:
    """Write a card in one of :data:`FORMATS`."""
    from .analysis import card_exports
    from .card import Card

    ending = card_exports.FORMATS[form]
    target = output or Path(path.name.removesuffix(".json").removesuffix(".card") + ending)
    card_exports.export(Card.load(path), form, target, force=force)
    print(f"wrote {target}")


def _observations(path: Path, names: str | None) -> "tuple[Observations, dict[str, Any]]":
    """Return the cycles in a file and, of an ensemble, the configuration that made it."""
    from .analysis import observations

    if path.suffix == ".csv":
        found = observations.from_csv(path)
        return found, {"file": path.name}
    import json

    import xarray as xr

    wanted = [name.strip() for name in names.split(",")] if names else None
    with xr.open_dataset(path) as data:
        found = observations.from_dataset(data, wanted, str(path))
        made = json.loads(data.attrs.get("provenance", "{}"))
    return found, {"file": path.name, "ensemble": made} if made else {"file": path.name}


def _protocol(
    options: argparse.Namespace, protocol: dict[str, Any]
) -> tuple[dict[str, tuple[float, float]], dict[str, float]]:
    """Return the validity box and the core, from the configuration of the ensemble and the options."""
    from .analysis.gap_core import GapCore
    from .quantity import to_si

    box: dict[str, tuple[float, float]] = {}
    known: dict[str, float] = {}
    documents = protocol.get("ensemble", {}).get("configuration", {}).get("points", [])
    if documents:
        from .configuration import Sweep, parse

        made = parse(documents[0], protocol["file"])
        sweeps = [phase for _, cycle, phase in made.steps() if cycle and isinstance(phase, Sweep)]
        known = {f"{s.kind}_ramp": abs(s.rate) for s in sweeps if s.kind in ("set", "reset")}
        known["read_voltage"] = made.read_voltage
        if sweeps:
            volts = [s.amplitude for s in sweeps]
            box["voltage"] = (min(0.0, *volts), max(0.0, *volts))
        box["temperature"] = (made.device.temperature, made.device.temperature)
    for name in ("set_ramp", "reset_ramp"):
        if getattr(options, name) is not None:
            known[name] = to_si(getattr(options, name), "V/s", 1e-6, 1e12)
    if options.read_voltage is not None:
        known["read_voltage"] = to_si(options.read_voltage, "V", 1e-3, 10.0)
    if options.drive is not None:
        known["drive"] = options.drive
    complete = {"set_ramp", "reset_ramp", "read_voltage"} <= set(known)
    return box, GapCore(**known).to_dict() if complete else {}


def describe(card: "Card") -> str:
    """Return a card as text: features, devices, memory, box, gate."""
    mean = card.weights @ card.means
    k = len(card.features)
    lines = [
        f"{card.name} {card.version}: {len(card.weights)} kinds of device, "
        f"{len(card.coefficients)} cycles of memory"
    ]
    for i, feature in enumerate(card.features):
        middle = float(feature.backward(mean[i : i + 1])[0])
        lines.append(
            f"  {feature.name:<16} {middle:10.4g} {feature.unit:<4} spread within a device "
            f"{_spread(card, i, mean[k + i])}, missing {feature.missing:.1%}"
        )
    for name, (low, high) in card.validity.items():
        lines.append(f"  made for {name} {low:g} to {high:g}")
    lines += [
        f"  {'passed' if row['passed'] else 'FAILED'}  {row['statistic']}: {row['value']:.3g}, limit "
        f"{row['limit']:.3g}"
        for row in card.gate
    ]
    return "\n".join(lines)


def _spread(card: "Card", i: int, logarithm: float) -> str:
    import math

    feature, size = card.features[i], math.exp(logarithm)
    return (
        f"{size / math.log(10):.3g} decades" if feature.transform == "log" else f"{size:.3g} {feature.unit}"
    )


def _gate_table(rows: "list[Row]") -> str:
    lines = [f"{'statistic':<30} {'model':>8} {'floor':>8} {'limit':>8}"]
    for row in rows:
        verdict = "passed" if row.passed else "FAILED"
        lines.append(f"{row.statistic:<30} {row.value:8.4f} {row.floor:8.4f} {row.limit:8.4f}  {verdict}")
    return "\n".join(lines)
