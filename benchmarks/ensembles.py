"""Overhead, writing, merging, memory and start-up of ensembles, beside bare mpi4py.futures and netCDF files.

Made-up members, so that only our own time counts. Ratios are taken inside one run. ``--large`` repeats the
merge and the resume with 10^5 members of 20 kB (2 GB of disk).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from made_up_members import TRACES
from report import machine, write, write_table

from frenkel.data import member_file
from frenkel.mpi_runs import farm, merge, model, runs, session, shards
from frenkel.mpi_runs.child import peak_memory

HEADER = ["quantity", "ours", "peer", "ratio", "target"]
HERE = Path(__file__).resolve()
TRACE = 500  # five float64 traces of 500: 20 kB
RANKS = 4


def job(folder: Path, number: int, settings: dict[str, Any], cost: Any = None, **options: Any) -> session.Job:
    """Return a job of made-up members."""
    known = {"cost": lambda member: (0, cost[member])} if cost is not None else {}
    return session.Job(
        folder=folder,
        function="made_up_members:prepare",
        settings=settings,
        document={"b": 1},
        digest="b",
        members=range(number),
        **known,
        **options,
    )


def nothing(_: int) -> None:
    """Do nothing, for the bare engine."""


def mpi_part(folder: Path, number: int) -> None:
    """Measure on the ranks of this job; rank 0 prints JSON."""
    from mpi4py import MPI
    from mpi4py.futures import MPICommExecutor

    result: dict[str, float] = {}
    with MPICommExecutor(MPI.COMM_WORLD, root=0) as bare:
        if bare is not None:
            list(bare.map(nothing, range(100)))
            begin = time.perf_counter()
            list(bare.map(nothing, range(number), unordered=True))
            result["bare"] = (time.perf_counter() - begin) / number
    for name, isolated in (("isolated", True), ("open", False)):
        with farm.mpi() as crews:
            if crews is not None:
                warm = job(folder / f"{name}-warm", 50, {"length": TRACE}, isolated=isolated)
                session.execute(warm, crews)
                begin = time.perf_counter()
                session.execute(job(folder / name, number, {"length": TRACE}, isolated=isolated), crews)
                result[name] = (time.perf_counter() - begin) / number
    random = np.random.default_rng(3)
    naps = np.exp(1.5 * random.standard_normal(400))
    naps *= 40.0 / naps.sum()
    noisy = naps * np.exp(0.5 * random.standard_normal(400))
    for name, cost, number in (("random", None, 400), ("longest", noisy, 400), ("small", noisy, 150)):
        with farm.mpi() as crews:
            if crews is not None:
                begin = time.perf_counter()
                session.execute(job(folder / f"{name}-warm", 20, {"length": 1}), crews)
                start = time.perf_counter() - begin
                settings = {"length": 1, "naps": naps.tolist()}
                begin, cpu = time.perf_counter(), time.process_time()
                session.execute(job(folder / name, number, settings, cost), crews)
                wall = time.perf_counter() - begin
                todo = naps[:number]
                guess = None if cost is None else cost[:number]
                modelled = model.simulate(todo, MPI.COMM_WORLD.size, estimates=guess, start=start).wall
                bound = max(todo.sum() / MPI.COMM_WORLD.size, todo.max())
                result |= {name: wall / bound, f"{name}-model": modelled, f"{name}-wall": wall}
                result[f"{name}-cpu"] = (time.process_time() - cpu) / wall
    if MPI.COMM_WORLD.rank == 0:
        print(json.dumps(result))


def environment() -> dict[str, str]:
    """Return an environment in which children find this file."""
    paths = [str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def mpiexec() -> str | None:
    """Return the launcher beside this Python, or the one on the path."""
    beside = Path(sys.executable).parent / "mpiexec"
    return str(beside) if beside.exists() else shutil.which("mpiexec")


def farm_rows(folder: Path, number: int) -> list[list[str]]:
    """Measure the farm on four ranks."""
    launcher = mpiexec()
    if launcher is None:
        return []
    command = [
        launcher,
        "-n",
        str(RANKS),
        sys.executable,
        str(HERE),
        "--mpi",
        str(folder / "mpi"),
        str(number),
    ]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    us = {name: 1e6 * found[name] for name in ("bare", "isolated", "open")}
    modelled = [
        [
            f"model of the farm, {name}: modelled, measured wall",
            f"{found[f'{key}-model']:.2f} s",
            f"{found[f'{key}-wall']:.2f} s",
            f"{found[f'{key}-model'] / found[f'{key}-wall']:.3f}",
            "0.95 to 1.05",
        ]
        for key, name in (("small", "150 members"), ("longest", "400 members"))
    ]
    begin = time.perf_counter()
    subprocess.run(
        [launcher, "-n", str(RANKS), sys.executable, "-c", "from mpi4py import MPI"],
        env=environment(),
        check=True,
    )
    start = time.perf_counter() - begin
    return [
        [
            f"overhead per member, mpi, {RANKS} ranks, 20 kB",
            f"{us['isolated']:.0f} us",
            f"{us['bare']:.0f} us",
            f"{us['isolated'] / us['bare']:.2f}",
            "<= 3, <= 1 ms",
        ],
        [
            "the same without isolation",
            f"{us['open']:.0f} us",
            f"{us['bare']:.0f} us",
            f"{us['open'] / us['bare']:.2f}",
            "",
        ],
        [
            f"wall over lower bound, 400 lognormal(1.5), {RANKS} ranks, random",
            f"{found['random']:.3f}",
            "1.16",
            "",
            "<= 1.12",
        ],
        [
            "the same, longest first, estimates wrong by e^0.5",
            f"{found['longest']:.3f}",
            "1.16",
            "",
            "<= 1.05",
        ],
        ["CPU of the manager while members run", f"{found['longest-cpu']:.3f} cores", "0.55", "", "<= 0.05"],
        [f"start of mpiexec -n {RANKS}", f"{start:.2f} s", "", "", ""],
        *modelled,
    ]


def isolation_row(folder: Path, number: int) -> list[str]:
    """Measure what a process of its own costs a member."""
    spent = {}
    for name, isolated in (("in", True), ("out", False)):
        best = np.inf
        for attempt in range(3):
            with farm.serial() as crews:
                session.execute(
                    job(folder / f"{name}{attempt}w", 5, {"length": TRACE}, isolated=isolated), crews
                )
                todo = job(folder / f"{name}{attempt}", number, {"length": TRACE}, isolated=isolated)
                plan_start = start_up(folder / f"{name}{attempt}s", isolated)
                begin = time.perf_counter()
                session.execute(todo, crews)
                best = min(best, (time.perf_counter() - begin - plan_start) / number)
        spent[name] = 1e6 * best
    return [
        "isolation of a member, 20 kB",
        f"{spent['in'] - spent['out']:.0f} us",
        f"{spent['out']:.0f} us",
        "",
        "<= 100 us",
    ]


def start_up(folder: Path, isolated: bool) -> float:
    """Return what a run of one member takes: the start of its process, and the scans of the folder."""
    with farm.serial() as crews:
        begin = time.perf_counter()
        session.execute(job(folder, 1, {"length": TRACE}, isolated=isolated), crews)
        return time.perf_counter() - begin


def frame(member: int, length: int, random: Any) -> bytes:
    """Return the record of a made-up member, as noisy as measured traces are."""
    arrays = {f"trace{i}": np.round(np.cumsum(random.standard_normal(length)), 3) for i in range(TRACES)}
    return shards.encode(member, shards.OK, {"wall": 1.0, "host": "h"}, arrays | {"number": np.asarray(1.0)})


def fill(folder: Path, number: int, length: int, writers: int = 16) -> float:
    """Write shards in a random order of members; return members per second of one writer."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(5)
    frames = [frame(one, length, random) for one in range(64)]
    made = [shards.Writer(folder / f"all.{one}.shard", {"configuration_hash": "b"}) for one in range(writers)]
    order = random.permutation(number)
    spent = 0.0
    for member in order:
        record = bytearray(frames[member % 64])
        record[16:24] = int(member).to_bytes(8, "little")
        record[4:8] = shards.zlib.crc32(record[8:]).to_bytes(4, "little")
        begin = time.perf_counter()
        made[member % writers].append(bytes(record))
        spent += time.perf_counter() - begin
    for one in made:
        one.close()
    return number / spent


def netcdf_per_member(folder: Path, length: int, number: int = 150) -> float:
    """Return members per second of one netCDF file per member, renamed into place."""
    import netCDF4

    folder.mkdir()
    values = np.random.default_rng(1).random((TRACES, length))
    begin = time.perf_counter()
    for member in range(number):
        with netCDF4.Dataset(folder / "part", "w") as file:
            file.createDimension("n", length)
            for i in range(TRACES):
                file.createVariable(f"trace{i}", "f8", ("n",))[:] = values[i]
        os.replace(folder / "part", folder / f"{member}.nc")
    return number / (time.perf_counter() - begin)


def write_rows(folder: Path) -> list[list[str]]:
    """Measure writing beside one netCDF file per member."""
    rows = []
    for size, length, target in (("100 kB", 2500, 1000), ("20 kB", TRACE, 5000)):
        ours = fill(folder / f"write{length}", 4000, length, writers=1)
        peer = netcdf_per_member(folder / f"netcdf{length}", length)
        rows.append(
            [
                f"writing members of {size}, one writer",
                f"{ours:.0f} /s",
                f"{peer:.0f} /s",
                f"{ours / peer:.0f}",
                f">= {target} /s, >= 3",
            ]
        )
    return rows


def merge_some(folder: Path, number: int, compression: int) -> None:
    """Merge shards and print time, size and memory as JSON; run in a process of its own."""
    columns = {f"trace{i}": member_file.MemberColumn(dims=("sample",), kind="ragged") for i in range(TRACES)}
    columns["number"] = member_file.MemberColumn()
    import netCDF4  # noqa: F401

    idle = peak_memory()
    begin = time.perf_counter()
    found = runs.survey([folder], "b")
    todo = found.to_run(range(number))
    scanned = time.perf_counter() - begin
    assert not len(todo)
    target = member_file.Target([("member", number)], columns, {}, {}, compression)
    begin, cpu = time.perf_counter(), time.process_time()
    merge.merge(found.best(range(number)), target, folder / "merged.nc")
    spent, busy = time.perf_counter() - begin, time.process_time() - cpu
    size = sum(path.stat().st_size for path in folder.glob("*.shard"))
    print(
        json.dumps(
            {"scan": scanned, "merge": spent, "cpu": busy, "bytes": size, "peak": peak_memory(), "idle": idle}
        )
    )


def merged(folder: Path, number: int, length: int, compression: int) -> dict[str, float]:
    """Fill a folder and merge it in another process."""
    if not folder.exists():
        fill(folder, number, length)
    command = [sys.executable, str(HERE), "--merge", str(folder), str(number), str(compression)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def merge_rows(folder: Path, large: bool) -> list[list[str]]:
    """Measure merging, its memory, and the scan with which a resume begins."""
    rows = []
    for compression in (0, 1):
        found = merged(folder / "merge20", 10_000, TRACE, compression)
        rows.append(
            [
                f"merge of 10^4 members of 20 kB, zlib {compression}",
                f"{found['bytes'] / found['cpu'] / 1e6:.0f} MB/s of CPU time "
                f"({found['bytes'] / found['merge'] / 1e6:.0f} of wall)",
                "140 MB/s",
                "",
                ">= 150 MB/s",
            ]
        )
    rows.append(open_row(folder / "merge20" / "merged.nc"))
    length, size = (TRACE, "20 kB") if large else (25, "1 kB")
    small, big = (merged(folder / f"memory{number}", number, length, 0) for number in (10_000, 100_000))
    growth = (big["peak"] - small["peak"]) / 90_000
    rows.append(
        [
            f"memory of a merge, growth from 10^4 to 10^5 members of {size}",
            f"{growth:.0f} bytes a member",
            "",
            "",
            "<= 1000",
        ]
    )
    rows.append([f"resume: scan of 10^5 members of {size}", f"{big['scan']:.2f} s", "", "", "<= 5 s"])
    return rows


def open_row(path: Path) -> list[str]:
    """Measure opening the merged file and one mean over it."""
    import xarray as xr

    begin = time.perf_counter()
    with xr.open_dataset(path) as opened:
        first = time.perf_counter() - begin
        float(opened["number"].mean()), float(opened["trace0"].mean())
        second = time.perf_counter() - begin - first
    return [
        "opening 10^4 merged members; mean of a trace",
        f"{first:.2f} s; {second:.2f} s",
        "26 s",
        "",
        "<= 0.5 s; <= 1 s",
    ]


def worker_rows() -> list[list[str]]:
    """Measure what a rank imports."""
    rows = []
    alone = "from frenkel.threads import load_blas_alone as a, load_hashes_alone as b; b(); a()"
    code = {
        "a rank that serves": "import frenkel.mpi_runs.worker; from mpi4py import MPI; import mpi4py.futures",
        "the process that runs its members": f"{alone}; import frenkel.experiment.members",
    }
    memory = "; from frenkel.mpi_runs.child import peak_memory; print(peak_memory())"
    for name, text in code.items():
        done = subprocess.run(
            [sys.executable, "-c", text + memory],
            capture_output=True,
            text=True,
            check=True,
            env=environment(),
        )
        calls = file_calls(text)
        rows.append(
            [
                f"memory and file calls of {name}",
                f"{int(done.stdout) / 1e6:.0f} MB, {calls}",
                "113 MB, 5414",
                "",
                "<= 60 MB, <= 2500",
            ]
        )
    return rows


def file_calls(text: str) -> str:
    """Return the number of system calls on files that a program makes, as strace counts them."""
    if shutil.which("strace") is None:
        return "no strace here"
    done = subprocess.run(
        [
            "strace",
            "-f",
            "-c",
            "-e",
            "trace=%file,read,fstat,lseek,getdents64,close,ioctl",
            sys.executable,
            "-c",
            text,
        ],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    total = re.search(r"^\s*100\.00\s+\S+\s+\S+\s+(\d+)", done.stderr, re.MULTILINE)
    opened = subprocess.run(
        ["strace", "-f", "-c", "-e", "trace=%file", sys.executable, "-c", text],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    names = re.search(r"^\s*100\.00\s+\S+\s+\S+\s+(\d+)", opened.stderr, re.MULTILINE)
    return f"{names[1] if names else '?'} by name ({total[1] if total else '?'} with reads and stats)"


def main() -> None:
    """Print one table."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("--members", type=int, default=2000)
    command.add_argument("--large", action="store_true", help="10^5 members of 20 kB (2 GB of disk)")
    command.add_argument("--mpi", nargs=2, help=argparse.SUPPRESS)
    command.add_argument("--merge", nargs=3, help=argparse.SUPPRESS)
    options = command.parse_args()
    if options.mpi:
        return mpi_part(Path(options.mpi[0]), int(options.mpi[1]))
    if options.merge:
        return merge_some(Path(options.merge[0]), int(options.merge[1]), int(options.merge[2]))
    write(machine() + "\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["PYTHONPATH"] = environment()["PYTHONPATH"]
        rows = farm_rows(folder, options.members)
        rows.append(isolation_row(folder, options.members))
        rows += write_rows(folder) + merge_rows(folder, options.large) + worker_rows()
    write_table(HEADER, rows)
    return None


if __name__ == "__main__":
    main()
