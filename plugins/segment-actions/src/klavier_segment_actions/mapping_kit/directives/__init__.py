"""The directives of Segment's mapping kit, by the name of their key."""

from collections.abc import Mapping

from klavier_segment_actions.mapping_kit.compiler import Directive
from klavier_segment_actions.mapping_kit.directives.conditions import exclude_when_null, if_
from klavier_segment_actions.mapping_kit.directives.lookups import array_path, literal, path
from klavier_segment_actions.mapping_kit.directives.objects import flatten, json_, merge, transform
from klavier_segment_actions.mapping_kit.directives.texts import case, liquid, replace, template

DIRECTIVES: Mapping[str, Directive] = {
    "@arrayPath": array_path,
    "@case": case,
    "@excludeWhenNull": exclude_when_null,
    "@flatten": flatten,
    "@if": if_,
    "@json": json_,
    "@liquid": liquid,
    "@literal": literal,
    "@merge": merge,
    "@path": path,
    "@replace": replace,
    "@template": template,
    "@transform": transform,
}
