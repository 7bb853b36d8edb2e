"""Write the result of `klavier verify`: a table, a page or JSON, without people and values unless asked for."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson
from attrs import evolve

from klavier.cli.diff_table import table
from klavier.cli.messages import note
from klavier.cli.private_files import open_private
from klavier.cli.setup import Setup
from klavier.comparison.masking import mask_secrets

if TYPE_CHECKING:
    from klavier.verification.earlier import Earlier
    from klavier.verification.report import Verification

_FEW = 5
"""Cases of each difference that the table and the page show."""


def _masked(found: "Verification", setup: Setup, *, values: bool) -> "Verification":
    from klavier.verification.masking import mask_values  # noqa: PLC0415 -- as above

    comparison = mask_secrets(found.comparison, setup.secrets)
    return evolve(found, comparison=comparison if values else mask_values(comparison))


class Writer:
    """Writes one result in several forms."""

    def __init__(self, found: "Verification", setup: Setup, runs: "Earlier | None", *, values: bool) -> None:
        from klavier.verification.wording import frame_of  # noqa: PLC0415 -- as above

        self._found, self._setup, self._runs, self._values = _masked(found, setup, values=values), setup, runs, values
        self._checked_at = datetime.now(UTC)
        self._frame = frame_of(found, setup.vendor.name, f"{self._checked_at:%Y-%m-%d %H:%M} UTC", runs)

    def write(self, as_: str, output: Path | None) -> None:
        """Write it to a file, or to standard output."""
        content = {"json": self._json, "html": self._page}.get(as_, lambda: self._table(output))()
        if output is None:
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
            return
        if self._values:
            with open_private(output) as file:
                file.write(content)
        else:
            output.write_bytes(content)
        note(f"written to {click.format_filename(output)}")

    def _json(self) -> bytes:
        facts: dict[str, Any] = {
            "vendor": self._setup.vendor.name,
            "address": self._setup.config.klaviyo.base_url,
            "checked_at": self._checked_at.isoformat(timespec="seconds"),
            "headlines": list(self._frame.headlines),
        }
        if self._runs is not None:
            facts["earlier"] = self._runs.as_json()
        return orjson.dumps(self._found.as_json(facts), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    def _page(self) -> bytes:
        from klavier.comparison.page import page  # noqa: PLC0415 -- the table does without
        from klavier.verification.masking import keep_few  # noqa: PLC0415 -- as above

        return page(keep_few(self._found.comparison, _FEW), values=self._values, frame=self._frame).encode()

    def _table(self, output: Path | None) -> bytes:
        from klavier.verification.masking import keep_few  # noqa: PLC0415 -- as above

        few = keep_few(self._found.comparison, _FEW)
        lines = table(few, values=self._values, coloured=output is None, frame=self._frame)
        return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
