"""The pages of `make docs`: whole, and with nothing from elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

import clover_nb

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("notebooks/*.ipynb")]

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages by their paths, and the folder; a warning of Sphinx's is an error."""
    folder = tmp_path_factory.mktemp("site")
    sphinx = (sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going")
    command = [*sphinx, "-c", "docs/site", "-d", folder / "cache", ".", folder / "pages"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return {
        path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in (folder / "pages").rglob("*.html")
    }


def addresses(page):
    """What a page loads, and where it leads."""
    for tag, name in (("a", "href"), ("link", "href"), ("img", "src"), ("script", "src")):
        yield from ((tag, each[name]) for each in page.find_all(tag, attrs={name: True}))


def test_each_document_has_a_page(site):
    """So has each lesson; and `index.html` leads to the first."""
    pages = {path.name for path in site}
    assert pages >= {f"{document.stem}.html" for document in DOCUMENTS} | {"search.html"}
    (first,) = [path for path in site if path.name == "index.html" and path.parent.name != "docs"]
    assert "docs/index.html" in first.read_text()


def test_each_link_leads_somewhere(site):
    """Its file is there, and the place in it that it names."""
    for path, page in site.items():
        for tag, address in addresses(page):
            parts = urlsplit(address)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.exists(), (path.name, address)
            if tag == "a" and parts.fragment and target in site:
                place = unquote(parts.fragment)
                assert site[target].find(id=place), (path.name, address)


def test_nothing_is_loaded_from_elsewhere(site):
    """No script, style, font or picture: the pages are whole without a network."""
    for path, page in site.items():
        for tag, address in addresses(page):
            if tag != "a":
                assert urlsplit(address).scheme in ("", "data"), (path.name, address)
    (pages,) = {path.parent for path in site if path.name == "README.html"}
    for style in pages.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert "url(http" not in text
        assert "@import" not in text


def test_the_outputs_of_the_lessons_are_shown(site):
    """A table, and the first of the pictures."""
    (lesson,) = [page for path, page in site.items() if path.stem == "05_explore_customers"]
    assert lesson.select(".cell_output table")
    assert lesson.select(".cell_output img")


def test_a_picture_follows_the_theme_of_the_page(site):
    """Each of the README, the first page and the lessons is there for a light and a dark one."""
    pages = {path.stem: page for path, page in site.items() if path.parent.name != "pages"}
    (pages["README"],) = [page for path, page in site.items() if path.stem == "README"]
    for name, count in (("README", 12), ("index", 1), ("02_forms", 6)):
        light = [image["src"] for image in pages[name].select("img.only-light")]
        dark = [image["src"] for image in pages[name].select("img.only-dark")]
        assert [each.replace("-light", "-dark") for each in light] == dark
        assert len(dark) == count, name
        assert not pages[name].find("picture")


def test_no_two_pages_have_the_same_name(site):
    """In the contents beside each page, where a reader has nothing else to tell them by."""
    (page,) = [page for path, page in site.items() if path.stem == "README"]
    names = [link.text for link in page.select(".sidebar-tree a")]
    assert len(names) == len(set(names)) == len(DOCUMENTS) - 1  # without the first page


def test_the_reference_has_what_is_public(site):
    """Each name of `__all__` has a place that one can link to, or stands in its words."""
    (page,) = [page for path, page in site.items() if path.stem == "reference"]
    places = {tag["id"] for tag in page.find_all(id=True)}
    named = {tag.text for tag in page.select("p code")}
    for name in clover_nb.__all__:
        ends = (f".{name}", f"module-clover_nb.{name}")
        assert name in named or any(place.endswith(ends) for place in places), name
    for name in ("customers.Customers.create", "forms.desk", "quality.report", "addresses.check"):
        assert f"clover_nb.{name}" in places, name
