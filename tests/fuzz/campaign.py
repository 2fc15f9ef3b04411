"""Many cases at once, from the command line: ``python tests/fuzz/campaign.py --cases 100000 -o build/fuzz``.

Prints a table of cases by strategy and outcome. Each finding is made as small as hypothesis can make it and
kept in a folder of its own, with its files and its command. Equal seeds give equal cases.
"""

import argparse
import contextlib
import datetime
import multiprocessing
import shutil
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cases
import sandbox
from cases import STRATEGIES
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Flaky, HypothesisWarning
from sandbox import GOOD, Case, Outcome

CHUNK = 200
TRIALS = 100  # of making a finding smaller


@dataclass(frozen=True)
class Chunk:
    """Some cases of one strategy; its number is the seed of hypothesis."""

    name: str
    seed: int
    size: int


@dataclass
class Finding:
    """A case that did not end as one may, and the chunk that it was drawn in."""

    chunk: Chunk
    case: Case
    outcome: Outcome


@dataclass
class Told:
    """What came of a chunk."""

    chunk: Chunk
    kinds: Counter[str] = field(default_factory=Counter)
    findings: dict[str, Finding] = field(default_factory=dict)
    slowest: float = 0.0


def carry_out(chunk: Chunk) -> Told:
    """Carry out the cases of a chunk."""
    told, drawn = Told(chunk), list[Case]()
    draw(chunk, drawn.append)
    for case, outcome in zip(drawn, sandbox.carry_out(drawn), strict=True):
        told.kinds[outcome.kind] += 1
        told.slowest = max(told.slowest, outcome.seconds)
        if not outcome.good:
            told.findings.setdefault(outcome.signature, Finding(chunk, replace(case, judge=None), outcome))
    return told


def smallest(finding: Finding) -> Case:
    """Return a smaller case that ends like a finding; a hang is left as it is, for the time it takes."""
    last, trials = finding.case, 0

    def look(case: Case) -> None:
        nonlocal last, trials
        trials += last is not finding.case
        if trials <= TRIALS and sandbox.carry_out([case])[0].signature == finding.outcome.signature:
            last = replace(case, judge=None)
            raise AssertionError

    if finding.outcome.kind != "hang":
        # After the last trial nothing fails any more, and hypothesis calls that flaky.
        with contextlib.suppress(AssertionError, Flaky):
            draw(finding.chunk, look, [Phase.generate, Phase.shrink])
    return last


def draw(chunk: Chunk, look: Callable[[Case], None], phases: Sequence[Phase] = (Phase.generate,)) -> None:
    """Hand the cases of a chunk to a function, one after another."""
    strategy = STRATEGIES[chunk.name][0]()
    rules = settings(
        max_examples=chunk.size, database=None, deadline=None, phases=phases,
        suppress_health_check=list(HealthCheck), print_blob=False, report_multiple_bugs=False,
    )  # fmt: skip

    @seed(chunk.seed)
    @rules
    @given(strategy)
    def each(case: Case) -> None:
        look(case)

    each()


def chunks(names: list[str], number: int, begin: int) -> Iterator[Chunk]:
    """Divide a number of cases among strategies by their shares, and into chunks."""
    whole = sum(STRATEGIES[name][1] for name in names)
    for name in names:
        left = round(number * STRATEGIES[name][1] / whole)
        for place in range(0, left, CHUNK):
            yield Chunk(name, begin * 1_000_003 + place, min(CHUNK, left - place))


def table(told: list[Told]) -> str:
    """Return cases by strategy and outcome."""
    kinds = [*GOOD, *sorted({kind for one in told for kind in one.kinds} - set(GOOD))]
    rows = [["strategy", "cases", *kinds, "slowest (s)"]]
    for name in [*STRATEGIES, "all"]:
        ours = [one for one in told if name in (one.chunk.name, "all")]
        if ours:
            counted = sum((one.kinds for one in ours), Counter())
            numbers = [str(counted[kind]) for kind in kinds]
            rows.append([name, str(counted.total()), *numbers, f"{max(one.slowest for one in ours):.1f}"])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(word.rjust(width) for word, width in zip(row, widths, strict=True)) for row in rows
    )


def main() -> int:
    """Run a campaign; return 1 where there is a finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=int(datetime.date.today().strftime("%Y%m%d")))
    parser.add_argument("--only", choices=STRATEGIES, action="append")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path, default=Path("build/fuzz"))
    options = parser.parse_args()
    warnings.simplefilter("ignore", HypothesisWarning)  # that a case is large
    cases.warm()
    work, begin = (
        list(chunks(options.only or list(STRATEGIES), options.cases, options.seed)),
        time.monotonic(),
    )
    told: list[Told] = []
    with multiprocessing.get_context("fork").Pool(options.workers) as pool:
        for one in pool.imap_unordered(carry_out, work):
            told.append(one)
            print(
                f"\r{sum(sum(each.kinds.values()) for each in told)} cases",
                end="",
                file=sys.stderr,
                flush=True,
            )
        print(file=sys.stderr)
        told.sort(key=lambda one: (one.chunk.name, one.chunk.seed))
        findings: dict[str, Finding] = {}
        for one in told:
            for signature, finding in one.findings.items():
                findings.setdefault(f"{one.chunk.name}: {signature}", finding)
        small = pool.map(smallest, findings.values(), chunksize=1)
    report = _keep(options.output, findings, small)
    text = f"seed {options.seed}, {time.monotonic() - begin:.0f} s\n\n{table(told)}\n\n{report}\n"
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "report.txt").write_text(text)
    print(text)
    return bool(findings)


def _keep(folder: Path, findings: dict[str, Finding], small: list[Case]) -> str:
    shutil.rmtree(folder, ignore_errors=True)
    lines = []
    for number, ((signature, finding), case) in enumerate(zip(findings.items(), small, strict=True), start=1):
        place = folder / f"{number:03d}"
        case.save(place)
        (place / "command").write_text(
            f"frenkel {' '.join(map(repr, case.command))}\n{finding.outcome.text}\n"
        )
        lines.append(f"{place.name}  {signature}")
    return "\n".join(lines) or "no finding"


if __name__ == "__main__":
    raise SystemExit(main())
