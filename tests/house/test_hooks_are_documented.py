"""Every hook has its section in docs/reference/hooks.md, with each of its arguments."""

import inspect
import re

import pytest

from klavier.hookspecs import Hooks
from tests.support.repository import ROOT

PAGE = (ROOT / "docs" / "reference" / "hooks.md").read_text("utf-8")
HOOKS = [name for name in vars(Hooks) if name.startswith("klavier_")]


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_page_lists_the_hooks_there_are() -> None:
    assert sorted(sections()) == sorted(HOOKS)
    assert re.findall(r"^\| \[`(\w+)`\]", PAGE, flags=re.MULTILINE) == HOOKS


@pytest.mark.parametrize("hook", HOOKS)
def test_a_section_describes_each_argument(hook: str) -> None:
    arguments = [name for name in inspect.signature(getattr(Hooks, hook)).parameters if name != "self"]
    assert re.findall(r"^- `(\w+)`:", sections()[hook], flags=re.MULTILINE) == arguments


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_says_what_it_is_for(hook: str) -> None:
    assert inspect.getdoc(getattr(Hooks, hook))
