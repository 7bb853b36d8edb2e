"""`${NAME}` in a configuration."""

import string

from hypothesis import given
from hypothesis import strategies as st

from klavier.config.environment import substitute


def filled(value: object, **environ: str) -> object:
    problems: list[str] = []
    found = substitute(value, environ, problems)
    assert problems == []
    return found


def faults(value: object, **environ: str) -> list[str]:
    problems: list[str] = []
    substitute(value, environ, problems)
    return problems


def test_variables_are_filled_in_at_any_depth() -> None:
    data = {"a": "${A}", "b": [{"c": "x${A}y${B}"}], "n": 1, "t": True, "f": 1.5}
    assert filled(data, A="1", B="") == {"a": "1", "b": [{"c": "x1y"}], "n": 1, "t": True, "f": 1.5}


def test_what_is_filled_in_is_not_looked_at_again() -> None:
    assert filled("${A}", A="${B}") == "${B}"


def test_other_dollars_stay() -> None:
    assert filled("$.context.traits.email $$ $5 {x}") == "$.context.traits.email $$ $5 {x}"


def test_two_dollars_write_the_braces_themselves() -> None:
    assert filled("$${A} and ${A}", A="1") == "${A} and 1"


def test_a_missing_variable_is_named_with_its_place() -> None:
    assert faults({"klaviyo": {"keys": ["${A}", "${KLAVIYO_KEY}"]}}, KLAVYO_KEY="secret") == [
        "klaviyo.keys[0]: the environment variable A is not set; export it",
        "klaviyo.keys[1]: the environment variable KLAVIYO_KEY is not set; export it, or did you mean KLAVYO_KEY?",
    ]


def test_a_reference_that_is_none_is_not_quoted() -> None:
    assert faults({"a": "${pk secret}", "b": "${pk_secret", "c": "${}"}) == [
        "a: '${...}' does not hold the name of a variable; write $${ for the two characters themselves",
        "b: '${' has no closing '}'; write $${ for the two characters themselves",
        "c: '${...}' does not hold the name of a variable; write $${ for the two characters themselves",
    ]


@given(st.text(string.ascii_letters + "${}_ ", max_size=30))
def test_escaping_every_brace_gives_the_text_back(text: str) -> None:
    assert filled(text.replace("${", "$${")) == text


@given(st.text(string.ascii_letters + "${}_ ", max_size=30), st.dictionaries(st.sampled_from("ABab_"), st.text()))
def test_any_text_is_filled_in_or_named(text: str, environ: dict[str, str]) -> None:
    problems: list[str] = []
    found = substitute(text, environ, problems)
    assert problems or isinstance(found, str)
    if "${" not in text:
        assert found == text
