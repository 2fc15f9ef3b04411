"""``frenkel tails`` is the same on any number of ranks, and after a SIGKILL in the middle: no particle lost.

Each repeat is a function of the seed and its number; what is compared are all levels, counts and estimates.
"""

import subprocess
import sys
import time
from pathlib import Path

import farm_tools
import numpy as np
import pytest

from frenkel.data import forms
from frenkel.mpi_runs import runs, shards
from frenkel.rare import farm

pytestmark = [pytest.mark.verification, pytest.mark.timeout(1800)]

TINY = Path(__file__).parents[1] / "tests" / "rare" / "pulse.toml"
REPEATS = 6


def start(folder, output, *options, ranks=None):
    """Start the command."""
    launcher = [farm_tools.MPIEXEC, "-n", str(ranks)] if ranks else []
    asked = ["tails", str(TINY), "--event", "read disturbs", "--at", "4", "--particles", "60"]
    more = ["--repeats", str(REPEATS), "-o", output, "-q", *options]
    return subprocess.Popen(
        [*launcher, sys.executable, "-m", "frenkel", *asked, *more],
        cwd=folder, env=farm_tools.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def finished(folder, output):
    """Return the repeats that are safe."""
    found = runs.survey([forms.run_folder(folder / output)])
    return found.member[found.status == shards.OK].tolist()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a folder with the result of one process that nobody disturbed."""
    folder = tmp_path_factory.mktemp("rare")
    process = start(folder, "whole.nc", "--engine", "serial", "--no-isolation")
    said, _ = process.communicate()
    assert process.returncode == 0, said
    return folder


def compare(folder, output):
    """Compare everything in two files."""
    one, other = farm.load(folder / "whole.nc"), farm.load(folder / output)
    assert one.sizes["repeat"] == REPEATS and one.sizes["stage"] >= REPEATS
    for name in (*farm.Tails.columns, "stage_count"):
        np.testing.assert_array_equal(one[name].values, other[name].values)


def test_three_ranks(whole):
    """A manager and two that work, under mpiexec."""
    farm_tools.needs_mpi()
    process = start(whole, "ranks.nc", "--engine", "mpi", ranks=3)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    compare(whole, "ranks.nc")


def test_killed_in_the_middle(whole):
    """Killed when two repeats are safe, and begun again: those are kept, the rest is as it would be."""
    options = ("killed.nc", "--engine", "serial", "--no-isolation")
    process = start(whole, *options)
    while len(finished(whole, "killed.nc")) < 2:
        assert process.poll() is None, "it was done before it was killed"
        time.sleep(0.02)
    process.kill()
    process.wait()
    kept = finished(whole, "killed.nc")
    assert 2 <= len(kept) < REPEATS and not (whole / "killed.nc").exists()
    again = start(whole, *options)
    said, _ = again.communicate()
    assert again.returncode == 0, said
    compare(whole, "killed.nc")
    assert kept == finished(whole, "killed.nc")[: len(kept)]
