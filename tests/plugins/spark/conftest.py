"""One small Spark session for all tests; they are skipped where PySpark or Java is absent."""

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "512m",
    # Code that runs once is not worth compiling well: this halves the processor time of the tests.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
}


def has_java() -> bool:
    """Return whether a Java that Spark could use is at hand."""
    return shutil.which("java") is not None or "JAVA_HOME" in os.environ


def start(master: str, **settings: Any) -> "SparkSession":
    """Start a session whose tasks run in this Python."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 -- few machines have it

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(master).appName("klavier-tests")
    for name, value in {**SETTINGS, **settings}.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


@pytest.fixture(scope="session")
def spark() -> "Iterator[SparkSession]":
    pytest.importorskip("pyspark", reason="PySpark is not installed: requirements-spark.txt")
    if not has_java():
        pytest.skip("there is no Java, which Spark needs")
    session = start("local[2]")
    yield session
    session.stop()
