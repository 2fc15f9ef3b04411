"""The site of `make docs`: pages of this folder, notebooks run as they are built, public names."""

import importlib.util
import os
import re
import sys
from pathlib import Path

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml
from myst_nb.core import render

ROOT = Path(__file__).resolve().parents[1]

project = "frenkel"
author = "frenkel developers"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
root_doc = "index"
html_theme = "furo"
html_title = "frenkel"
html_show_copyright = False
html_math_renderer = "mathml"  # by the browser, without a script of the web
html_show_search_summary = False  # fetched page by page, which a browser does not do from files

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4

# Executed at every build, in a folder of their own: a cell that fails, or takes long, ends the build.
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 120  # s, for each cell
nb_merge_streams = True


def joined(outputs):
    """Join what a cell printed as it stands; MyST-NB breaks the line after each 100 bytes of a shell."""
    found, streams = [], {}
    for output in outputs:
        if output["output_type"] == "stream" and output["name"] in streams:
            streams[output["name"]]["text"] += output["text"]
            continue
        if output["output_type"] == "stream":
            streams[output["name"]] = output
        found.append(output)
    return found


render.coalesce_streams = joined
os.environ["EXAMPLES"] = str(ROOT / "examples")
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

# Shown and not run: what needs PyTorch, where it is missing, which the page then says; and all but one
# notebook of a reduced site, as tests build it.
notebooks = {path.stem for path in (ROOT / "docs" / "notebooks").glob("*.md")}
executed = {os.environ["NOTEBOOK"]} if "NOTEBOOK" in os.environ else set(notebooks)
if importlib.util.find_spec("torch") is None:
    executed.discard("pytorch")
nb_execution_excludepatterns = [f"notebooks/{name}.md" for name in sorted(notebooks - executed)]
if "pytorch" not in executed:
    tags.add("without_pytorch")  # noqa: F821
    suppress_warnings = ["myst-nb.lexer"]  # the language of a cell is told by the kernel that runs it

autodoc_typehints = "none"  # the docstrings say them in words, with units
napoleon_google_docstring = False


def typeset(block):
    """Return what writes an equation as MathML, and writes nothing after it."""

    def write(translator, node):
        translator.body.append(tex2mathml(node.astext(), as_block=block))
        raise SkipNode

    return write, None


def setup(app):
    """Write equations as MathML. Let links to texts beside this folder fetch the file: they are no pages."""
    app.add_html_math_renderer("mathml", inline_renderers=typeset(False), block_renderers=typeset(True))

    def offer(app, page, source):
        source[0] = re.sub(r"\]\((\.\./(?:benchmarks|examples)/[^)]+\.md)\)", r"](<path:\1>)", source[0])

    app.connect("source-read", offer)
