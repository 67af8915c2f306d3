"""Sphinx's settings; `make docs` builds with them."""

from importlib.metadata import version as installed_version

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
