"""The release workflow builds every distribution from files that are here, with the rights that it needs alone."""

import re

import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own

from tests.support.repository import DISTRIBUTIONS, ROOT, pyproject

WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8"))
BUILD = (ROOT / ".ci" / "build").read_text("utf-8")
JOBS = WORKFLOW["jobs"]


def test_scripts_that_it_runs_are_here() -> None:
    commands = [step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step]
    scripts = {match[1] for command in commands if (match := re.fullmatch(r"bash (\S+)", command))}
    assert scripts == {".ci/run", ".ci/build"}
    assert all((ROOT / script).is_file() for script in scripts)


def test_what_is_published_is_what_was_built_after_the_tests() -> None:
    assert (JOBS["build"]["needs"], JOBS["publish"]["needs"]) == ("test", "build")
    assert not any("build" in str(step.get("run", "")) for step in JOBS["publish"]["steps"])
    uses = [step.get("uses", "").partition("@")[0] for step in JOBS["build"]["steps"]]
    assert {"actions/attest-build-provenance", "actions/attest-sbom", "actions/upload-artifact"} <= set(uses)


def test_only_the_jobs_that_sign_may_sign() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert {name for name, job in JOBS.items() if "id-token" in job.get("permissions", {})} == {"build", "publish"}
    assert "secrets." not in (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")


def test_the_tag_is_compared_with_the_version() -> None:
    (check,) = (step["run"] for step in JOBS["build"]["steps"] if "tag" in step.get("name", ""))
    pattern = check.split('"', 1)[1].rsplit('"', 1)[0].replace('\\"', '"')
    version = pyproject()["project"]["version"]
    assert pattern.replace("${GITHUB_REF_NAME#v}", version) in (ROOT / "pyproject.toml").read_text("utf-8").splitlines()


def test_every_distribution_is_built() -> None:
    assert "for folder in . plugins/*/; do" in BUILD
    assert {folder.relative_to(ROOT).parent.as_posix() for folder in DISTRIBUTIONS if folder != ROOT} == {"plugins"}


def test_no_address_of_an_index_is_named() -> None:
    text = BUILD + (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    assert not re.search(r"://|--index-url|simple/", text)
