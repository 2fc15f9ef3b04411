"""TOML is read as tomllib reads it, and refused by size and depth before that."""

import tomllib

import pytest

from frenkel import toml

PARTS = 5 * toml.DEEPEST

DEEP = {
    "bare keys": "=".join([".".join("a" * PARTS), "1"]),
    "quoted keys": ".".join(['"="'] * PARTS) + "=1",
    "literal keys": " . ".join(["','"] * PARTS) + "=1",
    "a header": "[" + ".".join("a" * PARTS) + "]",
    "arrays": "a=" + "[" * PARTS + "]" * PARTS,
    "inline tables": "a=" + "{a=" * PARTS + "1" + "}" * PARTS,
    "behind a text of four quotes": 'a = ["""b"""", {' + ".".join("a" * PARTS) + '=1}, "c"]',
    "behind a literal of five quotes": "a = ['''b''''', {" + ".".join("a" * PARTS) + "=1}, 'c']",
    "behind an escaped quote": 'a = ["\\"", {' + ".".join("a" * PARTS) + '=1}, "c"]',
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_depth_is_refused(text):
    tomllib.loads(text)
    with pytest.raises(ValueError, match=f"it is deeper than {toml.DEEPEST} levels"):
        toml.loads(text)


FLAT = {
    "numbers": "a = [" + "0.5, " * PARTS + "]",
    "a text": 'a = "' + "b." * PARTS + '"',
    "brackets in a text": 'a = "' + "[" * PARTS + '"',
    "lines of text": 'a = """\n' + "b." * PARTS + "[" * PARTS + '"""',
    "a literal": "a = '" + "{" * PARTS + "'",
    "a comment": "# " + "a." * PARTS + "\na = 1",
    "tables": "[[a]]\n[[a]]\nb.c.d = {e = [[1]]}\n" * 1,
    "many tables": "[[a]]\n" * PARTS,
    "as deep as allowed": ".".join("a" * toml.DEEPEST) + "=1",
    "as many brackets as allowed": "a=" + "[" * toml.DEEPEST + "]" * toml.DEEPEST,
}


@pytest.mark.parametrize("text", FLAT.values(), ids=FLAT)
def test_what_is_not_deep_is_read(text):
    assert toml.loads(text) == tomllib.loads(text)


@pytest.mark.parametrize("piece", ['"', '"""x\\', "'''", "a.", "a", "[]", "a . ", "\\", "#", '"a" '])
def test_the_look_at_a_text_takes_one_pass(piece):
    """A pattern that starts again at every place would take hours for a text as long as this."""
    text = piece * (500_000 // len(piece))
    with pytest.raises(ValueError):
        toml.loads("a=" + "{" * PARTS + text)


def test_absurd_files(tmp_path):
    path = tmp_path / "x.toml"
    for data, words in {
        b"#" * (toml.LARGEST + 1): f"it is larger than {toml.LARGEST} bytes",
        b"\xff\xfe": "it holds no text",
        b"a = " + b"1" * 5000: "it holds a whole number of too many digits",
        b"a = ": "Invalid value",
    }.items():
        path.write_bytes(data)
        with pytest.raises(ValueError, match=words):
            toml.read(path)
    path.write_bytes(b"a = 1\r\n" + b"#" * (toml.LARGEST - 7))
    assert toml.read(path) == {"a": 1}
