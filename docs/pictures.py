"""Make the pictures of README again, and the table under its first script: python docs/pictures.py [WHAT ...]

    first_device   runs examples/first_device.py: docs/first_device.png and what it prints, in README
    film           docs/film.webp: forming, RESET and SET of examples/switching.toml, some minutes on one core
    thumbnails     docs/thumbnails/*.webp, of the pictures in build/site: after `make docs`

Without a name, the first two.
"""

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from PIL import Image

import frenkel as fk
from frenkel.analysis.plots import colours, device, panels
from frenkel.analysis.plots.caption import NAMES
from frenkel.analysis.plots.film import source_voltages
from frenkel.analysis.results import filament
from frenkel.configuration.reader import read
from frenkel.experiment.device import run

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
README = ROOT / "README.md"
OUTPUT = re.compile(r"(?<=\n```\n)phase  .*?(?=```\n)", re.DOTALL)
"""What the first script prints, in README."""

SHOTS = 24
"""Snapshots of each phase of the film."""

THUMBNAIL, THUMBNAILS = 360, {
    "my_material": 0, "cluster": 0, "card_to_ngspice": 0, "array": 0, "pytorch": 0, "noise": 0,
}  # fmt: skip
"""Width (pixels), and which picture of each notebook is taken."""


# ------------------------------------------------------------------------------------- the first device


def first_device() -> None:
    """Run the first script; put its picture beside this file and what it prints into README."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, str(ROOT / "examples" / "first_device.py")],
            cwd=folder, capture_output=True, text=True, check=True,
        )  # fmt: skip
        page = io.BytesIO()
        result = fk.open(Path(folder) / "first_device.nc")
        device.overview(result).savefig(page, dpi=140, format="png")
    Image.open(page).convert("RGB").save(DOCS / "first_device.png", optimize=True)
    README.write_text(with_output(README.read_text(encoding="utf-8"), done.stdout), encoding="utf-8")


def with_output(readme: str, printed: str) -> str:
    """Return README with what the first script printed: the table of phases at its end."""
    table = "".join(f"{line.rstrip()}\n" for line in table_of(printed))
    text, found = OUTPUT.subn(lambda _: table, readme)
    if found != 1:
        raise SystemExit("README must show what the first script prints once, in a block of its own")
    return text


def table_of(printed: str) -> list[str]:
    """Return the rows of the table of phases, the last thing that a summary says."""
    lines = printed.rstrip().splitlines()
    first = max(number for number, line in enumerate(lines) if line.startswith("phase "))
    return [line for line in lines[first:] if not line.startswith("---")]


# --------------------------------------------------------------------------------------------- the film


def film() -> None:
    """Draw the moving picture of README: filament, and current against voltage so far."""
    changes = ["phase.1.repeat=1"]
    changes += [f"phase.{place}.snapshots={SHOTS}" for place in ("0", "1.phase.0", "1.phase.1")]
    result = run(read(ROOT / "examples" / "switching.toml", changes))
    shots = [filament.snapshot(result, index) for index in range(result.sizes["snapshot"])]
    shift = filament.middle_shift(max(shots, key=lambda shot: int(shot.conducting.sum())))
    frames = [frame(result, index, shift) for index in range(len(shots))]
    last = [index + 1 == len(shots) or shots[index + 1].phase != one.phase for index, one in enumerate(shots)]
    frames[0].save(
        DOCS / "film.webp", save_all=True, append_images=frames[1:], loop=0, lossless=True, method=6,
        duration=[1500 if end else 120 for end in last],
    )  # fmt: skip


def frame(result: xr.Dataset, index: int, shift: np.ndarray) -> Image.Image:
    """Return one picture of the film."""
    with fk.plot.style(figure_constrained_layout_use=False, font_size=9, axes_labelsize=9):
        page = Figure(figsize=(8, 3.7))
        curve, atoms = page.add_axes((0.085, 0.14, 0.5, 0.76)), page.add_axes((0.61, 0.02, 0.38, 0.88))
        panels.filament_view(result, index, atoms, shift=shift)
        atoms.set_title(atoms.get_title().rpartition(": ")[2])  # within a phase: not "after" it
        loops(result, index, curve)
        image = io.BytesIO()
        page.savefig(image, dpi=100, format="png")
    return Image.open(image).convert("RGB")


def loops(result: xr.Dataset, index: int, axes) -> None:
    """Draw current against voltage: all of it faintly, strongly what has been, and where the device is."""
    volts, amps = result["source_voltage"].values, np.abs(result["current"].values)
    phase, seen = result["phase"].values, amps > 0
    so_far = result["time"].values <= float(result["snapshot_time"][index])
    for number, kind in enumerate(str(kind) for kind in result["phase_kind"].values):
        own = seen & (phase == number)
        colour = colours.KINDS.get(kind, colours.OTHER)
        axes.semilogy(volts[own], amps[own], color="0.85", lw=0.8, zorder=1)
        axes.semilogy(volts[own & so_far], amps[own & so_far], color=colour, lw=1.4, zorder=2)
    now = source_voltages(result)[index], abs(float(result["snapshot_current"][index]))
    kind = str(result["phase_kind"].values[int(result["snapshot_phase"][index])])
    axes.plot(*now, "o", ms=6, color=colours.KINDS.get(kind, colours.OTHER), mec="white", zorder=3)
    axes.set_title(NAMES.get(kind, kind), color=colours.KINDS.get(kind, colours.OTHER), fontsize=11)
    near = np.abs(volts) > 0.02 * np.abs(volts).max()
    axes.set_ylim(amps[seen & near].min() / 2, amps.max() * 3)
    axes.set(xlabel="source voltage / V", ylabel="|current| / A")


# --------------------------------------------------------------------------------------- the thumbnails


def thumbnails() -> None:
    """Shrink the pictures that the built site shows in its notebooks."""
    (DOCS / "thumbnails").mkdir(exist_ok=True)
    for name, number in THUMBNAILS.items():
        page = ROOT / "build" / "site" / "notebooks" / f"{name}.html"
        shown = re.findall(r'src="(\.\./_images/[^"]+\.png)"', page.read_text(encoding="utf-8"))
        picture = Image.open(page.parent / shown[number]).convert("RGB")
        picture.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
        picture.save(DOCS / "thumbnails" / f"{name}.webp", quality=90, method=6)


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "Agg")
    for what in sys.argv[1:] or ["first_device", "film"]:
        {"first_device": first_device, "film": film, "thumbnails": thumbnails}[what]()
        print(f"made {what}", flush=True)
