"""Job scripts for Slurm: one job on many nodes, or an array of small ones; both submit themselves again."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from string import Template

TRIES = 50  # jobs in a chain; a run that needs more is not getting on


class _Script(Template):
    """The text of ``slurm.sh``, in which "$" belongs to the shell."""

    delimiter = "%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of Slurm.

    Parameters
    ----------
    command : list of str
        The ``frenkel`` command to run, without what divides it.
    output : Path
        Result.
    nodes, tasks : int
        Nodes, and processes on each.
    time : str
        Wall time, as Slurm writes it.
    margin : int
        Seconds before the end at which to stop: the longest member, or a minute and the grace.
    array : int
        Number of jobs of an array instead; 0 for one job.
    account, partition : str
    """

    command: list[str]
    output: Path
    nodes: int = 1
    tasks: int = 1
    time: str = "24:00:00"
    margin: int = 180
    array: int = 0
    account: str = ""
    partition: str = ""


def script(request: Request) -> str:
    """Return a job script for ``sbatch``."""
    command = shlex.join(request.command)
    more = [
        f"#SBATCH --{name}={value}"
        for name, value in (("account", request.account), ("partition", request.partition))
        if value
    ]
    if request.array:
        more.append(f"#SBATCH --array=1-{request.array}")
        part = f'--shard "$SLURM_ARRAY_TASK_ID/{request.array}"'
        start = f"srun --ntasks=1 --cpus-per-task={request.tasks} {command} {part}"
        # The processes of one element are those of its engine, not of a launcher.
        shape = {"nodes": 1, "tasks": 1, "cores": request.tasks}
        again, element, log = "${SLURM_JOB_ID}", '--array="$SLURM_ARRAY_TASK_ID" ', "%x-%A_%a.log"
    else:
        start = f'srun --mpi="$MPI" --kill-on-bad-exit=1 {command}'
        shape = {"nodes": request.nodes, "tasks": request.tasks, "cores": 1}
        again, element, log = "$SLURM_JOB_ID", "", "%x-%j.log"
    return _Script(Path(__file__).with_name("slurm.sh").read_text(encoding="utf-8")).substitute(
        name=request.output.stem,
        time=request.time,
        margin=request.margin,
        more="\n".join([*more, ""] if more else []),
        start=start,
        tries=TRIES,
        output=shlex.quote(str(request.output)),
        again=again,
        element=element,
        log=log,
        **shape,
    )
