"""The blocks of the page "Work on a lake", in their order, as its reader runs them."""

import contextlib
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from klavier import Sandbox
from klavier.sandbox.server import SandboxServer
from tests.plugins.spark.test_spark import frame
from tests.support.repository import ROOT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PAGE = ROOT / "docs" / "how-to" / "work-on-a-lake.md"
_PATHS = re.compile(r'(?<!option\()"((?:events|outcomes|incoming|checkpoint)[\w./*-]*)"')


@pytest.mark.slow
def test_the_blocks_of_the_page_run(spark: "SparkSession", tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"^```py\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 6
    with SandboxServer(Sandbox()) as server, contextlib.chdir(tmp_path):
        account = f'private_api_key = "pk_sandbox"\nbase_url = "{server.url}"\n'
        Path("klavier.toml").write_text(f'vendor = "rudderstack"\n[klaviyo]\n{account}', "utf-8")
        for folder in ("events.parquet", "incoming"):
            frame(spark, 30).write.parquet(str(tmp_path / folder))
        namespace: dict[str, Any] = {}
        for block in blocks:
            # Java stays in the folder in which it was started.
            absolute = _PATHS.sub(lambda found: repr(str(tmp_path / found[1])), block)
            exec(absolute, namespace)  # noqa: S102 -- the page
        for folder in ("outcomes.parquet", "outcomes-of-two.parquet", "outcomes/batch-*.parquet"):
            found = spark.read.parquet(str(tmp_path / folder)).collect()
            assert Counter(row["id"] for row in found) == Counter(range(30))
    shown = capfd.readouterr().out
    assert "/api/events" in shown
    assert re.search(r"metrics renamed|people|event_properties", shown)
