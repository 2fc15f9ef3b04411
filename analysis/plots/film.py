"""A film of a run: filament and current against voltage on one slider, in one page that needs no network.

The page holds its data, its script and two libraries (3Dmol.js and uPlot, in ``web`` with their licences).
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ...data import schema, store
from ...escape import html, html_json
from ...typing import Floats
from ..results import appearance, filament
from ..results.appearance import BOND_RADIUS, BOTTOM, DEFECT_RADIUS, REGIONS, TOP
from .caption import NAMES, filamentary, phase_title, several
from .colours import KINDS, OTHER

WEB = Path(__file__).with_name("web")
NOTEBOOK_HEIGHT = 640  # pixels


class Film:
    """The film of a run, as one page for a browser or a cell of a notebook.

    Parameters
    ----------
    result : xarray.Dataset
        Of one device, with the layout of :mod:`.schema`; each of its snapshots is a picture of the film. The
        key ``snapshots`` of a phase, or the argument of ``Device.run``, keeps those within a phase.

    Raises
    ------
    SchemaError
        The result has no snapshots, as a member of an ensemble that kept traces alone.

    Examples
    --------
    >>> Film(frenkel.open("run.nc")).save("run.html")  # doctest: +SKIP
    """

    def __init__(self, result: xr.Dataset) -> None:
        if not result.sizes["snapshot"]:
            raise schema.SchemaError(
                'the result has no snapshots to make a film of; an ensemble keeps them with keep = "all"'
            )
        self.data = film_data(result)

    def __repr__(self) -> str:
        return f"<Film of {self.data['title']!r}: {len(self.data['frames'])} snapshots>"

    @property
    def html(self) -> str:
        """The whole page."""
        page = (WEB / "film.html").read_text(encoding="utf-8")
        texts = {
            "title": html(self.data["title"]),
            "licences": "\n\n".join(_text(f"{name}.LICENSE.txt") for name in ("3Dmol", "uPlot")),
            "style": _text("uPlot.min.css") + _text("film.css"),
            "viewer": _text("3Dmol-min.js"),
            "chart": _text("uPlot.iife.min.js"),
            "script": _text("film.js"),
            "data": html_json(self.data),
        }
        return re.sub("@@([a-z]+)@@", lambda mark: texts[mark[1]], page)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the page in a frame of its own, which keeps its script to itself."""
        return (
            f'<iframe srcdoc="{html(self.html)}" width="100%" height="{NOTEBOOK_HEIGHT}" style="border:0" '
            'sandbox="allow-scripts"></iframe>'
        )

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the page.

        Raises
        ------
        ValueError
            The name does not end in .html.
        StoreError
            The file exists (``force`` replaces it) or cannot be written.
        """
        check_name(path)
        return store.write_bytes(self.html.encode(), store.writable(path, force=force))


def check_name(path: str | Path) -> None:
    """Raise ValueError unless a film can be written under this name."""
    if Path(path).suffix.lower() != ".html":
        raise ValueError(f"a film must end in .html, got {str(path)!r}")


def film_data(result: xr.Dataset) -> dict[str, Any]:
    """Return what the page shows, as plain JSON values.

    Lengths are in nm, voltages in V, currents in A, times in s, temperatures in K.
    """
    spacing = float(result["lattice_spacing"]) * 1e9
    x, y, z = (int(n) * spacing for n in result["lattice_shape"].values)
    kinds = [str(kind) for kind in result["phase_kind"].values]
    return {
        "title": str(result.attrs.get("title") or "resistive memory device"),
        "box": [round(float(side), 4) for side in (x, y, z + spacing)],
        "levels": [round(float(height) * 1e9, 4) for height in filament.interfaces(result)],
        "regions": _regions(result),
        "radius": DEFECT_RADIUS * spacing,
        "bond": BOND_RADIUS * spacing,
        "electrodes": {"top": TOP, "bottom": BOTTOM},
        "paint": [_hex(colour) for colour in appearance.STATES[: 3 if one_kind(result) else 5]],
        "names": _names(result),
        "phases": [
            {"name": phase_title(result, index), "colour": KINDS.get(kind, OTHER)}
            for index, kind in enumerate(kinds)
        ],
        "kinds": [[NAMES.get(kind, kind), KINDS.get(kind, OTHER)] for kind in dict.fromkeys(kinds)],
        "samples": {
            "phase": result["phase"].values.tolist(),
            "time": _finite(result["time"].values),
            "voltage": _finite(result["source_voltage"].values),
            "current": _finite(result["current"].values),
        },
        "frames": _frames(result, spacing),
    }


def _names(result: xr.Dataset) -> list[str]:
    """Return in words what the colours mean."""
    names = [str(name) for name in result["species"].values]
    first = [f"{names[0]} in the network", f"isolated {names[0]}"] if filamentary(result) else [names[0]] * 2
    if one_kind(result):
        return first + names[1:]
    # The page leaves out a name that stands twice: without interstitials their colour has none.
    return [*first, (names[2:] or first[1:])[0], f"{names[1]} in the network", f"isolated {names[1]}"]


def one_kind(result: xr.Dataset) -> bool:
    """Return whether a single species conducts."""
    return filament.conducting_kinds(result) == 1


def _shift(shots: list[filament.Snapshot]) -> Floats:
    """Return one shift for all snapshots, so that nothing jumps: that of the largest filament."""
    return filament.middle_shift(max(shots, key=lambda shot: int(shot.conducting.sum())))


def _shots(result: xr.Dataset) -> list[filament.Snapshot]:
    return [filament.snapshot(result, index) for index in range(result.sizes["snapshot"])]


def _regions(result: xr.Dataset) -> list[dict[str, Any]]:
    """Return the outlines of regions of layers at both ends of their layer, pieces of straight lines."""
    pieces = []
    for side in filament.region_sides(result, _shift(_shots(result))):
        for height in (side.low, side.high):
            ends = [[round(1e9 * value, 4) for value in (*end, height)] for end in (side.start, side.stop)]
            pieces.append({"ends": ends, "colour": REGIONS[side.region % len(REGIONS)]})
    return pieces


def _frames(result: xr.Dataset, spacing: float) -> list[dict[str, Any]]:
    """Return each snapshot: when, at which voltage and current, and where its defects are."""
    shots = _shots(result)
    shift = _shift(shots)
    voltages = source_voltages(result)
    ends = np.cumsum(result["snapshot_size"].values)
    frames = []
    for index, shot in enumerate(shots):
        rows = slice(int(ends[index - 1]) if index else 0, int(ends[index]))
        part = result.isel(defect=rows)
        species = part["defect_species"].values
        conducting = np.zeros(len(species), bool)
        conducting[species < filament.conducting_kinds(result)] = shot.conducting
        everywhere = np.stack([part[f"defect_{axis}"].values for axis in "xyz"], axis=1)
        positions = filament.shifted(_with(shot, everywhere), shift) * 1e9 + [spacing / 2, spacing / 2, 0.0]
        frames.append(
            {
                "label": shot.label,
                "phase": shot.phase,
                "time": float(result["snapshot_time"].values[index]),
                "voltage": voltages[index],
                "current": _number(result["snapshot_current"].values[index]),
                "place": np.round(positions, 3).ravel().tolist(),
                "state": appearance.states(conducting, species, filament.conducting_kinds(result)).tolist(),
                "bonds": _bonds(positions, conducting, spacing),
                "heat": np.round(part["defect_temperature"].values, 1).tolist(),
                "text": _state_text(result, shot),
                "gap": _gap(result, shot),
            }
        )
    return frames


def source_voltages(result: xr.Dataset) -> list[float]:
    """Return the source voltage (V) at each snapshot: straight in time between the samples of its phase."""
    phase, time, source = (result[name].values for name in ("phase", "time", "source_voltage"))
    voltages = []
    for number, at in zip(result["snapshot_phase"].values, result["snapshot_time"].values, strict=True):
        rows = phase == number
        voltages.append(_number(np.interp(at, time[rows], source[rows]) if rows.any() else np.nan))
    return voltages


def _with(shot: filament.Snapshot, position: Floats) -> filament.Snapshot:
    return replace(shot, position=position)


def _bonds(place: Floats, conducting: Any, spacing: float) -> list[int]:
    """Return the pairs of neighbours that conduct, one after the other; none across the sides of the box."""
    wire = np.flatnonzero(conducting)
    distance = np.linalg.norm(place[wire, None] - place[None, wire], axis=2) / spacing
    first, second = np.nonzero(np.triu(distance < filament.LINK, 1))
    return np.stack([wire[first], wire[second]], axis=1).ravel().tolist()


def _state_text(result: xr.Dataset, shot: filament.Snapshot) -> str:
    """Say how many defects there are and whether they join the electrodes."""
    number = several(result, shot)
    if not filamentary(result) or not shot.conducting.any():
        return number
    if filament.is_continuous(shot):
        return f"{number}, bridged"
    return f"{number}, gap {filament.longest_jump(shot).length * 1e9:.2f} nm"


def _gap(result: xr.Dataset, shot: filament.Snapshot) -> list[float] | None:
    """Return the heights (nm) between which the longest jump lies, None where there is none to show."""
    if not filamentary(result) or not shot.conducting.any() or filament.is_continuous(shot):
        return None
    jump = filament.longest_jump(shot)
    return [round(jump.low * 1e9, 3), round(jump.high * 1e9, 3)]


def _finite(values: Any) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: Any) -> Any:
    """Return a number as JSON has it: None where it is not finite."""
    return float(value) if np.isfinite(value) else None


def _hex(colour: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour)


def _text(name: str) -> str:
    return (WEB / name).read_text(encoding="utf-8")
