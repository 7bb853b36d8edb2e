"""Which tests reach which lines: a plugin of pytest that notes it while coverage runs, and the map of its notes."""

from collections.abc import Generator, Iterable
from pathlib import Path

import coverage
import pytest
from attrs import frozen


@frozen
class Reach:
    """The seconds of each test, and the tests that reach each line of each module."""

    seconds: dict[str, float]
    lines: dict[str, dict[str, list[str]]]

    def choose_tests(self, module: str, lines: Iterable[int], budget: float) -> list[str]:
        """Return the tests that reach one of these lines, the quickest first, as many as take `budget` seconds.

        For a line that no test reaches itself, as where another process does, the tests that reach its module.
        """
        known = self.lines.get(module, {})
        found = {test for line in lines for test in known.get(str(line), ())}
        found = found or {test for tests in known.values() for test in tests} or set(self.seconds)
        chosen: list[str] = []
        for test in sorted(found, key=lambda test: (self.seconds[test], test)):
            budget -= self.seconds[test]
            if budget < 0 and chosen:
                break
            chosen.append(test)
        return chosen


class Notes:
    """The plugin: each test is a context of coverage's."""

    def __init__(self, folder: Path, source: str) -> None:
        """Measure the modules in `source`, a folder inside `folder`."""
        self._folder = folder
        self._seconds: dict[str, float] = {}
        self._failed: set[str] = set()
        self._coverage = coverage.Coverage(data_file=None, source=[str(folder / source)])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Count what runs for this test as its own."""
        self._coverage.switch_context(item.nodeid)
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the seconds of a test, with its fixtures; one that fails without a fault is left out."""
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self._failed.add(report.nodeid)

    def start(self) -> None:
        """Start before the modules are loaded."""
        self._coverage.start()

    def stop(self) -> Reach:
        """Return what was noted."""
        self._coverage.stop()
        for test in self._failed:
            del self._seconds[test]
        data = self._coverage.get_data()
        lines: dict[str, dict[str, list[str]]] = {}
        for file in data.measured_files():
            by_line = data.contexts_by_lineno(file).items()
            found = {str(line): [test for test in tests if test in self._seconds] for line, tests in by_line}
            lines[Path(file).relative_to(self._folder).as_posix()] = found
        return Reach(self._seconds, lines)
