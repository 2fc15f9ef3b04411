"""The site of `make docs`: pages of this folder, notebooks run as they are built, public names."""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

project = "frenkel"
author = "frenkel developers"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
root_doc = "index"
html_theme = "furo"
html_title = "frenkel"

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4

# Executed at every build, in a folder of their own: a cell that fails, or takes long, ends the build.
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 120  # s, for each cell
nb_merge_streams = True
os.environ["EXAMPLES"] = str(ROOT / "examples")
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

autodoc_typehints = "none"  # the docstrings say them in words, with units
napoleon_google_docstring = False


def setup(app):
    """Let links to texts beside this folder fetch the file: they are no pages of the site."""

    def offer(app, page, source):
        source[0] = re.sub(r"\]\((\.\./(?:benchmarks|examples)/[^)]+\.md)\)", r"](<path:\1>)", source[0])

    app.connect("source-read", offer)
