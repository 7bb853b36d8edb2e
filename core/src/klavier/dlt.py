"""A destination for dlt: the rows of a pipeline become events that a vendor delivers to Klaviyo.

Source: dlt's documentation of custom destinations, its way for reverse ETL.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import dlt
from dlt.common.schema import TTableSchema

from klavier.config.load import Source
from klavier.errors import DeliveryError
from klavier.outcome import Outcome
from klavier.streams.deliver import deliver
from klavier.streams.tables import check_columns, read_row

if TYPE_CHECKING:
    from klavier.http.transport import HttpTransport

OnOutcome = Callable[[Mapping[str, Any], Outcome], None]
"""Called with each row and its outcome."""


def destination(
    config: Source = None,
    *,
    on_outcome: OnOutcome | None = None,
    share: float | None = None,
    batch_size: int = 1000,
    transport: "HttpTransport | None" = None,
) -> Any:
    """Return a dlt destination: `dlt.pipeline("orders", destination=klavier.dlt.destination("klavier.toml"))`.

    The columns of a table are named as those of a CSV file: `type`, `event`, `userId` or `user_id`, `timestamp`,
    `properties`; others are properties.  `config`, `share` and `transport` are those of `klavier.deliver`.

    Rows are delivered `batch_size` at a time, those of one profile in their order.  Where rows of a batch failed in a
    way that a later attempt may repair, `DeliveryError` lets dlt retry the batch; events keep their ids, so Klaviyo
    counts none twice on the current wire.  `on_outcome` is called for every row of every attempt.
    """

    def load(items: Any, table: TTableSchema) -> None:
        name = str(table.get("name"))
        check_columns(name, table.get("columns") or ())
        rows = ((item, read_row(name, number, item)) for number, item in enumerate(items, 1))
        retried: Counter[str] = Counter()
        for item, outcome in deliver(rows, config, share=share, transport=transport):
            if on_outcome is not None:
                on_outcome(item, outcome)
            if outcome.kind == "failed" and outcome.retryable:
                retried[outcome.reason] += 1
        if retried:
            reason, _ = retried.most_common(1)[0]
            raise DeliveryError(f"{retried.total()} rows of {len(items)} failed: {reason}")

    return dlt.destination(
        load,
        name="klaviyo",
        batch_size=batch_size,
        naming_convention="direct",
        loader_file_format="typed-jsonl",
        skip_dlt_columns_and_tables=True,
        max_table_nesting=0,
        max_parallel_load_jobs=1,  # several at once would mix up the order of a profile's rows, and share no limits
        loader_parallelism_strategy="sequential",
    )
