"""Show the score of the conformance class where everybody sees it."""

import pytest

from tests.support.stash import SCORE


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    score = config.stash.get(SCORE, None)
    if score is not None:
        terminalreporter.write_sep("=", "conformance kit")
        terminalreporter.write_line(score)
