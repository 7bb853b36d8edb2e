"""Run every pattern of the code base over hostile texts: `python -m tests.support.patterns`, exit 1 for a slow one.

Each pattern is run by the methods that its module calls on it.
"""

import importlib
import pkgutil
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from klavier.testing.invariants.bounded import hostile_texts

PACKAGES = (
    "klavier",
    "klavier_freshpaint",
    "klavier_rudderstack",
    "klavier_segment_actions",
    "klavier_segment_classic",
)
SIZE = 30_000
SECONDS = 0.5
"""Processor time of one call: a linear one takes a hundredth, a quadratic one 450 million steps or more."""
SCANNING = re.compile(r"\.(?:search|sub|subn|split|findall|finditer)\b")


def modules() -> Iterator[ModuleType]:
    """Import and return all modules of the packages; what an absent extra needs is left out."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def patterns(module: ModuleType) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Return the patterns among a module's globals, also inside of tables."""
    for name, value in vars(module).items():
        for pattern in _within(value, depth=3):
            if isinstance(pattern.pattern, str):
                yield name, pattern


def _within(value: Any, depth: int) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict):
        for member in value.values():
            yield from _within(member, depth - 1)
    elif depth and isinstance(value, (list, tuple, set, frozenset)):
        for member in value:
            yield from _within(member, depth - 1)


def _is_slow(method: Callable[[str], object], texts: Sequence[str]) -> bool:
    for text in texts:
        start = time.thread_time()
        method(text)
        if (seconds := time.thread_time() - start) > SECONDS:
            _write(f"SLOW: {seconds:.1f} s on {text[:20]!r}...")
            return True
    return False


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run all patterns; print each before it runs, so that one that never ends is named."""
    slow, count = 0, 0
    texts = [*hostile_texts(24), *hostile_texts(1_000), *hostile_texts(SIZE)]
    for module in modules():
        source = Path(module.__file__ or "").read_text() if module.__file__ else ""
        for name, pattern in patterns(module):
            count += 1
            _write(f"{module.__name__}.{name}: {pattern.pattern!r}")
            methods: list[Callable[[str], object]] = [pattern.match, pattern.fullmatch]
            if re.search(rf"\b{re.escape(name)}{SCANNING.pattern}", source):
                methods += [partial(pattern.sub, ""), pattern.search]
            slow += any(_is_slow(method, texts) for method in methods)
    _write(f"{count} patterns, {slow} slow ones")
    return 1 if slow or count < 30 else 0


if __name__ == "__main__":
    sys.exit(main())
