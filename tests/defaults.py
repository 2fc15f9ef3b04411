"""Numbers that people get without naming them: python tests/defaults.py [--record]

Prints which of them are not those of defaults.csv, and with --record writes the table again. Each row has a
file, an item and its value:

* a default of a parameter, ``function(parameter)``, and of a field of a class, ``Class.field``;
* a constant of a module or class that holds a number or a switch, ``NAME``;
* a limit of an input, ``function: between 'name'``, of a call of `frenkel.checks`;
* an option of the command line with its type and default, ``option '--name'``.

Values are read from the text of the sources: numbers are worked out, sentences are left out.
"""

import ast
import csv
import functools
import operator
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = Path(__file__).with_suffix(".csv")
FOLDERS = ("kinetic", "array", "events", "mpi_runs", "analysis", "applications/studies", "src/frenkel")
PROSE = {"help", "metavar", "description", "title", "doc", "epilog", "usage"}
"""Keywords whose values people read."""
ARITHMETIC = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
Row = tuple[str, str]


def sources() -> list[Path]:
    """Return the Python sources of the package; its folders that are links count once."""
    found = []
    for folder in FOLDERS:
        top = ROOT / folder
        linked = [path for path in top.iterdir() if path.is_symlink()]
        found += [
            path for path in top.rglob("*.py") if not any(path.is_relative_to(other) for other in linked)
        ]
    return sorted(found)


class Worked(ast.NodeTransformer):
    """Works out arithmetic of numbers, and leaves sentences out."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        sides = node.left, node.right
        if type(node.op) in ARITHMETIC and all(is_number(side) for side in sides):
            return ast.Constant(ARITHMETIC[type(node.op)](*(side.value for side in sides)))
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.USub) and is_number(node.operand):
            return ast.Constant(-node.operand.value)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.keywords = keywords(node)
        return self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return ast.Constant("...")

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        is_prose = isinstance(node.value, str) and node.value.count(" ") > 2
        return ast.Constant("...") if is_prose else node


def is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def holds_number(node: ast.AST) -> bool:
    """Whether an expression holds a number, a switch or the name of a constant."""
    return any(
        (isinstance(part, ast.Constant) and isinstance(part.value, int | float))
        or (isinstance(part, ast.Name) and part.id.isupper())
        for part in ast.walk(node)
    )


def shown(node: ast.AST) -> str:
    """Return the value of an expression as text."""
    return ast.unparse(Worked().visit(node))


def items(text: str) -> Iterator[Row]:
    """Yield each item of a source with its value."""
    tree = ast.parse(text)
    checks = {
        name.asname or name.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2] == "checks"
        for name in node.names
    }
    yield from of_body(tree.body, "", checks)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Option":
            names = [ast.unparse(name) for name in node.args]
            yield f"option {' '.join(names)}", ", ".join(map(shown, keywords(node)))


def keywords(node: ast.Call) -> list[ast.keyword]:
    """Return the keyword arguments of a call without those that people read."""
    return [keyword for keyword in node.keywords if keyword.arg not in PROSE]


def of_body(body: list[ast.stmt], inside: str, checks: set[str]) -> Iterator[Row]:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from of_function(node, inside, checks)
            case ast.ClassDef():
                yield from of_body(node.body, f"{inside}{node.name}.", checks)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield f"{inside}{name}", shown(value)
            case ast.Assign(value=ast.Dict(keys=keys, values=values)) if None not in keys:
                name = inside + ", ".join(ast.unparse(target) for target in node.targets)
                for key, value in zip(keys, values, strict=True):
                    if holds_number(key) or holds_number(value):
                        yield f"{name}[{ast.unparse(key)}]", shown(value)
            case ast.Assign(value=value) if holds_number(value) and "Option(" not in ast.unparse(value):
                yield f"{inside}{', '.join(ast.unparse(target) for target in node.targets)}", shown(value)
            case ast.If():
                yield from of_body(node.body + node.orelse, inside, checks)


def of_function(node: ast.FunctionDef | ast.AsyncFunctionDef, inside: str, checks: set[str]) -> Iterator[Row]:
    name, given = f"{inside}{node.name}", node.args
    positional = given.posonlyargs + given.args
    pairs = [*zip(positional[len(positional) - len(given.defaults) :], given.defaults, strict=True)]
    pairs += [*zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    for parameter, value in pairs:
        if value is not None:
            yield f"{name}({parameter.arg})", shown(value)
    for part in ast.walk(node):
        if not isinstance(part, ast.Call) or not part.args:
            continue
        match part.func:
            case ast.Attribute(value=ast.Name(id="checks"), attr=word):
                pass
            case ast.Name(id=word) if word in checks:
                pass
            case _:
                continue
        if holds_number(part):
            call = Worked().visit(part)
            words = [ast.unparse(each) for each in [*call.args, *call.keywords]]
            yield f"{name}: {word} {words[0]}", ", ".join(words[1:])


@functools.cache
def current() -> dict[Row, str]:
    """Return the value of each item of the package by its file and name; equal names are numbered."""
    found: dict[Row, str] = {}
    for path in sources():
        file = path.relative_to(ROOT).as_posix()
        for item, value in items(path.read_text(encoding="utf-8")):
            name, number = item, 1
            while (file, name) in found:
                number += 1
                name = f"{item} ({number})"
            found[file, name] = value
    return found


def recorded(table: Path) -> dict[Row, str]:
    """Return the value of each item in the table."""
    with table.open(encoding="utf-8", newline="") as stream:
        return {(file, item): value for file, item, value in csv.reader(stream)}


def differences(now: dict[Row, str], table: dict[Row, str]) -> list[str]:
    """Return a sentence for each item that the table has otherwise."""
    found = []
    for file, item in sorted(now.keys() | table.keys()):
        value, old = now.get((file, item)), table.get((file, item))
        if old is None:
            found.append(f"{file}: {item} is new: {value}")
        elif value is None:
            found.append(f"{file}: {item}, which was {old}, does not exist")
        elif value != old:
            found.append(f"{file}: {item} was {old} and is {value}")
    return found


def main(arguments: list[str]) -> int:
    """Print what differs; record it if asked, else the status is 1."""
    now = current()
    different = differences(now, recorded(TABLE) if TABLE.exists() else {})
    print(*different, sep="\n")
    if arguments == ["--record"]:
        with TABLE.open("w", encoding="utf-8", newline="") as stream:
            rows = ((*item, value) for item, value in sorted(now.items()))
            csv.writer(stream, lineterminator="\n").writerows(rows)
        return 0
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
