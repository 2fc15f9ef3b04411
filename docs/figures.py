"""Make the pictures of the pages again, by commands that the pages name: python docs/figures.py [NAME ...]

A name is that of a picture or of a group below, such as "clock_maps" or "clock"; all without one, in
half an hour. Of README and the first page: docs/pictures.py. Of the gallery: docs/gallery.py.
"""

import io
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).resolve().parent
WIDEST = 1860  # pixels

BAKES = [
    (550, "1 ms"), (520, "5 ms"), (490, "20 ms"), (450, "0.5 s"), (410, "20 s"),
    (358, "300 s"), (358, "3000 s"), (358, "8 h"), (358, "2.3 d"), (358, "35 d"),
]  # fmt: skip
"""Temperatures (K) of bakes, and how long each takes (docs/tails.md)."""

READS = [
    (0.65, "0.5 us"), (0.6, "5 us"), (0.55, "0.3 ms"), (0.5, "20 ms"), (0.3, "5e4 s"), (0.3, "5e5 s"),
]  # fmt: skip
"""Source voltages (V) of reads of an HRS, and how long each takes (docs/tails.md)."""

FIGURES: list[tuple[list[str], dict[str, str]]] = [
    (["frenkel run $EXAMPLES/ensemble.toml -o ensemble.nc --plot ensemble.png"], {"ensemble": "ensemble"}),
    (
        ["frenkel run $EXAMPLES/array_write_verify.toml -o array.nc --plot array.png"],
        {"clock_programming": "array"}
        | {f"clock_{part}": f"array-{part}" for part in ("products", "energy", "timeline")},
    ),
    (
        ["frenkel run $EXAMPLES/array_passive.toml -o passive.nc --plot passive.png"],
        {"clock_maps": "passive", "clock_margin": "passive-margin"},
    ),
    (
        ["frenkel run $EXAMPLES/array_live.toml -o live.nc --plot live.png"],
        {"clock_live": "live"},
    ),
    (
        ["frenkel run $EXAMPLES/pulses.toml -o pulses.nc", "frenkel plot pulses pulses.nc -o pulses.png"],
        {"pulses": "pulses"},
    ),
    (
        [
            "frenkel run $EXAMPLES/retention.toml --members 100 -o retention.nc",
            "frenkel plot relaxation retention.nc --levels 3 -o relaxation.png",
        ],
        {"relaxation": "relaxation"},
    ),
    (
        [
            'frenkel sweep $EXAMPLES/bake.toml --over "device.temperature=475:550:4 K" -o bake.nc',
            "frenkel plot retention bake.nc -o bake.png",
        ],
        {"bake": "bake"},
    ),
    (
        [
            "frenkel run $EXAMPLES/bakes.toml -o bakes.nc",
            "frenkel plot retention bakes.nc -o bakes.png",
        ],
        {"bakes": "bakes"},
    ),
    (
        [
            *(
                f'frenkel tails $EXAMPLES/bake.toml --event "state is lost" --particles 30 --starts 30 '
                f'--repeats 6 --set "device.temperature={kelvin} K" --set "phase.0.duration={duration}" '
                f'--set "phase.0.first=1 us" -o {kelvin}K_{k}.nc'
                for k, (kelvin, duration) in enumerate(BAKES)
            ),
            'frenkel plot tails *K_*.nc --use "358 K" -o parted.png',
        ],
        {"parted": "parted"},
    ),
    (
        [
            *(
                f'frenkel tails $EXAMPLES/set_pulse.toml --event "read disturbs" --particles 48 --starts 48 '
                f'--repeats 8 --set "phase.2.amplitude={volts} V" --set "phase.2.width={width}" -o {k}.nc'
                for k, (volts, width) in enumerate(READS)
            ),
            'frenkel plot tails ?.nc --use "0.3 V" -o parted.png',
        ],
        {"parted_reads": "parted"},
    ),
    (
        [
            'frenkel tails $EXAMPLES/wear.toml --event "window closes" --at 4 --repeats 16 -o wear.nc',
            "frenkel plot survival wear.nc -o wear.png",
        ],
        {"wear": "wear"},
    ),
    (
        [f"{shlex.quote(sys.executable)} $DOCS/jump_cells.py ."],
        {f"walk_{part}": f"walk_{part}" for part in ("cycles", "law", "ngspice", "array")},
    ),
    (["frenkel validate --bench"], {"bench": "bench/bench"}),
    (
        [
            "frenkel run $EXAMPLES/ensemble_cycles.toml --members 48 --set seed=4701 "
            "--set ensemble.keep=traces --set phase.1.repeat=4 "
            "--set phase.1.phase.0.samples=140 --set phase.1.phase.1.samples=240 -o devices.nc",
            f"{shlex.quote(sys.executable)} $DOCS/../validation/published_forms.py "
            "$EXAMPLES/measured/loops.csv.gz devices.nc -o .",
        ],
        {"published_forms": "published_forms"},
    ),
    (
        [f"{shlex.quote(sys.executable)} $DOCS/pulse_pairs.py --members 20 --picture ."],
        {"pulse_pairs": "pulse_pairs"},
    ),
    ([f"{shlex.quote(sys.executable)} $EXAMPLES/stdp.py"], {"stdp": "stdp"}),
    ([f"{shlex.quote(sys.executable)} $EXAMPLES/array_heat.py"], {"array_heat": "array_heat"}),
    ([f"{shlex.quote(sys.executable)} $EXAMPLES/reservoirs.py henon"], {"reservoirs": "reservoirs"}),
]
"""Commands, in a folder of their own, and {picture of the pages: picture that they make}."""


def make(commands: list[str], pictures: dict[str, str]) -> None:
    """Run commands and put what they draw beside this file, in all its colours."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    places = {"PATH": path, "EXAMPLES": str(DOCS.parent / "examples"), "DOCS": str(DOCS)}
    with tempfile.TemporaryDirectory() as folder:
        for command in commands:
            print(command, flush=True)
            subprocess.run(command, shell=True, cwd=folder, check=True, env={**os.environ, **places})
        for name, made in pictures.items():
            image = Image.open(io.BytesIO((Path(folder) / f"{made}.png").read_bytes())).convert("RGB")
            image.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
            image.save(DOCS / f"{name}.png", optimize=True)


if __name__ == "__main__":
    asked = sys.argv[1:]
    chosen = [
        (commands, pictures)
        for commands, pictures in FIGURES
        if not asked or any(name in (one, one.partition("_")[0]) for name in asked for one in pictures)
    ]
    if not chosen:
        raise SystemExit(f"no picture {', '.join(asked)}")
    for one in chosen:
        make(*one)
