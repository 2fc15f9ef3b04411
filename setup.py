"""Compiles the Cython engine; everything else about the build is in pyproject.toml."""

import glob
import os
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

PACKAGE = Path("src/frenkel")
KINETIC = PACKAGE / "kinetic"
if not KINETIC.is_dir():
    raise SystemExit(
        f"{KINETIC} is not a folder: clone again with 'git clone -c core.symlinks=true', "
        "or install from the source distribution"
    )
CHECKED = os.environ.get("FRENKEL_BOUNDSCHECK") == "1"
# Apart, since neither Cython nor setuptools notices that only a directive changed.
BUILD = "build/checked" if CHECKED else "build"

setup(
    options={"build": {"build_base": BUILD}, "build_ext": {"parallel": os.cpu_count() or 1}},
    ext_modules=cythonize(
        [
            Extension(
                ".".join(path.with_suffix("").relative_to("src").parts),
                [str(path)],
                include_dirs=[np.get_include()],
                define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
                # Symbols for a debugger are four fifths of what is installed, and a quarter of the compiling.
                extra_compile_args=[] if CHECKED else ["-g0"],
            )
            for path in sorted(Path(name) for name in glob.glob("src/frenkel/**/*.pyx", recursive=True))
        ],
        build_dir=BUILD,
        compiler_directives={
            "language_level": 3, "boundscheck": CHECKED, "wraparound": False,
            "initializedcheck": False, "cdivision": True, "embedsignature": True,
        },
    )
)
