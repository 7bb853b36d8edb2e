"""From cattrs' tree of errors to lines that a person can act on: path, what is wrong, remedy."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

import attrs
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError

from klavier.errors import ConfigError, EventError


class InsideError(ValueError):
    """Something inside plain JSON, at `place` in it, is wrong."""

    def __init__(self, error: EventError) -> None:
        super().__init__(error.problem)
        self.place = error.place


def settings_errors(error: BaseException, place: str, settings: type[Any] | None = None) -> Iterator[str]:
    """Flatten an error into lines, each with its path under `place`."""
    if isinstance(error, ClassValidationError):
        yield from _of_class(error, place)
    elif isinstance(error, IterableValidationError):
        yield from _of_list(error, place)
    elif isinstance(error, ForbiddenExtraKeysError):
        yield from _of_unknown(error, place)
    elif isinstance(error, ConfigError):
        yield from (_join(place, problem) for problem in error.problems)
    elif isinstance(error, InsideError):
        yield f"{_join(place, error.place)}: {error}"
    else:
        yield f"{place or (settings.__name__ if settings else 'settings')}: {str(error) or type(error).__name__}"


def did_you_mean(value: Any, known: Iterable[Any]) -> str:
    """Suggest a close name; a value that is not close to a name is not shown, it may be a secret in the wrong place."""
    if not isinstance(value, str):
        return ""
    close = difflib.get_close_matches(value, [name for name in known if isinstance(name, str)], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _of_class(error: ClassValidationError, place: str) -> Iterator[str]:
    grouped, other = error.group_exceptions()
    for inner, note in grouped:
        if isinstance(inner, KeyError) and inner.args == (note.name,):
            yield f"{_join(place, note.name)}: required; set it"
        else:
            yield from settings_errors(inner, _join(place, note.name), _settings_of(note.type))
    for inner in other:
        yield from settings_errors(inner, place, error.cl)


def _of_list(error: IterableValidationError, place: str) -> Iterator[str]:
    grouped, other = error.group_exceptions()
    for inner, element in grouped:
        # A table's values come with their keys, a list's with their numbers.
        step = element.index if isinstance(element.index, str) else f"[{element.index}]"
        yield from settings_errors(inner, _join(place, step), _settings_of(element.type))
    for inner in other:
        yield from settings_errors(inner, place)


def _of_unknown(error: ForbiddenExtraKeysError, place: str) -> Iterator[str]:
    known = [attribute.name for attribute in attrs.fields(error.cl)] if attrs.has(error.cl) else []
    for key in sorted(map(str, error.extra_fields)):
        remedy = did_you_mean(key, known) or (f"; known are {', '.join(known)}" if known else "")
        yield f"{_join(place, key)}: unknown setting{remedy}"


def _settings_of(kind: Any) -> type[Any] | None:
    return kind if isinstance(kind, type) and attrs.has(kind) else None


def _join(place: str, step: str) -> str:
    if not place or not step:
        return place or step
    return f"{place}{step}" if step.startswith("[") else f"{place}.{step}"
