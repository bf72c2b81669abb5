"""Write the generated parts of the sandbox's pages anew: `python tools/sandbox_docs.py`.

In docs/sandbox.md and docs/sandbox-facts.md such a part stands between `<!-- begin NAME -->` and
`<!-- end -->`. `--check` only tells which page is out of date.
"""

from __future__ import annotations

import re
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from clover_nb.sandbox.api.pages import LIMITATIONS
from clover_nb.sandbox.errors import ErrorCase, status_line
from clover_nb.sandbox.facts import FACTS, SOURCES, UNASKED
from clover_nb.sandbox.middleware.faults import KINDS
from clover_nb.sandbox.settings import PROFILES, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DOCS = Path(__file__).parents[1] / "docs"


def make_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table, as Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def list_limitations() -> str:
    """Return what the sandbox doesn't do."""
    return "\n".join(f"- {text}" for text in LIMITATIONS)


def list_settings() -> str:
    """Return the table of settings."""
    return make_table(
        ["setting", "values", "what it does", "why", "mark"],
        [
            [f"`{name}`", ", ".join(s.choices), s.what, s.why, s.evidence]
            for name, s in SETTINGS.items()
        ],
    )


def list_profiles() -> str:
    """Return the sets of settings."""
    lines = []
    for name, chosen in PROFILES.items():
        text = ", ".join(f"`{setting}={value}`" for setting, value in chosen.items())
        lines.append(f"- `{name}`: {text or 'every default'}.")
    return "\n".join(lines)


def list_refusals() -> str:
    """Return the table of refusals."""
    return make_table(
        ["status", "type", "code", "message", "mark"],
        [
            [s.status, s.type or "", s.code or "", s.message or status_line(s.status), s.evidence]
            for s in (case.value for case in ErrorCase)
        ],
    )


def list_faults() -> str:
    """Return the table of faults."""
    return make_table(["kind", "what happens"], [[f"`{k}`", text] for k, text in KINDS.items()])


def list_facts() -> str:
    """Return a table of what is known, and how it is asked, for each thing it is about."""
    sections: dict[str, list[list[str]]] = {}
    for fact in FACTS:
        paths = (re.sub(r" (\{.*|null)$", "", text) for text in fact.asks)
        asks = ", ".join(
            f"`{path}`" + (f" ({count} times)" if count > 1 else "")
            for path, count in ((path, len([*same])) for path, same in groupby(paths))
        )
        sections.setdefault(fact.section, []).append([fact.says, fact.mark, asks, fact.source])
    tables = (
        f"### {section}\n\n{make_table(['fact', 'mark', 'asked by', 'source'], rows)}"
        for section, rows in sections.items()
    )
    return "\n\n".join(tables)


def list_contradictions() -> str:
    """Return the settings for which there is evidence."""
    return make_table(
        ["setting", "what it does", "why", "mark"],
        [
            [f"`{name}`", s.what, s.why, s.evidence]
            for name, s in SETTINGS.items()
            if s.evidence != "I"
        ],
    )


def list_unasked() -> str:
    """Return what is known and not asked for."""
    return make_table(
        ["fact", "mark", "why it isn't asked", "source"],
        [[each.says, each.mark, each.why, each.source] for each in UNASKED],
    )


def list_sources() -> str:
    """Return where evidence stands."""
    return "\n".join(f"- `{key}`: {text}" for key, text in SOURCES.items())


PARTS = {
    "limitations": list_limitations,
    "settings": list_settings,
    "profiles": list_profiles,
    "refusals": list_refusals,
    "faults": list_faults,
    "facts": list_facts,
    "contradictions": list_contradictions,
    "unasked": list_unasked,
    "sources": list_sources,
}


def fill_in(text: str) -> str:
    """Return a page with its generated parts made anew."""

    def replace(found: re.Match[str]) -> str:
        return f"<!-- begin {found[1]} -->\n{PARTS[found[1]]()}\n<!-- end -->"

    return re.sub(r"<!-- begin (\w+) -->\n.*?<!-- end -->", replace, text, flags=re.DOTALL)


def main() -> int:
    """Write the pages, or check them; returns the exit code."""
    paths = [DOCS / "sandbox.md", DOCS / "sandbox-facts.md"]
    pages = {path: fill_in(path.read_text(encoding="utf-8")) for path in paths}
    outdated = [path for path, text in pages.items() if path.read_text(encoding="utf-8") != text]
    for path in outdated:
        if "--check" in sys.argv:
            print(f"{path.name} is out of date; run python tools/sandbox_docs.py")  # noqa: T201  a command's output
        else:
            path.write_text(pages[path], encoding="utf-8")
    return 1 if outdated and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
