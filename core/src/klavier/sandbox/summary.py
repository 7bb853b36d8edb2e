"""The content of a sandbox as plain text for people."""

from collections import Counter
from collections.abc import Sequence

from klavier.sandbox.account import Account
from klavier.sandbox.profile import Profile
from klavier.sandbox.state import name_of

_WIDEST = 48


def summary(account: Account, most: int = 20) -> str:
    """Return the profiles, metrics and lists of an account, each as a table of at most `most` rows."""
    metrics = {metric.id: metric.name for metric in account.metrics.values()}
    counts = Counter(metrics[event.metric] for event, _ in account.events())
    names = {found.id: found.name for found in account.lists.values()}
    profiles = [
        (name_of(p), _facts(p), str(len(p.events)), _consents(p), ", ".join(names.get(i, i) for i in p.lists))
        for p in account.profiles
    ]
    members = Counter(found for profile in account.profiles for found in profile.lists)
    lists = [(item.name, item.id, item.opt_in_process, str(members[item.id])) for item in account.lists.values()]
    sections = [
        _table(f"Profiles ({len(profiles)})", ("profile", "attributes", "events", "consent", "lists"), profiles, most),
        _table(
            f"Metrics ({len(counts)})", ("metric", "events"), [(name, str(n)) for name, n in counts.most_common()], most
        ),
        _table(f"Lists ({len(lists)})", ("list", "id", "opt-in", "profiles"), lists, most),
    ]
    return "\n\n".join(section for section in sections if section)


def _facts(profile: Profile) -> str:
    name = " ".join(profile.attributes[key] for key in ("first_name", "last_name") if key in profile.attributes)
    more = len(profile.attributes) + len(profile.location) + len(profile.properties)
    return f"{name} ({more})" if name else f"({more})"


def _consents(profile: Profile) -> str:
    held = [f"{channel} {consent.consent.lower()}" for (channel, _), consent in sorted(profile.consents.items())]
    held += sorted({f"{channel} pending" for _, channel, _ in profile.pending})
    held += ["suppressed"] if profile.suppressions else []
    return ", ".join(dict.fromkeys(held))


def _table(title: str, heads: Sequence[str], rows: Sequence[tuple[str, ...]], most: int) -> str:
    if not rows:
        return title
    shown = [tuple(_short(cell) for cell in row) for row in rows[:most]]
    widths = [max(len(cell) for cell in column) for column in zip(heads, *shown, strict=True)]
    lines = [title, _line(heads, widths), _line(["-" * width for width in widths], widths)]
    lines += [_line(row, widths) for row in shown]
    if len(rows) > most:
        lines.append(f"... and {len(rows) - most} more")
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return ("  " + "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))).rstrip()


def _short(cell: str) -> str:
    shown = "".join(char if char.isprintable() else " " for char in cell)
    return shown if len(shown) <= _WIDEST else shown[: _WIDEST - 1] + "…"
