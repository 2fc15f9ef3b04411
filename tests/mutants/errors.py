"""The errors that can be planted at a line of Python or Cython: one change of a few characters each.

Kinds: operator, sign, constant, argument, guard, index. Declarations, annotations, docstrings, texts of
messages and what only type checkers read hold none.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

KINDS = ("operator", "sign", "constant", "argument", "guard", "index")

ARITHMETIC: dict[type[ast.AST], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
}
COMPARED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Lt: ("<", ">"),
    ast.LtE: ("<=", ">="),
    ast.Gt: (">", "<"),
    ast.GtE: (">=", "<="),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
#: What stands for a limit of whole numbers instead: the same comparison with or without equality.
BOUNDS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
FUNCTIONS = {
    "min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "floor": "ceil",
    "ceil": "floor", "argmin": "argmax", "argmax": "argmin", "nanmin": "nanmax", "nanmax": "nanmin",
    "any": "all", "all": "any", "mean": "median", "median": "mean", "log": "log10", "log10": "log",
    "sin": "cos", "cos": "sin", "sinh": "cosh", "cosh": "sinh", "fmin": "fmax", "fmax": "fmin",
}  # fmt: skip
#: Keyword arguments that change no result: checks, texts that a person reads.
NO_EFFECT = {
    "strict", "encoding", "stacklevel", "help", "metavar", "description", "message", "title",
    "label", "exist_ok", "category", "prog", "epilog", "usage", "doc", "repr", "rel_tol", "abs_tol",
    "optimize", "kw_only", "slots", "frozen", "compare", "hash", "refresh", "flush", "copy",
}  # fmt: skip
#: Calls that take their arguments in any order.
ANY_ORDER = {
    "min", "max", "minimum", "maximum", "hypot", "gcd", "lcm", "fmin", "fmax", "logaddexp",
    "array_equal", "add", "multiply", "union1d", "intersect1d", "union", "TypeVar", "cast",
    "overload",
}  # fmt: skip
TYPE_NAMES = {
    "Literal", "Annotated", "Union", "Callable", "TypeVar", "type", "NDArray", "tuple", "dict",
    "list", "set", "frozenset", "Mapping", "Sequence", "Optional", "NewType", "float", "int", "str",
    "bool", "bytes", "object", "float64", "int64", "bool_",
}  # fmt: skip
MESSAGES = {"warn", "warning", "debug", "info", "print_usage"}


@dataclass(frozen=True)
class Change:
    """One error: characters ``start`` to ``end`` of the text become ``new``."""

    line: int
    """Where it is, from 1."""
    lines: range
    """Lines of its statement, of a compound one those of its head."""
    start: int
    end: int
    new: str
    kind: str

    def text(self, before: str) -> str:
        return before[: self.start] + self.new + before[self.end :]

    def about(self, before: str) -> str:
        """The kind, and the lines that change, before and after."""
        first, last = before.rfind("\n", 0, self.start) + 1, before.find("\n", self.end)
        old, new = before[first:last], before[first : self.start] + self.new + before[self.end : last]
        return f"{self.kind}: {' '.join(old.split())}  ->  {' '.join(new.split())}"


def changes(name: str, text: str) -> list[Change]:
    """Return all errors of a file, in the order of its lines."""
    found = Python(text).changes() if name.endswith(".py") else Cython(text).changes()
    kept = [change for change in found if change.new != text[change.start : change.end]]
    return sorted(
        set(kept), key=lambda change: (change.line, change.start, change.end, change.kind, change.new)
    )


def other_number(text: str) -> str:
    """Return a number that differs: 0 and 1 exchanged, whole numbers by one more, others doubled."""
    value = ast.literal_eval(text)
    if isinstance(value, int):
        return {0: "1", 1: "2"}.get(value, str(value + 1))
    return "1.0" if value == 0 else repr(2 * value)


class Python:
    """Errors of a Python text, by its syntax tree."""

    def __init__(self, text: str) -> None:
        self.source = text
        self.starts = [0]
        self.rows = text.split("\n")  # splitlines() splits at letters that are no line ends to Python, too
        for row in self.rows:
            self.starts.append(self.starts[-1] + len(row) + 1)
        self.found: list[Change] = []
        self.quiet: list[tuple[int, int]] = []
        """Pieces of text in which an error would only change a message."""
        self.heads: dict[int, range] = {}

    def changes(self) -> list[Change]:
        tree = ast.parse(self.source)
        self.heads = heads(tree)
        self.visit(tree)
        for token in tokenize.generate_tokens(io.StringIO(self.source).readline):
            if token.type == tokenize.STRING and "f" in token.string.partition(token.string[-1])[0].lower():
                self.printed(token)
        return [c for c in self.found if not any(start <= c.start < end for start, end in self.quiet)]

    # -- positions --

    def place(self, row: int, column: int) -> int:
        """Offset in characters of a position of the tree, whose columns count bytes."""
        return self.starts[row - 1] + len(self.rows[row - 1].encode()[:column].decode())

    def span(self, node: ast.AST) -> tuple[int, int]:
        n: ast.expr = node  # type: ignore[assignment]
        assert n.end_lineno is not None and n.end_col_offset is not None
        return self.place(n.lineno, n.col_offset), self.place(n.end_lineno, n.end_col_offset)

    def text(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.source[start:end]

    def row(self, offset: int) -> int:
        return self.source.count("\n", 0, offset) + 1

    def add(self, kind: str, start: int, end: int, new: str) -> None:
        row = self.row(start)
        self.found.append(Change(row, self.heads.get(row, range(row, row + 1)), start, end, new, kind))

    # -- the tree --

    def visit(self, node: ast.AST) -> None:
        """Collect the errors of a node and of what it holds, in code that runs."""
        if isinstance(node, ast.JoinedStr):
            return  # see `printed`
        if isinstance(node, ast.Raise | ast.Assert):
            self.quiet.append(self.span(node))
            return
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return
        if isinstance(node, ast.Call) and called(node) in MESSAGES:
            self.quiet.append(self.span(node))
            return
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for child in node.orelse:
                self.visit(child)
            return
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "type_params", "bases") or isinstance(value, str):
                continue
            if name == "value" and isinstance(node, ast.Assign) and is_type(value):
                continue
            if isinstance(node, ast.keyword) and node.arg in NO_EFFECT:
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    self.visit(child)
        method = getattr(self, f"of_{type(node).__name__}", None)
        if method is not None:
            method(node)

    def between(self, left: ast.AST, right: ast.AST, old: str) -> tuple[int, int] | None:
        """Where an operator stands between two operands."""
        start, end = self.span(left)[1], self.span(right)[0]
        gap = blank_comments(self.source[start:end])
        if gap.count(old) != 1 and old not in ("is not", "not in"):
            at = gap.find(old)
        else:
            at = gap.find(old.split()[0])
        if at < 0:
            return None
        size = len(gap[at:].rstrip(" (\n\\")) if " " in old else len(old)
        return start + at, start + at + size

    def operator(self, left: ast.AST, right: ast.AST, old: str, new: str, kind: str = "operator") -> None:
        if where := self.between(left, right, old):
            self.add(kind, *where, new)

    def of_BinOp(self, node: ast.BinOp) -> None:
        pair = ARITHMETIC.get(type(node.op))
        if pair is None or any(textual(side) for side in (node.left, node.right)):
            return
        self.operator(node.left, node.right, *pair)
        if isinstance(node.op, ast.Mult | ast.Div) and not isinstance(node.left, ast.List | ast.Tuple):
            start, end = self.span(node.left)
            if not isinstance(node.left, ast.UnaryOp):
                self.add("sign", start, end, f"(-{self.source[start:end]})")

    def of_AugAssign(self, node: ast.AugAssign) -> None:
        pair = ARITHMETIC.get(type(node.op))
        if (
            pair
            and not textual(node.value)
            and not isinstance(node.value, ast.List | ast.ListComp | ast.Tuple)
        ):
            self.operator(node.target, node.value, pair[0] + "=", pair[1] + "=")

    def of_Compare(self, node: ast.Compare) -> None:
        for left, operator, right in zip(
            [node.left, *node.comparators[:-1]], node.ops, node.comparators, strict=True
        ):
            old, new = COMPARED[type(operator)]
            self.operator(left, right, old, new)
            if old in BOUNDS and (whole(left) or whole(right)):
                self.operator(left, right, old, BOUNDS[old])

    def of_BoolOp(self, node: ast.BoolOp) -> None:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in pairwise(node.values):
            self.operator(left, right, old, new)

    def of_UnaryOp(self, node: ast.UnaryOp) -> None:
        start = self.span(node)[0]
        if isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
            self.add("sign", start, start + 1, "")
        elif isinstance(node.op, ast.USub):
            self.add("sign", start, start + 1, "+")
        elif isinstance(node.op, ast.Not):
            end = self.span(node.operand)[0]
            self.add("guard", start, end, self.source[start + 3 : end].lstrip())

    def of_Return(self, node: ast.Return) -> None:
        if isinstance(node.value, ast.BinOp) and type(node.value.op) in ARITHMETIC:
            sides = node.value.left, node.value.right
            if not any(textual(side) or isinstance(side, ast.List | ast.Tuple) for side in sides):
                start, end = self.span(node.value)
                self.add("sign", start, end, f"-({self.source[start:end]})")

    def of_Constant(self, node: ast.Constant) -> None:
        start, end = self.span(node)
        if isinstance(node.value, bool):
            self.add("constant", start, end, str(not node.value))
        elif isinstance(node.value, int | float):
            self.add("constant", start, end, other_number(self.source[start:end]))

    def of_Subscript(self, node: ast.Subscript) -> None:
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        for part in parts:
            self.index(part)
            if isinstance(part, ast.Slice):
                for bound in (part.lower, part.upper):
                    if bound is not None:
                        self.index(bound, of_slice=True)
        plain = [part for part in parts if not isinstance(part, ast.Slice | ast.Constant)]
        if len(parts) == len(plain) == 2 and self.text(parts[0]) != self.text(parts[1]):
            self.exchange(parts[0], parts[1], "index")

    def index(self, node: ast.expr, of_slice: bool = False) -> None:
        start, end = self.span(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            node = node.operand
            if isinstance(node, ast.Constant) and isinstance(node.value, int):
                self.add("index", start, end, f"-{node.value + 1}" if node.value != 1 or of_slice else "0")
        elif isinstance(node, ast.Constant) and type(node.value) is int:
            self.add("index", start, end, other_number(self.source[start:end]))
        elif of_slice and isinstance(node, ast.Name | ast.Attribute):
            self.add("index", start, end, f"{self.source[start:end]} + 1")

    def exchange(self, left: ast.AST, right: ast.AST, kind: str) -> None:
        (start, middle), (after, end) = self.span(left), self.span(right)
        if not start < middle <= after < end:
            return
        self.add(
            kind, start, end, self.source[after:end] + self.source[middle:after] + self.source[start:middle]
        )

    def of_Call(self, node: ast.Call) -> None:
        name = called(node)
        if name in FUNCTIONS:
            end = self.span(node.func)[1]
            self.add("operator", end - len(name), end, FUNCTIONS[name])
        plain = not any(isinstance(part, ast.Starred) for part in node.args)
        if plain and name not in ANY_ORDER and not name.startswith("isin"):
            for left, right in pairwise(node.args):
                words = self.text(left), self.text(right)
                if (
                    words[0] != words[1]
                    and not any(plain_type(word) for word in words)
                    and not (textual(left) or textual(right))
                ):
                    self.exchange(left, right, "argument")
        ends = [*node.args, *node.keywords]
        for before, keyword in pairwise(ends):
            if isinstance(keyword, ast.keyword) and keyword.arg and keyword.arg not in NO_EFFECT:
                if not textual(keyword.value):
                    self.add("argument", self.span(before)[1], self.span(keyword)[1], "")

    def of_If(self, node: ast.If | ast.IfExp) -> None:
        start, end = self.span(node.test)
        if self.source[end : end + 1] == ")" and self.source[start - 1 : start] == "(":
            start, end = start - 1, end + 1
        self.add("guard", start, end, f"not ({self.source[start:end]})")
        if isinstance(node, ast.If):
            self.add("guard", start, end, f"({self.source[start:end]}) and False")

    of_IfExp = of_If

    def of_While(self, node: ast.While) -> None:
        if not isinstance(node.test, ast.Constant):
            start, end = self.span(node.test)
            self.add("guard", start, end, f"({self.source[start:end]}) and False")

    def of_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            start, end = self.span(test)
            self.add("guard", start, end, f"(({self.source[start:end]}) or True)")

    # -- numbers that are printed --

    def printed(self, token: tokenize.TokenInfo) -> None:
        """Collect the errors of the fields of an f-string, whose positions the tree has wrong."""
        start = self.starts[token.start[0] - 1] + token.start[1]
        for offset, expression in fields(token.string):
            try:
                tree = ast.parse(expression, mode="eval")
            except SyntaxError:
                continue
            inner = Python(expression)
            inner.heads = {}
            inner.visit(tree.body)
            for change in inner.found:
                at = start + offset
                self.add(change.kind, at + change.start, at + change.end, change.new)


def heads(tree: ast.AST) -> dict[int, range]:
    """Return the lines of the statement that each line belongs to; the inmost one wins."""
    found: dict[int, range] = {}

    def go(node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            assert node.end_lineno is not None
            body = getattr(node, "body", None) or getattr(node, "cases", None)
            last = node.end_lineno
            if body:
                first = body[0]
                last = max(node.lineno, getattr(first, "lineno", None) or node.lineno + 1) - 1
                last = max(last, node.lineno)
            for row in range(node.lineno, last + 1):
                found[row] = range(node.lineno, last + 1)
        for child in ast.iter_child_nodes(node):
            go(child)

    go(tree)
    return found


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def textual(node: ast.AST) -> bool:
    """Whether a node is plainly text."""
    if isinstance(node, ast.BinOp):
        return textual(node.left) or textual(node.right)
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )


def is_type(node: ast.AST) -> bool:
    """Whether the value of an assignment is an alias of a type."""
    if isinstance(node, ast.Call) and called(node) not in ("TypeVar", "NewType"):
        return False
    if isinstance(node, ast.BinOp):
        return is_type(node.left) and is_type(node.right)
    name = (
        node.value if isinstance(node, ast.Subscript) else node.func if isinstance(node, ast.Call) else node
    )
    return getattr(name, "attr", getattr(name, "id", "")) in TYPE_NAMES and not isinstance(
        node, ast.Attribute
    )


def plain_type(word: str) -> bool:
    """Whether an argument is plainly a type, which no one puts in another's place."""
    return word.rpartition(".")[2] in TYPE_NAMES


def whole(node: ast.AST) -> bool:
    """Whether a node is plainly a whole number."""
    if isinstance(node, ast.Constant):
        return type(node.value) is int
    return (isinstance(node, ast.Call) and called(node) == "len") or (
        isinstance(node, ast.Attribute) and node.attr in ("size", "ndim")
    )


def blank_comments(text: str) -> str:
    """The text with comments as spaces, of the same length."""
    return re.sub("#.*", lambda comment: " " * len(comment[0]), text)


def fields(literal: str) -> Iterator[tuple[int, str]]:
    """Yield each expression of an f-string with its offset in the literal; those of formats are left out."""
    prefix = literal[: min(literal.index(mark) for mark in "'\"" if mark in literal)]
    quote = literal[len(prefix)] * (3 if literal[len(prefix) : len(prefix) + 3] in ("'''", '"""') else 1)
    at, end = len(prefix) + len(quote), len(literal) - len(quote)
    while at < end:
        if literal[at : at + 2] in ("{{", "}}"):
            at += 2
        elif literal[at] == "{":
            first, depth, stop, closed = at + 1, 0, None, at
            while closed < end:
                closed += 1
                letter = literal[closed]
                if letter in "([{":
                    depth += 1
                elif letter in ")]":
                    depth -= 1
                elif letter == "}" and depth == 0:
                    break
                elif letter == "}":
                    depth -= 1
                elif stop is None and depth == 0 and (letter == ":" or letter == "!" != literal[closed + 1]):
                    if literal[closed + 1] != "=":
                        stop = closed
            expression = literal[first : stop if stop is not None else closed].rstrip().removesuffix("=")
            lead = len(expression) - len(expression.lstrip())
            yield first + lead, expression.strip()
            at = closed + 1
        else:
            at += 1


TYPES = {
    "double", "float", "int", "long", "short", "char", "unsigned", "size_t", "Py_ssize_t", "bint",
    "void", "object", "int32_t", "int64_t", "uint32_t", "uint64_t", "uint8_t", "int8_t", "int16_t",
    "uint16_t", "const", "bitgen_t", "float64_t",
}  # fmt: skip
DECLARED = {
    "def", "cpdef", "cimport", "import", "from", "@", "class", "ctypedef", "include", "raise",
    "assert", "global", "pass", "DEF", "struct", "enum",
}  # fmt: skip
SIMPLE = {tokenize.NAME, tokenize.NUMBER}
CYTHON_OPERATORS = {"+": "-", "-": "+", "*": "/", "/": "*", "==": "!=", "!=": "==", "and": "or", "or": "and"}
CYTHON_OPERATORS |= {
    "+=": "-=",
    "-=": "+=",
    "*=": "/=",
    "/=": "*=",
    "<": ">",
    ">": "<",
    "<=": ">=",
    ">=": "<=",
}


class Cython:
    """Errors of a Cython text, by its tokens, statement by statement."""

    def __init__(self, text: str) -> None:
        self.source = text
        self.starts = [0]
        for row in text.split("\n"):
            self.starts.append(self.starts[-1] + len(row) + 1)
        self.found: list[Change] = []

    def changes(self) -> list[Change]:
        statement: list[tokenize.TokenInfo] = []
        outside = {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
        inside_function = False
        block: int | None = None  # column of a declaration with a block of its own: extern, struct
        for token in tokenize.generate_tokens(io.StringIO(self.source).readline):
            if token.type == tokenize.NEWLINE:
                column = statement[0].start[1] if statement else 0
                if block is not None and column <= block:
                    block = None
                if column == 0:
                    inside_function = False
                words = [part.string for part in statement]
                head = {"def", "cdef", "cpdef"} & set(words[:1]) and words[-1] == ":"
                if head and ({"extern", "struct", "enum", "union"} & set(words[:4])):
                    block = column
                elif head and "(" in words and "class" not in words:
                    inside_function = True
                elif block is None and inside_function:
                    self.statement(statement)
                statement = []
            elif token.type not in outside and token.string.strip():
                statement.append(token)
        return self.found

    def place(self, position: tuple[int, int]) -> int:
        return self.starts[position[0] - 1] + position[1]

    def statement(self, tokens: Sequence[tokenize.TokenInfo]) -> None:
        words = [token.string for token in tokens]
        if words[0] in DECLARED or all(token.type == tokenize.STRING for token in tokens):
            return
        if words[0] == "cdef":
            if "=" not in words:
                return
            tokens = tokens[words.index("=") + 1 :]
        self.lines = range(tokens[0].start[0], tokens[-1].end[0] + 1)
        self.tokens, self.words = tokens, [token.string for token in tokens]
        self.casts = casts(self.words)
        self.depths = depths(self.words)
        self.guard()
        for at, token in enumerate(tokens):
            if at in self.casts:
                continue
            if token.type == tokenize.NUMBER:
                inside = self.indexed(at)
                self.replace(at, "index" if inside else "constant", other_number(token.string.rstrip("Uu")))
            elif token.string in CYTHON_OPERATORS and at > 0:
                self.operator(at)
            elif token.string == "(" and at and tokens[at - 1].type == tokenize.NAME:
                self.call(at)
            elif token.string == "[" and self.words[at + 2 : at + 5 : 2] == [",", "]"]:
                if all(tokens[at + k].type in SIMPLE for k in (1, 3)):
                    self.swap((at + 1, at + 1), (at + 3, at + 3), "index")
            if (
                token.type == tokenize.NAME
                and token.string in FUNCTIONS
                and self.words[at + 1 : at + 2] == ["("]
            ):
                self.replace(at, "operator", FUNCTIONS[token.string])

    def add(self, kind: str, start: int, end: int, new: str) -> None:
        row = self.source.count("\n", 0, start) + 1
        self.found.append(Change(row, self.lines, start, end, new, kind))

    def replace(self, at: int, kind: str, new: str) -> None:
        token = self.tokens[at]
        self.add(kind, self.place(token.start), self.place(token.end), new)

    def indexed(self, at: int) -> bool:
        """Whether the inmost bracket around a token is that of an index."""
        depth = 0
        for k in range(at - 1, -1, -1):
            if self.words[k] in ")]}":
                depth += 1
            elif self.words[k] in "([{":
                if depth == 0:
                    return self.words[k] == "["
                depth -= 1
        return False

    def operator(self, at: int) -> None:
        before, word = self.tokens[at - 1], self.words[at]
        operand = before.type in SIMPLE and before.string not in (
            "return",
            "in",
            "and",
            "or",
            "not",
            "if",
            "else",
        )
        if word in "+-" and not (operand or before.string in ")]"):
            if word == "-":
                self.replace(at, "sign", "+")
            return
        if word == "*" and (before.string in TYPES or not (operand or before.string in ")]")):
            return
        self.replace(at, "operator", CYTHON_OPERATORS[word])
        if word in BOUNDS and any(self.whole(k) for k in (at - 1, at + 1)):
            self.replace(at, "operator", BOUNDS[word])

    def whole(self, at: int) -> bool:
        return self.tokens[at].type == tokenize.NUMBER and self.words[at].isdigit()

    def guard(self) -> None:
        first, last = self.words[0], self.words[-1]
        if first in ("if", "elif", "while") and last == ":" and len(self.words) > 2:
            start, end = self.place(self.tokens[1].start), self.place(self.tokens[-2].end)
            test = self.source[start:end]
            if first != "while":
                self.add("guard", start, end, f"not ({test})")
            self.add("guard", start, end, f"({test}) and False")
        elif first == "return" and {"+", "-", "*", "/"} & set(self.words) and "," not in self.words:
            start, end = self.place(self.tokens[1].start), self.place(self.tokens[-1].end)
            self.add("sign", start, end, f"-({self.source[start:end]})")

    def call(self, at: int) -> None:
        """Exchange neighbouring arguments of a call."""
        if self.words[at - 1] in ANY_ORDER | {
            "and",
            "or",
            "not",
            "in",
            "if",
            "return",
            "range",
            "isinstance",
        }:
            return
        arguments, start, depth = [], at + 1, 0
        for k in range(at + 1, len(self.words)):
            word = self.words[k]
            if word in ("(", "[", "{"):
                depth += 1
            elif word in (")", "]", "}"):
                if depth == 0:
                    arguments.append((start, k - 1))
                    break
                depth -= 1
            elif word == "," and depth == 0:
                arguments.append((start, k - 1))
                start = k + 1
        for left, right in pairwise(arguments):
            if left[1] >= left[0] and right[1] >= right[0]:
                self.swap(left, right, "argument")

    def swap(self, left: tuple[int, int], right: tuple[int, int], kind: str) -> None:
        start, middle = self.place(self.tokens[left[0]].start), self.place(self.tokens[left[1]].end)
        after, end = self.place(self.tokens[right[0]].start), self.place(self.tokens[right[1]].end)
        one, two = self.source[start:middle], self.source[after:end]
        if one != two and "=" not in one + two:
            self.add(kind, start, end, two + self.source[middle:after] + one)


def casts(words: Sequence[str]) -> set[int]:
    """Return the places of `<`, type and `>` of casts."""
    found: set[int] = set()
    for at, word in enumerate(words):
        if word == "<":
            end = at + 1
            while end < len(words) and (
                words[end] in ("*", ".", "[", "]", ":", ",") or words[end].isidentifier()
            ):
                end += 1
            typed = any(
                name in TYPES or name.startswith("_") or name[:1].isupper() for name in words[at + 1 : end]
            )
            if end > at + 1 and words[end : end + 1] == [">"] and typed:
                found.update(range(at, end + 1))
    return found


def depths(words: Sequence[str]) -> list[int]:
    depth, found = 0, []
    for word in words:
        depth += (word in ("(", "[", "{")) - (word in (")", "]", "}"))
        found.append(depth)
    return found
