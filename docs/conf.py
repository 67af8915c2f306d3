"""Sphinx's settings; `make docs` builds with them."""

import re
from importlib.metadata import version as installed_version

from docutils import nodes

project = "caviar"
author = "The caviar developers"
copyright = author
version = release = installed_version("caviar")

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx.ext.mathjax",
]
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "Compiled perceptrons for scikit-learn"}

myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3
extlinks = {"arxiv": ("https://arxiv.org/abs/%s", "arXiv:%s")}
autodoc_member_order = "bysource"
autosummary_generate = False
numpydoc_show_class_members = False


def setup(app):
    app.connect("doctree-resolved", show_numbers_of_references)


def show_numbers_of_references(app, doctree, docname):
    """[1] where numpydoc, inside of eval-rst, leaves its own [R11b214b0df4d-1]."""
    for text in list(doctree.findall(nodes.Text)):
        if number := re.fullmatch(r"\[R[0-9a-f]{12}-(\d+)\]", text):
            text.parent.replace(text, nodes.Text(f"[{number[1]}]"))
