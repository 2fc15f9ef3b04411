"""The caption of a run's picture: what is seen, in sentences made from the data."""

import json
import textwrap
from collections.abc import Sequence

import numpy as np

from ...data.columns import ResultTable
from ..results import filament, melting, metrics, signs

NAMES = {"form": "forming", "set": "SET", "reset": "RESET"}
WINDOW = 10.0  # on/off ratio that counts as a window
PREFIXES = {1e9: "G", 1e6: "M", 1e3: "k", 1.0: "", 1e-3: "m", 1e-6: "µ", 1e-9: "n", 1e-12: "p", 1e-15: "f"}
ANALOG_WINDOW = 2.0  # the same for families that switch gradually


def caption(result: ResultTable, shown: Sequence[int], width: int = 172) -> str:
    """Return the caption, wrapped.

    Parameters
    ----------
    result : xarray.Dataset
        With the layout of :mod:`.schema`.
    shown : sequence of int
        Snapshots that the picture shows, the first being the device as made.
    width : int
        Characters per line.
    """
    parts = [_device(result), _forming(result), _cycles(result), _signs(result)]
    parts += [_filaments(result, shown), _heat(result)]
    return "\n".join(textwrap.wrap(" ".join(part for part in parts if part), width))


def phase_title(result: ResultTable, index: int) -> str:
    """Return the name of a phase with its kind in the usual spelling: "reset 5" is "RESET 5"."""
    name, kind = str(result["phase_name"].values[index]), str(result["phase_kind"].values[index])
    return NAMES[kind] + name.removeprefix(kind) if kind in NAMES and name.startswith(kind) else name


def quantity(value: float, unit: str) -> str:
    """Return a number with a decimal prefix, three digits: 1.67e4 ohm is "16.7 kohm"."""
    if value == 0 or not np.isfinite(value):
        return f"{value:g} {unit}"
    scale, name = prefix(value, unit)
    return f"{value / scale:.3g} {name}"


def prefix(value: float, unit: str, *, least: float = 1e-12, largest: float = 1e9) -> tuple[float, str]:
    """Return the power of a thousand at or below a value, within bounds, and the unit with its prefix."""
    for power, name in PREFIXES.items():
        if power <= least or (power <= largest and abs(value) >= power):
            return power, name + unit
    raise ValueError(f"least must be at least 1e-15, got {least:g}")


def filamentary(result: ResultTable) -> bool:
    """Return whether defects wire a filament, rather than change a barrier over the whole electrode."""
    return str(result.attrs.get("family", "")) != "interfacial"


def several(result: ResultTable, shot: filament.Snapshot) -> str:
    """Return the numbers of the defects that conduct: "40 vacancies", "1 silver atom", or both kinds."""
    names = [str(name) for name in result["species"].values]
    if filament.conducting_kinds(result) == 1:
        return _several(names[0], len(shot.position))
    return " and ".join(
        _several(names[kind], int(np.count_nonzero(shot.species == kind))) for kind in range(2)
    )


def _several(name: str, number: int) -> str:
    if name.endswith("y"):
        return f"{number} {name}" if number == 1 else f"{number} {name[:-1]}ies"
    return f"{number} {name} atom" + ("" if number == 1 else "s")


def _device(result: ResultTable) -> str:
    spacing = float(result["lattice_spacing"]) * 1e9
    x, y, z = (int(n) for n in result["lattice_shape"].values)
    material = result.attrs.get("material", "oxide")
    if "layer" in result:
        material = " below ".join(map(str, result["layer"].values))
    seed = json.loads(result.attrs.get("provenance", "{}")).get("seed")
    start = f", seed {seed}" if seed is not None else ""
    return (
        f"{material}, {x * spacing:.1f} by {y * spacing:.1f} nm wide and {z * spacing:.1f} nm thick "
        f"({x * y * z} lattice sites){start}."
    )


def _forming(result: ResultTable) -> str:
    formings = np.flatnonzero(result["phase_kind"].values == "form")
    if not len(formings):
        return ""
    voltage = metrics.forming_voltage(result)
    if not np.isfinite(voltage):
        return "Forming did not reach the compliance current."
    text = f"Forms at a source voltage of {voltage:.2f} V (half rise)"
    attempts = int(result["phase_attempt"].values[formings].max())
    if attempts > 1:
        text += f" ({attempts} attempts under verify)"
    limit = result["phase_compliance"].values[formings[-1]]
    phases = metrics.phase_numbers(result)
    if np.isfinite(limit):
        error = float(np.nanmax(phases["compliance_error"]))
        held = "never exceeded" if error < 1e-9 else f"exceeded by at most {100 * error:.2g} %"
        text += f" with a compliance of {quantity(limit, 'A')}, {held}"
    return text + f", to {quantity(float(phases['resistance'][formings[-1]]), 'ohm')}."


def _cycles(result: ResultTable) -> str:
    _, cycles = metrics.cycle_numbers(result)
    ratio = cycles["on_off"]
    total = len(ratio)
    if not total:
        return ""
    least = ANALOG_WINDOW if str(result.attrs.get("family", "")) in ("interfacial", "fcm") else WINDOW
    with_window = int(np.count_nonzero(ratio >= least))
    text = (
        f"{with_window} of {total} RESET/SET cycles have HRS/LRS of at least {least:g} (median "
        f"{np.median(ratio):.3g}, minimum {ratio.min():.3g}; medians: LRS "
        f"{quantity(float(np.median(cycles['lrs'])), 'ohm')}, HRS "
        f"{quantity(float(np.median(cycles['hrs'])), 'ohm')}"
    )
    for name, variable in (("SET (half rise)", "set_voltage"), ("RESET (largest current)", "reset_voltage")):
        # NaN where a SET missed its limit or a RESET never turned down.
        finite = cycles[variable][np.isfinite(cycles[variable])]
        if len(finite):
            text += f", {name} {np.median(finite):.2f} V"
    return text + ")."


def wrong_sign(found: signs.Missed) -> str:
    """Return the sentence about a sweep that did nothing, at what seems to be the wrong sign."""
    sweep, judge, before = found
    sign_text = "the same" if np.sign(sweep.voltage) == np.sign(judge.voltage) else "the other"
    return (
        f"{sweep.name} at {sweep.voltage:+.3g} V did not {'open' if sweep.kind == 'reset' else 'close'} the "
        f"device ({quantity(sweep.resistance, 'ohm')}, {quantity(before, 'ohm')} before): {judge.name} had "
        f"{sign_text} sign, and most materials want {-sweep.voltage:+.3g} V here"
    )


def _signs(result: ResultTable) -> str:
    missed = signs.all_missed(signs.swept(result))
    if not missed:
        return ""
    others = f" ({len(missed) - 1} more like it)" if len(missed) > 1 else ""
    sentence = wrong_sign(missed[0])
    return f"{sentence[0].upper()}{sentence[1:]}{others}."


def _filaments(result: ResultTable, shown: Sequence[int]) -> str:
    """Say for each snapshot in the picture whether the electrodes are joined and where the gap lies."""
    sentences = []
    for index in shown:
        shot = filament.snapshot(result, index)
        name = "Pristine" if index == 0 else f"After {phase_title(result, shot.phase)}"
        if not filamentary(result) or not len(shot.position):
            sentences.append(f"{name}: {several(result, shot)}.")
            continue
        jump = filament.longest_jump(shot)
        wired = int(shot.conducting.sum())
        if filament.is_continuous(shot):
            state = (
                f"a conducting filament bridges the electrodes (radius about "
                f"{filament.radius(shot) * 1e9:.1f} nm)"
            )
        else:
            middle = (jump.low + jump.high) / 2 / ((shot.shape[2] + 1) * shot.spacing)
            where = (
                "near the bottom" if middle < 1 / 3 else "near the top" if middle > 2 / 3 else "in the middle"
            )
            state = f"residual gap {jump.length * 1e9:.2f} nm {where}"
        sentences.append(f"{name}: {several(result, shot)}, {wired} in the network; {state}.")
    return " ".join(sentences)


def _heat(result: ResultTable) -> str:
    hottest = float(result["temperature_max"].values.max())
    events, solves = (int(result[name].values.max()) for name in ("events", "field_solves"))
    solved = f"{events} atomic events, {solves} field solutions."
    return f"Highest temperature: {hottest:.0f} K{_molten(result)}. {solved}"


def _molten(result: ResultTable) -> str:
    """Say how long the device is above its melting point; "" if that is not known."""
    molten = melting.of_result(result)
    if molten is None:
        return ""
    point = f"{float(result.attrs['melting_point']):.0f} K, where it melts or decomposes"
    if molten.longest == 0.0:
        return f", below {point}"
    if molten.longest <= melting.LEAST:
        return f", above {point}, for at most {quantity(molten.longest, 's')}"
    phase = phase_title(result, int(result["phase"].values[molten.last]))
    return (
        f", above {point} (which the model ignores), for up to {quantity(molten.longest, 's')} at a time, in "
        f"{phase}, and {100 * molten.share:.2g} % of the time"
    )
