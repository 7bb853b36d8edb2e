"""klavier in Spark: plan, deliver and compare the events of a data lake."""

try:
    import pyspark as _pyspark  # noqa: F401 -- to name the remedy where it is absent
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        "PySpark is not installed: install klavier-spark[pyspark], or run where a cluster brings it", name="pyspark"
    ) from None

from klavier_spark.comparing import diff
from klavier_spark.delivering import deliver
from klavier_spark.planning import plan
from klavier_spark.streaming import for_stream, register

__all__ = ["deliver", "diff", "for_stream", "plan", "register"]
