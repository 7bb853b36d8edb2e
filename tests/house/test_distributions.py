"""What people install: five distributions that build from their sources and work together, without the repository."""

import re
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

import klavier
from tests.house.test_install_lines import words
from tests.support.environments import Environment, build
from tests.support.repository import DISTRIBUTIONS, ROOT, pages, pyproject
from tests.support.repository import VENDORS as PLUGINS

OURS = {pyproject(folder)["project"]["name"]: folder for folder in DISTRIBUTIONS}
VENDORS = [plugin.name for plugin in PLUGINS]
OURS_IN_PLUGINS = [folder for folder in DISTRIBUTIONS if folder != ROOT]
TEMPLATE = ROOT / "docs" / "plugin-template"
"""What `klavier new-vendor` writes; it ships inside the package."""

_UNSEEN_IMPORTS = [
    *("--package-module-name-map", "python-liquid=liquid"),
    # Entry points find plugins; the floors of aiohttp and h11 count; jsonschema-rs is imported by name; zoneinfo reads
    # tzdata, PySpark uses pandas.
    *("--per-rule-ignores", "DEP002=" + "|".join([*OURS, "aiohttp", "h11", "jsonschema-rs", "pandas", "tzdata"])),
]

EVERY_DISTRIBUTION = pytest.mark.parametrize("name", OURS)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    for source in DISTRIBUTIONS:
        build(source, folder)
    return folder


def wheel(folder: Path, name: str) -> Path:
    (only,) = (path for path in folder.glob("*.whl") if parse_wheel_filename(path.name)[0] == canonicalize_name(name))
    return only


def sdist(folder: Path, name: str) -> Path:
    (only,) = (path for path in folder.glob("*.gz") if parse_sdist_filename(path.name)[0] == canonicalize_name(name))
    return only


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def dependencies() -> set[str]:
    """Name what our distributions need and what is not ours."""
    needed = {text for folder in OURS.values() for text in pyproject(folder)["project"]["dependencies"]}
    return {text for text in needed if canonicalize_name(re.split(r"[^\w.-]", text)[0]) not in OURS}


@EVERY_DISTRIBUTION
def test_a_wheel_holds_the_package_its_licence_and_nothing_else(built: Path, name: str) -> None:
    package = name.replace("-", "_")
    files = contents(wheel(built, name))
    info = f"{package}-{klavier.__version__}.dist-info"
    assert f"{package}/py.typed" in files
    assert files[f"{info}/licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()
    assert {file.split("/")[0] for file in files} == {package, info}
    sources = (OURS[name] / ("core/src" if name == "klavier" else "src")).rglob("*.py")
    template = [path for path in TEMPLATE.rglob("*.py") if name == "klavier"]
    assert {file for file in files if file.endswith(".py")} == {
        *(path.as_posix().rpartition("/src/")[2] for path in sources),
        *(f"klavier/plugin_template/{path.relative_to(TEMPLATE).as_posix()}" for path in template),
    }


def test_the_wheel_holds_what_the_pages_are_made_of(built: Path) -> None:
    source = ROOT / "core" / "src"
    folders = [folder for name in ("templates", "static") for folder in source.rglob(name)]
    parts = {path.relative_to(source).as_posix() for folder in folders for path in folder.rglob("*") if path.is_file()}
    assert {"klavier/console/templates/index.html", "klavier/console/static/console.js"} <= parts
    assert parts <= set(contents(wheel(built, "klavier")))


@EVERY_DISTRIBUTION
def test_a_wheel_names_its_entry_points(built: Path, name: str) -> None:
    files = contents(wheel(built, name))
    points = "".join(text.decode() for file, text in files.items() if file.endswith("/entry_points.txt"))
    vendor = name.removeprefix("klavier-")
    expected = "klavier = klavier.cli:main" if name == "klavier" else f"{vendor} = {name.replace('-', '_')}.plugin"
    assert expected in points or (name == "klavier-spark" and not points)  # it uses klavier, and extends nothing


@EVERY_DISTRIBUTION
def test_a_source_distribution_builds_the_same_wheel(built: Path, name: str, tmp_path: Path) -> None:
    with tarfile.open(sdist(built, name)) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    assert (source / "LICENSE").is_file()
    assert not (source / "tests").exists()
    build(source, tmp_path / "again", "wheel")
    assert contents(wheel(tmp_path / "again", name)) == contents(wheel(built, name))


def test_versions_agree() -> None:
    assert {name: pyproject(folder)["project"]["version"] for name, folder in OURS.items()} == dict.fromkeys(
        OURS, klavier.__version__
    )
    assert {plugin: metadata.version(f"klavier-{plugin}") for plugin in VENDORS} == dict.fromkeys(
        VENDORS, klavier.__version__
    )


@EVERY_DISTRIBUTION
def test_the_metadata_shown_by_the_index(name: str) -> None:
    project = pyproject(OURS[name])["project"]
    assert project["description"]
    assert project["requires-python"] == pyproject()["project"]["requires-python"]
    assert (OURS[name] / "LICENSE").read_text("utf-8") == (ROOT / "LICENSE").read_text("utf-8")
    line = "pip install 'klavier[" if name == "klavier" else f"pip install {name}"
    assert line in (OURS[name] / project["readme"]).read_text("utf-8")


def test_the_index_would_take_them(built: Path) -> None:
    """Metadata is complete, and each README renders."""
    command = [sys.executable, "-m", "twine", "check", "--strict", *sorted(map(str, built.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- reads our own files
    assert (done.returncode, done.stdout.count("PASSED")) == (0, 2 * len(OURS)), done.stdout + done.stderr


@EVERY_DISTRIBUTION
def test_dependencies_are_those_that_the_code_imports(name: str) -> None:
    """None is missing, none is superfluous, and none is only there because another needs it."""
    source = "core/src" if name == "klavier" else "src"
    command = [sys.executable, "-m", "deptry", "--no-ansi", source, *_UNSEEN_IMPORTS]
    done = subprocess.run(command, cwd=OURS[name], capture_output=True, text=True, check=False)  # noqa: S603 -- ours
    assert done.returncode == 0, done.stderr


CHECK = """
import klavier
plugins = klavier.Plugins.discover()
assert not plugins.broken, plugins.broken
assert sorted(plugins.vendors) == {vendors!r}
print(klavier.__file__)
"""


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    fresh = Environment(tmp_path / "fresh")
    fresh.lend(dependencies())
    return fresh


def test_wheels_install_together_without_an_index(built: Path, environment: Environment) -> None:
    environment.pip_install("--find-links", built, f"klavier[{','.join(VENDORS)}]")
    where = environment.run(environment.python, "-c", CHECK.format(vendors=VENDORS))
    assert Path(where.strip()).is_relative_to(environment.cwd)
    assert "Usage: klavier" in environment.run(environment.scripts / "klavier", "--help")


def requirements_of_the_pages() -> set[str]:
    """List what the lines `pip install` of the pages install, but for folders and files."""
    return {word.strip("'") for page in pages() for word in words(page.read_text("utf-8"))}


def test_sources_install_together(environment: Environment) -> None:
    """As the README's first command does, with the build backend already there; other lines then work offline."""
    extras = [text for extra in pyproject()["project"]["optional-dependencies"].values() for text in extra]
    environment.lend(["hatchling", "pip", *(text for text in extras if not text.startswith("klavier"))])
    line = "install pip '.[server]' ./plugins/* && .venv/bin/klavier demo"
    assert line in (ROOT / "README.md").read_text("utf-8").replace("\\\n  ", "")
    environment.pip_install("--no-build-isolation", "pip", f"{ROOT}[server]", *OURS_IN_PLUGINS)
    environment.run(environment.python, "-c", CHECK.format(vendors=VENDORS))
    assert environment.run(environment.scripts / "klavier", "demo")
    found = requirements_of_the_pages()
    assert {"klavier[all]", "klavier[rudderstack,segment-classic,server]", "klavier[testing]"} <= found
    environment.run(environment.python, "-m", "pip", "install", "--no-index", "--dry-run", *sorted(found))
