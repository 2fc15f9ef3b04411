"""Files that frenkel wrote at commit ee91764 (tests/data/ee91764), and those made of them."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from frenkel.migrate import migrate

EARLIER = Path(__file__).resolve().parents[1] / "data" / "ee91764"
NAMES = ("run.nc", "ensemble.nc", "array.nc", "small.card.json", "small.toml")


@functools.cache
def today():
    """Return a folder with the files of today, of this process."""
    folder = Path(tempfile.mkdtemp(prefix="frenkel-today-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in NAMES:
        migrate(EARLIER / name, folder / name)
    return folder
