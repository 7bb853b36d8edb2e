"""The tags of templates, with liquidjs's expressions in python-liquid's nodes."""

from io import StringIO
from typing import Any, TextIO

from liquid import Tag, TokenStream
from liquid.ast import BlockNode, Node
from liquid.exceptions import LiquidSyntaxError, StopRender
from liquid.parser import get_parser
from liquid.token import TOKEN_EOF, TOKEN_EXPRESSION, TOKEN_OUTPUT, Token

from klavier_segment_actions.javascript.missing import MISSING
from klavier_segment_actions.mapping_kit.liquid.expressions import Expression, Parser
from klavier_segment_actions.mapping_kit.liquid.values import is_truthy, write


class TemplateTag(Tag):
    """What all tags share: reading their text."""

    block = False

    def read(self, stream: TokenStream) -> Parser:
        """Return a parser of the tag's text; the stream is then at the tag's last token."""
        token = stream.current
        text = ""
        if stream.peek.kind == TOKEN_EXPRESSION:
            next(stream)
            text = stream.current.value
        return Parser(text, token, self.env.filters)

    def parse_block(self, stream: TokenStream, end: frozenset[str], opening: Token) -> BlockNode:
        """Parse the nodes up to one of the end tags, at which the stream is then."""
        next(stream)
        block = get_parser(self.env).parse_block(stream, end)
        if stream.current.kind == TOKEN_EOF:
            raise LiquidSyntaxError(f"tag {opening.value!r} is not closed", token=opening)
        return block


class _OutputNode(Node):
    __slots__ = ("expression",)

    def __init__(self, token: Token, expression: Expression) -> None:
        super().__init__(token)
        self.expression = expression
        self.blank = False

    def render_to_output(self, context: Any, buffer: TextIO) -> int:
        text = write(self.expression(context))
        context.budget.use(len(text))
        return buffer.write(text)


class OutputTag(TemplateTag):
    """`{{ expression }}`."""

    name = TOKEN_OUTPUT

    def parse(self, stream: TokenStream) -> Node:
        """Parse the expression."""
        token = stream.current
        return _OutputNode(token, self.read(stream).filtered())


class EchoTag(TemplateTag):
    """`{% echo expression %}`."""

    name = "echo"

    def parse(self, stream: TokenStream) -> Node:
        """Parse the expression; without one nothing is written."""
        token = stream.current
        parser = self.read(stream)
        parser.skip_blanks()
        return _OutputNode(token, (lambda _context: "") if parser.is_at_end else parser.filtered())


class _AssignNode(Node):
    __slots__ = ("expression", "name")

    def __init__(self, token: Token, name: str, expression: Expression) -> None:
        super().__init__(token)
        self.name = name
        self.expression = expression

    def render_to_output(self, context: Any, buffer: TextIO) -> int:  # noqa: ARG002 -- the interface of nodes
        context.locals[self.name] = self.expression(context)
        return 0


class AssignTag(TemplateTag):
    """`{% assign name = expression %}`."""

    name = "assign"

    def parse(self, stream: TokenStream) -> Node:
        """Parse the name and the expression."""
        token = stream.current
        parser = self.read(stream)
        name = parser.identifier()
        parser.skip_blanks()
        if not name or parser.peek() != "=":
            raise LiquidSyntaxError("assign is written as {% assign name = value %}", token=token)
        parser.at += 1
        return _AssignNode(token, name, parser.filtered())


class _CaptureNode(Node):
    __slots__ = ("contents", "name")

    def __init__(self, token: Token, name: str, contents: BlockNode) -> None:
        super().__init__(token)
        self.name = name
        self.contents = contents

    def render_to_output(self, context: Any, buffer: TextIO) -> int:  # noqa: ARG002 -- the interface of nodes
        captured = StringIO(newline="")
        try:
            self.contents.render(context, captured)
        finally:  # a `break` inside ends the template after the assignment
            context.locals[self.name] = captured.getvalue()
        return 0


class CaptureTag(TemplateTag):
    """`{% capture name %}...{% endcapture %}`."""

    block = True
    name = "capture"
    end = "endcapture"

    def parse(self, stream: TokenStream) -> Node:
        """Parse the name, which may be in quotes, and the contents."""
        token = stream.current
        parser = self.read(stream)
        name = parser.identifier() or parser.quoted()
        if not name:
            raise LiquidSyntaxError("capture needs a name", token=token)
        return _CaptureNode(token, name, self.parse_block(stream, frozenset({"endcapture"}), token))


class _CounterNode(Node):
    __slots__ = ("name", "step")

    def __init__(self, token: Token, name: str, step: int) -> None:
        super().__init__(token)
        self.name = name
        self.step = step
        self.blank = False

    def render_to_output(self, context: Any, buffer: TextIO) -> int:
        before = context.counters.get(self.name, context.globals.get(self.name))
        if isinstance(before, bool) or not isinstance(before, (int, float)):
            before = 0
        context.counters[self.name] = before + self.step
        return buffer.write(write(before if self.step > 0 else before + self.step))


class IncrementTag(TemplateTag):
    """`{% increment name %}`: writes the number before it is incremented."""

    name = "increment"
    step = 1

    def parse(self, stream: TokenStream) -> Node:
        """Parse the name."""
        token = stream.current
        return _CounterNode(token, self.read(stream).identifier(), self.step)


class DecrementTag(IncrementTag):
    """`{% decrement name %}`: writes the decremented number."""

    name = "decrement"
    step = -1


class _CycleNode(Node):
    __slots__ = ("candidates", "group", "text")

    def __init__(self, token: Token, text: str, group: Expression | None, candidates: list[Expression]) -> None:
        super().__init__(token)
        self.text = text
        self.group = group
        self.candidates = candidates
        self.blank = False

    def render_to_output(self, context: Any, buffer: TextIO) -> int:
        group = write(self.group(context)) if self.group else MISSING
        cycles = context.tag_namespace["cycles"]
        place = cycles.get((group, self.text), 0)
        cycles[group, self.text] = (place + 1) % len(self.candidates)
        text = write(self.candidates[place](context))
        context.budget.use(len(text))
        return buffer.write(text)


class CycleTag(TemplateTag):
    """`{% cycle group: "a", "b" %}`: writes the next value at each use."""

    name = "cycle"

    def parse(self, stream: TokenStream) -> Node:
        """Parse the group, if there is one, and the values."""
        token = stream.current
        parser = self.read(stream)
        group = None
        candidates: list[Expression] = []
        first = parser.value()
        parser.skip_blanks()
        if first is not None and parser.peek() == ":":
            group = first
            parser.at += 1
        elif first is not None:
            candidates.append(first)
        text = parser.text[parser.at :] if group else parser.text
        while not parser.is_at_end:
            value = parser.value()
            if value is not None:
                candidates.append(value)
            comma = parser.text.find(",", parser.at)
            parser.at = comma + 1 if comma >= 0 else len(parser.text)
        if not candidates:
            raise LiquidSyntaxError("cycle needs a value", token=token)
        return _CycleNode(token, text, group, candidates)


class _BranchesNode(Node):
    __slots__ = ("branches", "default")

    def __init__(self, token: Token, branches: list[tuple[Expression, BlockNode]], default: BlockNode | None) -> None:
        super().__init__(token)
        self.branches = branches
        self.default = default
        self.blank = False

    def render_to_output(self, context: Any, buffer: TextIO) -> int:
        for condition, block in self.branches:
            if is_truthy(condition(context)):
                return block.render(context, buffer)
        return self.default.render(context, buffer) if self.default else 0


class IfTag(TemplateTag):
    """`{% if %}...{% elsif %}...{% else %}...{% endif %}`."""

    block = True
    name = "if"
    end = "endif"

    def parse(self, stream: TokenStream) -> Node:
        """Parse the conditions and their blocks."""
        token = stream.current
        ends = frozenset({self.end, "elsif", "else"})
        condition = self.first_condition(self.read(stream).filtered())
        branches = [(condition, self.parse_block(stream, ends, token))]
        default: BlockNode | None = None
        while stream.current.value != self.end:
            is_else = stream.current.value == "else"
            if default is not None:
                raise LiquidSyntaxError(f"'{stream.current.value}' after 'else'", token=stream.current)
            parser = self.read(stream)
            if is_else:
                default = self.parse_block(stream, ends, token)
            else:
                branches.append((parser.filtered(), self.parse_block(stream, ends, token)))
        return _BranchesNode(token, branches, default)

    def first_condition(self, condition: Expression) -> Expression:
        """Return the condition of the first block."""
        return condition


class UnlessTag(IfTag):
    """`{% unless %}...{% endunless %}`: the first condition is negated."""

    name = "unless"
    end = "endunless"

    def first_condition(self, condition: Expression) -> Expression:
        """Return the negated condition."""
        return lambda context: not is_truthy(condition(context))


class _StopNode(Node):
    __slots__ = ()

    def render_to_output(self, context: Any, buffer: TextIO) -> int:  # noqa: ARG002 -- the interface of nodes
        raise StopRender


class BreakTag(TemplateTag):
    """`{% break %}`: without a loop it ends the template."""

    name = "break"

    def parse(self, stream: TokenStream) -> Node:
        """Parse the tag, whose text is ignored."""
        token = stream.current
        self.read(stream)
        return _StopNode(token)


class ContinueTag(BreakTag):
    """`{% continue %}`: without a loop it ends the template."""

    name = "continue"


TAGS: tuple[type[TemplateTag], ...] = (
    OutputTag,
    EchoTag,
    AssignTag,
    CaptureTag,
    IncrementTag,
    DecrementTag,
    CycleTag,
    IfTag,
    UnlessTag,
    BreakTag,
    ContinueTag,
)
