"""`klavier.toml`: what is read from it, and every mistake named at once."""

import types
from pathlib import Path

import pytest

import klavier
from klavier.plugins import Plugins
from tests.support import little_vendor

KEY = "pk_0123456789abcdef"


@pytest.fixture
def plugins() -> Plugins:
    found = Plugins()
    found.register(little_vendor, "little")
    return found


def load(text: str | bytes, tmp_path: Path, plugins: Plugins, **environ: str) -> klavier.Config:
    file = tmp_path / "klavier.toml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return klavier.load_config(file, environ=environ, plugins=plugins)


def problems(text: str | bytes, tmp_path: Path, plugins: Plugins, **environ: str) -> tuple[str, ...]:
    with pytest.raises(klavier.ConfigError) as caught:
        load(text, tmp_path, plugins, **environ)
    return caught.value.problems


def test_a_whole_configuration(tmp_path: Path, plugins: Plugins) -> None:
    config = load(
        """
        vendor = "little"

        [klaviyo]
        private_api_key = "${KEY}"
        public_api_key = "AbC123"
        base_url = "http://127.0.0.1:8080"
        connect_timeout = 3
        read_timeout = 4.5

        [vendors.little]
        list_id = "XUepkK"

        [delivery]
        batch_size = 50
        """,
        tmp_path,
        plugins,
        KEY=KEY,
    )
    assert config.klaviyo.private_api_key == KEY
    assert config.klaviyo.base_url == "http://127.0.0.1:8080"
    assert (config.klaviyo.connect_timeout, config.klaviyo.read_timeout) == (3, 4.5)
    assert config.delivery.batch_size == 50
    vendor = config.build_vendor()
    assert vendor.settings == little_vendor.LittleSettings(
        private_api_key=KEY, public_api_key="AbC123", list_id="XUepkK"
    )


def test_the_least_configuration_uses_klaviyos_address(tmp_path: Path, plugins: Plugins) -> None:
    config = load('vendor = "little"', tmp_path, plugins)
    assert config.klaviyo.base_url == "https://a.klaviyo.com"
    assert config.delivery.batch_size is None
    assert config.build_vendor().name == "little"


def test_the_caller_may_choose_another_vendor(tmp_path: Path, plugins: Plugins) -> None:
    file = tmp_path / "klavier.toml"
    file.write_text('vendor = "of another team"')
    assert klavier.load_config(file, vendor="little", plugins=plugins).vendor == "little"


def test_a_vendors_own_key_comes_before_the_shared_one(tmp_path: Path, plugins: Plugins) -> None:
    config = load(
        'vendor = "little"\n[klaviyo]\nprivate_api_key = "pk_shared"\npublic_api_key = "SHARED"\n'
        '[vendors.little]\nprivate_api_key = "pk_own"',
        tmp_path,
        plugins,
    )
    keys = {"private_api_key": "pk_own", "public_api_key": "SHARED", "access_token": None}
    assert config.keys_for(config.build_vendor()) == keys


def test_an_access_token_stands_in_for_the_shared_key_only(plugins: Plugins) -> None:
    token = {"vendor": "little", "klaviyo": {"access_token": "token"}}
    own = {**token, "vendors": {"little": {"private_api_key": "pk_own"}}}
    for data, key, expected in ((token, None, "token"), (own, "pk_own", None)):
        config = klavier.load_config(data, plugins=plugins)
        keys = config.keys_for(config.build_vendor())
        assert (keys["private_api_key"], keys["access_token"]) == (key, expected)


def test_a_configuration_that_was_read_is_kept_with_another_vendor_if_asked(plugins: Plugins) -> None:
    config = klavier.Config(vendor="little", plugins=plugins)
    assert klavier.load_config(config) is config
    with pytest.raises(klavier.ConfigError, match="'litle' is not known; did you mean 'little'"):
        klavier.load_config(config, vendor="litle")
    other = klavier.Config(vendor="other", plugins=plugins)
    assert klavier.load_config(other, vendor="little") == config


def test_no_secret_is_in_a_repr(tmp_path: Path, plugins: Plugins) -> None:
    config = load(
        f'vendor = "little"\n[klaviyo]\nprivate_api_key = "{KEY}"\n[vendors.little]\nprivate_api_key = "{KEY}2"',
        tmp_path,
        plugins,
    )
    assert KEY not in repr(config)
    assert KEY not in repr(config.build_vendor().settings)


def test_every_mistake_is_named_at_once(tmp_path: Path, plugins: Plugins) -> None:
    found = problems(
        f"""
        vendr = "little"
        private_api_key = "{KEY}"
        [klaviyo]
        privat_api_key = "{KEY}"
        public_api_key = 12
        base_url = "ftp://a.klaviyo.com"
        read_timeout = nan
        [vendors.little]
        lst_id = "x"
        consent = "email"
        batch_size = true
        [vendors.litle]
        [vendors.elsewhere]
        [delivery]
        batch_size = 0
        """,
        tmp_path,
        plugins,
    )
    assert found == (
        "vendr: unknown key; did you mean 'vendor'?",
        "private_api_key: unknown key; it belongs in [klaviyo]",
        'vendor: required; write vendor = "little" at the top of the file',
        "klaviyo.public_api_key: must be a string, not a number",
        "klaviyo.base_url: must be a web address without path or query, such as https://a.klaviyo.com",
        "klaviyo.read_timeout: must be a number, not NaN or infinity",
        "klaviyo.privat_api_key: unknown setting; did you mean 'private_api_key'?",
        "delivery.batch_size: must be from 1 to 10000 events",
        "vendors.little.consent: must be a list, not a string",
        "vendors.little.batch_size: must be an integer, not a boolean",
        "vendors.little.lst_id: unknown setting; did you mean 'list_id'?",
        "vendors.litle: 'litle' is not known; did you mean 'little'?",
        (
            "vendors.elsewhere: 'elsewhere' is not known; installed are little; "
            "install its plugin, or write one: klavier new-vendor elsewhere"
        ),
    )
    assert KEY not in "\n".join(found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            'vendor = "segment"',
            (
                "vendor: 'segment' is not known; installed are little; "
                "install its plugin, or write one: klavier new-vendor segment"
            ),
        ),
        ("vendor = 7", "vendor: must be a string, not a number"),
        ('vendor = "little"\nvendors = 3', "vendors: must be a table such as [vendors.little], not a number"),
        ('vendor = "little"\n[vendors]\nlittle = []', "vendors.little: must be a table, not an array"),
        ('vendor = "little"\nklaviyo = "x"', "klaviyo: must be a table, not a string"),
        ('vendor = "little"\ndelivery = [1]', "delivery: must be a table, not an array"),
        (
            'vendor = "little"\n[vendors.little]\nlist_id = "clash"\nconsent = ["email"]',
            "vendors.little: list_id and consent do not go together; leave one out",
        ),
        (
            'vendor = "little"\n[klaviyo]\npublic_api_key = "a b"',
            "klaviyo.public_api_key: must be a key as Klaviyo shows it: plain characters without spaces, not empty",
        ),
        (
            'vendor = "little"\n[vendors.little]\nbatch_size = 99999999999999999999999',
            "vendors.little.batch_size: an integer beyond 64 bits; send it as a string",
        ),
    ],
)
def test_one_mistake(text: str, problem: str, tmp_path: Path, plugins: Plugins) -> None:
    assert problems(text, tmp_path, plugins) == (problem,)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a.klaviyo.com",
        "https://",
        "https://user:pw@a.klaviyo.com",
        "https://a.klaviyo.com/api",
        "https://a:b",
        "https://a.klaviyo.com?x=1",
        "https://a.klav iyo.com",
        "https://[::1",
        "https://a.klaviyo.com/\\u0000",
    ],
)
def test_an_address_that_is_none_is_refused_without_being_shown(address: str, tmp_path: Path, plugins: Plugins) -> None:
    text = f'vendor = "little"\n[klaviyo]\nbase_url = "{address}"'
    assert problems(text, tmp_path, plugins) == (
        "klaviyo.base_url: must be a web address without path or query, such as https://a.klaviyo.com",
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'vendor = "little', "not TOML: "),
        (b"\xff\xfev\x00", "not UTF-8 text in line 1"),
        (b'vendor = "a"\n\xff', "not UTF-8 text in line 2"),
        (b"x = " + b"[" * 5000 + b"]" * 5000, "nested too deep"),
        (b"x = " + b"9" * 5000, "a number too long"),
        (b"\x7fELF\x00\x00", "not TOML: "),
    ],
)
def test_a_file_that_is_no_toml(content: bytes, problem: str, tmp_path: Path, plugins: Plugins) -> None:
    (found,) = problems(content, tmp_path, plugins)
    assert found.startswith(f"{tmp_path / 'klavier.toml'}: ")
    assert problem in found


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path, plugins: Plugins) -> None:
    assert load(b'\xef\xbb\xbfvendor = "little"\r\n[klaviyo]\r\n', tmp_path, plugins).vendor == "little"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path, problem in (
        (tmp_path / "none.toml", "there is no such file"),
        (tmp_path, "is a folder"),
        (Path("a\0b"), "the path cannot be used"),
    ):
        with pytest.raises(klavier.ConfigError, match=problem):
            klavier.load_config(path)


def test_a_plugin_file_beside_the_configuration_is_a_plugin(tmp_path: Path) -> None:
    source = Path(str(little_vendor.__file__)).read_text("utf-8")
    (tmp_path / "klavier_plugin.py").write_text(source.replace('"little"', '"house"'))
    (tmp_path / "klavier.toml").write_text('vendor = "house"')
    for _ in range(2):  # reading it again is no second registration
        assert klavier.load_config(tmp_path / "klavier.toml").build_vendor().name == "house"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("def (:", "SyntaxError: invalid syntax"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        (
            "import klavier\n@klavier.hookimpl\ndef klavier_vendor(): ...",
            "PluginValidationError: ",
        ),
    ],
)
def test_a_broken_plugin_file_is_set_aside_with_its_reason(source: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "klavier_plugin.py").write_text(source)
    (tmp_path / "klavier.toml").write_text('vendor = "klavier_plugin.py"')
    with pytest.raises(klavier.ConfigError) as caught:
        klavier.load_config(tmp_path / "klavier.toml")
    assert f"the plugin of 'klavier_plugin.py' is broken: {reason}" in str(caught.value)


def test_a_vendor_that_is_chosen_in_code_needs_no_file() -> None:
    plugins = Plugins()
    plugins.register(little_vendor)
    config = klavier.Config(vendor="little", vendors={"little": {"list_id": "L"}}, plugins=plugins)
    assert config.build_vendor().settings.list_id == "L"
    with pytest.raises(klavier.ConfigError, match="unknown setting; did you mean 'list_id'"):
        klavier.Config(vendor="little", vendors={"little": {"list": "L"}}, plugins=plugins).build_vendor()


def test_the_plugin_module_can_be_any_object() -> None:
    plugins = Plugins()
    plugins.register(types.SimpleNamespace(klavier_vendors=little_vendor.klavier_vendors), "by hand")
    assert klavier.Config(vendor="little", plugins=plugins).build_vendor().name == "little"


def test_keys_of_a_mapping_are_strings(plugins: Plugins) -> None:
    with pytest.raises(klavier.ConfigError) as caught:
        klavier.load_config({"vendor": "little", 1: 2}, plugins=plugins)  # type: ignore[dict-item]  # on purpose
    assert caught.value.problems == (
        "1: unknown key; known are vendor, klaviyo, delivery, gateway, console, shadow, plugins, vendors",
    )
