"""Made-up members for the tests of the farm, and a program that runs them on any engine.

``python synthetic_members.py ENGINE FOLDER NUMBER [SETTINGS]`` prints the exit code and the content hash of
the merged file; ENGINE is serial, pool, mpi or dask, SETTINGS a JSON object for :func:`prepare` and, under
"job", for the job.
"""

import json
import logging
import os
import signal
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from frenkel.data import content, member_file, stopping
from frenkel.mpi_runs import child, farm, merge, runs, session

FAULTS = {"kill": signal.SIGKILL, "segfault": signal.SIGSEGV, "real-time": 40}


def prepare(settings):
    """Return what runs one member: random numbers, after a fault or a nap if the settings say so."""
    faults = settings.get("faults", {})

    def run(member, context):
        random = np.random.default_rng(np.random.SeedSequence(7, spawn_key=(member,)))
        context.note({"step": 1})
        if "warns" in settings:
            warnings.warn(settings["warns"], stacklevel=1)
        for words in settings.get("says", {}).get(str(member), []):
            logging.getLogger("frenkel.made_up").warning(words)
        kind = faults.get(str(member))
        if kind == "raise":
            raise ValueError("made to fail")
        if kind == "hang":
            time.sleep(1000)
        if kind in FAULTS:
            os.kill(os.getpid(), FAULTS[kind])
        if settings.get("polite"):
            end = time.monotonic() + 15
            while not context.stopping():
                assert time.monotonic() < end, "nobody has asked it to stop"
                time.sleep(0.01)
            raise child.Stopped
        naps = settings.get("naps")
        time.sleep(naps[member] if naps else settings.get("nap", 0.0))
        length = int(random.integers(0, 40))
        arrays = {
            "a": np.asarray(random.random()),
            "trace": random.random((length, 2)),
            "row": random.random(3),
            "size": np.asarray(settings.get("size", 0)),
            "bulk": random.random(settings.get("size", 0)),
        }
        return arrays, {"texts": {"species": ["one", "two"]}}

    return run


COLUMNS = {
    "a": member_file.MemberColumn(attrs={"units": "V"}),
    "trace": member_file.MemberColumn(dims=("sample", "species"), kind="ragged", attrs={"units": "A"}),
    "row": member_file.MemberColumn(dims=("cycle",)),
    "size": member_file.MemberColumn(kind="constant"),
    "bulk": member_file.MemberColumn(dims=("item",), kind="ragged"),
    "species": member_file.MemberColumn(dims=("species",)),
}


def job(folder, number, settings=None):
    """Return a job of made-up members."""
    settings = dict(settings or {})
    options = settings.pop("job", {})
    document = {"size": settings.get("size", 0), "color": settings.get("color", "red")}
    return session.Job(
        folder=Path(folder),
        function="synthetic_members:prepare",
        settings=settings,
        document=document,
        digest=json.dumps(document),
        members=range(number),
        **options,
    )


def merged(folder, number, compression=1):
    """Merge, and return the content hash."""
    located = runs.survey([Path(folder)]).best(range(number))
    coordinates = {"member": (("member",), located.member, {}), "status": (("member",), located.status, {})}
    target = member_file.Target([("member", number)], COLUMNS, coordinates, {}, compression)
    return merge.merge(located, target, Path(folder).with_suffix(".nc"))


def main(engine, folder, number, settings):
    """Run and merge; return the exit code."""
    number = int(number)
    stopping.catch_signals()
    farm.abort_on_errors()
    workers = int(settings.pop("workers", 0)) or None
    opened = getattr(farm, engine)
    with opened() if engine in ("serial", "mpi") else opened(workers) as crews:
        done = None if crews is None else session.execute(job(folder, number, settings), crews)
    if done is None:
        return 0
    print(
        json.dumps(
            {
                "code": done.code,
                "ran": done.ran,
                "left": done.left,
                "failed": done.failed,
                "reason": done.reason,
                "faults": [str(fault) for fault in done.faults],
            }
        )
    )
    if not done.left:
        found = merged(folder, number)
        assert found == content.of_file(Path(folder).with_suffix(".nc"))
        print(found)
    return done.code


if __name__ == "__main__":
    text = sys.argv[4] if len(sys.argv) > 4 else "{}"
    sys.exit(main(*sys.argv[1:4], json.loads(text)))
