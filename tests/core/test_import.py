"""`import klavier` is quick, and imports nothing heavy before it is used."""

import resource
import subprocess
import sys

import pytest

HEAVY = {"aiohttp", "attrs", "cattrs", "click", "httpx", "orjson", "pluggy", "rich", "ssl", "asyncio", "sqlite3"}
SENDING = {"aiohttp", "click", "httpx", "rich", "sqlite3"}


def imported_by(code: str) -> set[str]:
    """Run code in a fresh interpreter and give the modules that it imported."""
    done = subprocess.run(  # noqa: S603 -- our own code
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_nothing_heavy_is_imported() -> None:
    assert not HEAVY & imported_by("import klavier")


@pytest.mark.parametrize(
    "code",
    [
        "import klavier; klavier.parse_event({'type': 'page'})",
        "import klavier; klavier.rehearse(klavier.load_vendor('rudderstack', {'private_api_key': 'pk_x'}), [])",
    ],
)
def test_what_sends_is_imported_by_those_who_send(code: str) -> None:
    assert not SENDING & imported_by(code)


def test_it_takes_a_tenth_of_a_second_at_most() -> None:
    """Compare with an interpreter that imports nothing, in processor time, the best of a few: others may be busy."""

    def best(code: str) -> float:
        times = []
        for _ in range(5):
            started = used()
            subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 -- our own code
            times.append(used() - started)
        return min(times)

    def used() -> float:
        of_children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return of_children.ru_utime + of_children.ru_stime

    assert best("import klavier") - best("pass") < 0.1
