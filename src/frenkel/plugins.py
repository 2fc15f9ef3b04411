"""Materials, cards and exports of other packages, which name them by entry points.

A package states in its ``pyproject.toml`` (examples/plugin is a template)::

    [project.entry-points."frenkel.materials"]
    MyOxide = "my_package:MATERIAL"           # path of a material file (.toml)
    [project.entry-points."frenkel.cells"]
    mycell = "my_package:CARD"                # path of a card (.card.json)
    [project.entry-points."frenkel.exports"]
    mytable = "my_package:table"              # function of a card that returns str or bytes

Names of this package come first; a package is loaded where one of its names is used.
"""

from typing import Any

PREFIX = "frenkel."


def names(group: str) -> list[str]:
    """Return the names that other packages add to a group: "materials", "cells" or "exports"."""
    from importlib.metadata import entry_points  # not for what this package has itself

    return sorted({point.name for point in entry_points(group=PREFIX + group)})


def find(group: str, name: str) -> Any:
    """Return what a name stands for, None where no package has it.

    Raises
    ------
    ValueError
        Two packages have the name, or it cannot be loaded.
    """
    from importlib.metadata import entry_points  # not for what this package has itself

    points = tuple(entry_points(group=PREFIX + group, name=name))
    if len({point.value for point in points}) > 1:
        raise ValueError(f"{name!r} is in {len(points)} packages: {', '.join(p.value for p in points)}")
    if not points:
        return None
    try:
        return points[0].load()
    except Exception as error:
        raise ValueError(f"{name!r} of {points[0].value} cannot be loaded: {error}") from error
