"""Parts of a member in the file of an ensemble: dimensions that are kept, numbers of its snapshots."""

RAGGED = {"summary": (), "traces": ("sample", "phases"), "all": ("sample", "phases", "snapshot", "defect")}
"""Dimensions whose variables are kept, by the word for it in the configuration."""

MEASURED = ("state", "jump", "probe")
"""Dimensions of what a section ``measure`` adds."""

SNAPSHOT_END = -1
MOMENTS = 10  # and above: snapshots within a phase


def part_of(label: str) -> int:
    """Return which snapshot of its phase a label means.

    0 at the start, 1, 2 after parts, -1 at the end, 10 + n at the n-th event or sample.
    """
    last = label.rsplit(": ", 1)[-1]
    if last in ("start", "end"):
        return {"start": 0, "end": SNAPSHOT_END}[last]
    kind, number = last.split()
    return int(number) + (MOMENTS if kind == "moment" else 0)


def part_name(part: int) -> str:
    """Return what the label of a snapshot says after the name of its phase, the inverse of `part_of`."""
    if part > MOMENTS:
        return f"moment {part - MOMENTS}"
    return {0: "start", SNAPSHOT_END: "end"}.get(part, f"part {part}")
