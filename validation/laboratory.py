"""Tasks on several processes, each result kept as a file: what was done once is not done again."""

import hashlib
import json
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import experiments

from frenkel import __version__, kinetic

REPORT = 30.0  # s between lines about the progress


class Laboratory:
    """Carries out tasks of `experiments`, once each.

    Parameters
    ----------
    root : Path
        Folder for results; those of one material, version and source lie in a folder of their own.
    protocol : Protocol
    workers : int
        Processes.
    retry : bool
        Do tasks again that ran out of time or events before.
    first : int
        Seed of the first device.
    """

    def __init__(self, root, protocol, workers, *, retry=False, first=1):
        self.protocol, self.retry, self.first = protocol, retry, first
        self.material = protocol.of_material()
        self.folder = Path(root) / f"{self.material.hash}-{__version__}-{source_hash()}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
        self.lock, self.futures = threading.Lock(), {}
        self.asked = self.done = 0
        self.reported = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pool.shutdown(cancel_futures=True)

    def seeds(self, n):
        """Return the seeds of n devices."""
        return range(self.first, self.first + n)

    def many(self, task, calls, **changes):
        """Return the results of one task for several arguments, in their order.

        Parameters
        ----------
        task : str
            A name in `experiments.TASKS`.
        calls : iterable of dict
            Arguments; plain numbers, texts and lists.
        **changes
            Fields of the protocol that are others for these.
        """
        protocol = replace(self.protocol, **changes)
        return [get() for get in [self._start(task, call, protocol) for call in calls]]

    def _start(self, task, arguments, protocol):
        key = json.dumps([task, arguments, protocol.key()], sort_keys=True)
        path = self.folder / f"{task}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
        with self.lock:
            if path.exists():
                result = json.loads(path.read_text())["result"]
                if not (self.retry and "stopped" in result):
                    return lambda: result
            if path not in self.futures:
                self.asked += 1
                call = self.pool.submit(experiments.carry_out, task, arguments, protocol, str(self.folder))
                call.add_done_callback(lambda done: self._finish(done, path, task, arguments))
                self.futures[path] = call
            return self.futures[path].result

    def _finish(self, future, path, task, arguments):
        if future.cancelled() or future.exception() is not None:
            return
        result = {"task": task, "arguments": arguments, "result": future.result()}
        temporary = path.with_suffix(".part")
        temporary.write_text(json.dumps(result, indent=1))
        temporary.rename(path)
        with self.lock:
            self.done += 1
            if time.monotonic() - self.reported > REPORT:
                self.reported = time.monotonic()
                print(f"{self.done} of {self.asked} tasks done", file=sys.stderr, flush=True)


def source_hash():
    """Return 8 digits that change with any source file of the device model."""
    what, folder = hashlib.sha256(), Path(kinetic.__file__).parent
    for path in sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".pyx", ".pxd")):
        what.update(path.read_bytes())
    for path in (Path(__file__).with_name("cell.py"), Path(__file__).with_name("experiments.py")):
        what.update(path.read_bytes())
    return what.hexdigest()[:8]
