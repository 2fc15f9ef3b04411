"""Job scripts for schedulers: one job on many nodes, or an array of small ones; both submit themselves again.

A scheduler is a file of ``templates/``, in which "$" belongs to the shell. ``%{name}`` is a value;
``%?{name}`` and ``%!{name}`` stand for nothing and ask that it is given, or not. A line of which something
is missing is left out, and so is a part between ``%[`` and ``%]``. ``chain.sh`` ends every script: it calls
``start`` and, where there is more to do, ``again``, which the templates define.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from ..escape import shell, shell_folder

TRIES = 50  # jobs in a chain; a run that needs more is not getting on
KILLS = 3  # jobs of a chain that may lose a process, to a lack of memory or a bad node, and go on
FIELD = re.compile(r"%([?!]?)\{(\w+)\}")
PART = re.compile(r"%\[(.*?)%\]")
ELEMENTS = ("SLURM_ARRAY_TASK_ID", "PBS_ARRAY_INDEX", "LSB_JOBINDEX", "SGE_TASK_ID")
"""Variables that number an element of a job array, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a scheduler.

    Parameters
    ----------
    command : list of str
        The ``frenkel`` command to run, without what divides it.
    output : Path
        Result.
    nodes, tasks : int
        Nodes, and processes on each.
    time : float
        Wall time (s).
    margin : int
        Seconds before the end at which to stop: the longest member, or a minute and the grace.
    array : int
        Number of jobs of an array instead; 0 for one job.
    account, partition, mem, qos, constraint, mail : str
        As the scheduler writes them, memory (of a node) as "16G"; empty where not asked for.
    modules : sequence of str
        To load.
    scratch : str
        Folder on each node for checkpoints, in which the shell puts in variables.
    """

    command: list[str]
    output: Path
    nodes: int = 1
    tasks: int = 1
    time: float = 86400.0
    margin: int = 180
    array: int = 0
    account: str = ""
    partition: str = ""
    mem: str = ""
    qos: str = ""
    constraint: str = ""
    mail: str = ""
    modules: tuple[str, ...] = ()
    scratch: str = ""


def schedulers() -> list[str]:
    """Return the names of the schedulers that there is a template for."""
    return sorted(path.stem for path in _templates().glob("*.in"))


def script(scheduler: str, request: Request) -> str:
    """Return a job script.

    Raises
    ------
    ValueError
        The job would stop as it begins, or the scheduler has no word for what is asked.
    """
    if request.margin >= request.time:
        raise ValueError(f"--margin must be less than --time, {request.time:g} s, got {request.margin}")
    text = (_templates() / f"{scheduler}.in").read_text(encoding="utf-8")
    for name in ("account", "partition", "mem", "qos", "constraint", "mail"):
        if getattr(request, name) and f"{{{name}}}" not in text:
            raise ValueError(f"--{name} has no meaning in a script for {scheduler}")
    values = _values(request)
    chain = Path(__file__).with_name("chain.sh").read_text(encoding="utf-8")
    values["chain"] = filled(chain, values).rstrip()
    return filled(text, values)


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a template with its values, without lines and parts of which something is missing."""

    def wanted(part: str) -> bool:
        return all(bool(values[name]) != (kind == "!") for kind, name in FIELD.findall(part))

    def value(found: re.Match[str]) -> str:
        return "" if found[1] else values[found[2]]

    lines = (PART.sub(lambda found: found[1] if wanted(found[1]) else "", line) for line in text.splitlines())
    return "\n".join([*(FIELD.sub(value, line) for line in lines if wanted(line)), ""])


def element() -> int | None:
    """Return which element of a job array this process belongs to, None outside of arrays."""
    texts = (os.environ.get(name, "") for name in ELEMENTS)
    return next((int(text) for text in texts if text.isdigit() and int(text)), None)


def elements() -> int | None:
    """Return how many elements the job array of this process has, None where that is not known.

    Only Slurm tells, and not to an element that was submitted again by itself.
    """
    least, last, number = (os.environ.get(f"SLURM_ARRAY_TASK_{name}") for name in ("MIN", "MAX", "COUNT"))
    return int(number) if least == "1" != number == last and number and number.isdigit() else None


def _templates() -> Path:
    return Path(__file__).with_name("templates")


def _values(request: Request) -> dict[str, str]:
    """Return what templates may name; empty: not asked for."""
    seconds = ceil(request.time)
    minutes = ceil(seconds / 60)
    # The processes of an element of an array are those of its engine, not of a launcher.
    nodes, ranks, cores = (1, 1, request.tasks) if request.array else (request.nodes, request.tasks, 1)
    numbers = {"nodes": nodes, "ranks": ranks, "cores": cores, "tasks": request.tasks}
    numbers |= {"total": nodes * request.tasks, "margin": request.margin, "tries": TRIES, "kills": KILLS}
    return {name: str(number) for name, number in numbers.items()} | {
        "name": job_name(request.output.stem),
        "time": f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}",
        "clock": f"{minutes // 60:02d}:{minutes % 60:02d}",
        "limit": f"{request.time - request.margin:g}",
        "array": str(request.array or ""),
        "account": request.account,
        "partition": request.partition,
        "mem": request.mem,
        "qos": request.qos,
        "constraint": request.constraint,
        "mail": request.mail,
        "modules": shell(*request.modules),
        "command": shell(*request.command)
        + (f" --scratch {shell_folder(request.scratch)}" if request.scratch else ""),
        "status": shell(shell("frenkel", "status", str(request.output))),
    }


def job_name(text: str) -> str:
    """Return a text as a name that every scheduler takes: a letter first, no blanks.

    Examples
    --------
    >>> job_name("2 my run")
    'f2_my_run'
    """
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", text)[:60]
    return name if name[:1].isalpha() else f"f{name}"
