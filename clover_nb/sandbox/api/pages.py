"""What the sandbox is and isn't, for people: the first page, and the page of the documentation.

The page, docs/sandbox.md, is made of the tables of settings, errors and faults, and of every
comment in the code that starts with an evidence mark. Write it anew with
`python -c 'from clover_nb.sandbox.api.pages import page; print(page(), end="")' > docs/sandbox.md`.
"""

from __future__ import annotations

import ast
import html
import io
import re
import tokenize
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from clover_nb import constants
from clover_nb.sandbox.errors import ErrorCase, status_line
from clover_nb.sandbox.middleware.faults import KINDS
from clover_nb.sandbox.settings import PROFILES, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

router = APIRouter(include_in_schema=False)

SUMMARY: Final = (
    "A practice server that answers as Clover does for customers with a card on file. Everybody in "
    "it is invented, it takes no money, and it is on this computer alone. It is not made by Clover."
)

LIMITATIONS: Final = (
    (
        "No charges, orders, refunds or gift cards: it knows customers, their cards and card "
        "tokens. Test cards that only matter when they are charged are saved like any other."
    ),
    "No OAuth: the one access token never expires, and has every permission.",
    (
        "Card numbers come as they are, not encrypted, and only Clover's published test numbers "
        "are taken. Number and CVV are stored nowhere."
    ),
    (
        "Of Clover's hosted iframe it has the four fields of a card, made after what Clover "
        "documents: no names, street addresses, bank accounts, Apple Pay, Google Pay or reCAPTCHA."
    ),
    "One merchant, one app: of Clover's limits it keeps those for a token.",
    (
        "Cards can be read on the Platform API, not written; there is no customers.csv, and no "
        "orders to expand."
    ),
    "Nobody gets mail when a card is saved, and there are no webhooks.",
    "Plain HTTP, without TLS, on 127.0.0.1.",
)

_MARKS: Final = {
    "D": "Clover documents it",
    "O-live": "seen at Clover by somebody, or in a recorded answer",
    "O-fix": "in somebody's test data, and looks captured",
    "O-code": "somebody's program relies on it",
    "I": "inferred: a choice, not a fact",
}
# A mark begins a comment, or a sentence in one: the mark, perhaps more about it, a colon.
_MARK: Final = re.compile(rf"(?:^|(?<=[.;] ))({'|'.join(_MARKS)})\b([^:]{{0,60}}): ")


@router.get("/")
async def first_page() -> HTMLResponse:
    """Say what this is."""
    limitations = "".join(f"<li>{html.escape(text)}" for text in LIMITATIONS)
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Clover sandbox</title>"
        "<body style='font: 1em/1.5 sans-serif; max-width: 45em; margin: 2em auto'>"
        f"<h1>Clover sandbox</h1><p>{html.escape(SUMMARY)}</p>"
        "<p><a href=/docs>Try its calls</a></p>"
        f"<h2>What it doesn't do</h2><ul>{limitations}</ul>"
    )


def page() -> str:
    """Return the page "How the sandbox differs from Clover", as Markdown."""
    return "\n".join(
        [
            "<!-- Made of the code by clover_nb/sandbox/api/pages.py, which says how. -->",
            "# How the sandbox differs from Clover",
            "",
            SUMMARY,
            "",
            "Nobody outside Clover knows all that it does. Each rule here carries a mark:",
            "",
            *_table("mark", "means", _MARKS.items()),
            "## What it doesn't do",
            "",
            *(f"- {text}" for text in LIMITATIONS),
            "",
            "## Settings, where nobody knows",
            "",
            "`clover-nb sandbox --set NAME=VALUE`, or `sandbox.start(settings={NAME: VALUE})`.",
            "The first value is the default.",
            "",
            "| setting | values | what it does | why | mark |",
            "| --- | --- | --- | --- | --- |",
            *(
                f"| `{name}` | {', '.join(s.choices)} | {s.what} | {s.why} | {s.evidence} |"
                for name, s in SETTINGS.items()
            ),
            "",
            "A profile is a set of these, chosen with `--profile`:",
            "",
            *_profiles(),
            "## Refusals",
            "",
            "| status | type | code | message | mark |",
            "| --- | --- | --- | --- | --- |",
            *(
                f"| {row.status} | {row.type or ''} | {row.code or ''} "
                f"| {row.message or status_line(row.status)} | {row.evidence} |"
                for row in (case.value for case in ErrorCase)
            ),
            "",
            "## Faults on demand",
            "",
            "`--faults KIND:PERCENT%,...`, or `sandbox.fail_next(KIND)`:",
            "",
            *_table("kind", "what happens", KINDS.items()),
            "A slow network: `--latency-ms 80 --jitter-ms 50` lets each request wait 30 to 130 ms.",
            "",
            "## Rules, by how well they are known",
            "",
            *_rules(),
        ]
    )


def _table(left: str, right: str, rows: object) -> list[str]:
    lines = [f"| `{name}` | {text} |" for name, text in rows]  # type: ignore[attr-defined]
    return [f"| {left} | {right} |", "| --- | --- |", *lines, ""]


def _profiles() -> Iterator[str]:
    for name, chosen in PROFILES.items():
        text = ", ".join(f"`{setting}={value}`" for setting, value in chosen.items())
        yield f"- `{name}`: {text or 'every default'}."
    yield ""


def _rules() -> Iterator[str]:
    rules = sorted(_marked(), key=lambda rule: list(_MARKS).index(rule[0]), reverse=True)
    for mark, group in groupby(rules, key=lambda rule: rule[0]):
        yield f"### {mark}: {_MARKS[mark]}\n"
        yield from (f"- {text} (`{where}`)" for _, text, where in group)
        yield ""


def _marked() -> Iterator[tuple[str, str, str]]:
    """Yield mark, text and module of every marked comment of the sandbox and of `constants`."""
    here = Path(__file__).parents[1]
    for path in [Path(constants.__file__), *sorted(here.rglob("*.py"))]:
        source = path.read_text(encoding="utf-8")
        for paragraph in [*_comments(source), *_docstrings(source)]:
            _, *found = _MARK.split(paragraph)
            for mark, more, text in zip(found[::3], found[1::3], found[2::3], strict=True):
                rule = text.strip().rstrip(".")
                yield (
                    mark,
                    f"{rule[:1].upper()}{rule[1:]}.{f' ({mark}{more})' if more else ''}",
                    path.name,
                )


def _comments(source: str) -> Iterator[str]:
    """Yield comments; the lines of one are joined."""
    lines: dict[int, str] = {
        token.start[0]: token.string.lstrip("#: ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT and not token.string.startswith("# noqa")
    }
    for _, block in groupby(enumerate(sorted(lines)), key=lambda item: item[1] - item[0]):
        yield " ".join(lines[number] for _, number in block)


def _docstrings(source: str) -> Iterator[str]:
    """Yield the paragraphs of docstrings, each as one line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for paragraph in (ast.get_docstring(node) or "").split("\n\n"):
                yield " ".join(paragraph.split())
