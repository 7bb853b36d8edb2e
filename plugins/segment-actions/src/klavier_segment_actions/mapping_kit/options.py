"""Checks of a directive's options; each records its problem at the current path."""

from typing import Any

from klavier.strictjson import kind_of
from klavier_segment_actions.mapping_kit.compiler import Compiler, has_directive


def as_object(compiler: Compiler, value: Any) -> dict[str, Any] | None:
    """Return the options of a directive that takes an object; None after recording that they are no object."""
    if isinstance(value, dict) and not has_directive(value):
        return value
    found = "a directive" if has_directive(value) else kind_of(value)
    compiler.problem(f"must be an object of options, not {found}")
    return None


def require(compiler: Compiler, options: dict[str, Any], *keys: str) -> bool:
    """Record each option that is missing or empty; returns whether all are present."""
    missing = [key for key in keys if not options.get(key)]
    for key in missing:
        compiler.problem(f"requires {key!r}; add it")
    return not missing


def check_string(compiler: Compiler, options: dict[str, Any], key: str, longest: int | None = None) -> None:
    """Record an option that is present and no string, or too long."""
    if key not in options:
        return
    value = options[key]
    with compiler.at(key):
        if not isinstance(value, str):
            compiler.problem(f"must be a string, not {'a directive' if has_directive(value) else kind_of(value)}")
        elif longest is not None and len(value) > longest:
            compiler.problem(f"must be a string of at most {longest} characters, not {len(value)}")


def check_boolean(compiler: Compiler, options: dict[str, Any], key: str) -> None:
    """Record an option that is present and no boolean."""
    if key in options and not isinstance(options[key], bool):
        with compiler.at(key):
            compiler.problem(f"must be true or false, not {kind_of(options[key])}")


def check_choice(compiler: Compiler, options: dict[str, Any], key: str, *choices: str) -> None:
    """Record an option that is present and is none of the choices; case is ignored."""
    if key not in options:
        return
    value = options[key]
    if not isinstance(value, str) or value.lower() not in choices:
        with compiler.at(key):
            compiler.problem(f"must be one of {', '.join(map(repr, choices))}")


def check_text_or_directive(compiler: Compiler, value: Any) -> None:
    """Record a value that is neither a string nor a directive."""
    if not isinstance(value, str) and not has_directive(value):
        compiler.problem(f"must be a string or a directive, not {kind_of(value)}")
