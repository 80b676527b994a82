"""A set's rules with a mark at each place where one comes out, to see which ones tests reach.

The engine reports which lines it looked at. That a line was looked at says nothing: a condition
that never holds is looked at as well. So for measuring each rule, and each `else` of one, ends in a
line of its own, which is looked at only once all its conditions held and its value was there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.policy.builtins import dotted

_VALUE = "sallyport_value"
_MARK = b"\ntrue\n"
_QUOTES = (b'"', b"`")


@dataclass(frozen=True, slots=True)
class Part:
    """One way in which a rule comes out: a definition, an `else` of it, or a default.

    `column` counts from 1, in characters as editors do.
    """

    file: str
    line: int
    column: int
    rule: str

    @property
    def where(self) -> str:
        """Give file and line."""
        return f"{self.file}:{self.line}"


def marked(tree: Mapping[str, Any]) -> tuple[str, dict[Part, int | None]]:
    """Give a module's text with its marks, and the line of each part's mark.

    None for the default of a rule, which the engine reports as it is.
    """
    source = tree["source"]["contents"].encode()
    file = tree["source"]["file"]
    edits: list[tuple[int, int, bytes]] = []
    ends: dict[Part, int | None] = {}
    for rule in tree["ast"]["rules"]:
        (kind, spec), *_ = rule.items()
        name = dotted(spec["refr"]) if kind == "Default" else _name(spec["head"])
        at = spec["span"]
        if kind == "Default":
            ends[Part(file, at["line"], _column(at, source), name)] = None
            continue
        for place, mine in _edits(spec, source):
            part = Part(file, place["line"], _column(place, source), name)
            edits += mine
            ends[part] = mine[-1][0]
    text, places = _apply(source, edits)
    return text, {p: None if end is None else places[end] for p, end in ends.items()}


def _column(span: Mapping[str, Any], source: bytes) -> int:
    """Count the column: the engine counts a tab as four."""
    start: int = span["start"]
    return len(source[source.rfind(b"\n", 0, start) + 1 : start].decode()) + 1


def _name(head: Mapping[str, Any]) -> str:
    (_, inner), *_ = head.items()
    return dotted(inner["refr"])


def _edits(
    spec: Mapping[str, Any], source: bytes
) -> Iterator[tuple[Mapping[str, Any], list[tuple[int, int, bytes]]]]:
    """Give for each way of a rule where it begins, and the edits that mark its end, in order."""
    (kind, head), *_ = spec["head"].items()
    start, end = spec["span"]["start"], end_of(spec["span"], source)
    assign = head.get("assign")
    key = head["key"] if kind == "Set" else None
    bodies: Sequence[Mapping[str, Any]] = spec["bodies"]
    first = bodies[0] if bodies else None
    stop = first["span"]["start"] if first else end
    value = (
        _after(source, b"contains", start, _start(key), stop)
        if key is not None
        else _after(source, b"=", start, _start(assign["value"]), stop)
        if assign
        else None
    )
    yield spec["span"], list(_one(value, first, end, source))
    for body in bodies[1:]:
        stop = end_of(body["span"], source)
        given = body["assign"]
        query = body["query"] if body["query"]["stmts"] else None
        if given is not None:
            before = source.rfind(b"if", 0, query["span"]["start"]) if query else stop
            value = _after(source, b"=", body["span"]["start"], _start(given["value"]), before)
        else:
            value = None
        yield body["span"], list(_one(value, body if query else None, stop, source))


def _one(
    value: tuple[int, int] | None, body: Mapping[str, Any] | None, end: int, source: bytes
) -> Iterator[tuple[int, int, bytes]]:
    """Name the value in the head, and work it out at the end of the body, before the mark."""
    last = b""
    if value is not None:
        text = source[value[0] : value[1]].strip()
        last = f"\n{_VALUE} := ".encode() + text
        yield value[0], value[1], f" {_VALUE} ".encode()
    if body is None:
        yield end, end, b" if {" + last + _MARK + b"}"
        return
    span = body["query"]["span"]
    start, stop = start_of(span, source), end_of(span, source)
    if source[start : start + 1] == b"{" and _is_block(body, span):
        yield stop - 1, stop - 1, last + _MARK
    else:
        yield start, start, b"{"
        yield stop, stop, last + _MARK + b"}"


def _is_block(body: Mapping[str, Any], span: Mapping[str, Any]) -> bool:
    """Whether the braces are the body's own, and not those of a set or object that is asked."""
    statements = body["query"]["stmts"]
    return bool(statements[0]["span"]["start"] > span["start"])


def _after(source: bytes, sign: bytes, start: int, value: int, stop: int) -> tuple[int, int]:
    """Give where a value's text begins and ends: from the sign before it to what comes next.

    The engine's own span of an expression leaves out brackets around its first part.
    """
    at = source.rfind(sign, start, value)
    return at + len(sign), stop


def _start(expr: Mapping[str, Any]) -> int:
    (_, inner), *_ = expr.items()
    start: int = inner["span"]["start"]
    return start


def start_of(span: Mapping[str, Any], source: bytes) -> int:
    """Give where a span begins, with the quote of a text that the engine leaves out."""
    start: int = span["start"]
    return start - (source[start - 1 : start] in _QUOTES)


def end_of(span: Mapping[str, Any], source: bytes) -> int:
    """Give where a span ends, with the quote of a text that the engine leaves out."""
    end: int = span["end"]
    return end + (source[end : end + 1] in _QUOTES)


def _apply(source: bytes, edits: Sequence[tuple[int, int, bytes]]) -> tuple[str, Mapping[int, int]]:
    """Make the edits. Gives the text, and the line of the mark of each edit that has one."""
    made, at = b"", 0
    places: dict[int, int] = {}
    for start, stop, text in sorted(edits, key=lambda e: (e[0], e[1])):
        made += source[at:start]
        at = stop
        mark = text.rfind(_MARK)
        if mark >= 0:
            places[start] = made.count(b"\n") + text[:mark].count(b"\n") + 2
        made += text
    return (made + source[at:]).decode(), places
