"""Documented against deployed: a vendor's table of differences alone selects its behavior."""

import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import strategies as st

from klavier import ConfigError, load_vendor, parse_event
from klavier.testing.strategies import payloads, stream_payloads
from klavier.testing.trace import record
from klavier.vendor import FidelityTable
from tests.support.searching import search
from tests.support.setups import Setup, setups

EVENTS = st.one_of(st.lists(payloads(), min_size=1, max_size=3), stream_payloads().map(lambda found: found[:6]))
OTHER = {"documented": "deployed", "deployed": "documented"}


def tables(vendor: str) -> dict[str, FidelityTable[Any]]:
    """Return the places that import a vendor's table, and the table; none for a vendor whose fidelities are one."""
    package = importlib.import_module(f"klavier_{vendor.replace('-', '_')}")
    names = [found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    modules = [importlib.import_module(name) for name in names if not name.endswith("__main__")]
    return {f"{m.__name__}.FIDELITIES": m.FIDELITIES for m in modules if hasattr(m, "FIDELITIES")}


@contextmanager
def one_column(vendor: str, fidelity: str) -> Iterator[None]:
    """Give both names of the table the same column for a while."""
    patches = []
    for place, table in tables(vendor).items():
        column = getattr(table, fidelity)
        patches.append(patch(place, FidelityTable(column, column)))
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


def result(vendor: str, settings: dict[str, Any], found: list[dict[str, Any]]) -> Any:
    """Return what events result in: requests, browser calls, outcomes; or why the settings conflict."""
    try:
        loaded = load_vendor(vendor, settings)
    except ConfigError as error:
        return str(error)
    trace = record(loaded, [parse_event(payload) for payload in found])
    requests = [(made.method, made.path, made.params, made.form, made.json, made.revision) for made in trace.requests]
    return requests, trace.browser_calls, [outcome for each in trace.deliveries for outcome in each.outcomes]


@pytest.mark.parametrize("setup", setups(), ids=str)
def test_nothing_but_the_table_selects_behavior(setup: Setup) -> None:
    """Under the other name, with this one's column, each vendor does the same, on both wires and in both modes."""
    fidelity = setup.choices["fidelity"]

    def holds(chosen: dict[str, Any], found: list[dict[str, Any]]) -> None:
        expected = result(setup.vendor, chosen, found)
        with one_column(setup.vendor, fidelity):
            assert result(setup.vendor, {**chosen, "fidelity": OTHER[fidelity]}, found) == expected

    search(setup, "fidelity", holds, EVENTS, first=setup.settings())


def test_every_vendor_but_freshpaint_has_a_table() -> None:
    """Freshpaint's implementation is not public: its two fidelities are one, which the test above proves."""
    vendors = {setup.vendor for setup in setups()}
    assert {vendor for vendor in vendors if not tables(vendor)} == {"freshpaint"}
