"""Play recorded cases of the vendors' behavior, and report where klavier differs from the record."""

import base64
import json
import re
from typing import Any
from urllib.parse import unquote

import klavier
from klavier.testing.trace import record

Case = dict[str, Any]

_MADE_UP = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHOWN = 5


def report(found: dict[str, str | None], total: int) -> str:
    """Tell how many cases differ, and the first few with what differs."""
    different = {name: problem for name, problem in found.items() if problem}
    lines = [f"{total - len(different)} of {total} cases agree; the first that differ:"]
    lines += [f"  {name}: {problem}" for name, problem in list(different.items())[:_SHOWN]]
    return "\n".join(lines) if different else ""


def check(case: Case) -> str | None:
    """Play one case; give what differs from the record, None where nothing does."""
    wanted = case["expected"]
    settings = dict(case["settings"])
    if "action" in case:
        fields = case["mapping"] | {"enable_batching": case["batch"]}
        settings["mappings"] = [{"action": case["action"], "trigger": "", "fields": fields}]
    try:
        vendor = klavier.load_vendor(case["vendor"], settings)
        events = [klavier.parse_event(payload) for payload in case["events"]]
    except klavier.KlavierError as error:
        return None if wanted.get("outcome") == "rejected" or "vendor_bug" in wanted else f"refused: {error}"
    replies = [klavier.Response(status=reply["status"], json=reply.get("json")) for reply in case.get("replies", ())]
    try:
        record(vendor, events, replies)  # without the net that a rehearsal has
    except Exception as error:  # noqa: BLE001 -- whatever a vendor raises is a difference
        return f"raised {type(error).__name__}: {error}"
    return None if wanted.get("vendor_bug") else _compare(wanted, klavier.rehearse(vendor, events, replies))


def _compare(wanted: Case, got: klavier.Rehearsal) -> str | None:
    kinds = [outcome.kind for outcome in got.outcomes]
    if "outcome" in wanted and set(kinds) != {wanted["outcome"]}:
        return f"outcomes {kinds} ({got.outcomes[0].reason}), recorded {wanted['outcome']} ({wanted.get('reason')})"
    if "statuses" in wanted:
        accepted = [status is not None and status < 300 for status in wanted["statuses"]]
        if [kind == "delivered" for kind in kinds] != accepted:
            return f"outcomes {kinds}, recorded statuses {wanted['statuses']}"
    if "calls" in wanted and (problem := difference(wanted["calls"], got.browser_calls, "calls")):
        return problem
    if "requests" not in wanted:
        return None
    recorded, made = [_recorded(each) for each in wanted["requests"]], [_made(each) for each in got.requests]
    if wanted.get("unordered"):  # the record does not say in which order unrelated people's batches went
        recorded, made = sorted(recorded, key=_text), sorted(made, key=_text)
    return difference(recorded, made, "requests")


def difference(recorded: Any, made: Any, place: str) -> str | None:
    """Return the first place where two JSON values differ, and how; ids that a vendor made up match any id."""
    if isinstance(recorded, dict) and isinstance(made, dict):
        if recorded.keys() != made.keys():
            missing, extra = sorted(recorded.keys() - made.keys()), sorted(made.keys() - recorded.keys())
            return f"{place}: lacks {missing}, has besides {extra}"
        pairs = [(recorded[key], made[key], f"{place}.{key}") for key in recorded]
    elif isinstance(recorded, list) and isinstance(made, list):
        if len(recorded) != len(made):
            return (
                f"{place}: {len(made)} items, recorded {len(recorded)}: {_text(made)[:400]} / {_text(recorded)[:400]}"
            )
        pairs = [(each, made[i], f"{place}[{i}]") for i, each in enumerate(recorded)]
    elif isinstance(recorded, str) and _MADE_UP.fullmatch(recorded) and isinstance(made, str) and made:
        return None
    else:
        same = recorded == made and isinstance(recorded, bool) == isinstance(made, bool)
        return None if same else f"{place}: {_text(made)}, recorded {_text(recorded)}"
    return next((problem for pair in pairs if (problem := difference(*pair))), None)


def _made(request: klavier.Request) -> Case:
    params = dict(request.params or {})
    query: Any = {"data": json.loads(base64.b64decode(params["data"]))} if params.keys() == {"data"} else params
    form: Any = dict(request.form) if request.form is not None else None
    if form and form.get("properties", "").startswith("{"):
        form["properties"] = json.loads(form["properties"])
    body = None if request.json is None else json.loads(request.body)
    whole = {"revision": request.revision, "query": query or None, "json": body, "form": form}
    return _clean(request.method, request.path, whole)


def _recorded(request: Case) -> Case:
    query = request.get("query")
    if isinstance(query, str):  # recorded as it was sent, in which a plus sign stood for itself
        query = dict(part.split("=", 1) for part in unquote(query).split("&"))
    whole = {**request, "query": query or None}
    return _clean(request["method"], request["path"], whole)


def _clean(method: str, path: str, members: Case) -> Case:
    kept = {name: members.get(name) for name in ("revision", "query", "json", "form")}
    present = {name: value for name, value in kept.items() if value is not None}
    return {"method": method, "path": unquote(path).rstrip("/"), **present}


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
