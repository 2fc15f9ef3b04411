"""Parts of one run that end at the same time: one writes the file, all of them end well."""

import contextlib
import subprocess
import sys
import time

import farm_tools
import pytest

from frenkel.cli import main as cli
from frenkel.data import content

TINY = """
seed = 5
material = "HfO2-volatile"
[device]
thickness = "1.6 nm"
width = "1.6 nm"
[ensemble]
members = 2
keep = "summary"
[[phase]]
kind = "form"
amplitude = "4 V"
rate = "1 MV/s"
compliance = "20 uA"
to_compliance = true
samples = 20
"""

FIRST_PART = """
import sys, time
from pathlib import Path
import frenkel as fk
from frenkel.experiment import ensemble
from frenkel.mpi_runs import farm

folder = Path(sys.argv[1])

def merging(done):
    (folder / "merging").touch()
    while not (folder / "go on").exists():
        time.sleep(0.01)

devices = ensemble.plain(fk.read_configuration(folder / "tiny.toml"), None, folder)
options = {"part": (1, 2), "merging": merging, "isolated": False}
with farm.serial() as workers:
    done, _ = ensemble.run(devices, folder / "x.nc", workers, **options)
sys.exit(done.code)
"""


@pytest.fixture
def second_part(tmp_path, capsys):
    """Return what runs the second of two parts and returns its exit status and what it said."""
    (tmp_path / "tiny.toml").write_text(TINY)
    command = ["run", "tiny.toml", "-o", "x.nc", "--shard", "2/2", "--engine", "serial", "--no-isolation"]

    def run():
        with contextlib.chdir(tmp_path):
            return cli.main([*command, "--quiet"]), "".join(capsys.readouterr())

    return run


@contextlib.contextmanager
def first_part_merging(folder):
    """Run the first part in a process of its own until it is in the middle of writing the file."""
    command = [sys.executable, "-c", FIRST_PART, str(folder)]
    with subprocess.Popen(command, env=farm_tools.environment()) as process:
        try:
            end = time.monotonic() + 60
            while not (folder / "merging").exists():
                assert process.poll() is None and time.monotonic() < end
                time.sleep(0.01)
            yield process
        finally:
            process.kill()


def test_parts_that_end_together_both_end_well(tmp_path, second_part):
    code, said = second_part()
    assert code == 0 and "this part is done" in said and not (tmp_path / "x.nc").exists()
    with first_part_merging(tmp_path) as first:
        code, said = second_part()
        assert (code, "this part is done" in said) == (0, True), said
        assert not (tmp_path / "x.nc").exists()
        (tmp_path / "go on").touch()
        assert first.wait(60) == 0
    code, said = second_part()
    assert code == 0 and f"content {content.of_file(tmp_path / 'x.nc')}" in said


def test_a_part_that_is_killed_while_it_writes_the_file_is_followed_by_the_other(tmp_path, second_part):
    second_part()
    with first_part_merging(tmp_path) as first:
        first.kill()
        first.wait()
    assert len(list(tmp_path.glob(".x.nc.*.part"))) == 1
    code, said = second_part()
    assert code == 0 and f"content {content.of_file(tmp_path / 'x.nc')}" in said
    assert not list((tmp_path / "x.nc.run").glob("*.lock")) and not list(tmp_path.glob(".x.nc.*"))
