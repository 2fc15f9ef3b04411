"""Packages whose parts are found by their names, without an import of their own, and listed by a tab."""

import importlib
import pkgutil
import sys
from types import ModuleType
from typing import Any


class Package(ModuleType):
    """A package that imports a part of itself when it is first named, and lists its parts.

    Python gives a package each part that is imported, wherever that was asked for; the part becomes such a
    package then too.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and value.__name__ == f"{self.__name__}.{name}":
            opened(value)
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        # Names with underscores are those that Python and notebooks look for in anything.
        if not name.startswith("_"):
            path = f"{self.__name__}.{name}"
            try:
                return importlib.import_module(path)
            except ImportError as error:
                if error.name != path:  # the part is there; what it needs is not
                    raise AttributeError(f"{path} cannot be imported: {error}") from error
        # With both given, Python adds the nearest name to what it prints.
        raise AttributeError(f"there is no {self.__name__}.{name}", name=name, obj=self)

    def __dir__(self) -> list[str]:
        own = vars(self).get("__dir__")
        if own is not None:
            return sorted(own())
        parts = {part.name for part in pkgutil.iter_modules(self.__path__)}
        return sorted(name for name in parts | set(vars(self)) if not name.startswith("_"))


def opened(module: ModuleType) -> None:
    """Let the parts of a package, and theirs, be found by their names; other modules stay what they are."""
    if hasattr(module, "__path__"):
        module.__class__ = Package


def open_package(name: str) -> None:
    """Let the parts of a package be found by their names, given that of the package: ``__name__``."""
    opened(sys.modules[name])
