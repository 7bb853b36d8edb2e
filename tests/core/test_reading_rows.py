"""The hook that reads rows: the first plugin that can, and what becomes of one that fails."""

from collections.abc import Iterator

import pytest

from klavier import Event, EventError, PluginError, Plugins, hookimpl, parse_event


class Names:
    """Reads a file named after its only row."""

    @hookimpl
    def klavier_read_rows(self, path: str, mode: str) -> Iterator[Event] | None:
        return iter([parse_event({"type": "track", "event": mode, "userId": path})]) if path == "ada" else None


class Broken:
    """Fails in its second row, or at once."""

    @hookimpl
    def klavier_read_rows(self, path: str, id_column: str | None) -> Iterator[Event]:
        yield parse_event({"type": "track", "event": "new", "userId": "u1"})
        raise EventError("has no cells", "row 2") if path == "file" else ValueError(id_column)


def plugins(*found: object) -> Plugins:
    known = Plugins()
    for plugin in found:
        known.register(plugin)
    return known


def test_the_first_plugin_that_can_reads() -> None:
    (event,) = plugins(Broken(), Names()).read_rows("ada", "added", None)
    assert isinstance(event, Event)
    assert (event.user_id, event.payload["event"]) == ("ada", "added")


def test_a_file_that_nobody_reads() -> None:
    with pytest.raises(PluginError, match="grace: no installed plugin reads its rows; install one that does"):
        list(plugins(Names()).read_rows("grace", "added", None))


def test_what_a_plugin_says_of_the_file_and_what_it_raises() -> None:
    with pytest.raises(EventError, match="row 2: has no cells"):
        list(plugins(Broken()).read_rows("file", "added", None))
    with pytest.raises(PluginError, match=r"raised ValueError in reading rows$"):
        list(plugins(Broken()).read_rows("other", "added", "secret@example.com"))
