"""The page of the benchmark: data, tables of figures with intervals and floors, and how to add a model."""

from collections.abc import Mapping
from typing import Any

from ..bench.suite import SETS, hash_of

ADAPTER = """import numpy as np

def cycles(training):          # values (devices, cycles, numbers): ln(ohm), V without its sign
    mean, spread = np.nanmean(training.values, axis=(0, 1)), np.nanstd(training.values, axis=(0, 1))

    def draw(devices, cycles, seed):
        noise = np.random.default_rng(seed).standard_normal((devices, cycles, len(mean)))
        return mean + spread * noise

    return draw

def relaxation(training, start, time):     # starts (S) of other cells to their conductances at a time (s)
    moved = training["conductance"].values[:, -1] / training["start"].values
    return start * np.random.default_rng(1).choice(moved, len(start))
"""

TEXT = f"""# Models on public measurements

```sh
frenkel validate --bench -o bench                    # a page, a picture, results.json
frenkel validate --bench --model my_model.py -o bench
```

Each model is trained on one part of a public set and predicts the other. Devices are divided by the
first bit of the SHA-256 of their names, a single device into halves of its cycles, and traces into
halves. Less is better. A figure is followed by half of its 95 % interval (jackknife over eight groups of
what judges; Student's t). Differences below the noise floor, the same figure between halves of what
judges, are not significant.

## Data

{{data}}

Technology C of the second repository and RRAM-RADAR-Tuning are left unread. No public set with a licence
was found that holds sequences of write-verify pulses; programming is judged by single pulses.

## Models

| name | what |
|---|---|
| this card | the layers that `frenkel fit` makes |
| Synaptogen's form | quantiles, autoregression of ten cycles, normal devices: doi:10.3389/fnins.2022.941753 |
| Gaussian | independent normal or lognormal numbers; of pulses a quadratic with a normal error |
| copula | Gaussian copula of the numbers of a cycle, or of a pulse |
| nearest neighbour | what followed the nearest training cycles, or pulse |
| Stanford-PKU | gap model with a normal gap or, of pulses, a normal error: doi:10.1109/TED.2016.2545412 |
| JART VCM | v1b var, its parameters, moved to both medians: doi:10.1109/TCSI.2020.3018502 |
| training again | devices or pulses of the training once more |
| aihwkit, CrossSim | their presets of other technologies, in code of our own |

## Results

![Figures over the noise floor](bench.png)

{{results}}

Hash of these results: `{{hash}}`. A second run gives the same. A run takes 45 s of CPU on one core.

## Add a model

A Python file has a function for each kind of task that its model takes part in: `cycles`, `pulses`,
`relaxation`, `bakes`, `noise`. It is run as it is.

```python
{ADAPTER}```

The models of the package are examples: `src/frenkel/bench/models.py`, `pulses.py`, `reads.py`. Tables of
your own take part: `frenkel validate --bench my_cells.csv`. `benchmarks/rram/tables.py` makes the whole
public sets.
"""


def page(results: Mapping[str, Any]) -> str:
    """Return the page in markdown.

    Parameters
    ----------
    results : mapping
        As from :meth:`frenkel.bench.suite.Results.to_dict`.
    """
    data = ["| set | what | from | doi | licence |", "|---" * 5 + "|"]
    data += [
        f"| `{name}` | {s.what} | {s.repository}, {s.commit} | {s.doi or 'none named'} | {s.licence} |"
        for name, s in SETS.items()
    ]
    tables = [_table(name, table) for name, table in results.items()]
    return TEXT.format(data="\n".join(data), results="\n\n".join(tables), hash=hash_of(results)[:16])


def _table(name: str, table: Mapping[str, Any]) -> str:
    """Return the table of one set: a row for the floor and each model, a column for each task."""
    tasks = list(table["floor"])
    own, kind = name.split(": ")
    title = own if own == kind else name
    lines = [f"| {title} ({table['size']}) | {' | '.join(tasks)} |", "|---" * (1 + len(tasks)) + "|"]
    lines.append(f"| noise floor | {' | '.join(_number(table['floor'][task]) for task in tasks)} |")
    for model, scores in table["models"].items():
        if isinstance(scores, str):
            cells = [scores, *[""] * (len(tasks) - 1)]
        else:
            cells = [_figure(*scores[task]) for task in tasks]
        lines.append(f"| {model} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _figure(value: float | None, error: float | None) -> str:
    """Return a figure with half of its interval."""
    return _number(value) + (f" ± {error:.2g}" if value is not None and error is not None else "")


def _number(value: float | None) -> str:
    """Return a figure with three digits; none: no value."""
    return "none" if value is None else f"{value:.3g}"
