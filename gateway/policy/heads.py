"""Names of rules that the engines make differently as long as no value holds: refused when vetted.

    name[key] contains value    OPA makes an empty object before there is a value, the embedded
    name[one][other] := value   engine nothing: wherever a computed step is not the last
    name.step := value          read as `name`, it is an empty object in OPA, and nothing here

A rule that counts, compares or asks for what is there would then decide differently. All else is
alike: `name.step contains value`, `name[key] := value`, `name["step"] := value`; and `name.step`
with a default, or with a value written out and no condition, since there is a value always.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.policy.syntax import LITERALS, Tree, reference

COMPUTED = (
    "a computed step of a rule's name has to be its last: without a value the engines differ. Make "
    "a rule whose values are pairs or objects, or write the step out"
)
DOTTED = (
    "a rule's name with a dot is nothing in one engine and an empty object in the other without a "
    'value: write name["step"], or give it a default'
)


def uneven(rules: Sequence[Tree]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Give the span of each such rule of a module's syntax tree, and what is wrong with it."""
    defaults = {reference(r["Default"]["refr"]) for r in rules if "Default" in r}
    for spec in (rule["Spec"] for rule in rules if "Spec" in rule):
        ((kind, head),) = spec["head"].items()
        steps = list(_steps(head["refr"]))
        computed = [_computed(step) for step in steps]
        # Behind the last step of `contains` the values follow.
        if any(computed if kind == "Set" else computed[1:]):
            yield spec["span"], COMPUTED
        elif kind == "Compr" and "RefDot" in steps[0] and not _always(spec, defaults):
            yield spec["span"], DOTTED


def _always(spec: Tree, defaults: set[Any]) -> bool:
    """Whether a complete rule has a value always."""
    head = spec["head"]["Compr"]
    if reference(head["refr"]) in defaults:
        return True
    assign = head["assign"]
    return not spec["bodies"] and assign is not None and not LITERALS.isdisjoint(assign["value"])


def _steps(expr: Tree) -> Iterator[Tree]:
    """Give the nodes of a name, the last step first."""
    while True:
        yield expr
        (inner,) = expr.values()
        if "refr" not in inner:
            return
        expr = inner["refr"]


def _computed(step: Tree) -> bool:
    return "RefBrack" in step and LITERALS.isdisjoint(step["RefBrack"]["index"])
