"""How much memory a process may still take: of the machine and of its control group."""

import os
from collections.abc import Iterator
from pathlib import Path

PROC, GROUPS = Path("/proc"), Path("/sys/fs/cgroup")


def available() -> float:
    """Return the memory (bytes) that this process may still take, about.

    The least of what the machine has free and of what each control group around the process leaves, as batch
    systems and containers set it; where neither is known, all memory of the machine.
    """
    free = _lines(PROC / "meminfo", "MemAvailable:")
    whole = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return max(min([whole, *(1024 * kilobytes for kilobytes in free), *_of_groups()]), 0.0)


def _of_groups() -> Iterator[float]:
    """Yield what the control group of this process and those above it leave (bytes), version 2 and 1."""
    try:
        rows = (PROC / "self" / "cgroup").read_text(encoding="ascii").splitlines()
    except OSError:
        return
    for row in rows:
        _, controllers, place = row.split(":", 2)
        if controllers == "":
            top, names = GROUPS, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            top = GROUPS / "memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        folder = top / place.lstrip("/")
        for group in (folder, *folder.parents):
            limit, used = (next(_lines(group / name), None) for name in names[:2])
            if limit is not None and used is not None:
                # Files that are kept in memory give way.
                yield limit - used + next(_lines(group / "memory.stat", names[2]), 0.0)
            if group == top:
                break


def _lines(path: Path, key: str = "") -> Iterator[float]:
    """Yield the number after a key in a file, or that which is all of it; nothing where there is none."""
    try:
        rows = path.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return
    for row in rows:
        words = row.split()
        if key:
            words = words[1:] if words[:1] == [key] else []
        if words and words[0].isdigit():
            yield float(words[0])
