"""Ensembles under a real Slurm: the written scripts run, are stopped, go on by themselves, and agree.

Needs a Slurm that takes jobs here (one node from packages is enough); skipped elsewhere.
"""

import os
import shutil
import subprocess
import sys
import time

import farm_tools
import pytest

from frenkel.cli import main as cli
from frenkel.data import content

pytestmark = pytest.mark.verification
TINY = """
seed = 5
material = "HfO2-volatile"
[device]
thickness = "2.6 nm"
width = "2.6 nm"
[[phase]]
kind = "form"
amplitude = "4 V"
rate = "0.1 MV/s"
compliance = "20 uA"
to_compliance = true
samples = 60
"""
MEMBERS = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a configuration, its ensemble by the pool, and a command ``frenkel`` for jobs."""
    if (
        shutil.which("sbatch") is None
        or subprocess.run(["sinfo", "-h"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no Slurm takes jobs here")
    made = tmp_path_factory.mktemp("slurm")
    (made / "tiny.toml").write_text(TINY)
    command = made / "bin" / "frenkel"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m frenkel "$@"\n')
    command.chmod(0o755)
    assert (
        cli.main(
            ["run", str(made / "tiny.toml"), "-o", str(made / "pool.nc"), "-q", "--members", str(MEMBERS)]
        )
        == 0
    )
    return made


def environment(folder):
    found = farm_tools.environment()
    return found | {"PATH": f"{folder / 'bin'}{os.pathsep}{found['PATH']}"}


def submit(folder, capsys, name, *arguments):
    """Write a job script and submit it; return the number of the job."""
    asked = [
        "job",
        "--scheduler",
        "slurm",
        str(folder / "tiny.toml"),
        "-o",
        str(folder / name),
        "--members",
        str(MEMBERS),
    ]
    capsys.readouterr()
    assert cli.main([*asked, "--time", "5", "--margin", "60", *arguments]) == 0
    script = folder / f"{name}.sh"
    script.write_text(capsys.readouterr().out)
    done = subprocess.run(
        ["sbatch", "--parsable", str(script)],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def wait_for(condition, limit=180.0):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.5)


def idle():
    return not subprocess.run(["squeue", "-h"], capture_output=True, text=True, check=True).stdout.strip()


def test_a_job_that_is_signalled_submits_itself_and_completes(folder, capsys):
    job = submit(folder, capsys, "chain.nc", "--tasks", "2")
    wait_for(lambda: any(path.stat().st_size > 5000 for path in (folder / "chain.nc.run").glob("*.shard")))
    subprocess.run(["scancel", "--signal=USR1", job], check=True)
    wait_for(lambda: (folder / "chain.nc").exists() and idle())
    logs = "".join(path.read_text() for path in folder.glob("chain-*.log"))
    assert "stopped (signal SIGUSR1)" in logs and "going on:" in logs
    assert content.of_file(folder / "chain.nc") == content.of_file(folder / "pool.nc")


def test_a_killed_rank_ends_the_step_and_the_script_completes_it_when_submitted_again(folder, capsys):
    job = submit(folder, capsys, "kill.nc", "--tasks", "2")
    wait_for(lambda: any(path.stat().st_size > 5000 for path in (folder / "kill.nc.run").glob("*.shard")))
    subprocess.run(["scancel", "--signal=KILL", job], check=True)
    wait_for(idle)
    assert not (folder / "kill.nc").exists()
    submit(folder, capsys, "kill.nc", "--tasks", "2")
    wait_for(lambda: (folder / "kill.nc").exists() and idle())
    assert content.of_file(folder / "kill.nc") == content.of_file(folder / "pool.nc")


def test_an_array_gives_the_same_content(folder, capsys):
    submit(folder, capsys, "array.nc", "--array", "3")
    wait_for(idle)
    if not (folder / "array.nc").exists():  # the parts ended together and none saw the others' end
        assert cli.main(["merge", str(folder / "array.nc"), "-o", str(folder / "array.nc")]) == 0
    assert content.of_file(folder / "array.nc") == content.of_file(folder / "pool.nc")
