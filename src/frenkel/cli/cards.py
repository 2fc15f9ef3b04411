"""Commands of the command line for cards: fit one to an ensemble, look at it, judge it."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

    from ..analysis.fitting.gate import Row
    from ..analysis.fitting.observations import Observations
    from ..cards.card import Card
    from ..typing import Floats

Add = Callable[[Any, str, Callable[[argparse.Namespace], int | None], str, str], argparse.ArgumentParser]


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
    _add_noise(parser)
    _add_picture(parser)
    parser.add_argument("--force", action="store_true", help="replace an existing picture")
    parser = add(
        commands,
        "card",
        _card,
        "print what is in a card; frenkel export writes it for another program",
        "frenkel card hfo2.card.json",
    )
    parser.add_argument("card", type=Path, metavar="CARD.json")


def _add_noise(parser: Any) -> None:
    parser.add_argument(
        "--rtn",
        type=Path,
        metavar="TRACES.nc",
        help="traces at a fixed voltage: an ensemble, or current over device and sample, time over sample; "
        "optional: state",
    )
    parser.add_argument(
        "--relaxation",
        type=Path,
        metavar="FILE.nc",
        help="an ensemble at rest, or conductance over device and time, start over device; optional: state",
    )


def _add_picture(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="PICTURE",
        help="quantiles, devices, memory and currents of card and held-out devices: .png, .pdf, .svg",
    )


def _add_fit(commands: Any, add: Add) -> None:
    parser = add(
        commands,
        "fit",
        _fit,
        "fit a statistical compact model to an ensemble and judge it by devices that were held out",
        "frenkel fit ensemble.nc -o hfo2.card.json --drive 13",
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
    parser.add_argument(
        "--ranks",
        choices=("auto", "yes", "no"),
        default="auto",
        help="let devices differ in the ranks of their values, for values on levels that all devices share; "
        "auto: if it is better on splits of the devices that are fitted (default: auto)",
    )
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
    group.add_argument(
        "--voltage-scale",
        metavar="VOLTAGE",
        help='V0 of the current I0 sinh(V/V0), such as "5 V" for a nearly ohmic cell; default 0.25 V',
    )
    group.add_argument(
        "--fit-core",
        action="store_true",
        help="drive and current scale from the traces of the ensemble (of 64 members)",
    )
    group = parser.add_argument_group("noise layers, each from a file of its own")
    _add_noise(group)
    group.add_argument("--rtn-voltage", metavar="VOLTAGE", help='of the traces, such as "0.1 V"')
    parser.add_argument("--force", action="store_true", help="replace an existing card or picture")
    _add_picture(parser)


def _fit(options: argparse.Namespace) -> int:
    from dataclasses import replace

    from ..analysis.fitting import card_schema, gate, statistical_model
    from ..analysis.results import store

    if options.output.suffix != ".json":
        raise ValueError(f"--output must end in .json, got {str(options.output)!r}")
    _check_fit(options)
    store.writable(options.output, force=options.force)
    _check_picture(options)
    whole, protocol = _observations(options.data, options.features)
    training, held_out = whole.split(1.0 - options.held_out, options.seed)
    training = replace(training, origin=f"{whole.origin} without the devices held out")
    settings = statistical_model.FitOptions(
        components=options.components,
        bootstrap=options.bootstrap,
        seed=options.seed,
        ranks=options.ranks == "yes",
    )
    chosen: dict[str, Any] = {"ranks": settings.ranks, "chosen_by": "hand"}
    if options.ranks == "auto":
        chosen = gate.choose_ranks(training, settings) | {"chosen_by": "splits of the training devices"}
        settings = replace(settings, ranks=bool(chosen["ranks"]))
        print(_choice(chosen))
    validity, core = _protocol(options, protocol)
    core, core_intervals = _core_of_traces(options.data, core) if options.fit_core else (core, {})
    card = statistical_model.fit(
        training,
        options.name or options.data.stem,
        settings,
        validity=validity,
        core=core,
        provenance=protocol | {"ranks": chosen},
    )
    rows = gate.judge(held_out, card, seed=options.seed)
    card, noise_rows = _with_noise(options, replace(card, intervals={**card.intervals, **core_intervals}))
    rows += noise_rows
    card = replace(card, gate=tuple(row.to_dict() for row in rows))
    card_schema.save(card, options.output, force=options.force)
    print(gate.table(rows))
    print(f"wrote {options.output}")
    _draw(options, card, held_out)
    return 0 if gate.passed(rows) else 1


def _choice(chosen: dict[str, Any]) -> str:
    """Return in a sentence what was chosen and why."""
    if not chosen["rank_ratios"]:
        return "devices differ in values: too few of them to choose between values and ranks"
    both = (", ".join(f"{x:.2f}" for x in chosen[name]) for name in ("rank_ratios", "value_ratios"))
    return (
        f"devices differ in {'ranks' if chosen['ranks'] else 'values'}: on splits of those that are fitted, "
        f"{' and '.join(chosen['statistics'])} are {{}} times the floor with ranks and {{}} with values"
    ).format(*both)


def _with_noise(options: argparse.Namespace, card: "Card") -> "tuple[Card, list[Row]]":
    """Return the card with the noise layers that were asked for, and the rows of their gate."""
    from dataclasses import replace

    from ..analysis.fitting import gate_noise, noise_fit
    from ..configuration.quantity import to_si

    kelvin = card.validity.get("temperature", (300.0, 300.0))[0]
    common: dict[str, Any] = {"resamples": options.bootstrap, "seed": options.seed}
    rows: list[Row] = []
    intervals, box = dict(card.intervals), dict(card.validity)
    made: dict[str, Any] = {}
    if options.rtn is not None:
        if options.rtn_voltage is None:
            raise ValueError('--rtn needs the voltage of its traces: --rtn-voltage "0.1 V"')
        data, made["rtn"] = _noise(options.rtn, "rtn")
        training, held_out = noise_fit.split(noise_fit.trap_table(data), 1.0 - options.held_out, options.seed)
        volts = to_si(options.rtn_voltage, "V", -100.0, 100.0)
        heat = data.attrs.get("temperature", kelvin)
        law, found = noise_fit.fit_rtn(training, voltage=volts, temperature=heat, **common)
        card, intervals = replace(card, rtn_law=law), intervals | found
        rows += gate_noise.judge_rtn(held_out, card, seed=options.seed)
    if options.relaxation is not None:
        data, made["relaxation"] = _noise(options.relaxation, "relaxation")
        training, held_out = noise_fit.split(data, 1.0 - options.held_out, options.seed)
        heat = data.attrs.get("temperature", kelvin)
        shifts, found = noise_fit.fit_relaxation(training, temperature=heat, **common)
        card, intervals = replace(card, relaxation_law=shifts), intervals | found
        box["time"] = shifts.times
        rows += gate_noise.judge_relaxation(held_out, card, seed=options.seed)
    provenance = {**card.provenance, "noise": made} if made else card.provenance
    return replace(card, intervals=intervals, validity=box, provenance=provenance), rows


def _noise(path: Path, kind: str) -> "tuple[xr.Dataset, dict[str, Any]]":
    """Return the data of a noise layer, and for the card where they come from."""
    from ..analysis.fitting import noise_fit

    data = noise_fit.of_members(_dataset(path), kind)
    record = {"file": path.name, "devices": int(data.sizes.get("device", 0))}
    # The set may be another than that of the cycles: traps and slow hops have sets of their own.
    return data, record | {key: data.attrs[key] for key in ("material", "temperature") if key in data.attrs}


def _gate(options: argparse.Namespace) -> int:
    from ..analysis.fitting import gate, gate_noise, noise_fit
    from ..cards.card import Card

    _check_picture(options)
    card = Card.load(options.card)
    held_out, _ = _observations(options.data, ",".join(card.names))
    rows = gate.judge(held_out, card, seed=options.seed)
    if options.rtn is not None:
        table = noise_fit.trap_table(_noise(options.rtn, "rtn")[0])
        rows += gate_noise.judge_rtn(table, card, seed=options.seed)
    if options.relaxation is not None:
        data = _noise(options.relaxation, "relaxation")[0]
        rows += gate_noise.judge_relaxation(data, card, seed=options.seed)
    print(gate.table(rows))
    _draw(options, card, held_out)
    return 0 if gate.passed(rows) else 1


def _card(options: argparse.Namespace) -> None:
    from ..cards.card import Card

    print(describe(Card.load(options.card)))


def _check_picture(options: argparse.Namespace) -> None:
    from ..analysis.plots import page as plot
    from ..analysis.results import store

    if options.plot is not None:
        plot.check_name(options.plot)
        store.writable(options.plot, force=options.force)


def _check_fit(options: argparse.Namespace) -> None:
    """Refuse options of a fit that cannot be meant."""
    from .main import UsageError

    if not 0.0 < options.held_out < 1.0:
        raise UsageError(f"--held-out must be above 0 and below 1, got {options.held_out:g}")
    if options.seed < 0:
        raise UsageError(f"--seed must be at least 0, got {options.seed}")


def _draw(options: argparse.Namespace, card: "Card", held_out: "Observations") -> None:
    if options.plot is None:
        return
    from ..analysis.plots import card as card_plot

    curves = [(c["device_voltage"].values, c["current"].values) for c in _first_cycles(options.data)]
    figure = card_plot.page(card, held_out, curves, seed=options.seed)
    card_plot.save(figure, options.plot, force=options.force)
    print(f"wrote {options.plot}")


def _first_cycles(path: Path, most: int = 24) -> "list[xr.Dataset]":
    """Return time, device voltage and current of the first cycle of some members, if they were kept."""
    import numpy as np
    import xarray as xr

    from ..experiment.ensemble_file import member, open_ensemble

    if path.suffix != ".nc":
        return []
    # A table of a user has no traces, and is no ensemble of frenkel.
    with xr.open_dataset(path) as data:
        if "sample_count" not in data:
            return []
    found: list[xr.Dataset] = []
    with open_ensemble(path) as ensemble:
        if set(ensemble["sample_count"].dims) != {"member"}:
            return []
        done = np.flatnonzero(ensemble["status"].values == 0)
        for number in ensemble["member"].values[done][:most]:
            result = member(ensemble, int(number))[
                ["time", "device_voltage", "current", "phase", "phase_cycle"]
            ]
            inside = result["phase_cycle"].values[result["phase"].values] == 1
            found.append(result.isel(sample=np.flatnonzero(inside)).load())
    return found


def _core_of_traces(path: Path, core: dict[str, float]) -> "tuple[dict[str, float], dict[str, Any]]":
    """Return the core with scale and drive fitted to traces, and their intervals."""
    import numpy as np

    from ..analysis.fitting import core_fit
    from ..cards.core import GapCore

    cycles = _first_cycles(path, most=64)
    if not cycles:
        raise ValueError(f'{path} kept no traces to fit a core to; run it with ensemble.keep = "traces"')
    if not core:
        raise ValueError("a core needs the ramps of the ensemble: --set-ramp, --reset-ramp, --read-voltage")
    traces = []
    for cycle in cycles:
        # Two samples at one time are the two ends of a jump: the later one stands.
        time = cycle["time"].values
        last = np.append(np.diff(time) > 0, True)
        traces.append(
            core_fit.trace(time[last], cycle["device_voltage"].values[last], cycle["current"].values[last])
        )
    devices = core_fit.fit_devices(traces, GapCore(**core))
    fitted, intervals = core_fit.shared(devices, GapCore(**core))
    number, residual = int(np.isfinite(devices["drive"]).sum()), float(devices["residual"].median())
    print(
        f"core of {number} devices: drive {fitted.drive:.3g} 1/V, scale {fitted.voltage_scale:.3g} V; "
        f"ln(current) is missed by {residual:.2g}"
    )
    return fitted.to_dict(), intervals


def _dataset(path: Path) -> "xr.Dataset":
    import xarray as xr

    with xr.open_dataset(path, decode_times=False) as data:
        return data.load()


def _observations(path: Path, names: str | None) -> "tuple[Observations, dict[str, Any]]":
    """Return the cycles in a file and, of an ensemble, the configuration that made it."""
    from ..analysis.fitting import observations

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
    import math
    from dataclasses import replace

    from ..cards.core import GapCore
    from ..configuration.quantity import to_si

    box: dict[str, tuple[float, float]] = {}
    known: dict[str, float] = {}
    documents = protocol.get("ensemble", {}).get("configuration", {}).get("points", [])
    if documents:
        from ..configuration.device import parse
        from ..configuration.phases import Sweep

        made = parse(documents[0], protocol["file"])
        sweeps = [phase for _, cycle, phase in made.phases() if cycle and isinstance(phase, Sweep)]
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
    if not complete:
        return box, {}
    core = GapCore(**known)
    if options.voltage_scale is not None:
        # I0 keeps the currents at the read voltage, and with them the gaps, as they were.
        scale = to_si(options.voltage_scale, "V", 0.01, 100.0)
        ratio = math.sinh(core.read_voltage / core.voltage_scale) / math.sinh(core.read_voltage / scale)
        core = replace(core, voltage_scale=scale, current_prefactor=core.current_prefactor * ratio)
    return box, core.to_dict()


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
            f"{_spread(card, i, mean[[i, k + i]])}, missing {feature.missing:.1%}"
        )
    lines += [f"  {text}" for text in _noise_lines(card)]
    for layer, made in card.provenance.get("noise", {}).items():
        lines.append(
            f"  {layer} from {made['file']}" + (f", set {made['material']}" if made.get("material") else "")
        )
    for name, (low, high) in card.validity.items():
        lines.append(f"  made for {name} {low:g} to {high:g}")
    lines += [
        f"  {'passed' if row['passed'] else 'FAILED'}  {row['statistic']}: {row['value']:.3g}, limit "
        f"{row['limit']:.3g}"
        for row in card.gate
    ]
    return "\n".join(lines)


def _noise_lines(card: "Card") -> list[str]:
    import math

    lines = []
    for trap in card.rtn_law.states if card.rtn_law else ():
        lines.append(
            f"telegraph noise of {trap.name} ({trap.conductance:.3g} S): {trap.traps:.2g} traps of "
            f"{-math.expm1(-math.exp(trap.amplitude[0])):.1%}, {math.exp(trap.high[0]):.2g} s high and "
            f"{math.exp(trap.low[0]):.2g} s low"
        )
    for state in card.relaxation_law.states if card.relaxation_law else ():
        lines.append(
            f"relaxation of {state.name} ({state.conductance:.3g} S): {state.location[1]:+.2g} and spread "
            f"{state.spread[0]:.2g} {state.spread[1]:+.2g}, per unit of ln t"
        )
    return lines


def _spread(card: "Card", i: int, device: "Floats") -> str:
    """Return half the way between one spread above and one below the location of a device."""
    import math

    import numpy as np

    feature, size = card.features[i], math.exp(device[1])
    low, high = np.abs(feature.backward(device[0] + np.array([-size, size])))
    if feature.transform == "log":
        return f"{math.log10(high / low) / 2:.3g} decades"
    return f"{abs(high - low) / 2:.3g} {feature.unit}"
