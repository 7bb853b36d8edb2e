"""The types of CSV columns: a column is numeric or boolean where all its cells are, written as in JSON."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import orjson

ColumnType = Literal["string", "number", "boolean"]

_BOOLEANS = {"true": True, "false": False}


def find_types(rows: Iterable[Sequence[str]], columns: int) -> list[ColumnType]:
    """Return the type of each column; empty cells have any type, and a column without other cells is a string.

    Numbers must be written as JSON writes them: `01234` and `+1` stay strings, since they are codes, and so do numbers
    that would lose digits.
    """
    types: list[ColumnType | None] = [None] * columns
    for row in rows:
        for index, cell in enumerate(row):
            if not cell or types[index] == "string":
                continue
            found = _type_of(cell)
            types[index] = found if types[index] in (None, found) else "string"
    return [found or "string" for found in types]


def read_cell(cell: str, kind: ColumnType) -> Any:
    """Return the value of a cell; null for an empty one."""
    if not cell:
        return None
    if kind == "string":
        return cell
    return _BOOLEANS[cell] if kind == "boolean" else orjson.loads(cell)


def _type_of(cell: str) -> ColumnType:
    if cell in _BOOLEANS:
        return "boolean"
    if cell[0] not in "-0123456789":
        return "string"
    try:
        number = orjson.loads(cell)
    except orjson.JSONDecodeError:
        return "string"
    same = orjson.dumps(number).decode()
    if "." in cell:  # 12.50 is a number too: zeros at the end are no digits that would be lost
        same, cell = same.rstrip("0").rstrip("."), cell.rstrip("0").rstrip(".")
    return "number" if same == cell else "string"
