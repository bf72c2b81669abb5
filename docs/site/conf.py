"""How Sphinx makes the pages of the documentation: `make docs`."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path
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


def setup(app: Sphinx) -> None:
    """Copy the pictures that README shows for a light and a dark screen, which Sphinx can't see."""
    app.connect("build-finished", _copy_pictures)


def _copy_pictures(app: Sphinx, _problem: Exception | None) -> None:
    images = Path(app.outdir) / "docs" / "images"
    shutil.copytree(Path(app.srcdir) / "docs" / "images", images, dirs_exist_ok=True)
