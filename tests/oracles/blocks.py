"""Carries out code in processes of its own, forked from one with all libraries but nothing of frenkel.

A new interpreter takes a second and more for NumPy, SciPy, xarray and Matplotlib alone.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess

PARENT = """
import gc, json, os, sys
import dask.array, matplotlib.pyplot, netCDF4, numpy, pandas, pint, pydantic
import scipy.optimize, scipy.sparse.linalg, scipy.stats
import xarray


def carry_out(code):
    own = sys.modules["__main__"].__dict__
    kept = own["__builtins__"]
    own.clear()
    own.update(__name__="__main__", __builtins__=kept)
    exec(compile(code, "<string>", "exec"), own)

gc.freeze()
for request in sys.stdin:
    folder, code = json.loads(request)
    child = os.fork()
    if not child:
        os.chdir(folder)
        for number, name in ((1, ".stdout"), (2, ".stderr")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.argv = ["-c"]
        carry_out(code)
        raise SystemExit
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Blocks:
    """A context in which :meth:`run` carries out code as ``python -c`` does."""

    def __enter__(self):
        self.parent = subprocess.Popen(
            [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        return self

    def __exit__(self, *_):
        os.killpg(self.parent.pid, signal.SIGKILL)  # and what hangs
        self.parent.communicate()

    def run(self, code: str, folder: Path) -> CompletedProcess[str]:
        """Return how code ended in a folder, and what it printed."""
        self.parent.stdin.write(json.dumps([str(folder), code]) + "\n")
        self.parent.stdin.flush()
        status = int(self.parent.stdout.readline())
        said = [(folder / name).read_text(encoding="utf-8") for name in (".stdout", ".stderr")]
        return CompletedProcess(code, status, *said)
