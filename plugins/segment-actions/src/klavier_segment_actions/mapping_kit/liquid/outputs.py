"""Outputs whose strings contain the end of an output: `{{ "}}" }}`.

python-liquid ends an output at the first `}}`, liquidjs at the first one outside quotes; in tags, neither looks at
quotes.
"""

import re

_OPENING = re.compile(r"\{\{|\{%-?\s*raw\s*-?%\}|\{%")
_ENDRAW = re.compile(r"\{%-?\s*endraw\s*-?%\}")
_OUTPUT = re.compile(r"""(?:"(?:\\.|[^"\\])*+"|'(?:\\.|[^'\\])*+'|[^"'}]|\}(?!\}))*+\}\}""", re.DOTALL)
"""The rest of an output, to its end outside quotes; possessive, so linear in the text."""
_ESCAPED = r"}\u007d"
"""Two braces inside a string, written so that they end no output."""


def protect_strings(text: str) -> str:
    """Return the template with `}}` in the strings of its outputs written as an escape."""
    if "}}" not in text:
        return text
    parts: list[str] = []
    at = 0
    while (opening := _OPENING.search(text, at)) is not None:
        start = opening.end()
        parts.append(text[at:start])
        at = start
        if opening[0] == "{{":
            output = _OUTPUT.match(text, start)
            if output is not None:
                parts.append(output[0][:-2].replace("}}", _ESCAPED) + "}}")
                at = output.end()
        else:
            end = _ENDRAW.search(text, start) if opening[0] != "{%" else None
            close = text.find("%}", start) + 2 if opening[0] == "{%" else 0
            at = end.end() if end else max(close, start)
            parts.append(text[start:at])
    return "".join([*parts, text[at:]])
