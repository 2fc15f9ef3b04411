"""Find modules with few calls to the file system: thousands of processes of a run start at once."""

import os
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
)
from importlib.util import spec_from_file_location
from types import ModuleType

BLOCK = 1 << 20
"""Bytes that are read at once: more than nearly all modules have."""


class UnknownFolderError(Exception):
    """An entry of the path is no folder, such as a zip file: only Python's own finder knows what is in it."""


class ModuleLoader(SourceFileLoader):
    """Loader that opens, reads and closes a file, where a stream of Python makes ten calls."""

    def get_data(self, path: str) -> bytes:
        """Return what is in a file."""
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            parts = [os.read(handle, BLOCK)]
            while len(parts[-1]) == BLOCK:
                parts.append(os.read(handle, BLOCK))
            return b"".join(parts)
        finally:
            os.close(handle)


Loader = type[ExtensionFileLoader] | type[ModuleLoader]

LOADERS: list[tuple[str, Loader]] = [
    *((suffix, ExtensionFileLoader) for suffix in EXTENSION_SUFFIXES),
    *((suffix, ModuleLoader) for suffix in SOURCE_SUFFIXES),
]
"""Endings of modules and what loads them, in Python's order."""


class FolderIndex:
    """Finder of modules that lists each folder once.

    Python's own finder asks the file system again for each module whether a folder of the path has changed
    and whether the file is there: half of all calls at a start. What is not in the lists, such as a module
    written since, and what is in a zip file is left to Python's own finder, which comes after this one.
    """

    def __init__(self) -> None:
        self.entries: dict[str, frozenset[str]] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module is, None where Python's own finder is to look for it."""
        last = name.rpartition(".")[2]
        try:
            for folder in sys.path if path is None else path:
                if (spec := self._in(folder or os.getcwd(), name, last)) is not None:
                    return spec
        except UnknownFolderError:
            return None
        return None

    def invalidate_caches(self) -> None:
        """Forget all lists, as `importlib.invalidate_caches` asks."""
        self.entries.clear()

    def _in(self, folder: str, name: str, last: str) -> ModuleSpec | None:
        """Return the module in a folder, None where it holds none of this name."""
        entries = self._list(folder)
        if last in entries:
            package = os.path.join(folder, last)
            for file, loader in _files("__init__", self._list(package, within=True)):
                place = os.path.join(package, file)
                return spec_from_file_location(
                    name, place, loader=loader(name, place), submodule_search_locations=[package]
                )
        for file, loader in _files(last, entries):
            place = os.path.join(folder, file)
            return spec_from_file_location(name, place, loader=loader(name, place))
        return None

    def _list(self, folder: str, *, within: bool = False) -> frozenset[str]:
        """Return what is in a folder; nothing in a file that is ``within`` a folder of the path."""
        if folder not in self.entries:
            try:
                self.entries[folder] = frozenset(os.listdir(folder))
            except (FileNotFoundError, PermissionError):
                self.entries[folder] = frozenset()
            except NotADirectoryError:
                if not within:
                    raise UnknownFolderError from None
                self.entries[folder] = frozenset()
        return self.entries[folder]


def _files(stem: str, entries: frozenset[str]) -> Iterator[tuple[str, Loader]]:
    for suffix, loader in LOADERS:
        if stem + suffix in entries:
            yield stem + suffix, loader


def index_folders() -> None:
    """Let this process find modules with few calls; called once, by the process's own program.

    Plugins of pydantic, for which it opens a file of every installed distribution, are left out.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if not any(isinstance(finder, FolderIndex) for finder in sys.meta_path):
        sys.meta_path.insert(sys.meta_path.index(PathFinder), FolderIndex())
