"""Run more and more members of an ensemble until a quantile is known well enough."""

import math
from collections.abc import Callable
from pathlib import Path

from ..analysis.statistics.sequential import Stopping
from ..mpi_runs.session import DONE, FAILED
from . import ensemble

FIRST = 100
"""Members that are run before the first look."""

GROWTH = 1.25
"""Factor from one number of members to the next."""


def run_until(
    rule: Stopping, name: str, most: int, output: Path, run: Callable[[int], int]
) -> tuple[int, int]:
    """Run members until a rule is content, or all of them are done.

    Parameters
    ----------
    rule : Stopping
        Is given the value of each member.
    name : str
        Number of a member that the rule is about.
    most : int
        Members at most.
    output : Path
        File of the ensemble.
    run : callable
        Runs as many members as it is told, those that are done before included, and returns an exit status.

    Returns
    -------
    tuple of int
        Last exit status, and the members that were run.
    """
    counted, number = 0, min(FIRST, most)
    while True:
        code = run(number)
        if code not in (DONE, FAILED):
            return code, number
        for member, value in enumerate(ensemble.values(output, name)[counted:], start=counted):
            rule.add(member, value)
        counted = number
        if rule.stopped or number == most:
            return code, number
        number = min(most, math.ceil(GROWTH * number))
