"""Draw assignments of package and applications by the hash of a commit, to judge what their names say.

    python tests/draw_names.py                100 assignments, drawn by the hash of HEAD
    python tests/draw_names.py COMMIT 20      20 of them, drawn by another hash

Each is printed with the lines around it. What is drawn depends on the hash and the files alone, so that names
cannot be chosen for the draw.
"""

import ast
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from test_names import ROOT, modules

AROUND = 3  # lines before and after that are shown


def assignments() -> Iterator[tuple[Path, ast.Name]]:
    """Yield the files and the names that are assigned to, in the order of files and lines."""
    for path, tree in modules():
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        stores = [node for node in names if isinstance(node.ctx, ast.Store)]
        yield from ((path, node) for node in sorted(stores, key=lambda node: (node.lineno, node.col_offset)))


def main(commit: str = "HEAD", number: str = "100") -> None:
    """Print the assignments that a commit draws."""
    done = subprocess.run(["git", "rev-parse", commit], cwd=ROOT, capture_output=True, text=True, check=True)
    drawn = random.Random(done.stdout.strip()).sample(list(assignments()), int(number))
    for count, (path, node) in enumerate(drawn, start=1):
        lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        print(f"\n{count}. {node.id}    {path}:{node.lineno}")
        for line in range(max(node.lineno - 1 - AROUND, 0), min(node.lineno + AROUND, len(lines))):
            print(f"    {'>' if line == node.lineno - 1 else ' '} {lines[line]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
