"""What one check found."""

from typing import Literal

from attrs import frozen

State = Literal["ok", "note", "wrong"]


@frozen
class Check:
    """One thing that was looked at: its name, its state, what was found, and what to do about it."""

    name: str
    state: State
    found: str
    remedy: str = ""
