"""A hundred thousand members: the memory of the manager and of the merge hardly grows with their number."""

import subprocess
import sys

import farm_tools
import pytest

pytestmark = pytest.mark.verification

RUN = """
import sys, synthetic_members
from frenkel.mpi_runs import child, farm, session
folder, number = sys.argv[1], int(sys.argv[2])
with farm.serial() as workers:
    done = session.execute(synthetic_members.job(folder, number, {"job": {"isolated": False}}), workers)
assert (done.code, done.ran) == (0, number)
print(child.peak_memory())
"""
MERGE = """
import sys, synthetic_members
from frenkel.mpi_runs import child
synthetic_members.merged(sys.argv[1], int(sys.argv[2]))
print(child.peak_memory())
"""
FEW, MANY = 20_000, 100_000
MOST = 300  # bytes a member; 171 were measured of the manager and 75 of the merge


def peak(program, folder, number):
    """Return the largest memory (bytes) of a program."""
    command = [sys.executable, "-c", program, str(folder), str(number)]
    done = subprocess.run(command, capture_output=True, text=True, env=farm_tools.environment(), check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_memory_does_not_grow_with_what_members_hold(tmp_path, capsys):
    used = {}
    for number in (FEW, MANY):
        for what, program in (("manager", RUN), ("merge", MERGE)):
            used[what, number] = peak(program, tmp_path / str(number), number)
    with capsys.disabled():
        for what in ("manager", "merge"):
            per_member = (used[what, MANY] - used[what, FEW]) / (MANY - FEW)
            print(f"{what}: {used[what, MANY] / 1e6:.0f} MB at {MANY} members, {per_member:.0f} B a member")
            assert per_member < MOST
            assert used[what, MANY] < 150e6
