"""`[shadow]`: a second vendor whose results are compared, live and without sending."""

from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen

from klavier.settings import setting


def _share(value: float) -> None:
    if not 0 < value <= 1:
        raise ValueError("must be above 0, at most 1")


@frozen
class ShadowSection:
    """`[shadow]`: what a second vendor would do with the same events."""

    vendor: str | None = setting(
        None, doc="The vendor to compare with; its settings are those of its own section, changed by `settings`."
    )
    settings: Mapping[str, Any] = field(
        factory=dict, kw_only=True, metadata={"doc": "Settings of the vendor that differ from its section, by name."}
    )
    share: float = setting(
        1.0, validator=_share, doc="The share of the profiles that are compared, so that it costs less time."
    )
    opt_in: Literal["single", "double"] = setting("double", doc="The opt-in process of the account's lists.")
