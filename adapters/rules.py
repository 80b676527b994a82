"""The rules of a mapping, compiled: from a row's columns to values at NIEM paths.

A rule reads texts from columns (`Texts`), turns each into a JSON value (a `Convert`), and says
where it goes. What can't be turned raises `Fault`, which sets the row aside. What a rule makes of
texts depends on nothing else, so it is kept, within bounds, for rows in which they stand again.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from adapters.codes import Word
from adapters.conditions import Condition, all_hold, steady
from adapters.conversions import Convert, Kept
from adapters.names import PROPERTIES
from adapters.rows import Fault, Values
from adapters.texts import Texts
from adapters.trees import Tree, bare, kept_name, put
from gateway import niem
from gateway.errors import Untranslatable

_SHORT: Final = 64
MOST_KNOWN: Final = 2_048
MOST_DAYS: Final = 16_384
"""Texts of which is kept what they became: 45 years of days, some 7 MB at most a column."""

Key: TypeAlias = str | tuple[str, ...]
"""What stands in a rule's columns: one text, or one of each column."""


class Shape:
    """The structure of a value at one place. Equal ones of a rule are the same object.

    `keys` are those of an object, None for a plain value. `valid`: it is, by the place's type.
    """

    __slots__ = ("keys", "spot", "valid")

    def __init__(self, spot: "Spot", keys: tuple[str, ...] | None, *, valid: bool) -> None:
        self.spot = spot
        self.keys = keys
        self.valid = valid


Shapes: TypeAlias = Shape | tuple[Shape, ...]
Said: TypeAlias = tuple[Shapes, Any]
"""What a rule makes of texts: a shape and its value, or so many of both, in tuples.

Values are shared between rows, and never changed.
"""
NOTHING: Final[Said] = ((), ())


class Spot:
    """A place in an object that values go to. `path` is its NIEM path, from the message down.

    `steps` are keys, with their labels, from the object down. `counted`: it is for raw values.
    """

    __slots__ = ("_of_keys", "_path", "_plain", "counted", "several", "steps")

    def __init__(
        self, steps: tuple[str, ...], path: str, *, several: bool, counted: bool = False
    ) -> None:
        self.steps = steps
        self.several = several
        self.counted = counted
        self._path = path
        self._plain: _Judged | None = None
        self._of_keys: dict[tuple[str, ...], _Judged] = {}

    def said(self, value: Any) -> Said:
        """Say that a value stands here."""
        if not isinstance(value, dict):
            judged = self._plain
            if judged is None:
                judged = self._plain = self._judged(None, ("",))
            return judged.right if judged.judges[0](value) else judged.wrong, value
        keys = tuple(value)
        judged = self._of_keys.get(keys)
        if judged is None:
            judged = self._of_keys[keys] = self._judged(keys, keys)
        for judge, leaf in zip(judged.judges, value.values(), strict=True):
            if not judge(leaf):
                return judged.wrong, value
        return judged.right, value

    def holds(self, path: str) -> bool:
        """Whether a path, from the message down, is this place or one in it."""
        return path == self._path or path.startswith(f"{self._path}/")

    def _judged(self, keys: tuple[str, ...] | None, parts: Sequence[str]) -> "_Judged":
        paths = (f"{self._path}/{part}" if part else self._path for part in parts)
        judges = [niem.judge(path) for path in paths]
        return _Judged(judges, Shape(self, keys, valid=True), Shape(self, keys, valid=False))


class _Judged(NamedTuple):
    """The two shapes of values of the same keys, and what judges each key's, in order."""

    judges: Sequence[Callable[[Any], bool]]
    right: Shape
    wrong: Shape


class Memo(dict[Key, Said]):
    """What a rule said of the first texts: few differ in columns of codes, towns or birth dates."""

    __slots__ = ("_make", "_most")

    def __init__(self, make: Callable[[Key], Said], most: int) -> None:
        super().__init__()
        self._make = make
        self._most = most

    def __missing__(self, key: Key) -> Said:
        said = self._make(key)
        if len(self) < self._most and is_short(key):
            shapes = said[0]
            counted = shapes.spot.counted if isinstance(shapes, Shape) else is_counted(shapes)
            if not counted:
                self[key] = said
        return said


def is_short(key: Key) -> bool:
    """Whether texts are short enough to be kept."""
    if isinstance(key, str):
        return len(key) <= _SHORT
    return sum(map(len, key)) <= _SHORT


def is_counted(shapes: Shapes) -> bool:
    """Whether a value is kept raw: each of these is counted."""
    if isinstance(shapes, Shape):
        return shapes.spot.counted
    return any(shape.spot.counted for shape in shapes)


class DataRule:
    """Columns to one path. `steps` are keys, with their labels, from the object down.

    `path` is the NIEM path, from the message down; `group` the repeated part whose every row fills
    it, if it is not the row itself. `kept` counts values that were kept raw, by path.
    """

    __slots__ = (
        *("_convert", "_kept", "_raw", "_spot", "_texts"),
        *("columns", "group", "memo", "when"),
    )

    def __init__(
        self,
        steps: tuple[str, ...],
        path: str,
        texts: Texts,
        convert: Convert,
        *,
        when: tuple[Condition, ...] = (),
        group: str | None = None,
        kept: Counter[str] | None = None,
        most: int = MOST_KNOWN,
    ) -> None:
        several = texts.each is not None or group is not None
        raw = (*steps[:-1], kept_name(steps[-1]))
        beside = f"{path.rpartition('/')[0]}/{bare(raw[-1:])}"
        self._spot = Spot(steps, path, several=several)
        self._raw = Spot(raw, beside, several=True, counted=True)
        self._texts = texts
        self._convert = convert
        self.when = when
        self._kept = kept if kept is not None else Counter()
        self.group = group
        self.columns = columns_of(texts.columns, when)
        alone = texts.alone and len(self.columns) == 1 and not when
        self.memo = Memo(self._of_text if alone else self._of_row, most if steady(when) else 0)

    def column_at(self, path: str) -> str | None:
        """Name the column whose value goes to a path, None if it is none of these."""
        return self._texts.named if self._spot.holds(path) else None

    def _of_text(self, text: Any) -> Said:
        """Say what becomes of the text of one column, where it alone counts, as it stands."""
        return self._of_row(text) if not text or text in self._texts.blank else self._made(text)

    def _made(self, text: str) -> Said:
        try:
            value = self._convert(text)
        except Untranslatable as error:
            raise Fault(error.code, error.detail, self._texts.named, text) from None
        if value is None:
            return NOTHING
        if isinstance(value, Kept):
            self._kept["/".join(self._spot.steps)] += 1
            return self._raw.said(value.raw)
        return self._spot.said(value)

    def _of_row(self, key: Key) -> Said:
        row = row_of(self.columns, key)
        if self.when and not all_hold(self.when, row):
            return NOTHING
        texts = self._texts.read(row)
        if len(texts) == 1:
            return self._made(texts[0])
        return together([self._made(text) for text in texts])


class NameRule:
    """Columns of a name's parts to one name; `columns` by the part that they hold."""

    __slots__ = ("_blank", "_parts", "_read", "_spot", "columns", "group", "memo", "when")

    def __init__(
        self,
        steps: tuple[str, ...],
        path: str,
        columns: Mapping[str, str],
        *,
        read: Callable[[str, str, str, str], Mapping[str, str]],
        blank: frozenset[str],
        when: tuple[Condition, ...] = (),
        group: str | None = None,
    ) -> None:
        self._spot = Spot(steps, path, several=group is not None)
        self._parts = [columns.get(part.lower()) for part in PROPERTIES]
        self._read = read
        self._blank = blank
        self.when = when
        self.group = group
        self.columns = columns_of([c for c in self._parts if c is not None], when)
        self.memo = Memo(self._of_row, MOST_KNOWN if steady(when) else 0)

    def column_at(self, path: str) -> str | None:
        """Name the column whose value goes to a path, None if it is none of these."""
        found = dict(zip(PROPERTIES.values(), self._parts, strict=True))
        return found.get(path.rpartition("/")[2]) if self._spot.holds(path) else None

    def _of_row(self, key: Key) -> Said:
        row = row_of(self.columns, key)
        if self.when and not all_hold(self.when, row):
            return NOTHING
        parts = [row[c] if c is not None else "" for c in self._parts]
        found = self._read(*("" if p in self._blank else p for p in parts))
        return self._spot.said(found) if found else NOTHING


Rule: TypeAlias = DataRule | NameRule


@dataclass(frozen=True, slots=True, eq=False)
class ConstantRule:
    """A constant at one path. Without `always` it stands only beside something else."""

    steps: tuple[str, ...]
    value: Word
    always: bool
    when: tuple[Condition, ...] = ()

    def apply(self, tree: Tree) -> None:
        """Put the constant into the tree, if its object is there."""
        if not self.always:
            holder: Any = tree
            for step in self.steps[:-1]:
                holder = holder.get(step) if isinstance(holder, dict) else None
            if not isinstance(holder, dict):
                return
        put(tree, self.steps, self.value, several=False)


@dataclass(frozen=True, slots=True, eq=False)
class LinkRule:
    """A reference from one object to another."""

    steps: tuple[str, ...]
    target: str
    when: tuple[Condition, ...] = ()


def columns_of(columns: Sequence[str], when: Sequence[Condition]) -> tuple[str, ...]:
    """Name columns and those of conditions, each once."""
    return tuple(dict.fromkeys((*columns, *(c for one in when for c in one.columns))))


def row_of(columns: Sequence[str], key: Key) -> Values:
    """Give what stands in columns by their names."""
    return {columns[0]: key} if isinstance(key, str) else dict(zip(columns, key, strict=True))


def together(parts: Sequence[Said]) -> Said:
    """Give what was said one after the other as one."""
    if len(parts) == 1:
        return parts[0]
    shapes: list[Shape] = []
    values: list[Any] = []
    for shape, value in parts:
        if isinstance(shape, Shape):
            shapes.append(shape)
            values.append(value)
        else:
            shapes += shape
            values += value
    return (shapes[0], values[0]) if len(shapes) == 1 else (tuple(shapes), tuple(values))
