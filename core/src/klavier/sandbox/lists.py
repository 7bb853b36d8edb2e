"""The lists of an account."""

from typing import Literal

from attrs import define

OptIn = Literal["single_opt_in", "double_opt_in"]


@define
class List:
    """One list; who is on it stands with the profiles."""

    id: str
    name: str
    opt_in_process: OptIn
    created: int
    given_id: bool = False
    """Whether the id was chosen by the sandbox's user, and so means something between two sandboxes."""
