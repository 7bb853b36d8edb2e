"""The pages of dead letters: show, correct, retry, delete, export."""

import asyncio
import logging
from typing import TYPE_CHECKING

import orjson
from starlette.responses import RedirectResponse, Response, StreamingResponse

from klavier.console import dead_letters
from klavier.console.figures import FigureReader
from klavier.console.guard import HOME, Visit
from klavier.console.replies import gone, page, read_payload
from klavier.errors import KlavierError, OutboxError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from klavier.outbox.entry import DeadLetter
    from klavier.worker.leased_worker import RelayConfig

_MOST_DIGITS = 19
"""Digits of a position: SQLite's are below 2**63."""

_log = logging.getLogger("klavier.console")


class DeadLetterEndpoints:
    """Answers the requests about dead letters that the guard lets through."""

    def __init__(self, parts: "RelayConfig", reader: FigureReader) -> None:
        self._parts = parts
        self._outbox = parts.outbox
        self._reader = reader

    async def letter(self, visit: Visit, *, problem: str = "", text: str | None = None) -> Response:
        """Show one dead letter: why it is one, and its event where the form asks for it."""
        letter = await asyncio.to_thread(dead_letters.find, self._outbox, visit.request.path_params["seq"])
        if letter is None:
            return gone(visit, "This dead letter was retried or deleted meanwhile.")
        masked = visit.request.method != "POST"
        if not masked:
            _log.info("the console showed the personal data of a dead letter to a signed-in user")
        return page(
            "letter.html",
            visit,
            letter=dead_letters.show(letter),
            payload=read_payload(letter.payload),
            raw=letter.payload,
            text=text,
            exchanges=orjson.loads(letter.requests),
            masked=masked,
            problem=problem,
            status=422 if problem else 200,
        )

    async def edit(self, visit: Visit) -> Response:
        """Put a corrected event into the queue in place of its dead letter."""
        letter = await asyncio.to_thread(dead_letters.find, self._outbox, visit.request.path_params["seq"])
        if letter is None:
            return gone(visit, "This dead letter was retried or deleted meanwhile.")
        text = visit.value("payload")
        try:
            await asyncio.to_thread(
                dead_letters.requeue_edited, self._outbox, letter, text, self._parts.vendor, self._parts.plugins
            )
        except KlavierError as error:
            return await self.letter(visit, problem=str(error), text=text)
        return await self._done(visit, "The corrected event was put into the queue.")

    async def act(self, visit: Visit) -> Response:
        """Retry, delete or export dead letters: one of them, all of one cause, or all."""
        action = visit.request.path_params["action"]
        if action not in ("retry", "delete", "export"):
            return gone(visit, "There is no such page.")
        try:
            if action == "export":
                return _download(self._select(visit))
            change = self._outbox.requeue if action == "retry" else self._outbox.delete
            count = await asyncio.to_thread(lambda: change([letter.seq for letter in self._select(visit)]))
        except OutboxError as error:
            return await self._done(visit, f"Nothing was changed: {error}")
        events = f"{count:,} event" if count == 1 else f"{count:,} events"
        verb = "were" if count != 1 else "was"
        done = "put back into the queue" if action == "retry" else "deleted for good"
        return await self._done(visit, f"{events} {verb} {done}.")

    async def _done(self, visit: Visit, message: str) -> Response:
        """Lead back to the dead letters, with a message."""
        visit.session.message = message
        await self._refresh()
        return RedirectResponse(f"{HOME}#letters", 303)

    async def _refresh(self) -> None:
        try:
            await self._reader.read(fresh=True)
        except OutboxError:
            return  # the page shows it

    def _select(self, visit: Visit) -> "Iterator[DeadLetter]":
        """Yield the dead letters that a form names by number or by cause; all where it says so."""
        seq, cause, wants_all = visit.value("seq"), visit.value("cause"), visit.value("all") == "yes"
        if seq.isdecimal() and len(seq) < _MOST_DIGITS:
            found = dead_letters.find(self._outbox, int(seq))
            yield from [] if found is None else [found]
        elif cause or wants_all:
            yield from (
                each for each in dead_letters.every(self._outbox) if wants_all or dead_letters.cause_id(each) == cause
            )


def _download(selected: "Iterator[DeadLetter]") -> Response:
    """Return the events of dead letters as JSON lines, for `klavier send`; read as they are sent."""
    headers = {"Content-Disposition": 'attachment; filename="dead-letters.jsonl"'}
    lines = (letter.payload + b"\n" for letter in selected)
    return StreamingResponse(lines, media_type="application/jsonl", headers=headers)
