"""Kills at random: nothing acknowledged is lost, nothing is left behind, the result is as without them.

``FRENKEL_KILLS=200 pytest -m verification -s validation/test_kills.py`` prints what was struck, how
and how often, and how the commands ended. ``FRENKEL_KILLS_SEED`` gives other moments and victims.
"""

import collections
import contextlib
import os
import random
import secrets
import signal
import subprocess
import sys
import time

import farm_tools
import pytest

from frenkel.cli import main as cli
from frenkel.data import content
from frenkel.mpi_runs import runs, shards

pytestmark = [pytest.mark.verification, pytest.mark.timeout(3 * 3600)]

NUMBER = 80
CONFIGURATION = f"""
seed = 5
material = "HfO2-volatile"
[device]
thickness = "1.6 nm"
width = "1.6 nm"
[ensemble]
members = {NUMBER}
keep = "all"
[[phase]]
kind = "form"
amplitude = "4 V"
rate = "1 MV/s"
compliance = "20 uA"
to_compliance = true
samples = 20
[[phase]]
kind = "reset"
amplitude = "-1 V"
rate = "1 MV/s"
samples = 20
"""
KILLS_A_RUN = 6
ENGINES = {"serial": ["member", "manager", "all"], "pool": ["member", "manager", "all"]}
if farm_tools.MPIEXEC:
    ENGINES["mpi"] = ["member", "rank", "manager", "launcher", "all"]
SIGNALS = ["KILL", "TERM", "INT", "USR1", "STOP"]  # CONT follows STOP
KEPT = {".shard", ".json", ".index"}  # of the folder of a run that is done
MARK = "FRENKEL_KILLS_MARK"  # in the environment of every process of a run


def processes(mark):
    """Return the processes of a run by number: their command lines."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{name}/environ", "rb") as stream:
                if f"{MARK}={mark}".encode() not in stream.read().split(b"\0"):
                    continue
            with open(f"/proc/{name}/cmdline", "rb") as stream:
                found[int(name)] = stream.read().decode(errors="replace")
    return found


def victims(who, mark, first):
    """Return the numbers of the processes that are to be struck, [] while there are none."""
    found = processes(mark)
    members = [pid for pid, line in found.items() if "mpi_runs.child import main" in line]
    ranks = sorted(pid for pid, line in found.items() if "-m\0frenkel\0run" in line and "mpiexec" not in line)
    by_launcher = os.path.basename(found.get(first, "").split("\0")[0]) in ("mpiexec", "mpiexec.hydra")
    return {
        "member": members,
        "manager": ranks[:1],  # the launcher starts rank 0 first
        "rank": ranks[1:],
        "launcher": [first] if by_launcher else [],
        "all": list(found),
    }[who]


def has_traceback(said):
    """Tell whether a traceback was printed, other than that of a Ctrl-C while Python itself was starting."""
    return "Traceback" in said and not (said.endswith("KeyboardInterrupt\n") and "in main\n" not in said)


class Run:
    """One output, that is started by the same command until it is done."""

    def __init__(self, folder, engine, draw):
        self.folder, self.engine, self.draw = folder, engine, draw
        folder.mkdir()
        (folder / "kills.toml").write_text(CONFIGURATION)
        self.output = folder / "x.nc"
        self.mark = secrets.token_hex(8)
        self.before = set()
        self.process = None

    def start(self):
        """Give the command."""
        launcher = [farm_tools.MPIEXEC, "-n", "3"] if self.engine == "mpi" else []
        command = [*launcher, sys.executable, "-m", "frenkel", "run", "kills.toml", "-o", "x.nc", "--quiet"]
        command += ["--engine", self.engine, "--workers", "2", "--retry"]
        self.log = (self.folder / "log").open("w+")
        self.process = subprocess.Popen(
            command,
            cwd=self.folder,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            env=farm_tools.environment() | {MARK: self.mark},
            start_new_session=True,
        )

    def finished(self):
        """Return the numbers of the members that are safe, each once."""
        found = runs.survey([self.output.with_name("x.nc.run")])
        good = found.member[found.status == shards.OK].tolist()
        assert len(good) == len(set(good)), "a member has run twice"
        return set(good)

    def wait_for_moment(self):
        """Wait until some members more are done and a little longer, or for an early moment of the start."""
        if self.draw.random() < 1 / 7:
            time.sleep(self.draw.uniform(0.0, 3.0))
            return
        wanted = len(self.finished()) + self.draw.randint(0, 12)
        while self.process.poll() is None and len(self.finished()) < max(wanted, 1):
            time.sleep(0.05)
        time.sleep(self.draw.uniform(0.0, 0.3))

    def strike(self, who, name):
        """Send a signal to the victim; return whether there was one."""
        struck = victims(who, self.mark, self.process.pid)
        if who in ("member", "rank") and struck:
            struck = [self.draw.choice(sorted(struck))]
        for number in struck:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, getattr(signal, f"SIG{name}"))
        if name == "STOP":
            time.sleep(self.draw.uniform(0.1, 0.6))
            for number in struck:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGCONT)
        return bool(struck)

    def end(self, limit=180):
        """Wait for the end; see that nothing is lost, left or said in Python's words; return the status."""
        status = self.process.wait(limit)
        last = time.monotonic() + 15
        while left := processes(self.mark):
            assert time.monotonic() < last, f"left behind: {left}"
            time.sleep(0.05)
        self.log.seek(0)
        said = self.log.read()
        self.log.close()
        assert not has_traceback(said), said
        now = self.finished()
        assert self.before <= now, f"lost: {self.before - now}"
        self.before = now
        return status


def play(folder, engine, draw, wanted, table):
    """Strike one run until it is done; count each strike and how the command ended after it."""
    run = Run(folder, engine, draw)
    run.start()
    struck = 0
    for _ in range(KILLS_A_RUN):
        who, name = draw.choice(ENGINES[engine]), draw.choice(SIGNALS)
        run.wait_for_moment()
        if struck >= wanted or not run.strike(who, name):
            continue
        struck += 1
        # A member that is struck costs itself at most, and a pause nothing: the run goes on.
        if who == "member" or name == "STOP":
            table[engine, who, name]["went on"] += 1
            continue
        table[engine, who, name][str(run.end())] += 1
        run.start()
    for _ in range(5):
        status = run.end()
        if status == 0:
            break
        assert status == 1, (status, (folder / "log").read_text())
        run.start()
    assert status == 0
    left = [path.name for path in run.output.with_name("x.nc.run").iterdir() if path.suffix not in KEPT]
    assert not left, left
    assert sorted(path.name for path in folder.iterdir()) == ["kills.toml", "log", "x.nc", "x.nc.run"]
    return content.of_file(run.output), struck


def test_random_kills_leave_no_trace(tmp_path, capsys):
    wanted = int(os.environ.get("FRENKEL_KILLS", "200"))
    draw = random.Random(int(os.environ.get("FRENKEL_KILLS_SEED", "1")))
    (tmp_path / "kills.toml").write_text(CONFIGURATION)
    with contextlib.chdir(tmp_path):
        assert cli.main(["run", "kills.toml", "-o", "whole.nc", "--engine", "serial", "--quiet"]) == 0
    whole = content.of_file(tmp_path / "whole.nc")
    table, struck, number = collections.defaultdict(collections.Counter), 0, 0
    begin = time.monotonic()
    while struck < wanted:
        engine = list(ENGINES)[number % len(ENGINES)]
        found, more = play(tmp_path / f"run{number}", engine, draw, wanted - struck, table)
        assert found == whole
        struck, number = struck + more, number + 1
        with capsys.disabled():
            print(f"{struck:4} kills in {number} runs, {time.monotonic() - begin:.0f} s", flush=True)
    with capsys.disabled():
        print(report(table))
        print(
            f"{struck} kills in {number} runs: {number} of {number} hashes equal, no member lost or run twice"
        )


def report(table):
    """Return a table of what was struck, and the statuses with which the commands ended."""
    lines = [f"{'engine':8}{'victim':10}{'signal':8}{'times':>6}  ended with"]
    for (engine, who, name), ends in sorted(table.items()):
        said = ", ".join(f"{status} ({times})" for status, times in sorted(ends.items()))
        lines.append(f"{engine:8}{who:10}{name:8}{ends.total():6}  {said}")
    return "\n".join(lines)
