"""How Sphinx builds this site: `python -m sphinx -n -W docs docs/_build/html`.

Nothing is fetched while it is built, so that it builds the same everywhere.
"""

import re
from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "klavier"
author = "The klavier contributors"
copyright = "the klavier contributors"  # noqa: A001 -- Sphinx reads this name
release = version = _version("klavier")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
exclude_patterns = ["_build", "examples", "plugin-template"]
default_role = "code"  # docstrings say `name` as Markdown does

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_mock_imports = ["pandas", "pyspark"]  # 450 MB, which nobody needs to write a page
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
nitpick_ignore_regex = [
    ("py:class", r"(collections\.abc|contextlib|importlib|click|os)\..*"),
    ("py:class", r"klavier(\.\w+){2,}|BrowserCall"),  # what is not public is named, not linked
    ("py:class", r"CollectorRegistry|MeterProvider|starlette\..*|TracerProvider|PathLike|pyspark\..*"),  # of extras
    ("py:class", r"InProcessTransport|HttpTransport|Line|Outbox|pathlib\.Path"),  # as above
]

_ALIASES = {
    r"(~klavier\.events\.model\.\w+ \| ){5}~klavier\.events\.model\.\w+": "~klavier.Event",
    r"~collections\.abc\.Generator\[[^()]*?\]\]": "~klavier.Flow",
    r"(?<== )NOTHING": "...",
}
"""What autodoc writes out in full, and the name that the code and these pages use for it."""

html_theme = "furo"
html_title = f"klavier {release}"
html_logo = html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["klavier.css"]
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5c5e", "color-brand-content": "#0b6e70"},
    "dark_css_variables": {"color-brand-primary": "#6fd0c8", "color-brand-content": "#7fd8d0"},
}
copybutton_prompt_text = "$ "  # of a terminal, the commands are copied and not what they print
copybutton_here_doc_delimiter = "END"
copybutton_line_continuation_character = "\\"
pygments_style = "friendly"
pygments_dark_style = "github-dark"


def _use_our_words(
    _app: "Sphinx", _what: str, _name: str, _obj: Any, _options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Write a signature in the words of the project instead of what they stand for."""
    for pattern, word in _ALIASES.items():
        signature = signature and re.sub(pattern, word, signature)
        returns = returns and re.sub(pattern, word, returns)
    return signature, returns


def setup(app: "Sphinx") -> None:
    """Register what this site adds to Sphinx."""
    app.connect("autodoc-process-signature", _use_our_words)
