"""How Sphinx makes the pages of the documentation: `make docs`."""

from __future__ import annotations

import html
import re
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "clover-nb"
author = "the clover-nb authors"
release = metadata.version(project)

# The sources lie where people read them in the repository, so that links are right in both.
include_patterns = ["*.md", "docs/*.md", "notebooks/*.ipynb"]
exclude_patterns = [".*", "site"]
root_doc = "docs/index"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

html_theme = "furo"
pygments_dark_style = "github-dark"  # furo's own underlines names as if they were links
html_title = project
html_copy_source = False
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["site.css"]
templates_path = ["templates"]
html_additional_pages = {"index": "to_docs.html"}  # the first page is in a folder

myst_enable_extensions = ["colon_fence", "html_image"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the outputs are those that are committed
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # nothing from elsewhere

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
napoleon_custom_sections = ["Source"]
python_maximum_signature_line_length = 80


# README has a picture for a light screen and one for a dark, a lesson the light one alone.
PICTURE = re.compile(r'<picture>.*?<img src="(.*?)" alt="(.*?)"></picture>')
LIGHT_IMAGE = re.compile(r"!\[([^\]]*)\]\((\S+)-light\.png\)")


def setup(app: Sphinx) -> None:
    """Let pictures follow the theme that is chosen on the page, which may not be the screen's."""
    app.connect("source-read", _show_both_pictures)


def _show_both_pictures(_app: Sphinx, _name: str, source: list[str]) -> None:
    source[0] = LIGHT_IMAGE.sub(_for_both_themes, PICTURE.sub(r"![\2](\1)", source[0]))


def _for_both_themes(image: re.Match[str]) -> str:
    alt, path = html.escape(image[1]), image[2]
    return "".join(
        f"<img class='only-{theme}' src='{path}-{theme}.png' alt='{alt}'>"
        for theme in ("light", "dark")
    )
