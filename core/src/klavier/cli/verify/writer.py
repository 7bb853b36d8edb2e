"""Write the result of `klavier verify`: a table, a page or JSON, without people and values unless asked for."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from klavier.cli.diff_about import describe_making, describe_vendor
from klavier.cli.diff_table import table
from klavier.cli.json_output import pretty_json
from klavier.cli.messages import note
from klavier.cli.private_files import write_content
from klavier.cli.setup import Setup

if TYPE_CHECKING:
    from klavier.verification.earlier import Earlier
    from klavier.verification.report import Verification

_FEW = 5
"""Cases of each difference that the table and the page show."""


class Writer:
    """Writes one result in several forms; `events` says which events it is about."""

    def __init__(
        self, found: "Verification", setup: Setup, events: str, runs: "Earlier | None", *, values: bool
    ) -> None:
        from klavier.verification.masking import mask  # noqa: PLC0415 -- loads the sandbox
        from klavier.verification.wording import frame_of  # noqa: PLC0415 -- as above

        self._found = mask(found, setup.secrets, values=values)
        self._setup, self._runs, self._values = setup, runs, values
        self._read_at = datetime.now(UTC)
        about = (
            ("events", events),
            (setup.vendor.name, describe_vendor(setup)),
            ("account", setup.config.klaviyo.base_url),
            ("made", describe_making(self._read_at)),
        )
        self._frame = frame_of(self._found, setup.vendor.name, about, runs)

    def write(self, as_: str, output: Path | None) -> None:
        """Write it to a file, or to standard output."""
        content = {"json": self._json, "html": self._page}.get(as_, lambda: self._table(output))()
        write_content(content, output)
        if output is not None:
            note(f"written to {click.format_filename(output)}")

    def _json(self) -> bytes:
        facts: dict[str, Any] = {
            "vendor": self._setup.vendor.name,
            "address": self._setup.config.klaviyo.base_url,
            "checked_at": self._read_at.isoformat(timespec="seconds"),
            "headlines": list(self._frame.headlines),
        }
        if self._runs is not None:
            facts["earlier"] = self._runs.as_json()
        return f"{pretty_json(self._found.as_json(facts))}\n".encode()

    def _page(self) -> bytes:
        from klavier.comparison.page import page  # noqa: PLC0415 -- the table does without
        from klavier.verification.masking import keep_few  # noqa: PLC0415 -- as above

        return page(keep_few(self._found.comparison, _FEW), values=self._values, frame=self._frame).encode()

    def _table(self, output: Path | None) -> bytes:
        from klavier.verification.masking import keep_few  # noqa: PLC0415 -- as above

        few = keep_few(self._found.comparison, _FEW)
        lines = table(few, values=self._values, coloured=output is None, frame=self._frame)
        return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
