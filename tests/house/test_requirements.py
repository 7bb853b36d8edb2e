"""The three lists of requirements say the same: pyproject.toml, requirements-dev.txt and constraints.txt."""

import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.repository import PLUGINS, ROOT, pyproject

OURS = {"klavier", *(f"klavier-{plugin.name}" for plugin in PLUGINS)}


SPARK = pyproject(ROOT / "plugins" / "spark")["project"]["optional-dependencies"]["pyspark"]


def lines(name: str) -> list[str]:
    text = (ROOT / name).read_text("utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def wanted() -> list[Requirement]:
    """Return every requirement that some pyproject.toml of this repository names."""
    root = pyproject()
    texts = [*root["project"]["dependencies"], *root["dependency-groups"]["dev"]]
    texts += [text for extra in root["project"]["optional-dependencies"].values() for text in extra]
    texts += [text for plugin in PLUGINS for text in pyproject(plugin)["project"]["dependencies"]]
    texts += SPARK
    return [Requirement(text) for text in texts]


def pins() -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for line in lines("constraints.txt"):
        pin = Requirement(line)
        found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def test_the_development_requirements_are_those_of_pyproject() -> None:
    given = lines("requirements-dev.txt")
    editable = {line.removeprefix("-e ") for line in given if line.startswith("-e ")}
    assert given[0] == "-c constraints.txt"
    assert editable == {
        ".[metrics,otel,parquet,server,testing,zstd]",
        *(f"./plugins/{plugin.name}" for plugin in PLUGINS),
    }
    group = pyproject()["dependency-groups"]["dev"]
    assert [line for line in given if not line.startswith("-")] == [text for text in group if text not in OURS]
    assert {text for text in group if text in OURS} == OURS - {"klavier"}


def test_what_spark_needs_is_a_list_of_its_own() -> None:
    assert lines("requirements-spark.txt") == ["-c constraints.txt", *SPARK]
    assert pyproject()["dependency-groups"]["spark"] == ["klavier-spark[pyspark]"]


@pytest.mark.parametrize("requirement", wanted(), ids=str)
def test_every_requirement_is_pinned_within_its_bounds(requirement: Requirement) -> None:
    name = canonicalize_name(requirement.name)
    if name in OURS:
        assert (ROOT / "plugins" / name.removeprefix("klavier-")).is_dir() or name == "klavier"
        return
    assert name in pins(), f"constraints.txt lacks {name}; CONTRIBUTING.md says how to write it anew"
    for pin in pins()[name]:
        (only,) = pin.specifier
        assert only.operator == "=="
        assert requirement.specifier.contains(only.version)


def test_constraints_name_no_address_and_no_package_of_ours() -> None:
    text = (ROOT / "constraints.txt").read_text("utf-8")
    assert not re.search(r"://|--index|--find-links|--hash", text)
    assert not OURS & set(pins())


def test_lists_of_plugins_agree() -> None:
    """A new plugin has to be named wherever the plugins are listed."""
    root = pyproject()
    packages = {f"klavier_{plugin.name.replace('-', '_')}" for plugin in PLUGINS}
    extras = {extra for extra in root["project"]["optional-dependencies"] if (ROOT / "plugins" / extra).is_dir()}
    assert extras == {plugin.name for plugin in PLUGINS}
    assert {f"plugins/{plugin.name}/src" for plugin in PLUGINS} <= set(root["tool"]["mypy"]["files"])
    assert packages <= set(root["tool"]["importlinter"]["root_packages"])
    assert set(root["tool"]["uv"]["sources"]) == OURS
    for plugin in PLUGINS:
        assert pyproject(plugin)["project"]["name"] == f"klavier-{plugin.name}"
        points = pyproject(plugin)["project"].get("entry-points", {"klavier": {}})["klavier"]
        assert list(points) == ([] if plugin.name == "spark" else [plugin.name])  # an engine that uses klavier
