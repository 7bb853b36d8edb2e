"""Virtual environments made without a network: what is installed here is lent to them by links."""

import os
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable
from contextlib import chdir
from importlib import metadata
from pathlib import Path

from hatchling.build import build_sdist, build_wheel
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_QUIET = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_CONFIG_FILE": os.devnull}


class Environment:
    """A fresh virtual environment that shares nothing with ours but the packages lent to it."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False)
        self.scripts = folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.scripts / "python"
        self.cwd = folder

    def lend(self, names: Iterable[str]) -> None:
        """Link the installed packages of these names, and all that they need, into the environment."""
        home = Path(self.run(self.python, "-c", "import site; print(site.getsitepackages()[0])").strip())
        for name in closure(names):
            for top in {file.parts[0] for file in metadata.files(name) or () if ".." not in file.parts}:
                source = Path(str(metadata.distribution(name).locate_file(top)))
                if top != "__pycache__" and not (home / top).exists():
                    (home / top).symlink_to(source)

    def pip_install(self, *arguments: str | Path) -> None:
        """Install with our pip and without any index."""
        self.run(sys.executable, "-m", "pip", "--python", self.python, "install", "-q", "--no-index", *arguments)

    def run(self, *command: str | Path) -> str:
        """Run a command outside the repository and give what it prints; a failure shows its messages."""
        env = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "PYTHON"))} | _QUIET
        words = list(map(str, command))
        done = subprocess.run(words, cwd=self.cwd, env=env, capture_output=True, text=True, check=False)  # noqa: S603 -- ours
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def build(source: Path, into: Path, *targets: str) -> None:
    """Build distributions (`wheel`, `sdist`, or both) of a source folder as an installer does, without a network."""
    backend: dict[str, Callable[[str], str]] = {"wheel": build_wheel, "sdist": build_sdist}
    into.mkdir(parents=True, exist_ok=True)
    with chdir(source):
        for target in targets or backend:
            assert (into / backend[target](str(into))).is_file()


def closure(names: Iterable[str]) -> set[str]:
    """Name the installed distributions that these need here, themselves included, by way of their metadata."""
    found: set[str] = set()
    waiting = [Requirement(name) for name in names]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in found:
            continue
        found.add(name)
        for needed in map(Requirement, metadata.requires(name) or ()):
            extras = requirement.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(needed)
    return found
