"""The absence of a value: JavaScript's `undefined`, which a mapping leaves out, unlike null, which it keeps."""

from enum import Enum
from typing import Any, Final


class Missing(Enum):
    """The type of `MISSING`; an enumeration, so that type checkers narrow `is MISSING`."""

    MISSING = "missing"

    def __bool__(self) -> bool:
        """Return False, as `undefined` is falsy."""
        return False


MISSING: Final = Missing.MISSING


def cleaned(value: Any) -> Any:
    """Return a value without its missing members; a missing item of an array becomes null, as in JSON."""
    if isinstance(value, dict):
        return {key: cleaned(item) for key, item in value.items() if item is not MISSING}
    if isinstance(value, list):
        return [None if item is MISSING else cleaned(item) for item in value]
    return value
