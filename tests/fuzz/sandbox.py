"""Carries out commands in processes of their own, under limits, and says how each ended.

A process is forked from this one, which has everything imported, and carries out some cases one after
another, so that a case costs milliseconds; a hang or a crash inside a library ends that process, and the
next goes on. A case that ends badly in such company is carried out again alone, as users do, and that counts.
"""

import contextlib
import faulthandler
import gc
import json
import logging
import os
import re
import resource
import select
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SECONDS = 10  # of the processor, for one case
WALL = 60  # s, for a case that waits; long, since the machine may be busy
MEMORY = 2 << 30  # bytes of address space
RUN_SECONDS = 1.0  # of the processor, after which a run that is at work is stopped as by Ctrl-C
COMPANY = 25  # cases in one process
GOOD = ("result", "refused", "stopped")
SENTENCES = re.compile(r"(frenkel: [^\n]+\n)+")  # the last says how it ended, those before what was met
ARGPARSE = re.compile(r"frenkel[\w ]*: error: [^\n]+\n")

Judge = Callable[[Path, str], str | None]
"""Takes the folder and what the command printed; returns what is silently wrong, or None."""
Main = Callable[[Sequence[str]], int]


@dataclass(frozen=True)
class Case:
    """Files in a folder, a command that reads them there, and what must hold where it gives a result."""

    command: tuple[str, ...]
    files: dict[str, bytes] = field(repr=False)
    judge: Judge | None = field(default=None, repr=False)
    stopped: bool = False  # a run that may take long, and is then stopped

    def save(self, folder: Path) -> None:
        """Write the files."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


@dataclass(frozen=True)
class Outcome:
    """How a case ended: "result", "refused" and "stopped" are right, all else is a finding."""

    kind: str
    text: str = ""
    seconds: float = 0.0  # of the processor

    @property
    def good(self) -> bool:
        """Whether this is how a case may end."""
        return self.kind in GOOD

    @property
    def signature(self) -> str:
        """The same for findings that have, by the look of it, the same cause."""
        words = re.sub(r"'[^']*'|\"[^\"]*\"|[-+\d.]+\w*|\S*/\S*|b'.*", "_", self.text)
        return f"{self.kind}: {' '.join(words.split())[:80]}"


def carry_out(cases: Sequence[Case], main: Main | None = None) -> list[Outcome]:
    """Carry out cases and return how they ended, in their order."""
    if main is None:
        from frenkel.cli.main import main
    found: list[Outcome] = []
    while len(found) < len(cases):
        found += _together(cases[len(found) : len(found) + COMPANY], main)
    again = (number for number, one in enumerate(found) if not one.good and one.kind != "hang")
    for number in again:
        (found[number],) = _together([cases[number]], main)
    return found


def _together(cases: Sequence[Case], main: Main) -> list[Outcome]:
    """Carry out cases in one process, up to the first that ends it."""
    home = "/dev/shm" if os.path.isdir("/dev/shm") else None
    folder = Path(tempfile.mkdtemp(prefix="frenkel-fuzz-", dir=home))
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reader)
        _child(cases, main, folder, writer)
    os.close(writer)
    try:
        found = _read(reader, len(cases))
        # Its helpers too; it leads a group of its own.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        status = os.waitpid(process, 0)[1]
        return found if len(found) == len(cases) else [*found, _death(status)]
    finally:
        os.close(reader)
        shutil.rmtree(folder, ignore_errors=True)


def _read(reader: int, number: int) -> list[Outcome]:
    """Return what the process says of its cases, until it has said all, has died or is silent for long."""
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    text = b""
    while text.count(b"\n") < number and poll.poll(WALL * 1000):
        more = os.read(reader, 1 << 16)
        if not more:
            break
        text += more
    return [Outcome(*json.loads(line)) for line in text.split(b"\n")[:-1]]


def _death(status: int) -> Outcome:
    if not os.WIFSIGNALED(status):
        return Outcome("crash", f"left with exit status {os.waitstatus_to_exitcode(status)}")
    number = os.WTERMSIG(status)
    if number in (signal.SIGXCPU, signal.SIGKILL):
        return Outcome("hang", f"had not ended after {SECONDS} s of the processor or {WALL} s", SECONDS)
    return Outcome("crash", signal.Signals(number).name)


def _child(cases: Sequence[Case], main: Main, folder: Path, writer: int) -> None:
    """Carry out cases and say how they ended; never returns."""
    try:
        os.setsid()
        faulthandler.disable()  # pytest's tells of crashes, which are told here
        gc.freeze()  # else the first collection writes into every page that is shared with the parent
        os.environ.pop("FRENKEL_DEBUG", None)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        for number, case in enumerate(cases):
            place = folder / str(number)
            place.mkdir()
            case.save(place)
            os.chdir(place)
            outcome = _one(case, main, place)
            os.write(writer, json.dumps([outcome.kind, outcome.text[:500], outcome.seconds]).encode() + b"\n")
            shutil.rmtree(place, ignore_errors=True)
    finally:
        os._exit(0)


def _one(case: Case, main: Main, folder: Path) -> Outcome:
    begin = _processor()
    logging.getLogger().handlers.clear()  # `--only` lets the log be shown, in a process of its own
    resource.setrlimit(resource.RLIMIT_CPU, (int(begin) + SECONDS + 1, resource.RLIM_INFINITY))
    for number, name in ((1, ".stdout"), (2, ".stderr")):
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(handle, number)
        os.close(handle)
    sys.stdout, sys.stderr = (open(number, "w", errors="replace", closefd=False) for number in (1, 2))
    wrong = None
    try:
        status = _call(case, main)
        sys.stdout.flush()
        if status == 0 and case.judge is not None:
            wrong = case.judge(folder, Path(".stdout").read_text(errors="replace"))
    except BaseException:
        traceback.print_exc()
        status = 99
    sys.stderr.flush()
    seconds = _processor() - begin
    if wrong is not None:
        return Outcome("silently different", wrong, seconds)
    said, errors = (Path(name).read_text(errors="replace") for name in (".stdout", ".stderr"))
    return Outcome(*_kind(case, status, said, errors), seconds)


def _processor() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _call(case: Case, main: Main) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if case.stopped:
        left = [signal.SIGINT, signal.SIGINT]  # the second one for those who do not wait for a member
        signal.signal(signal.SIGPROF, lambda *_: left and os.kill(os.getpid(), left.pop()))
        signal.setitimer(signal.ITIMER_PROF, RUN_SECONDS, RUN_SECONDS)
    try:
        return main(list(case.command))
    except SystemExit as error:  # of argparse
        return error.code if isinstance(error.code, int) else int(bool(error.code))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _kind(case: Case, code: int, said: str, errors: str) -> tuple[str, str]:
    last = (errors.strip().splitlines() or [""])[-1]
    if "Traceback (most recent call last)" in errors:
        return "traceback", last
    if "internal error" in errors:
        return "internal error", last.partition("internal error, ")[2].partition(" (FRENKEL_DEBUG")[0]
    if code == 0:
        fit = not errors.strip() or SENTENCES.fullmatch(errors)
        return ("result", last) if fit else ("words beside a result", last)
    if case.stopped and (code in (75, 130) or (code == 1 and "interrupted" in last)):
        return "stopped", last
    if code == 1 and not errors and said.startswith("different: ") and said.count("\n") == 1:
        return "result", said  # of frenkel again
    if code == 1 and not errors and re.search("^failed: ", said, re.MULTILINE):
        return "result", last  # of a gate, with its table
    if code not in (1, 2):
        return f"exit status {code}", last
    if SENTENCES.fullmatch(errors) or (code == 2 and ARGPARSE.fullmatch(errors)):
        return "refused", last
    return ("more than a sentence" if errors.strip() else "no word"), last
