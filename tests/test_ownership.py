"""Who may write an attribute: only its own class, in the folders that are listed here.

Reads Python and Cython by their tokens, not by a compiler. Writes through a pointer argument are not seen.
``python tests/test_ownership.py`` prints all breaks of the rules.
"""

import io
import re
import tokenize
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LEVELS = ("kinetic", "events", "array", "mpi_runs", "analysis")
FOLDERS = ("kinetic/fields", "src/frenkel/cells", "src/frenkel/data")
"""Folders of the strict rules."""

MOST_ATTRIBUTES, DEEPEST = 50, 3

LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}
OPEN, CLOSE = {"(", "[", "{"}, {")", "]", "}"}
ABSTRACT = {"Protocol", "ABC", "ClassVar"}
BLOCKS = {"if", "elif", "else", "for", "while", "try", "except", "finally", "with"}
FUNCTION = re.compile(r"(def|cdef|cpdef|async)\b")
ARRAY, OUT = re.compile(r"\[.*:|NDArray"), re.compile(r"(^|_)out(_|$)")
CONSTRUCTORS = {"__init__", "__cinit__", "__new__", "__setstate__"}


@dataclass
class Function:
    """A function or method: types of its parameters, and its statements as lists of tokens."""

    path: str
    name: str
    parameters: dict[str, str]
    line: int
    body: list[tuple[int, list[str]]] = field(default_factory=list)


@dataclass
class Class:
    """A class: its bases, its attributes with their types (empty: not declared), its methods."""

    name: str
    path: str
    bases: list[str]
    attributes: dict[str, str] = field(default_factory=dict)
    methods: list[Function] = field(default_factory=list)


@dataclass
class Code:
    """Definitions of a set of files: classes by stem of the file and name, functions, structs, imports."""

    classes: dict[tuple[str, str], Class] = field(default_factory=dict)
    functions: dict[str, list[Function]] = field(default_factory=lambda: defaultdict(list))
    structs: set[tuple[str, str]] = field(default_factory=set)
    imported: dict[tuple[str, str], str] = field(default_factory=dict)

    def base_classes(self, cls):
        """Return the classes of the package that a class inherits from directly."""
        stem = cls.path.rpartition(".")[0]
        for base in cls.bases:
            name = base.rpartition(".")[2]
            source = self.imported.get((stem, name), stem.rpartition("/")[2])
            yield from (other for (file, known), other in self.classes.items()
                        if known == name and file.rpartition("/")[2] == source)  # fmt: skip

    def depth(self, cls):
        """Return how many classes of the package a class is made of, itself included."""
        return 1 + max((self.depth(base) for base in self.base_classes(cls)), default=0)

    def class_in(self, text, stem):
        """Return the class of the package, as (stem, name), that a type in a file names, or None."""
        for name in re.findall(r"\w+", text or ""):
            source = self.imported.get((stem, name), stem).rpartition("/")[2]
            for file, known in self.classes:
                if known == name and file.rpartition("/")[2] == source:
                    return file, known
        return None

    def struct_in(self, text, stem):
        """Return whether the text of a type in a file names a C struct, which is no object."""
        return any((self.imported.get((stem, name), stem).rpartition("/")[2], name) in self.structs
                   for name in re.findall(r"\w+", text or ""))  # fmt: skip


# ------------------------------------------------------------------ reading


def statements(text):
    """Yield line, indentation and tokens of each logical line; strings are kept as their quotes."""
    tokens, line, column = [], 0, 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
            if tokens:
                yield line, column, tokens
            tokens = []
        elif token.type not in LAYOUT and token.string.strip():
            if not tokens:
                line, column = token.start
            tokens.append('""' if token.type == tokenize.STRING else token.string)


def split(tokens, *separators):
    """Split tokens at separators outside brackets."""
    parts, depth = [[]], 0
    for token in tokens:
        depth += (token in OPEN) - (token in CLOSE)
        if depth == 0 and token in separators:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def outside(tokens):
    """Return the tokens that are in no brackets."""
    kept, depth = [], 0
    for token in tokens:
        depth += (token in OPEN) - (token in CLOSE)
        if depth == 0 and token not in CLOSE:
            kept.append(token)
    return kept


def declared(tokens):
    """Return {name: type} of a declaration such as ``double[::1] a, b``, with values or without."""
    types, kind = {}, None
    for part in split(tokens, ","):
        name = next((token for token in reversed(outside(split(part, "=")[0])) if token.isidentifier()), None)
        if name is None:
            continue
        if kind is None:
            kind = " ".join(part[: len(part) - 1 - part[::-1].index(name)])
        types[name] = kind
    return types


def parameters(tokens):
    """Return {name: type} of the parameters of a function, from the tokens between its brackets."""
    types = {}
    for part in split(tokens, ","):
        head = split(part, "=")[0]
        name, *annotation = split(head, ":")
        names = [token for token in outside(name) if token.isidentifier()]
        if names:
            types[names[-1]] = " ".join(annotation[0] if annotation else name[: name.index(names[-1])])
    return types


def function_of(path, tokens, line):
    """Return the function that a logical line begins or declares, None where it does neither."""
    rest = [token for token in tokens if token != "async"][1:]
    while rest and rest[0] in ("inline", "public", "readonly", "api"):
        rest = rest[1:]
    begin = 0
    if rest[:1] == ["("]:  # a tuple of C values is returned
        begin = rest.index(")") + 1
    for at in range(begin, len(rest) - 1):
        if rest[at] == "=":
            return None
        if rest[at].isidentifier() and rest[at + 1] == "(":
            inside, depth = [], 0
            for token in rest[at + 1 :]:
                depth += (token in OPEN) - (token in CLOSE)
                if depth == 0:
                    break
                inside.append(token)
            return Function(path, rest[at], parameters(inside[1:]), line)
    return None


def add_file(code, path, text):
    """Add to what is known what a file defines; ``path`` is relative, its ending tells the language."""
    stem = path.rpartition(".")[0]
    blocks = []  # (indentation, kind, class or function)
    for line, column, tokens in statements(text):
        while blocks and column <= blocks[-1][0]:
            blocks.pop()
        kind, inside = blocks[-1][1:] if blocks else ("module", None)
        words = [token for token in tokens if token not in ("public", "readonly", "packed")]
        if kind == "function":
            inside.body.append((line, tokens))
        elif tokens[0] == "from" and {"import", "cimport"} & set(tokens):
            at = next(at for at, token in enumerate(tokens) if token in ("import", "cimport"))
            for part in split([token for token in tokens[at + 1 :] if token not in "()"], ","):
                code.imported.update({(stem, name): tokens[at - 1] for name in part[-1:]})
        elif words[0] == "class" or words[:2] == ["cdef", "class"]:
            name, rest = words[words.index("class") + 1], words[words.index("class") + 2 : -1]
            cls = code.classes.setdefault((stem, name), Class(name, path, []))
            if rest[:1] == ["("]:
                bases = ["".join(part) for part in split(rest[1:-1], ",") if "=" not in part]
                cls.bases = bases or cls.bases
            blocks.append((column, "class", cls))
        elif words[:2] in (["cdef", "struct"], ["ctypedef", "struct"], ["cdef", "union"], ["cdef", "enum"]):
            code.structs.add((stem.rpartition("/")[2], words[2]))
            blocks.append((column, "struct", None))
        elif words == ["cdef", ":"]:
            blocks.append((column, "declarations", inside))
        elif FUNCTION.match(tokens[0]) and (function := function_of(path, tokens, line)):
            (inside.methods if inside else code.functions[path]).append(function)
            if ":" in outside(tokens):
                blocks.append((column, "function", function))
                same_line = split(tokens, ":")[-1]
                function.body.extend([(line, same_line)] if same_line else [])
        elif isinstance(inside, Class) and (tokens[0] == "cdef" or kind == "declarations"):
            inside.attributes.update(declared([token for token in words if token != "cdef"]))
        elif isinstance(inside, Class) and tokens[1:2] == [":"] and not ABSTRACT & {*tokens, *inside.bases}:
            inside.attributes[tokens[0]] = " ".join(split(tokens[2:], "=")[0])  # a field of a dataclass


def finish(code):
    """Add the attributes that methods give to ``self``, with the type of what they assign."""
    for cls in code.classes.values():
        for method in cls.methods:
            for _, tokens in method.body:
                for target, value in assigned(tokens):
                    if target[:2] == ["self", "."] and len(target) == 3:
                        known = method.parameters.get("".join(value)) or call_name(value)
                        cls.attributes[target[2]] = cls.attributes.get(target[2]) or known
    return code


def call_name(value):
    """Return what is called, as the type of what the call returns; empty where the value is no call."""
    return " ".join(value[: value.index("(")]) if "(" in value[1:] and value[-1] == ")" else ""


AUGMENTED = {"+=", "-=", "*=", "/=", "//=", "%=", "**=", "@=", "&=", "|=", "^=", ">>=", "<<="}


def assigned(tokens):
    """Return pairs of target and value, as tokens, of the assignments of a logical line."""
    if tokens[0] in BLOCKS:
        head, *rest = split(tokens, ":")
        pairs = [pair for part in rest[-1:] if part for pair in assigned(part)]
        if head[0] == "for":  # an element of what is looped over
            at = head.index("in")
            pairs.insert(0, (head[1:at], [*head[at + 1 :], "[", "]"]))
        return pairs
    pairs = []
    for statement in split(tokens, ";"):
        *targets, value = split(statement, "=", *AUGMENTED)
        for target in targets:
            target = split(target, ":")[0]
            if target[:1] == ["("] and target[-1] == ")":
                target = target[1:-1]
            names, values = split(target, ","), split(value, ",")
            values = values if len(values) == len(names) else [value] * len(names)
            pairs += [(name, part) for name, part in zip(names, values, strict=True) if name and part]
    return pairs


# ------------------------------------------------------------------ rules


def chain(tokens):
    """Return ["self", ".part", "[]", ".a"] of the tokens of such an expression, None of another."""
    tokens = tokens[1:] if tokens[:1] == ["&"] else tokens
    if not tokens or not tokens[0].isidentifier():
        return None
    links, depth, at = [tokens[0]], 0, 1
    while at < len(tokens):
        if depth == 0 and tokens[at] == "." and at + 1 < len(tokens):
            links.append("." + tokens[at + 1])
            at += 1
        elif depth == 0 and tokens[at] == "[":
            links.append("[]")
            depth = 1
        elif depth:
            depth += (tokens[at] in OPEN) - (tokens[at] in CLOSE)
        else:
            return None
        at += 1
    return links


def foreign_writes(code, cls, function):
    """Yield (line, target) of what a function writes into an object of another class of the package."""
    types, aliases = dict(function.parameters), {}
    for line, tokens in function.body:
        if tokens[0] == "cdef":
            types.update(declared(tokens[1:]))
            parts = [split(part, "=") for part in split(tokens[1:], ",")]
            pairs = [(part[0][-1:], part[1]) for part in parts if len(part) > 1]
        else:
            pairs = assigned(tokens)
        for target, value in pairs:
            links = chain(target)
            if links is None:
                continue
            if len(links) == 1:
                aliases.pop(links[0], None)
                source = chain(value)
                if source and (len(source) > 1 or source[0] in aliases):
                    aliases[links[0]] = aliases.get(source[0], source[:1]) + source[1:]
                elif tokens[0] != "cdef":
                    types[links[0]] = call_name(value)
                continue
            full = aliases.get(links[0], links[:1]) + links[1:]
            if is_foreign(code, cls, function, types.get(full[0], ""), full):
                yield line, "".join(full)


def is_foreign(code, cls, function, kind, links):
    """Return whether a chain of names ends in an attribute, or an element of an array, of another object."""
    stem, names = function.path.rpartition(".")[0], [link for link in links[1:] if link != "[]"]
    other = code.class_in(kind, stem)
    if links[0] != "self" and (cls is None or other != (cls.path.rpartition(".")[0], cls.name)):
        array = links[0] in function.parameters and ARRAY.search(kind) and not code.struct_in(kind, stem)
        return other is not None if names else bool(array and not OUT.search(links[0]))
    return len(names) > 1 and not code.struct_in(cls.attributes.get(names[0][1:]), stem)


def stores_only(function):
    """Return whether a method does nothing but store its parameters."""
    stored = 0
    for _, tokens in function.body:
        if tokens[0] in ('""', "pass", "return") and len(tokens) <= 2:
            continue
        pairs = assigned(tokens)
        for target, value in pairs:
            links = chain(target)
            own = links and links[0] == "self" and len([link for link in links if link != "[]"]) == 2
            if not own or "".join(value) not in function.parameters:
                return False
        if not pairs:
            return False
        stored += len(pairs)
    return stored > 0


def faults(code, folder):
    """Yield a sentence for each break of the rules in a strict folder."""
    for cls in list(code.classes.values()):
        if not within(cls.path, (folder,)):
            continue
        for base in code.base_classes(cls):
            if base.attributes:
                yield f"{cls.path}: {cls.name} inherits the data of {base.name}"
        if len(cls.attributes) > MOST_ATTRIBUTES:
            yield f"{cls.path}: {cls.name} has {len(cls.attributes)} attributes, at most {MOST_ATTRIBUTES}"
        for method in cls.methods:
            if method.name not in CONSTRUCTORS and stores_only(method):
                yield f"{method.path}:{method.line}: {cls.name}.{method.name} only stores what it is given"
            for line, target in foreign_writes(code, cls, method):
                yield f"{method.path}:{line}: {cls.name}.{method.name} writes {target}"
    for path, functions in code.functions.items():
        for function in functions if within(path, (folder,)) else ():
            for line, target in foreign_writes(code, None, function):
                yield f"{path}:{line}: {function.name} writes {target}"


def within(path, folders):
    """Return whether a file is in one of some folders."""
    return any(path.startswith(folder + "/") for folder in folders)


def wide_writes(code):
    """Return "Class writes self.x.y" of each class outside the strict folders."""
    writes = set()
    for cls in code.classes.values():
        for method in () if within(cls.path, FOLDERS) else cls.methods:
            writes.update(f"{cls.name} writes {target}" for _, target in foreign_writes(code, cls, method))
    return sorted(write for write in writes if " writes self." in write)


def deep_classes(code):
    """Return "Class: depth" of each class outside the strict folders that is made of too many."""
    return [f"{cls.name}: {code.depth(cls)} classes deep" for cls in code.classes.values()
            if not within(cls.path, FOLDERS) and code.depth(cls) > DEEPEST]  # fmt: skip


def read_package(root=ROOT):
    """Return what the package defines."""
    code = Code()
    bases = [*(root / level for level in LEVELS), root / "applications", root / "src" / "frenkel"]
    for ending in ("pxd", "pyx", "py"):
        for base in bases:
            for path in sorted(base.rglob(f"*.{ending}")):
                name = path.relative_to(root).as_posix()
                if not name.startswith(tuple(f"src/frenkel/{link}/" for link in (*LEVELS, "examples"))):
                    add_file(code, name, path.read_text(encoding="utf-8"))
    return finish(code)


def planted(name, text):
    """Return the faults of a text that is planted beside two other classes as a file of `kinetic/fields`."""
    code = Code()
    for file, content in (("network.pxd", NETWORK), ("rates.pxd", RATES), (name, text)):
        add_file(code, f"kinetic/fields/{file}", content)
    return [fault.removeprefix(f"kinetic/fields/{name}:").strip() for fault in strict_faults(finish(code))]


NETWORK = """
cdef class Network:
    cdef readonly int n, m
    cdef double[:, ::1] weight
    cdef double *rows
    cdef int solve(self, double voltage) except -1

cdef class Abstract:
    cdef int solve(self, double voltage) except -1
"""

RATES = """
cdef struct Event:
    int site

cdef class Rates:
    cdef Event[::1] events
    cdef double[:, ::1] bias
    cdef double rated_at
"""

HEAD = """
from .network cimport Abstract, Network
from .rates cimport Event, Rates


cdef class Solver:
    cdef Network network
    cdef Event[::1] events
    cdef Event last
    cdef double[::1] phi
    cdef int n
    cdef object parts

"""

ALLOWED = """
    def __init__(self, Network network, int n):
        self.network, self.n = network, n

    cdef (double, double) solve(self, double[::1] out, Rates rates, Event *event, *,
                                double slope=1.0) except *:
        cdef double[::1] phi = self.phi, other = rates.bias[0]
        cdef int k, n = rates.n
        cdef Solver made = Solver(self.network, 1)
        if self.n: self.n += 1
        for k in range(n):
            phi[k] = out[k] = other[k]
            self.phi[k], self.phi[k + 1] = 0.0, rates.bias[k, 0]
        self.events[0].site = self.last.site = event.site = 3  # structs are no objects
        made.n = self.network.n
        n = self.network.n
        n += 1
        return slope == 1.0, self.network.solve(0.0)

    def set_voltage(self, double voltage):
        self.n = self.network.n + 1

    @property
    def size(self):
        return self.n


cdef class Concrete(Abstract):
    cdef int n
"""


def strict_faults(code):
    """Yield a sentence for each break of the rules of the strict folders."""
    for folder in FOLDERS:
        yield from faults(code, folder)


@pytest.fixture(scope="module")
def package():
    return read_package()


@pytest.mark.parametrize("folder", FOLDERS)
def test_only_its_class_writes_an_attribute(package, folder):
    assert not list(faults(package, folder))


def test_classes_are_not_deep(package):
    assert not deep_classes(package)


def test_no_class_writes_into_another_object(package):
    assert not wide_writes(package)


METHOD = r"^    (?:def|cdef|cpdef) [^=\n]*?(\w+)\((?!.*\) \w+\()"


def test_every_compiled_class_is_read(package):
    """By another way: lines that begin with `cdef class`, and members one indentation further."""
    for base in (ROOT / "kinetic", ROOT / "array", ROOT / "src" / "frenkel" / "cells"):
        for path in sorted(base.rglob("*.pyx")):
            text, stem = path.read_text(encoding="utf-8"), path.relative_to(ROOT).with_suffix("").as_posix()
            names = {name for file, name in package.classes if file == stem}
            assert names == set(re.findall(r"^cdef class (\w+)", text, re.MULTILINE))
            methods = [method.name for name in names for method in package.classes[stem, name].methods
                       if method.path.endswith(".pyx")]
            assert sorted(methods) == sorted(re.findall(METHOD, text, re.MULTILINE)), path


def test_allowed_code_passes():
    assert not planted("solver.pyx", HEAD + ALLOWED)


@pytest.mark.parametrize(("statement", "target"), [
    ("self.network.n = 1", "self.network.n"),
    ("self.network.n += 1", "self.network.n"),
    ("self.n, self.network.m = 1, 2", "self.network.m"),
    ("(self.n, self.network.m) = out", "self.network.m"),
    ("self.n = self.network.m = 2", "self.network.m"),
    ("if out: self.network.n = 1", "self.network.n"),
    ("self.network.weight[0, self.n] *= 2.0", "self.network.weight[]"),
    ("self.parts[0].n = 1", "self.parts[].n"),
    ("rates.rated_at = 0.0", "rates.rated_at"),
    ("rates.bias[1, 0], self.n = 0.0, 1", "rates.bias[]"),
    ("cdef Network other = self.network; other.n = 1", "self.network.n"),
    ("made = Network(1); made.n = 1", "made.n"),
    ("view = self.network.weight[0]; view[1] = 0.0", "self.network.weight[][]"),
    ("cdef double *row = &self.network.rows[0]; row[1] = 0.0", "self.network.rows[][]"),
    ("for part in self.parts: part.n = 1", "self.parts[].n"),
    ("potential[0] = 1.0", "potential[]"),
])  # fmt: skip
def test_planted_writes_are_found(statement, target):
    head = "    def solve(self, out, double[::1] potential, Rates rates):\n"
    lines = statement.split("; ")
    text = head + "".join(f"        {line}\n" for line in lines)
    assert planted("solver.pyx", HEAD + text) == [f"{14 + len(lines)}: Solver.solve writes {target}"]


def test_planted_writes_of_a_function_are_found():
    text = "def reset(other: Rates | None = None) -> None:\n    other.rated_at = 0.0\n"
    assert planted("solver.py", "from .rates import Rates\n\n" + text) == ["4: reset writes other.rated_at"]


@pytest.mark.parametrize(("name", "text"), [
    ("solver.pyx", "from .network cimport Network\n\ncdef "),
    ("solver.py", "from .network import Network\n\n"),
    ("solver.py", "class Network:\n    def __init__(self):\n        self.a = 1\n\n"),
    ("solver.py", "class Network:\n    n: int\n\n"),
])
def test_planted_inheritance_is_found(name, text):
    text += "class Solver(Network):\n    pass\n"
    assert planted(name, text) == ["Solver inherits the data of Network"]


def test_a_planted_crowd_of_attributes_is_found():
    many = ", ".join(f"a{number}" for number in range(49))
    text = f"cdef class Solver:\n    cdef double[:, ::1] {many}, b\n"
    assert not planted("solver.pyx", text)
    assert planted("solver.pyx", text + "    cdef double c[3]\n") == ["Solver has 51 attributes, at most 50"]
    lines = "".join(f"        self.a{number} = 0\n" for number in range(51))
    text = f"class Solver:\n    def __init__(self):\n{lines}"
    assert planted("solver.py", text) == ["Solver has 51 attributes, at most 50"]


@pytest.mark.parametrize("body", [
    "self.n = n", '"""Set it."""; self.n = n', "self.n, self.m = n, m", "self.n = n; self.m = m; return 0",
])
def test_planted_setters_are_found(body):
    body = body.replace("; ", "\n        ")
    text = f"cdef class Solver:\n    cdef int n, m\n\n    def set(self, int n, int m=1):\n        {body}\n"
    assert planted("solver.pyx", text) == ["4: Solver.set only stores what it is given"]


def test_planted_depth_and_wide_writes_are_found():
    code = Code()
    classes = ["class A:\n    pass\n", *(f"class {b}({a}):\n    pass\n" for a, b in ("AB", "BC", "CD"))]
    write = "class E:\n    def f(self):\n        self.part.a = 1\n        self.part.b = 1\n"
    add_file(code, "events/a.py", "".join(classes) + write)
    assert deep_classes(finish(code)) == ["D: 4 classes deep"]
    assert wide_writes(code) == ["E writes self.part.a", "E writes self.part.b"]


if __name__ == "__main__":
    PACKAGE = read_package()
    print(*strict_faults(PACKAGE), *deep_classes(PACKAGE), *wide_writes(PACKAGE), sep="\n")
