"""What python-liquid's lexer reads in another way than that of liquidjs, rewritten before it.

It ends an output at the first `}}`, liquidjs at the first one outside quotes (`{{ "}}" }}`); in tags, neither looks at
quotes.  After raw text it removes white space where the opening tag has a `-` at its end, liquidjs where the closing
tag has one.
"""

import re

_OPENING = re.compile(r"\{\{|\{%-?\s*raw\s*-?%\}|\{%")
_ENDRAW = re.compile(r"\{%-?\s*endraw\s*-?%\}")
_OUTPUT = re.compile(r"""(?:"(?:\\.|[^"\\])*+"|'(?:\\.|[^'\\])*+'|[^"'}]|\}(?!\}))*+\}\}""", re.DOTALL)
"""The rest of an output, to its end outside quotes; possessive, so linear in the text."""
_ESCAPED = r"}\u007d"
"""Two braces inside a string, written so that they end no output."""


def adapt_template(text: str) -> str:
    """Return the template with `}}` in the strings of its outputs written as an escape, and its raw tags adapted."""
    parts: list[str] = []
    at = 0
    while (opening := _OPENING.search(text, at)) is not None:
        parts.append(text[at : opening.start()])
        start, tag = opening.end(), opening[0]
        if tag == "{{":
            output = _OUTPUT.match(text, start)
            parts.append(tag if output is None else "{{" + output[0][:-2].replace("}}", _ESCAPED) + "}}")
            at = output.end() if output else start
        elif tag == "{%":
            at = max(text.find("%}", start) + 2, start)
            parts.append(text[opening.start() : at])
        else:
            end = _ENDRAW.search(text, start)
            at = end.end() if end else start
            trims = "-" if end and end[0].endswith("-%}") else ""
            parts += (tag[:-2].rstrip("-"), trims, "%}", text[start:at])
    return "".join([*parts, text[at:]])
