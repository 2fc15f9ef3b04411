"""What made a result: version, configuration, seed and environment, as JSON in an attribute."""

import functools
import hashlib
import json
import platform
import secrets
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROVENANCE_VERSION = 1
SEED_LIMIT = 2**63
"""Seeds are whole numbers from 0 and below this."""
MOST_MEMBERS = 2**31 - 1
"""Most devices of an ensemble, or of each point of a sweep."""
LIBRARIES = ("numpy", "scipy", "xarray", "netCDF4")
RECORD: dict[str, Any] = {
    "software.version": str,
    "software.git": (str, type(None)),
    "environment.python": str,
    "configuration": dict,
    "configuration_hash": str,
    "seed": int,
    "member": int,
}
"""What readers of a record rely on, and its types."""


class ProvenanceError(ValueError):
    """A result does not say what made it."""


def record(configuration: Mapping[str, Any], *, seed: int, member: int = 0) -> dict[str, Any]:
    """Return everything needed to make a result again.

    Parameters
    ----------
    configuration : mapping
        The whole configuration, defaults and material data included; JSON types only.
    seed, member : int
        Key of the random stream.

    Returns
    -------
    dict
        ``version``, ``software``, ``configuration``, ``configuration_hash``, ``seed``, ``member`` and
        ``environment``.
    """
    return {
        "version": PROVENANCE_VERSION,
        "software": {"name": "frenkel", "version": version(), "git": git_hash()},
        "configuration": dict(configuration),
        "configuration_hash": digest(configuration),
        "seed": seed,
        "member": member,
        "environment": {
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}",
            "libraries": dict(libraries()),
        },
    }


def attributes(
    title: str, configuration: Mapping[str, Any], *, seed: int, member: int = 0, **more: Any
) -> dict[str, Any]:
    """Return the attributes that every result has: title, source, history, what is given, and provenance.

    Parameters
    ----------
    title : str
    configuration, seed, member
        As :func:`record` takes them.
    **more
        Further attributes.
    """
    return {
        "title": title,
        "source": f"frenkel {version()}",
        "history": f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} made by frenkel",
        **more,
        "provenance": json.dumps(record(configuration, seed=seed, member=member)),
    }


def parse(text: str | None, origin: str = "the dataset") -> tuple[dict[str, Any], int, int]:
    """Return configuration, seed and member of a recorded result: what it takes to run it again.

    Raises
    ------
    ProvenanceError
        As `read`; or the configuration is not the one that was recorded.
    """
    entries = read(text, origin)
    configuration: dict[str, Any] = entries["configuration"]
    if entries["configuration_hash"] != digest(configuration):
        raise ProvenanceError(f"the configuration in {origin} was changed after it was recorded")
    return configuration, entries["seed"], entries["member"]


def read(text: str | None, origin: str = "the dataset") -> dict[str, Any]:
    """Return the provenance in the text of an attribute.

    Raises
    ------
    ProvenanceError
        There is none, it is of another version, or it lacks something.
    """
    if not text:
        raise ProvenanceError(f"{origin} does not say what made it: it has no attribute provenance")
    try:
        entries: dict[str, Any] = json.loads(text)
        number = entries["version"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ProvenanceError(f"the attribute provenance of {origin} is damaged") from None
    if number != PROVENANCE_VERSION:
        raise ProvenanceError(
            f"the provenance of {origin} has version {number}, this frenkel reads {PROVENANCE_VERSION}"
        )
    for place, kind in RECORD.items():
        value: Any = entries
        for key in place.split("."):
            value = value.get(key, ...) if isinstance(value, dict) else ...  # ... is of no type allowed
        if not isinstance(value, kind):
            raise ProvenanceError(f"the provenance of {origin} lacks its {place}")
    return entries


def digest(value: Any) -> str:
    """Return the SHA-256 (hex) of a JSON value, whatever the order of its keys.

    Raises
    ------
    ProvenanceError
        The value holds something that JSON cannot, such as an array or NaN.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ProvenanceError(f"a configuration must be plain JSON data: {error}") from error
    return hashlib.sha256(text.encode()).hexdigest()


def draw_seed() -> int:
    """Return a fresh seed, 0 to 2**32 - 1, for a run that was given none; it is recorded."""
    return secrets.randbelow(2**32)


@functools.cache
def libraries() -> tuple[tuple[str, str], ...]:
    """Return names and versions of the libraries that results depend on, read from their files once."""
    from importlib import metadata  # email among others, and a rank that serves asks for no version

    return tuple((name, metadata.version(name)) for name in LIBRARIES)


@functools.cache
def version() -> str:
    """Return the version of frenkel, "unknown" where it is not installed."""
    from importlib import metadata  # as above

    try:
        return metadata.version("frenkel")
    except metadata.PackageNotFoundError:
        return "unknown"


@functools.cache
def git_hash() -> str | None:
    """Return the commit, with "+" when the source was changed since; None where it is not known.

    Of a checkout as git says now, of an installed package as its build has recorded it in the file COMMIT.
    """
    folder = Path(__file__).resolve().parent
    # An installed package may lie inside somebody else's repository, so the root must be ours.
    if not (folder.parent.parent / ".git").exists():
        try:
            return (folder / "COMMIT").read_text(encoding="ascii").strip() or None
        except (OSError, ValueError):
            return None
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + ("+" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    process = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=5
    )
    return process.stdout.strip()
