import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import click
import pytest
from attrs import evolve, frozen

import klavier
from klavier import ConfigError, Event, Outcome, PluginError, Plugins, Vendor, VendorSpec, hookimpl, parse_event
from klavier.outcome import delivered, skipped


@frozen
class NoSettings:
    """Nothing to set."""


def nothing() -> klavier.Flow:
    return skipped("quiet")
    yield  # what makes this a generator


class Quiet(Vendor):
    name = "quiet"

    def deliveries(self, events: Iterable[Event]) -> Iterable[klavier.Delivery]:
        return (klavier.Delivery((event,), ("k",), nothing) for event in events)


def spec(name: Any = "quiet", **changes: Any) -> VendorSpec:
    return evolve(VendorSpec(name, "Says nothing.", NoSettings, lambda _: Quiet()), **changes)


def vendors(*specs: Any) -> object:
    class Plugin:
        @hookimpl
        def klavier_vendors(self) -> Iterable[Any]:
            return specs

    return Plugin()


TRACK = parse_event({"type": "track", "event": "A"})


def plugins_of(*registered: object) -> Plugins:
    plugins = Plugins()
    for number, plugin in enumerate(registered):
        plugins.register(plugin, f"p{number}")
    return plugins


# Registering


def test_vendors_are_registered_by_name() -> None:
    plugins = plugins_of(vendors(spec("one"), spec("two-words")), vendors())
    assert set(plugins.vendors) == {"one", "two-words"}
    assert plugins.vendor("one").summary == "Says nothing."
    assert isinstance(klavier.load_vendor("one", plugins=plugins), Quiet)


def test_a_module_is_a_plugin() -> None:
    module = ModuleType("a_module")

    @hookimpl
    def klavier_vendors() -> list[VendorSpec]:
        return [spec("one")]

    vars(module)["klavier_vendors"] = klavier_vendors
    plugins = Plugins()
    plugins.register(module)
    assert set(plugins.vendors) == {"one"}


def misspelt() -> object:
    class Plugin:
        @hookimpl
        def klavier_vendor(self) -> list[VendorSpec]:
            return []

    return Plugin()


def wrong_argument() -> object:
    class Plugin:
        @hookimpl
        def klavier_vendors(self) -> list[VendorSpec]:
            return [spec("left-behind")]

        @hookimpl
        def klavier_transform_event(self, evnt: Event) -> None:
            """Name an argument that the hook does not have."""

    return Plugin()


def unmarked() -> object:
    class Plugin:
        def klavier_vendors(self) -> list[VendorSpec]:
            return [spec("left-behind")]

    return Plugin()


def wrapper() -> object:
    class Plugin:
        @hookimpl(wrapper=True)
        def klavier_transform_event(self) -> Iterator[None]:
            return (yield)

    return Plugin()


def raising(error: BaseException | type[BaseException]) -> object:
    class Plugin:
        @hookimpl
        def klavier_vendors(self) -> Iterable[VendorSpec]:
            yield spec("left-behind")
            raise error

    return Plugin()


@pytest.mark.parametrize(
    ("plugin", "words"),
    [
        (misspelt(), "klavier_vendor"),
        (wrong_argument(), "evnt"),
        (wrapper(), "klavier_transform_event is a wrapper"),
        (raising(RuntimeError("first line\nsecond line")), "RuntimeError: first line$"),
        (raising(RuntimeError), "RuntimeError: no message$"),
        (raising(SystemExit(3)), "SystemExit: 3"),
        (vendors(spec("left-behind"), "quiet"), "klavier_vendors returned a string, not a VendorSpec"),
        (vendors(spec("left-behind"), spec("taken")), "vendor 'taken' is registered already; rename one"),
        (vendors(spec("left-behind"), spec("left-behind")), "vendor 'left-behind' is registered already"),
        (vendors(spec("Not A Name")), "lower-case words joined by hyphens"),
        (vendors(spec("snake_case")), "lower-case words joined by hyphens"),
        (vendors(spec(name=5)), "lower-case words joined by hyphens"),
        (vendors(spec(settings=dict)), "the settings of vendor 'quiet' are no attrs class"),
        (vendors(spec(settings=NoSettings())), "the settings of vendor 'quiet' are no attrs class"),
        (vendors(spec(build=None)), "the build of vendor 'quiet' cannot be called"),
        (
            SimpleNamespace(klavier_vendors=hookimpl(lambda: None)),
            "klavier_vendors returned null, not a list",
        ),
        (unmarked(), "klavier_vendors is not marked; write @klavier.hookimpl above it"),
    ],
)
def test_a_plugin_that_breaks_the_contract_is_named_and_leaves_nothing_behind(plugin: object, words: str) -> None:
    if isinstance(plugin, SimpleNamespace):
        plugin.klavier_vendors.__name__ = "klavier_vendors"
    plugins = plugins_of(vendors(spec("taken")))
    with pytest.raises(PluginError, match=words) as caught:
        plugins.register(plugin, "the-offender")
    assert "the-offender" in str(caught.value)
    assert set(plugins.vendors) == {"taken"}
    assert plugins.transform(TRACK, "v") is TRACK
    plugins.register(vendors(spec("left-behind")), "the-next")
    assert set(plugins.vendors) == {"taken", "left-behind"}


def test_registering_twice_keeps_the_first() -> None:
    plugin = vendors(spec("one"))
    plugins = plugins_of(plugin)
    with pytest.raises(PluginError, match="registered already"):
        plugins.register(plugin, "again")
    with pytest.raises(PluginError, match="p0"):
        plugins.register(vendors(spec("two")), "p0")
    assert set(plugins.vendors) == {"one"}


# Discovering


@pytest.fixture
def entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], EntryPoint]:
    monkeypatch.syspath_prepend(tmp_path)
    made: list[str] = []

    def make(name: str, source: str) -> EntryPoint:
        module = f"klavier_test_{name.replace('-', '_')}_{len(made)}"
        made.append(module)
        (tmp_path / f"{module}.py").write_text(source)
        return EntryPoint(name, module, "klavier")

    return make


GOOD = """
import klavier
from tests.core.test_plugins import spec
@klavier.hookimpl
def klavier_vendors():
    return [spec({name!r})]
"""


def test_broken_plugins_are_set_aside_and_the_others_work_on(entry_point: Any) -> None:
    plugins = Plugins.discover(
        [
            entry_point("syntax", "def ("),
            entry_point("import", "import a_module_that_is_nowhere"),
            entry_point("exit", "raise SystemExit('told to go')"),
            entry_point("misspelt", "import klavier\n@klavier.hookimpl\ndef klavier_vendr(): return []"),
            EntryPoint("nowhere", "a_module_that_is_nowhere:plugin", "klavier"),
            EntryPoint("no-attribute", "klavier:no_such_plugin", "klavier"),
            EntryPoint("a-number", "klavier:__version__", "klavier"),
            EntryPoint("z-good", "tests.core.test_plugins:GOOD_PLUGIN", "klavier"),
        ]
    )
    assert set(plugins.vendors) == {"good"}
    reasons = {broken.name: broken.reason for broken in plugins.broken}
    assert list(reasons) == ["exit", "import", "misspelt", "no-attribute", "nowhere", "syntax"]
    assert reasons["syntax"].startswith("SyntaxError: ")
    assert "a_module_that_is_nowhere" in reasons["import"]
    assert reasons["exit"] == "SystemExit: told to go"
    assert "klavier_vendr" in reasons["misspelt"]
    with pytest.raises(ConfigError, match="the plugin of 'import' is broken: ModuleNotFoundError"):
        plugins.vendor("import")
    with pytest.raises(
        ConfigError, match="'mine' is not known; installed are good; set aside as broken are exit, import"
    ):
        plugins.vendor("mine")


GOOD_PLUGIN = vendors(spec("good"))


def test_the_installed_vendors_are_found() -> None:
    plugins = Plugins.discover()
    assert plugins.broken == ()
    assert {"freshpaint", "rudderstack", "segment-actions", "segment-classic"} <= set(plugins.vendors)


# Naming


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rudderstak", "'rudderstak' is not known; did you mean 'rudderstack'"),
        (
            "mparticle",
            "installed are quiet, rudderstack; install its plugin, or write one: klavier new-vendor mparticle",
        ),
        ("freshpaint", "installed are quiet, rudderstack; try: pip install 'klavier[freshpaint]'"),
        (
            "pk_0123456789abcdef",
            "must be the name of a vendor, such as 'rudderstack'; installed are quiet",
        ),
        ("x; rm -rf", "must be the name of a vendor"),
        ("", "must be the name of a vendor"),
        (None, "must be the name of a vendor"),
        (["rudderstack"], "must be the name of a vendor"),
    ],
)
def test_an_unknown_vendor_is_answered_with_a_remedy(name: Any, words: str) -> None:
    plugins = plugins_of(vendors(spec("rudderstack"), spec("quiet")))
    with pytest.raises(ConfigError) as caught:
        klavier.load_vendor(name, plugins=plugins)
    assert words in str(caught.value)
    assert str(caught.value).startswith("vendor: ")
    assert "pk_" not in str(caught.value)


def test_without_any_vendor_the_remedy_is_to_install_one() -> None:
    with pytest.raises(ConfigError, match=r"no vendor is installed; try: pip install 'klavier\[rudderstack\]'"):
        Plugins().vendor("rudderstack")


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda _: 1 / 0, "vendor quiet: building it raised ZeroDivisionError"),
        (lambda _: None, "vendor quiet: building it returned null, not a Vendor"),
    ],
)
def test_a_vendor_that_cannot_be_built_is_a_plugin_error(build: Callable[[Any], Any], words: str) -> None:
    with pytest.raises(PluginError, match=words):
        klavier.load_vendor("quiet", plugins=plugins_of(vendors(spec(build=build))))


def test_what_a_vendor_says_about_its_settings_is_kept() -> None:
    def build(_: Any) -> Vendor:
        raise ConfigError(["a: does not go with b"])

    with pytest.raises(ConfigError) as caught:
        klavier.load_vendor("quiet", plugins=plugins_of(vendors(spec(build=build))))
    assert caught.value.problems == ("a: does not go with b",)


# Observing and commands


def test_observers_all_have_their_turn_and_the_first_fault_is_raised() -> None:
    seen: list[tuple[Event, str, Outcome]] = []

    class Seeing:
        @hookimpl
        def klavier_event_outcome(self, outcome: Outcome, event: Event, vendor: str) -> None:
            seen.append((event, vendor, outcome))

    class Failing:
        @hookimpl
        def klavier_event_outcome(self) -> None:
            raise KeyError("ada@example.com")

    plugins = plugins_of(Seeing(), Failing(), Seeing())
    with pytest.raises(PluginError, match=r"^plugin p1 raised KeyError on an outcome$"):
        plugins.observe(TRACK, "v", delivered())
    assert seen == [(TRACK, "v", delivered())] * 2


def test_commands_are_added_and_a_broken_one_is_set_aside() -> None:
    class Good:
        @hookimpl
        def klavier_commands(self, group: click.Group) -> None:
            group.add_command(click.Command("hello"))

    class Bad:
        @hookimpl
        def klavier_commands(self) -> None:
            raise SystemExit("no")

    plugins, group = plugins_of(Good(), Bad()), click.Group()
    plugins.add_commands(group)
    assert list(group.commands) == ["hello"]
    assert [(broken.name, broken.reason) for broken in plugins.broken] == [("p1", "SystemExit: no")]


def test_installed_plugins_are_discovered_once_a_process() -> None:
    code = "from klavier.plugins import installed_plugins as i; assert i() is i(); print(sorted(i().vendors))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 -- ours
    assert "rudderstack" in done.stdout
