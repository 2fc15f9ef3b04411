"""Text of files and of users in another language: one function for each language, which every writer calls.

A title, a name or a path is data. In a page, a picture, a script or a circuit it stays text and never becomes
markup, mathematics or a command.
"""

import re
from typing import Any


def html(text: str) -> str:
    """Return a text for HTML, between tags or as the value of an attribute in quotes.

    Examples
    --------
    >>> html("<b title='x'>")
    '&lt;b title=&#x27;x&#x27;&gt;'
    """
    from html import escape  # the processes of an ensemble write no page

    return escape(text, quote=True)


def html_json(data: Any) -> str:
    """Return data as JSON for an element <script> of HTML.

    A browser ends a script at "</script", and reads on beyond it after "<!--<script"; so no "<" is left.

    Raises
    ------
    ValueError
        A number is not finite.

    Examples
    --------
    >>> print(html_json({"title": "<!--<script>"}))
    {"title":"\\u003c!--\\u003cscript\\u003e"}
    """
    import json  # the processes of an ensemble write no page

    text = json.dumps(data, separators=(",", ":"), allow_nan=False)  # "<" is in strings alone; ASCII
    return re.sub("[<>&]", lambda sign: f"\\u{ord(sign[0]):04x}", text)


def mathtext(text: str) -> str:
    r"""Return a text that matplotlib shows as it is: what is between two "$" would be mathematics.

    Examples
    --------
    >>> print(mathtext("$5 and $6"))
    \$5 and \$6
    """
    return text.replace("$", r"\$")


def shell(*words: str) -> str:
    """Return words of a command for a POSIX shell.

    Examples
    --------
    >>> shell("frenkel", "status", "my run.nc")
    "frenkel status 'my run.nc'"
    """
    import shlex  # the processes of an ensemble write no job script

    return shlex.join(words)


def shell_folder(text: str) -> str:
    """Return the name of a folder as one word for a POSIX shell, which puts in variables alone.

    Examples
    --------
    >>> print(shell_folder("$TMPDIR/my run"), shell_folder("$(id)"))
    "$TMPDIR/my run" "\\$(id)"
    """
    return '"' + re.sub(r'["\\`]|\$(?![A-Za-z_]|\{[A-Za-z_]\w*\})', r"\\\g<0>", text) + '"'


def line(text: str) -> str:
    r"""Return a text as one line that ends no comment and no string: for SPICE, Verilog-A, Python and others.

    Line breaks, quotes, backslashes and what is not printable stand as in a Python string. Cards that were
    read have none of these (:func:`frenkel.checks.line`); those of a script may.

    Examples
    --------
    >>> print(line('a"\n.control'))
    a\"\n.control
    """
    return repr(text)[1:-1].replace('"', '\\"')
