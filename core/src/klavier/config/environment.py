"""`${NAME}` in a string of the configuration stands for an environment variable; `$${` writes `${` itself."""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
"""A reference to a variable, its name as the first group (None for an escape), its closing brace as the second."""

NAME_OF_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def substitute(value: Any, environ: Mapping[str, str], problems: list[str], place: str = "") -> Any:
    """Return a copy of TOML data with the variables filled in; what cannot be is added to `problems` with its path."""
    if isinstance(value, dict):
        return {
            key: substitute(member, environ, problems, f"{place}.{key}" if place else key)
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [substitute(item, environ, problems, f"{place}[{i}]") for i, item in enumerate(value)]
    if not isinstance(value, str) or "${" not in value:
        return value
    faults = list(_faults(value, environ))
    problems.extend(f"{place}: {fault}" for fault in faults)
    if faults:
        return value
    return REFERENCE.sub(lambda match: "${" if match[1] is None else environ[match[1]], value)


def _faults(text: str, environ: Mapping[str, str]) -> Iterator[str]:
    """Return what is wrong with the references in a text; quotes nothing but the names of variables."""
    for match in REFERENCE.finditer(text):
        name = match[1]
        if name is None:
            continue
        if not match[2]:
            yield "'${' has no closing '}'; write $${ for the two characters themselves"
        elif not NAME_OF_VARIABLE.fullmatch(name):
            yield "'${...}' does not hold the name of a variable; write $${ for the two characters themselves"
        elif name not in environ:
            yield f"the environment variable {name} is not set; export it{_similar(name, environ)}"


def _similar(name: str, environ: Mapping[str, str]) -> str:
    close = difflib.get_close_matches(name, environ, n=1, cutoff=0.85)
    return f", or did you mean {close[0]}?" if close else ""
