"""Counts how the package names things; ``make check`` refuses more than the bounds.

A function is named by verb and object, a class by thing and role. One word is right where the class
gives the object (``customers.list``) and for Clover's own words, and too little elsewhere.

    python tools/count_names.py [--list]
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parents[1] / "clover_nb"

#: At most this share of the functions or classes.
BOUNDS: Final = {
    "functions named by a past participle": 0.03,
    "functions of one word": 0.45,
    "classes of one word": 0.25,
}
_IRREGULAR: Final = set(
    """
    built bought brought caught done drawn felt found given gone held kept known laid left lost
    made meant met paid said seen sent shown sold spent spoken stuck taken taught thought told
    undone understood woken worn written
    """.split()  # noqa: SIM905  a list of 39 lines reads no better
)
_NOT_PARTICIPLES: Final = {"embed", "feed", "need", "seed", "shed", "speed"}


def definitions() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    """Yield each function and class of the package, with its file; no dunder methods."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(
                node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
            ) and not node.name.startswith("__"):
                yield path, node


def split_name(name: str) -> list[str]:
    """The words of a name, in lower case."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return [word.lower() for word in spaced.split("_") if word]


def is_participle(name: str) -> bool:
    """Whether a name is one past participle, such as ``settled``."""
    words = split_name(name)
    return len(words) == 1 and (
        words[0] in _IRREGULAR or (words[0].endswith("ed") and words[0] not in _NOT_PARTICIPLES)
    )


def main() -> int:
    """Print the counts; return 1 when one is over its bound."""
    found = list(definitions())
    functions = [(p, n.name) for p, n in found if not isinstance(n, ast.ClassDef)]
    classes = [(p, n.name) for p, n in found if isinstance(n, ast.ClassDef)]
    matching = {
        "functions named by a past participle": [f for f in functions if is_participle(f[1])],
        "functions of one word": [f for f in functions if len(split_name(f[1])) == 1],
        "classes of one word": [c for c in classes if len(split_name(c[1])) == 1],
    }
    over = False
    for what, names in matching.items():
        total = len(classes if what.startswith("classes") else functions)
        share = len(names) / total
        over = over or share > BOUNDS[what]
        print(f"{what}: {len(names)} of {total}, {share:.1%} (at most {BOUNDS[what]:.0%})")  # noqa: T201  of a command
        if "--list" in sys.argv:
            for path, name in names:
                print(f"    {path.relative_to(PACKAGE)}: {name}")  # noqa: T201  of a command
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
