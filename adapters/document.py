"""A YAML file, read so that every value knows its line.

Plain words stay words: only `true`, `false`, `~` and whole numbers without leading zeros are
anything else, and keys are always text. So `NO`, `on` and `01` are codes, as they look. Anchors,
tags and doubled keys are refused.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml
from yaml._yaml import CParser
from yaml.composer import Composer
from yaml.resolver import Resolver

from gateway.errors import Misconfigured

MAX_BYTES: Final = 2**20
MAX_DEPTH: Final = 32
Place: TypeAlias = tuple[str | int, ...]

_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)
_WORDS: Final = {"true": True, "false": False, "": None, "~": None, "null": None}
_KINDS: Final = frozenset({"str", "int", "float", "bool", "null", "timestamp", "merge", "value"})


class WrongMapping(Misconfigured):
    """Something in one line of the file is wrong. `text` says what, without file and line."""

    def __init__(self, name: str, line: int, text: str, code: str | None = None) -> None:
        super().__init__(f"{name}:{line}: {text}", code=code)
        self.line = line
        self.text = text


class PassedOver(WrongMapping):
    """It follows from another fault: it is not worth a word."""


class _Refusing:
    """Refuses what has no place in a mapping as soon as it is met."""

    name = ""
    _depth = 0

    def get_event(self) -> Any:
        """Give the next event. Raises WrongMapping."""
        event: Any = super().get_event()  # type: ignore[misc]  # the parser's
        self._depth += isinstance(event, yaml.CollectionStartEvent)
        self._depth -= isinstance(event, yaml.CollectionEndEvent)
        if self._depth > MAX_DEPTH:
            raise WrongMapping(self.name, _line(event), "nested too deeply")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            text = "anchors and aliases are not used"
            raise WrongMapping(self.name, _line(event), text)
        return event


class _Plain(_Refusing, yaml.SafeLoader):
    """Reads a file's parts, in Python alone: its words on what is wrong are the better ones."""


class _Quick(_Refusing, Composer, CParser, Resolver):
    """Reads a file's parts by libyaml, in a seventh of the time."""

    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)
        Composer.__init__(self)
        Resolver.__init__(self)


def _composed(text: str, name: str) -> yaml.Node | None:
    """Give the parts of a file. Raises YAMLError, or WrongMapping."""
    try:
        return _node(_Quick(text), name)
    except yaml.YAMLError:
        return _node(_Plain(text), name)


def _node(parser: Any, name: str) -> yaml.Node | None:
    parser.name = name
    node: yaml.Node | None = parser.get_single_node()
    return node


class Document:
    """The content of one file, and the line on which each part of it stands.

    `faults` is None where the first fault ends the reading. A list collects all there are: then
    `going_on` passes over the part that is wrong, and `broken` are the places known to be so.
    """

    def __init__(self, path: Path, faults: list[WrongMapping] | None = None) -> None:
        self.path = path
        self.faults = faults
        self.broken: list[Place] = []
        self.unknown: set[str] = set()
        """Names of joins and repeated parts whose columns nobody knows: their fault is reported.

        "" stands for the rows themselves.
        """
        self._lines: dict[Place, int] = {(): 1}
        try:
            data = path.read_bytes()
            if len(data) > MAX_BYTES:
                raise Misconfigured(f"{path.name}: more than {MAX_BYTES} bytes")
            text = data.decode()
            node = _composed(text, path.name)
        except OSError as error:
            raise Misconfigured(f"{path.name}: the file can't be read") from error
        except UnicodeDecodeError as error:
            raise Misconfigured(f"{path.name}: the file is not UTF-8") from error
        except (yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            line = int(getattr(mark, "line", 0)) + 1
            what = getattr(error, "problem", None) or "not YAML"
            raise WrongMapping(path.name, line, what) from error
        self.content: Any = None if node is None else self._value(node, ())

    def line(self, *place: str | int) -> int:
        """Give the line of a part, or of the nearest that stands around it."""
        while place not in self._lines:
            place = place[:-1]
        return self._lines[place]

    def wrong(self, said: str | Misconfigured, *place: str | int) -> WrongMapping:
        """Make an error that names the file and the line; another error's words keep their code."""
        text, code = (said, None) if isinstance(said, str) else (said.detail, said.code)
        return WrongMapping(self.path.name, self.line(*place), text, code)

    def passed_over(self) -> WrongMapping:
        """Make an error that says nothing: it follows from another, which was reported."""
        return PassedOver(self.path.name, 1, "")

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Read one part. Where faults are collected, its fault does not hide the next part's."""
        try:
            yield
        except WrongMapping as fault:
            if self.faults is None:
                raise
            if not isinstance(fault, PassedOver):
                self.faults.append(fault)
        except (LookupError, TypeError, ValueError, AttributeError):
            # What has another shape than the language may fail in any way. Its own fault says it.
            if not self.faults:
                raise

    def note(self, fault: WrongMapping) -> None:
        """Raise a fault, or go on after it where faults are collected."""
        with self.going_on():
            raise fault

    def is_broken(self, *place: str | int) -> bool:
        """Whether a part, or something in it, is known not to be as the language has it."""
        size = len(place)
        return any(b[:size] == place for b in self.broken)

    def _value(self, node: yaml.Node, place: Place) -> Any:
        line = _line(node)
        self._lines.setdefault(place, line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(n, (*place, i)) for i, n in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = _line(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self.note(WrongMapping(self.path.name, line, "a key is a word"))
                continue
            key = str(key_node.value)
            if key in found:
                self.note(WrongMapping(self.path.name, line, f"{key} stands twice"))
                continue
            self._lines[(*place, key)] = line
            found[key] = self._value(value_node, (*place, key))
        return found

    def _scalar(self, node: yaml.Node) -> Any:
        if node.tag.removeprefix("tag:yaml.org,2002:") not in _KINDS:
            self.note(WrongMapping(self.path.name, _line(node), "tags are not used"))
        text = str(node.value)
        if getattr(node, "style", None):  # quoted, or a block; of plain words None or ""
            return text
        if text in _WORDS:
            return _WORDS[text]
        return int(text) if _INTEGER.fullmatch(text) else text


def _line(part: yaml.Node | yaml.Event) -> int:
    """Give the line on which a part begins, from 1."""
    mark = part.start_mark
    return 1 if mark is None else int(mark.line) + 1
