"""Studies: what device physics does to a network, each from a card to a table with intervals.

A study is a module named like the study, with "_" for "-", that has four functions::

    run(settings) -> xarray.Dataset          everything measured, one variable per number of its table
    table(data) -> str                       the table, as Markdown
    claims(data) -> list[Claim]              what the numbers say of sentences of the literature
    draw(data, folder) -> list[Path]         pictures (PNG)

The last three read the dataset alone, so that a report can be made again from files.
"""

from collections.abc import Sequence

STUDIES = {
    "nonidealities": "what each non-ideality does to a network, and what mends it (review, Table 1)",
    "architectures": "0T1R, 1T1R and 2T2R compared (review, Table 2)",
    "write-verify": "write-verify: precision, time and energy",
    "training": "hardware-aware training and distillation at equal epochs, for the right and the wrong noise",
    "timing": "spike timing and short-term memory of volatile devices",
    "noise": "noise as a resource: stochastic rounding, random bits, averaged reads",
    "system-card": "system card: accuracy, energy, latency and area of one design",
}
"""Question of each study, by name."""

NUMBERS = {f"S{number}": name for number, name in enumerate(STUDIES, 1)}
"""Names by the numbers under which reports cite studies, and under which their files once stood."""


def named(text: str) -> str:
    """Return the name of a study for a name or a number, capitals or not.

    Raises
    ------
    ValueError
        It is that of no study.
    """
    name = NUMBERS.get(text.upper(), text.lower())
    if name not in STUDIES:
        raise ValueError(
            f"study must be one of {', '.join(STUDIES)}, {', '.join(NUMBERS)} or all, got {text!r}"
        )
    return name


def number(name: str) -> str:
    """Return the number of a study, such as "S1"."""
    return f"S{list(STUDIES).index(name) + 1}"


def chosen(wanted: Sequence[str]) -> list[str]:
    """Return names of studies as asked for, "all" for every one, each once and in order.

    Raises
    ------
    ValueError
        A name is unknown.
    """
    names = list(STUDIES) if "all" in wanted else [named(text) for text in wanted]
    return [name for name in STUDIES if name in names]
