"""`@liquid`: numbers, comparisons, filters and tags as liquidjs has them, and the bounds of a rendering."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klavier_segment_actions.mapping_kit.liquid import OUTPUT, compile_liquid
from klavier_segment_actions.mapping_kit.liquid.filters import FILTERS
from klavier_segment_actions.mapping_kit.liquid.tags import TAGS

EVENT: dict[str, Any] = {
    "event": "Signed Up",
    "timestamp": "2024-03-01T10:20:30.045Z",
    "properties": {
        "cents": 250,
        "price": 4.5,
        "minus": -9,
        "name": "Ines Ågren",
        "text": "15",
        "tags": ["red", "blue", None],
        "numbers": [4, 10, "6", "x"],
        "nothing": None,
        "no": False,
        "empty": "",
        "none": [],
        "rows": [{"sku": "a", "in": True, "n": 2}, {"sku": "b", "in": False, "n": 3}],
        "at": "2024-12-31T23:05:09Z",
        "html": "<p class='x'>1 & 2</p><!-- no --><script>x()</script>",
        "emoji": "a😀b",
    },
}

NUMBERS = [
    ("{{ 250 | divided_by: 100 }}", "2.5"),
    ("{{ 9 | divided_by: 2, true }}", "4"),
    ("{{ 1 | divided_by: -0 }}", "Infinity"),
    ("{{ 'abc' | slice: 1, properties.unknown }}", "b"),
    ("{{ 'a' | unshift: nil | json }}", '[{},"a"]'),
    ("{{ 0 | date: '%H:%M', true }}", "23:59"),
    ("{{ 1 | divided_by: 0 }} {{ 0 | divided_by: 0 }}", "Infinity NaN"),
    ("{{ properties.price | times: 2 }}", "9"),
    ("{{ 0.7 | plus: 0.1 }}", "0.7999999999999999"),
    ("{{ properties.text | minus: '5' }}", "10"),
    ("{{ 'abc' | plus: 1 }} {{ nothing | plus: 1 }} {{ 1 | plus }}", "1 1 NaN"),
    ("{{ properties.minus | modulo: 4 }}", "3"),
    ("{{ 2.5 | round }} {{ -1.2 | ceil }} {{ -1.2 | floor }} {{ 2.345 | round: 2 }}", "3 -1 -2 2.35"),
    ("{{ '-7' | abs }} {{ 3 | at_least: 5 }} {{ '9' | at_most: 4 }}", "7 5 4"),
    ("{{ 7.0 }} {{ 1.50 }} {{ 1e3 }}|{{ -0.5 }}", "7 1.5 |-0.5"),
    ("{{ 1000000000000000000000 }} {{ 0.0000001 }}", "1e+21 1e-7"),
    ("{{ properties.numbers | sum }} {{ properties.rows | sum: 'n' }}", "20 5"),
    ("{{ '12.9' | to_integer }} {{ 'x' | to_integer }}", "12.9 NaN"),
]

COMPARISONS = [
    ("{{ 3 == 3 }} {{ '3' == 3 }} {{ not true }}", "true false false"),
    ("{% if properties.text > 9 %}more{% endif %}", "more"),
    ("{{ 'b' > 'a' }} {{ '10' < '9' }} {{ nothing >= 0 }} {{ properties.nothing >= 0 }}", "true true false true"),
    ("{{ properties.nothing == nil }} {{ properties.no == nil }} {{ properties.empty == empty }}", "true false true"),
    ("{{ '  ' == blank }} {{ properties.none == blank }} {{ 0 == blank }}", "true true false"),
    ("{{ properties.tags contains 'blue' }} {{ properties.name contains 'Å' }}", "true true"),
    ("{{ true or false and false }} {{ false and true or true }}", "true false"),
    ("{% if properties.empty %}1{% endif %}{% if 0 %}2{% endif %}{% if properties.none %}3{% endif %}", "123"),
    ("{{ properties.tags == properties.tags }} {{ nil == false }}", "true false"),
]

STRINGS = [
    ("{{ properties.name | upcase | append: '!' | prepend: '-' }}", "-INES ÅGREN!"),
    ("{{ properties.name | downcase | capitalize | truncate: 7 }}", "Ines..."),
    ("{{ 'a b  c' | truncatewords: 2, '…' }} {{ ' x ' | strip }}|{{ 'xxy' | lstrip: 'x' }}", "a b… x|y"),
    ("{{ 'a-b-c' | replace: '-', '+' }} {{ 'aXbX' | replace_first: 'X', '1' | replace_last: 'X', '2' }}", "a+b+c a1b2"),
    ("{{ 'aXbXc' | remove_first: 'X' }} {{ 'aXbXc' | remove_last: 'X' }} {{ 'aXb' | remove: 'X' }}", "abXc aXbc ab"),
    ("{{ 'a,b,,' | split: ',' | size }} {{ 'abc' | split: '' | join: '.' }}", "2 a.b.c"),
    ("{{ 'hello' | slice: -3, 2 }} {{ 'hello' | slice: 1 }} {{ properties.emoji | size }}", "ll e 4"),
    ("{{ properties.nothing | default: 'd' }} {{ false | default: 'd', allow_false: true }}", "d false"),
    ("{{ 'a \n b' | normalize_whitespace }} {{ ' a  b ' | squish }} {{ 'a b c' | number_of_words }}", "a b a b 3"),
    ("{{ 'a\r\nb' | strip_newlines }}", "ab"),
]

ARRAYS = [
    (
        "{{ properties.tags | join: '+' }} {{ properties.tags | compact | size }} {{ properties.tags }}",
        "red+blue+ 2 redblue",
    ),
    (
        "{{ properties.tags | first }} {{ properties.tags | pop | last }} {{ properties.tags | shift | first }}",
        "red blue blue",
    ),
    ("{{ properties.numbers | push: 1 | unshift: 2 | join }}", "2 4 10 6 x 1"),
    (
        "{{ properties.rows | where: 'in' | size }} {{ properties.rows | where: 'sku', 'b' | first | json }}",
        '1 {"sku":"b","in":false,"n":3}',
    ),
    ("{{ properties.rows[1].sku }} {{ properties.rows.last.n }} {{ properties['name'].size }}", "b 3 10"),
    ("{{ properties.tags[-1] }}|{{ properties.tags[9] }}|{{ properties.name.first }}", "||"),
    ("{{ (2..5) | join: ',' }} {{ (3..1) | size }}", "2,3,4,5 0"),
    ("{{ properties.rows }}", "[object Object][object Object]"),
]

ENCODINGS = [
    (
        "{{ properties.html | escape }}",
        "&lt;p class=&#39;x&#39;&gt;1 &amp; 2&lt;/p&gt;&lt;!-- no --&gt;&lt;script&gt;x()&lt;/script&gt;",
    ),
    ("{{ '1 &lt; 2 & 3' | escape_once }} {{ properties.html | strip_html }}", "1 &lt; 2 &amp; 3 1 & 2"),
    ("{{ 'é a&b' | url_encode }} {{ 'a+%C3%A9' | url_decode }}", "%C3%A9+a%26b a é"),
    (
        "{{ \"it's (x)!\" | cgi_escape }} {{ 'https://e.org/[ü]?a b' | uri_escape }}",
        "it%27s+%28x%29%21 https://e.org/[%C3%BC]?a%20b",
    ),
    (
        "{{ ' Crème & co! ' | slugify }} {{ 'Crème' | slugify: 'latin' }} {{ 'A B' | slugify: 'raw', true }}",
        "crème-co creme A-B",
    ),
    ("{{ 'hé' | base64_encode }} {{ 'aMOp' | base64_decode }}", "aMOp hé"),
    ("{{ 'a' | sha256 }}", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
    (
        "{{ 'a' | hmac_sha256: 'k' | size }} {{ 1.0 | json }} {{ properties.rows[0] | json }}",
        '64 1 {"sku":"a","in":true,"n":2}',
    ),
    ("{{ properties.none | json: 2 }}{{ (1..2) | json: 1 }}", "[][\n 1,\n 2\n]"),
]

DATES = [
    ("{{ properties.at | date: '%Y-%m-%d %H:%M:%S.%L' }}", "2024-12-31 23:05:09.000"),
    ("{{ properties.at | date: '%-d/%-m/%y %l:%M %p %j %A %b' }}", "31/12/24 11:05 PM 366 Tuesday Dec"),
    ("{{ properties.at | date }}", "Tuesday, December 31, 2024 at 11:05 pm +0000"),
    (
        "{{ properties.at | date: '%H:%M %z', 'America/New_York' }} {{ properties.at | date: '%H:%M', -60 }}",
        "18:05 -0500 00:05",
    ),
    ("{{ 1709288430 | date: '%s %F' }} {{ '86400' | date: '%e' }}", "1709288430 %F  2"),
    ("{{ 'May 5, 2024' | date: '%Y%m%d' }} {{ 'soon' | date: '%Y' }}|{{ nil | date: '%Y' }}|", "20240505 soon||"),
    (
        "{{ properties.at | date_to_xmlschema }} {{ properties.at | date_to_rfc822 }}",
        "2024-12-31T23:05:09+00:00 Tue, 31 Dec 2024 23:05:09 +0000",
    ),
    (
        "{{ properties.at | date_to_string }} {{ properties.at | date_to_long_string: 'ordinal', 'US' }}",
        "31 Dec 2024 December 31st, 2024",
    ),
    ("{{ 'now' | date: '%Y-%m-%d' }}", "2024-03-01"),
]

TAGS_AND_OUTPUT = [
    ("{% assign a = 2 | times: 3 %}{{ a }}{% capture b %}x{{ a }}{% endcapture %}{{ b }}", "6x6"),
    ("{% increment n %}{% increment n %}{% decrement m %}{{ n }}", "01-12"),
    ("{% cycle 'a', 'b' %}{% cycle 'a', 'b' %}{% cycle 'a', 'b' %}", "aba"),
    ("{% if false %}1{% elsif 2 > 1 %}2{% else %}3{% endif %}", "2"),
    ("{% unless properties.no %}a{%- else -%}b{% endunless %}", "a"),
    ("a {%- raw -%} {{ x }} {% endraw %} b", "a {{ x }}  b"),
    ("a {% raw %}{{ x }}{% endraw -%} b", "a {{ x }}b"),
    ("{% raw %}{{ x }}{% endraw %}{% comment %}{{ y }}{% endcomment %}{% # note %}z", "{{ x }}z"),
    ("{% liquid\nassign a = 1\necho a | plus: 1 %}", "2"),
    ("a{% break %}b", "a"),
    ("x {{- ' y ' -}} z{%- if true -%} w {%- endif %}", "x y zw"),
    ("{{ 'a' 'b' }} {{ properties }} {{ size }}{{ nope.deep }}", "a [object Object] 0"),
    ("{{ 'it\\'s \\u0041' }}", "it's A"),
    ("a\r\nb", "a\r\nb"),
]


@pytest.mark.parametrize(
    ("template", "expected"),
    [*NUMBERS, *COMPARISONS, *STRINGS, *ARRAYS, *ENCODINGS, *DATES, *TAGS_AND_OUTPUT],
)
def test_templates(template: str, expected: str) -> None:
    assert compile_liquid(template)(EVENT) == expected


MISTAKES = [
    "{{ }}",
    "{{ | upcase }}",
    "{{ 'a' || upcase }}",
    "{{ 'a' & }}",
    "{{ a['b }}",
    "{{ (1..) }}",
    "{{ 'a' | slice 1 }}",
    "{{ 'a' | slice: 1; 2 }}",
    "{{ 'open }}",
    "{% assign = 1 %}",
    "{% capture %}{% endcapture %}",
    "{% if true %}",
    "{% if true %}{% else %}{% elsif true %}{% endif %}",
    "{% cycle %}",
    "{% endif %}",
    "{{ 'a'",
]


@pytest.mark.parametrize("template", MISTAKES)
def test_mistakes_are_found_when_the_template_is_compiled(template: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        compile_liquid(template)


def test_a_sample_is_the_same_at_each_rendering() -> None:
    template = compile_liquid("{{ (1..50) | sample: 5 | join }} {{ properties.tags | sample }}")
    assert template(EVENT) == template(EVENT)
    numbers = template(EVENT).split()[:5]
    assert len(set(numbers)) == 5


BOMBS = [
    "{{ (1..100000000) | join }}",
    "{{ (1..100001) | size }}",
    "{{ event " + "| replace: '', 'xxxxxxxxxx' " * 30 + "}}",
    "{% assign a = event %}" + "{% assign a = a | append: a %}" * 30 + "{{ a }}",
    "{% assign a = (1..90000) %}" + "{{ a | join: ',,,,,,,,,,,,' | size }}" * 9,
    "{{ (1..90000) | join: '1234567890123456789' }}",
    "{{ properties.at | date: '%999999999Y' }}",
    "{% capture a %}{{ (1..99999) | join }}{% endcapture %}" * 10,
]


@pytest.mark.parametrize("template", BOMBS, ids=[bomb[:25] for bomb in BOMBS])
def test_renderings_are_bounded(template: str) -> None:
    with pytest.raises(ValueError, match=r"at most|more than|limit reached"):
        compile_liquid(template)(EVENT)


def test_output_is_bounded() -> None:
    text = "x" * OUTPUT
    assert len(compile_liquid("{{ a }}")({"a": text})) == OUTPUT
    with pytest.raises(ValueError, match="output stream limit"):
        compile_liquid("{{ a }}{{ a }}")({"a": text})


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "size", "0"]), inner, max_size=2),
    max_leaves=6,
)
operands = st.sampled_from(["a", "a.b", "a[0]", "1", "-2.5", "'x'", "''", "nil", "blank", "(1..3)", "true", "a.size"])
filters = st.sampled_from([name for name, function in FILTERS.items() if function])
applied = st.tuples(filters, st.lists(operands, max_size=3)).map(
    lambda pair: pair[0] + (f": {', '.join(pair[1])}" if pair[1] else "")
)
expressions = st.tuples(operands, st.lists(applied, max_size=3)).map(lambda pair: " | ".join([pair[0], *pair[1]]))


@settings(max_examples=300, deadline=None)
@given(expression=expressions, value=values)
def test_any_filter_returns_text_or_an_error(expression: str, value: Any) -> None:
    template = compile_liquid(f"{{{{ {expression} }}}}")
    try:
        first = template({"a": value})
    except ValueError as error:
        assert str(error)  # noqa: PT017 -- either end is right, the message is not empty
        return
    assert template({"a": value}) == first


def test_each_tag_has_a_name_of_its_own() -> None:
    names = [tag.name for tag in TAGS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("template", "output"),
    [
        ("""{{ "a }} b" }}|{{ '}}' | append: "-}}'" }}""", "a }} b|}}-}}'"),
        ("""{{ "a }} {{ b" }}{{- "\\"}}" -}} c""", 'a }} {{ b"}}c'),
        ("""{% raw %}{{ "}}" }}{% endraw %}{{ "}}" }}""", '{{ "}}" }}}}'),
        ("""{% if true %}{{ "}}" | size }}{% endif %}{% assign a = "}}" %}{{ a }}""", "2}}"),
    ],
)
def test_a_string_may_contain_the_end_of_an_output(template: str, output: str) -> None:
    assert compile_liquid(template)(EVENT) == output


@pytest.mark.parametrize("template", ['{{ "a }}', "{{ 'a }} b", '{{ name | append: "}} }}'])
def test_an_output_that_ends_within_a_string_is_an_error(template: str) -> None:
    with pytest.raises(ValueError, match="string"):
        compile_liquid(template)


@pytest.mark.parametrize(
    ("zone", "output"),
    [
        ("-330.5", "04:35:39 +0530.5"),
        ("330.25", "17:34:54 -0530.25"),
        ("0.5", "23:04:39 -000.5"),
        ("-60", "00:05:09 +0100"),
    ],
)
def test_an_offset_may_have_a_fraction_of_a_minute(zone: str, output: str) -> None:
    assert compile_liquid(f"{{{{ properties.at | date: '%H:%M:%S %z', {zone} }}}}")(EVENT) == output


@pytest.mark.parametrize(
    ("options", "output"),
    [
        ("allow_false: true", "false"),
        ("allow_false: 1", "false"),
        ("allow_false: 0", "x"),
        ("allow_false: ''", "x"),
        ("allow_false: nil", "false"),
        ("allow_false: unknown", "x"),
        ("allow_false: properties.none", "false"),
        ("allow_false: properties.tags", "false"),
        ("allow_false: true, allow_false: false", "x"),
        ("other: true", "x"),
    ],
)
def test_the_option_of_default_counts_as_in_javascript(options: str, output: str) -> None:
    assert compile_liquid(f"{{{{ properties.no | default: 'x', {options} }}}}")(EVENT) == output
    assert compile_liquid(f"{{{{ properties.empty | default: 'x', {options} }}}}")(EVENT) == "x"


@pytest.mark.parametrize("option", ["allow_false", "1", "'allow_false'"])
def test_an_option_of_default_without_a_name_is_an_error_where_it_is_read(option: str) -> None:
    render = compile_liquid(f"{{{{ properties.no | default: 'x', {option} }}}}")
    with pytest.raises(ValueError, match="filter 'default' cannot be applied"):
        render(EVENT)
    assert compile_liquid(f"{{{{ properties.name | default: 'x', {option} }}}}")(EVENT) == "Ines Ågren"
