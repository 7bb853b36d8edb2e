"""The result of one check."""

from typing import Literal

from attrs import frozen

State = Literal["ok", "note", "wrong"]


@frozen
class Check:
    """One check: its name, its state, what was found, and the remedy."""

    name: str
    state: State
    found: str
    remedy: str = ""
