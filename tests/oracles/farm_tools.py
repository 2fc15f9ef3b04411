"""How the tests start programs of the farm: in a folder of their own, on any engine."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "synthetic_members.py"
BESIDE = Path(sys.executable).parent / "mpiexec"
MPIEXEC = str(BESIDE) if BESIDE.exists() else shutil.which("mpiexec")


def environment():
    """Return an environment in which child processes find the made-up members, and no launcher shows."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PMI", "OMPI", "SLURM"))
    }
    source = HERE.parents[1] / "src"
    paths = [str(HERE), *([str(source)] if source.is_dir() else []), os.environ.get("PYTHONPATH", "")]
    # Mostly more ranks than cores here: sleep while waiting.
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "MPI4PY_FUTURES_BACKOFF": "0.01"}


def needs_mpi():
    """Skip where there is no MPI."""
    pytest.importorskip("mpi4py.futures")
    if MPIEXEC is None:
        pytest.skip("no mpiexec")


def command(engine, folder, number, settings=None, ranks=None):
    """Return the command line of a run of made-up members."""
    launcher = [MPIEXEC, "-n", str(ranks)] if ranks else []
    return [
        *launcher,
        sys.executable,
        str(PROGRAM),
        engine,
        str(folder),
        str(number),
        json.dumps(settings or {}),
    ]


def start(*arguments, **options):
    """Start such a run."""
    return subprocess.Popen(
        command(*arguments, **options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
    )


def finish(process, timeout=60):
    """Wait for a run; return its exit code, what it said of itself, its hash and its standard error."""
    out, errors = process.communicate(timeout=timeout)
    lines = out.splitlines()
    said = next((json.loads(line) for line in lines if line.startswith("{")), None)
    found = next((line for line in lines if len(line) == 64), None)
    return process.returncode, said, found, errors


def run(*arguments, **options):
    """Run made-up members to the end."""
    return finish(start(*arguments, **options))
