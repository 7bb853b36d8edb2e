"""The recipes for Airflow, Dagster and Prefect on the page of sources, with stand-ins for the three.

The stand-ins run what the recipe runs and retry nothing; the recipes ran in the versions that the page names.
"""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from klavier import Sandbox
from klavier.sandbox.server import SandboxServer
from tests.support.repository import ROOT

duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed: klavier[sources]")

PAGE = (ROOT / "docs" / "how-to" / "sources.md").read_text("utf-8")
QUERY = """SELECT 'track' AS type, 'Order Completed' AS event, 'order-' || id AS messageId,
customer AS userId, placed AS timestamp FROM orders"""


def bash_operator(*, bash_command: str, cwd: str, task_id: str, retries: int) -> None:
    """Run the command at once, as the worker of Airflow does later."""
    assert (task_id, retries) == ("send_orders", 3)
    subprocess.run(["bash", "-c", bash_command], cwd=cwd, check=True)  # noqa: S603, S607 -- the page's own command


@contextlib.contextmanager
def dag(_name: str, **_options: Any) -> Iterator[None]:
    yield


def decorator(*functions: Callable[[], None], **_options: Any) -> Any:
    """Return the function as it is, whether the decorator has arguments or not."""
    return functions[0] if functions else lambda function: function


STAND_INS: dict[str, dict[str, Any]] = {
    "airflow.providers.standard.operators.bash": {"BashOperator": bash_operator},
    "airflow.sdk": {"DAG": dag},
    "dagster": {"asset": decorator, "RetryPolicy": decorator},
    "prefect": {"flow": decorator, "task": decorator},
}


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A folder with orders, one of which has no customer, and an account that `klavier.toml` names."""
    for name, members in STAND_INS.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    (tmp_path / "orders.sql").write_text(QUERY, "utf-8")
    with duckdb.connect(str(tmp_path / "shop.db")) as shop:
        shop.execute("CREATE TABLE orders (id INTEGER, customer VARCHAR, placed TIMESTAMP)")
        shop.execute("INSERT INTO orders VALUES (1, 'u1', '2026-11-02 10:00'), (2, NULL, '2026-11-02 11:00')")
    account = Sandbox()
    with SandboxServer(account) as server:
        keys = f'private_api_key = "pk_sandbox"\nbase_url = "{server.url}"\n'
        (tmp_path / "klavier.toml").write_text(f"[klaviyo]\n{keys}", "utf-8")
        yield account


def run_recipe(engine: str, folder: Path, function: str) -> None:
    """Run the blocks of the page for one engine, and then the function that the engine would call."""
    section = PAGE.partition("## Airflow, Dagster, Prefect")[2]
    (command,) = re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    (block,) = re.findall(rf"^{engine}:\n\n```py\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    namespace: dict[str, Any] = {}
    exec(command + block.replace("/srv/klavier", str(folder)), namespace)  # noqa: S102 -- the page's own code
    if function:
        namespace[function]()


@pytest.mark.parametrize(
    ("engine", "function"), [("Airflow", ""), ("Dagster", "klaviyo_orders"), ("Prefect", "klaviyo")]
)
def test_a_retry_keeps_the_rejected_rows(sandbox: Sandbox, tmp_path: Path, engine: str, function: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as raised:
        run_recipe(engine, tmp_path, function)
    assert raised.value.returncode == 1
    run_recipe(engine, tmp_path, function)
    assert [event["unique_id"] for event in sandbox.state()["events"]] == ["order-1"]
    rejects = [file.read_text("utf-8") for file in tmp_path.glob("rejects-*.jsonl")]
    assert [text.count("order-2") for text in sorted(rejects)] == [0, 1]
