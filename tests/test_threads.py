"""BLAS at one thread, whichever library is loaded when."""

import subprocess
import sys


def test_a_blas_that_is_loaded_later_is_held_at_one_thread_too():
    """Without it a run followed the number of threads where something else had asked for one before."""
    code = (
        "from frenkel.threads import one_blas_thread\n"
        "with one_blas_thread():\n    pass\n"
        "import scipy.linalg, threadpoolctl\n"
        "threadpoolctl.threadpool_limits(2)\n"
        "with one_blas_thread():\n"
        "    print([one['num_threads'] for one in threadpoolctl.threadpool_info() if one['user_api'] == 'blas'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.strip()) <= set("[1, ]") and "1" in done.stdout
