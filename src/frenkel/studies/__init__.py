"""Studies: what device physics does to a network, each from a card to a table with intervals."""

from collections.abc import Sequence

STUDIES = {
    "S1": (
        "nonidealities",
        "what each non-ideality does to a network, and what mends it (review, Table 1)",
    ),
    "S2": ("architectures", "0T1R, 1T1R and 2T2R compared (review, Table 2)"),
    "S3": ("write_verify", "write-verify: precision, time and energy"),
    "S4": (
        "training",
        "hardware-aware training and distillation at equal epochs, for the right and the wrong noise",
    ),
    "S5": ("timing", "spike timing and short-term memory of volatile devices"),
    "S6": ("noise", "noise as a resource: stochastic rounding, random bits, averaged reads"),
    "S7": ("system_card", "system card: accuracy, energy, latency and area of one design"),
}
"""Module and question of each study, by name."""


def check(name: str) -> None:
    """Raise ValueError for the name of no study."""
    if name not in STUDIES:
        raise ValueError(f"study must be one of {', '.join(STUDIES)} or all, got {name!r}")


def chosen(wanted: Sequence[str]) -> list[str]:
    """Return names of studies as asked for, "all" for every one, each once and in order.

    Raises
    ------
    ValueError
        A name is unknown.
    """
    found = list(STUDIES) if "all" in wanted else [name.upper() for name in wanted]
    for name in found:
        check(name)
    return [name for name in STUDIES if name in found]
