"""Why a test is not true: its first condition that does not hold, and what its two sides are.

Found by asking further: the test's conditions up to each one, as a rule of its own in the test's
own module, so that names and imports mean the same. The conditions are the test's, as written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.errors import PolicyRejected
from gateway.policy.builtins import dotted
from gateway.policy.embedded import UNDEFINED, Compiled
from gateway.policy.marking import end_of, start_of

_RULE = "sallyport_probe"
_MOST = 300
"""Characters of a side that are shown."""
_SIGNS = ("==", "!=", "<=", ">=", "<", ">")


@dataclass(frozen=True, slots=True)
class Expected:
    """The condition of a test that does not hold. `left` and `right`: its sides, where it compares.

    A side is JSON, cut where it is long, or `undefined`.
    """

    where: str
    condition: str
    left: str | None = None
    right: str | None = None


def expected(
    modules: Mapping[str, str], data: Mapping[str, Any], tree: Mapping[str, Any], name: str
) -> Expected | None:
    """Find what the test `name` of a module's tree expected. None where it can't be told."""
    source, file = tree["source"]["contents"].encode(), tree["source"]["file"]
    statements = _statements(tree, name)
    texts = [source[start_of(s["span"], source) : end_of(s["span"], source)] for s in statements]
    package = dotted(tree["ast"]["package"]["refr"])

    def ask(conditions: Sequence[bytes], value: str) -> Any:
        body = b"\n".join(conditions).decode()
        text = f"{source.decode()}\n\n{_RULE} := {value} if {{\n{body}\n}}\n"
        try:
            compiled = Compiled({**modules, file: text}, data)
            return orjson.loads(compiled.evaluate(f"data.{package}.{_RULE}", b"{}"))
        except PolicyRejected:
            return UNDEFINED

    for number, statement in enumerate(statements):
        if ask(texts[: number + 1], "true") is True:
            continue
        where = f"{file}:{statement['span']['line']}"
        condition = " ".join(texts[number].decode().split())
        values = [
            _shown(ask([*texts[:number], f"{_RULE}_side := ".encode() + side], f"{_RULE}_side"))
            for side in _sides(statement, source)
        ]
        return Expected(where, condition, *values)
    return None


def _statements(tree: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    for rule in tree["ast"]["rules"]:
        spec = rule.get("Spec")
        if spec is None or "Compr" not in spec["head"] or len(spec["bodies"]) != 1:
            continue
        if dotted(spec["head"]["Compr"]["refr"]) == name:
            found: Sequence[Mapping[str, Any]] = spec["bodies"][0]["query"]["stmts"]
            return found
    return ()


def _sides(statement: Mapping[str, Any], source: bytes) -> tuple[bytes, ...]:
    """Give the texts of the two sides of a comparison, each with the condition's own `with`."""
    compared = statement["literal"].get("Expr", {}).get("expr", {}).get("BoolExpr")
    if compared is None:
        return ()
    start, end = start_of(statement["span"], source), end_of(statement["span"], source)
    mods = statement.get("with_mods") or ()
    until = mods[0]["span"]["start"] if mods else end
    (left,), (right,) = compared["lhs"].values(), compared["rhs"].values()
    low, high = end_of(left["span"], source), start_of(right["span"], source)
    for sign in _SIGNS:
        at = source.find(sign.encode(), low, high)
        if at >= 0:
            more = b" " + source[until:end]
            return source[start:at] + more, source[at + len(sign) : until] + more
    return ()


def _shown(value: Any) -> str:
    if value == UNDEFINED:
        return "undefined"
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return text if len(text) <= _MOST else f"{text[:_MOST]} …"
