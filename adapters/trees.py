"""Objects in the making, path by path. A key may carry a label: `nc:PersonName[alias]`."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from adapters.rows import Fault

Tree: TypeAlias = dict[str, Any]


def bare(steps: Sequence[str]) -> str:
    """Write steps as a path without their labels."""
    return "/".join([step.partition("[")[0] for step in steps])


def kept_name(step: str) -> str:
    """Name the place of a raw legacy value beside a NIEM property."""
    name, _, label = step.partition("[")
    local = name.partition(":")[2]
    return f"sp:{local}Raw" + (f"[{label}" if label else "")


def put(tree: Tree, steps: Sequence[str], value: Any, *, several: bool) -> None:
    """Put a value at a path. Objects at one path become one; other values a list."""
    holder = tree
    for step in steps[:-1]:
        inner = holder.setdefault(step, {})
        if not isinstance(inner, dict):
            raise Fault("mapping.clash", f"{step} is both a value and an object", None, None)
        holder = inner
    last = steps[-1]
    known = holder.get(last)
    if known is None:
        holder[last] = [value] if several else value
    elif isinstance(known, list):
        if value not in known:
            known.append(value)
    elif isinstance(known, dict) and isinstance(value, dict) and not several:
        known.update(value)
    elif known != value:
        holder[last] = [known, value]


def finished(tree: Tree) -> Tree:
    """Give an object as the message has it: labels gone, lists of one made plain."""
    found: Tree = {}
    for step, value in tree.items():
        name = step.partition("[")[0]
        done = _finished_value(value)
        if name in found:
            known = found[name]
            found[name] = [*_listed(known), *(d for d in _listed(done) if d not in _listed(known))]
        else:
            found[name] = done
    return found


def _finished_value(value: Any) -> Any:
    if isinstance(value, dict):
        return finished(value)
    if isinstance(value, list):
        done = [_finished_value(v) for v in value]
        return done[0] if len(done) == 1 else done
    return value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
