"""Compiles the Cython engine and records the commit; everything else about the build is in pyproject.toml."""

import email.parser
import glob
import os
import re
import subprocess
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

PACKAGE = Path("src/frenkel")
KINETIC = PACKAGE / "kinetic"
if not KINETIC.is_dir():
    raise SystemExit(
        f"{KINETIC} is not a folder: clone again with 'git clone -c core.symlinks=true', "
        "or install from the source distribution"
    )
CHECKED = os.environ.get("FRENKEL_BOUNDSCHECK") == "1"
# Code of typed memory views, which every module would have a copy of: half of what is compiled and installed.
SHARED = "frenkel._cyutility"
# Apart, since neither Cython nor setuptools notices that only a directive changed.
BUILD = "build/checked" if CHECKED else "build"


def without_clone(readme):
    """Return README as a package page can show it: pictures and other files of a clone are not beside it."""
    readme = re.sub(r"(?m)(^\|.*\n)*^\|.*!\[.*\n(^\|.*\n)*\n", "", readme)  # the table of thumbnails
    readme = re.sub(r"!\[[^\]]*\]\([^)]*\)\n*", "", readme)
    return re.sub(r"\[([^\]]+)\]\((?!https?://)[^)]+\)", r"\1", readme)


def git(*arguments):
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout.strip()


def addresses(origin, packed):
    """Return the addresses of the project on its public host, none if it is on none.

    Parameters
    ----------
    origin : str
        Where the clone comes from.
    packed : str
        PKG-INFO of a source distribution, whose addresses are those of its clone.
    """
    if not origin.startswith("https://"):
        lines = email.parser.HeaderParser().parsestr(packed).get_all("Project-URL", [])
        return dict(line.split(", ", 1) for line in lines)
    source = re.sub(r"//[^/]*@", "//", origin).removesuffix("/").removesuffix(".git")
    pages = {"Documentation": "README.md", "Changelog": "CHANGELOG.md"}
    return {"Source": source, "Issues": f"{source}/issues"} | {
        name: f"{source}/blob/HEAD/{page}" for name, page in pages.items()
    }


def found_addresses():
    """Return the addresses of this clone, or of this source distribution."""
    if Path(".git").exists():
        try:
            return addresses(git("remote", "get-url", "origin"), "")
        except (OSError, subprocess.CalledProcessError):
            return {}
    packed = Path("PKG-INFO")
    return addresses("", packed.read_text(encoding="utf-8") if packed.exists() else "")


def record_commit(folder):
    """Leave the commit of this checkout in a folder of the package, for the provenance of results.

    A source distribution is no checkout: what it was made from stands in it already.
    """
    if not Path(".git").exists():
        return

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        commit = git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return  # no git here: a result will say that the commit is not known
    (Path(folder) / "COMMIT").write_text(commit + "\n", encoding="utf-8")


class BuildPython(build_py):
    """Records the commit in what is installed; an editable install asks git itself."""

    def run(self):
        super().run()
        if not self.editable_mode:
            record_commit(Path(self.build_lib) / "frenkel")


class SourceDistribution(sdist):
    """Records the commit in what is packed."""

    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        record_commit(Path(base_dir) / PACKAGE)


def extension(name, source):
    return Extension(
        name,
        [source],
        include_dirs=[np.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
        # Where the library is not named the loader takes its oldest exp and log, in a wrapper that
        # sets errno; for errno, too, a square root is a call. Nothing here reads it.
        libraries=["m"],
        # Symbols for a debugger are four fifths of what is installed, and a quarter of the compiling.
        extra_compile_args=["-fno-math-errno", *([] if CHECKED else ["-g0"])],
    )


setup(
    long_description=without_clone(Path("README.md").read_text(encoding="utf-8")),
    long_description_content_type="text/markdown",
    project_urls=found_addresses(),
    cmdclass={"build_py": BuildPython, "sdist": SourceDistribution},
    options={"build": {"build_base": BUILD}, "build_ext": {"parallel": os.cpu_count() or 1}},
    ext_modules=cythonize(
        [
            *(
                extension(".".join(path.with_suffix("").relative_to("src").parts), str(path))
                for path in sorted(Path(name) for name in glob.glob("src/frenkel/**/*.pyx", recursive=True))
            ),
            extension(SHARED, f"src/{SHARED.replace('.', '/')}.c"),  # Cython writes it
        ],
        shared_utility_qualified_name=SHARED,
        build_dir=BUILD,
        include_path=["src"],
        compiler_directives={
            "language_level": 3, "boundscheck": CHECKED, "wraparound": False,
            "initializedcheck": False, "cdivision": True, "embedsignature": True,
            "auto_pickle": False,  # devices are rebuilt from their state; a tenth of the compiling
        },
    )
)
