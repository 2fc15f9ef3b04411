"""What is spoiled: examples, material sets, and small results that are made once for all cases."""

import contextlib
import io
import os
import signal
import tempfile
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import earlier

ROOT = Path(__file__).parents[2]
DATA = earlier.today()
TINY = b"""seed = 5
material = "HfO2-volatile"
[device]
thickness = "1.56 nm"
width = "1.04 nm"
[circuit]
series_resistance = "2 kohm"
[[phase]]
kind = "form"
amplitude = "3 V"
rate = "1 MV/s"
compliance = "10 uA"
samples = 60
to_compliance = true
[[phase]]
kind = "cycle"
    [[phase.phase]]
    kind = "reset"
    amplitude = "-1 V"
    rate = "1 MV/s"
    samples = 60
    [[phase.phase]]
    kind = "points"
    name = "set"
    times = "0, 1, 2.5 us"
    voltages = "0, 1.5, 0 V"
    samples = 60
    compliance = "10 uA"
[ensemble]
members = 4
keep = "summary"
"""
"""One device of 96 sites; a run takes some 20 events."""

PULSE = (ROOT / "tests/rare/pulse.toml").read_bytes()
"""A short pulse, for the commands that ask what the last phase does."""

BASED: dict[str, Any] = {
    "based_on": "HfO2-volatile",
    "formula": "HfO",
    "without": ["column", "heat.melting_point"],
    "mechanisms": ["vacancy hop", "oxygen exchange"],
    "species": {"defect": "hole"},
    "vacancy": {"migration_barrier": "0.8 eV", "charge": 1, "crowding_count": "2"},
    "exchange": {"barrier": {"value": 1.7, "unit": "eV", "source": "a test", "confidence": "chosen"}},
}
"""A material of a few lines that is based on another."""

SERIAL = ("--engine", "serial", "--no-isolation")
SIGNATURES = b"OHDR OCHK FRHP FHDB FHIB FSHD BTHD BTLF BTIN GCOL HEAP SNOD TREE SMTB \x89HDF".split()
"""Begin the metadata of HDF5: damage there is what its library has to make sense of."""


@cache
def configurations() -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the examples by name: of devices, and of arrays."""
    devices, arrays = {"tiny.toml": TINY, "small.toml": (DATA / "small.toml").read_bytes()}, {}
    for path in sorted((ROOT / "examples").glob("*.toml")):
        document = tomllib.loads(path.read_text())
        if "device" in document:
            devices[path.name] = path.read_bytes()
        elif "array" in document:
            arrays[path.name] = path.read_bytes()
    return devices, arrays


@cache
def card() -> bytes:
    """Return the card that configurations of arrays name."""
    return (DATA / "small.card.json").read_bytes()


@cache
def materials() -> list[dict[str, Any]]:
    """Return the documents of all packaged materials."""
    return [tomllib.loads(path.read_text()) for path in sorted((ROOT / "kinetic/materials").glob("*.toml"))]


@contextlib.contextmanager
def inside() -> Iterator[Path]:
    """Carry out commands in an empty folder."""
    here, handler = os.getcwd(), signal.getsignal(signal.SIGTERM)
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        try:
            yield Path(name)
        finally:
            os.chdir(here)
            signal.signal(signal.SIGTERM, handler)  # runs take it


@cache
def made() -> dict[str, bytes]:
    """Run the tiny configuration and return what files it leaves.

    ``one.nc``, ``many.nc``; ``one.nc.checkpoint`` and ``member-0.checkpoint`` of runs that were interrupted;
    ``configuration.json``, ``1.shard`` and ``2.shard`` of a run in two parts; ``other.shard`` of seed 6.
    """
    from frenkel.cli.main import main

    commands = [
        "run tiny.toml -q -o one.nc --only 0",
        *(f"run tiny.toml -q -o many.nc {' '.join(SERIAL)} --shard {part}/2" for part in (1, 2)),
        f"run tiny.toml -q -o other.nc --seed 6 {' '.join(SERIAL)}",
    ]
    with inside() as folder, contextlib.redirect_stdout(io.StringIO()):
        Path("tiny.toml").write_bytes(TINY)
        for command in commands:
            if main(command.split()):
                raise RuntimeError(f"frenkel {command} failed")
        found = {name: Path(name).read_bytes() for name in ("one.nc", "many.nc")}
        found["configuration.json"] = Path("many.nc.run/configuration.json").read_bytes()
        for name, pattern in (
            ("1.shard", "many.nc.run/1-of-2.*.shard"),
            ("2.shard", "many.nc.run/2-of-2.*.shard"),
            ("other.shard", "other.nc.run/*.shard"),
        ):
            (path,) = folder.glob(pattern)
            found[name] = path.read_bytes()
        return found | _checkpoints(folder)


def _checkpoints(folder: Path) -> dict[str, bytes]:
    """Interrupt the run of one device in its middle, and of a member."""
    from frenkel.configuration import reader
    from frenkel.experiment import device, members
    from frenkel.experiment.ensemble import plain
    from frenkel.mpi_runs.child import Context, Stopped

    settings = reader.read(folder / "tiny.toml")

    def interrupt(share: float, *_: Any) -> None:
        if share > 0.6:
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        only = settings.model_copy(update={"member": 0})
        device.run(only, checkpoint=folder / "one.checkpoint", interval=0.0, progress=interrupt)

    class Stopping(Context):
        asked = 0

        def stopping(self) -> bool:
            self.asked += 1
            return self.asked == 3

    run = members.prepare(plain(settings, 1, folder).document())
    with contextlib.suppress(Stopped):
        run(0, Stopping(folder))
    return {
        "one.nc.checkpoint": (folder / "one.checkpoint").read_bytes(),
        "member-0.checkpoint": (folder / "member-0.checkpoint").read_bytes(),
    }


@cache
def results() -> dict[str, bytes]:
    """Return files of results: those made of earlier ones, and new ones."""
    old = {name: (DATA / name).read_bytes() for name in ("run.nc", "ensemble.nc", "array.nc")}
    return old | {name: made()[name] for name in ("one.nc", "many.nc")}


@cache
def marks(name: str) -> list[int]:
    """Return where the metadata of a result are."""
    content, found = results()[name], []
    for signature in SIGNATURES:
        at = content.find(signature)
        while at >= 0:
            found.append(at)
            at = content.find(signature, at + 1)
    return sorted(found)


@cache
def hashes() -> dict[str, str | None]:
    """Return the content hashes of results; None of files that carry none and cannot be compared."""
    import netCDF4

    from frenkel.data import content

    found: dict[str, str | None] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, data in results().items():
            path = Path(folder) / name
            path.write_bytes(data)
            with netCDF4.Dataset(path) as file:
                carried = content.ATTRIBUTE in file.ncattrs()
            found[name] = content.of_file(path) if carried else None
            if name == "one.nc":
                found["run"] = content.of_file(path)  # of the run itself, whether or not the file carries it
    return found


@cache
def rows() -> dict[int, dict[str, Any]]:
    """Return the numbers of each member of the tiny ensemble."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.nc"
        path.write_bytes(made()["many.nc"])
        return rows_of(path)


def rows_of(path: Path) -> dict[int, dict[str, Any]]:
    """Return the numbers of each finished member of a merged file, by its number."""
    import netCDF4

    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        numbers, status = file["member"][:], file["status"][:]
        of_members = [name for name, one in file.variables.items() if one.dimensions[:1] == ("member",)]
        columns = {name: file[name][...] for name in of_members if name not in ("member", "status")}
    return {
        int(number): {name: values[row] for name, values in columns.items()}
        for row, number in enumerate(numbers)
        if status[row] == 0
    }


@cache
def frames(name: str) -> tuple[bytes, list[bytes]]:
    """Return the head of a log, with its first record, and its further records."""
    from frenkel.mpi_runs import shards

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(made()[name])
        index = shards.scan(path)
    content, begin = made()[name], int(min(index.offset))
    pieces = zip(index.offset.tolist(), index.length.tolist(), strict=True)
    return content[:begin], [content[at : at + length] for at, length in pieces]
