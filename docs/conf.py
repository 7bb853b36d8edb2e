"""How Sphinx builds this site: `python -m sphinx -n -W docs docs/_build/html`."""

from importlib.metadata import version as _version

project = "klavier"
author = "The klavier contributors"
copyright = "the klavier contributors"  # noqa: A001 -- Sphinx reads this name
release = version = _version("klavier")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.intersphinx"]
exclude_patterns = ["_build", "plugin-template", "examples"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "klavier"
