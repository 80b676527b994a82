"""The rules of a mapping, compiled: from a row's columns to values at NIEM paths.

A rule reads texts from columns (`Texts`), turns each into a JSON value (a `Convert`), and puts it
at its path. What can't be turned raises `Fault`, which sets the row aside.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from adapters.codes import CodeTable, Word
from adapters.dates import DAY, MONTH, TIME, YEAR, DateReader, Moment
from adapters.mapping import PLACEHOLDER
from adapters.rows import Fault, Values
from gateway import niem
from gateway.errors import Untranslatable

Tree: TypeAlias = dict[str, Any]
"""An object in the making. A key may carry a label: `nc:PersonName[alias]`."""

DATE_KINDS: Final = {DAY: "date", TIME: "dateTime", MONTH: "gYearMonth", YEAR: "gYear"}
"""What a date's property holds, as the standard's kinds are called."""
_INTEGER: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,9})?", re.ASCII)
_SHORT: Final = 64
_MOST_KNOWN: Final = 512


@dataclass(frozen=True, slots=True)
class Kept:
    """A legacy value without a NIEM word: it goes beside, under the project's namespace."""

    raw: str


Convert: TypeAlias = Callable[[str], Any]
"""Text → JSON value, Kept, or None for nothing. Raises Untranslatable."""


class Condition(Protocol):
    """What must hold of a row."""

    def holds(self, row: Mapping[str, str]) -> bool:
        """Whether it holds. A column that a row lacks is blank. Raises Fault if nobody can say."""
        ...


@dataclass(frozen=True, slots=True)
class OneColumn:
    """What must hold of one column. What a condition does not speak of is None."""

    column: str
    values: frozenset[str] | None = None
    others: frozenset[str] | None = None
    blank: bool | None = None
    like: re.Pattern[str] | None = None
    least: int | None = None
    most: int | None = None
    past: bool | None = None
    dates: DateReader | None = None

    def holds(self, row: Mapping[str, str]) -> bool:
        """Whether it holds."""
        value = row.get(self.column, "")
        if self.values is not None and value not in self.values:
            return False
        if self.others is not None and value in self.others:
            return False
        if self.blank is not None and self.blank != (not value):
            return False
        if self.like is not None and not self.like.fullmatch(value):
            return False
        return self._within(value) and self._when(value)

    def _within(self, value: str) -> bool:
        if self.least is None and self.most is None:
            return True
        if not value:
            return False
        if not _INTEGER.fullmatch(value):
            text = "this is not a whole number, so nobody can say whether the condition holds"
            raise Fault("condition.number", text, self.column, value)
        number = int(value)
        return (self.least is None or number >= self.least) and (
            self.most is None or number <= self.most
        )

    def _when(self, value: str) -> bool:
        if self.dates is None:
            return True
        if not value:
            return False
        try:
            return self.dates.is_past(value) == self.past
        except Untranslatable as error:
            raise Fault(error.code, error.detail, self.column, value) from None


@dataclass(frozen=True, slots=True)
class Either:
    """One of several must hold."""

    conditions: tuple[Condition, ...]

    def holds(self, row: Mapping[str, str]) -> bool:
        """Whether one holds."""
        return any(c.holds(row) for c in self.conditions)


def all_hold(conditions: Sequence[Condition], row: Mapping[str, str]) -> bool:
    """Whether all hold; true if there are none."""
    return all(c.holds(row) for c in conditions)


@dataclass(frozen=True, slots=True)
class Take:
    """A piece of a text: from one position to another, or one of several parts. All from 1."""

    first: int = 1
    last: int = 0
    by: str | None = None
    part: int = 1

    def of(self, text: str) -> str:
        """Give the piece; blank if the text is too short, or has too few parts."""
        if self.by is None:
            return text[self.first - 1 : self.last].strip()
        pieces = text.split() if self.by == " " else text.split(self.by)
        at = self.part - 1 if self.part > 0 else self.part
        return pieces[at].strip() if -len(pieces) <= at < len(pieces) else ""


@dataclass(frozen=True, slots=True)
class Texts:
    """Where a rule's texts come from. `each` parts one value into several.

    `take` cuts a piece out of the text, `pad` fills it up, `upper` writes it in capitals.
    """

    columns: tuple[str, ...]
    template: str | None = None
    each: str | None = None
    remove: Mapping[int, None] | None = None
    blank: frozenset[str] = frozenset()
    default: str = ""
    required: bool = False
    take: "Take | None" = None
    pad: tuple[int, str] | None = None
    upper: bool = False
    plain: bool = field(init=False)
    """Whether it is what stands in one column, as it stands."""

    def __post_init__(self) -> None:
        changed = self.template is not None or self.remove is not None or self.upper
        plain = len(self.columns) == 1 and not changed and self.take is None and self.pad is None
        object.__setattr__(self, "plain", plain)

    def read(self, row: Mapping[str, str]) -> Sequence[str]:
        """Give the texts that are not blank. Raises Fault if one is required and there is none."""
        if self.plain:
            found = row.get(self.columns[0], "")
            found = "" if found in self.blank else found
        else:
            found = self._whole(row)
        if not found:
            if self.required:
                raise Fault("value.missing", "the value must be there", self.columns[0], "")
            return (self.default,) if self.default else ()
        if self.each is None:
            return (found,)
        parts = (p.strip() for p in found.split(self.each))
        return [p for p in parts if p and p not in self.blank]

    def _whole(self, row: Mapping[str, str]) -> str:
        parts = [row.get(c, "") for c in self.columns]
        parts = ["" if p in self.blank else p for p in parts]
        if self.template is not None:
            if not all(parts):
                return ""
            text = PLACEHOLDER.sub(lambda m: row.get(m[1], ""), self.template).strip()
        else:
            text = parts[0] if len(parts) == 1 else " ".join(p for p in parts if p)
        if self.remove is None and self.take is None and self.pad is None and not self.upper:
            return text
        return self._trimmed(text)

    def _trimmed(self, text: str) -> str:
        if self.take is not None:
            text = self.take.of(text)
        if self.remove is not None:
            text = text.translate(self.remove).strip()
        if self.upper:
            text = text.upper()
        if text and self.pad is not None:
            text = text.rjust(*self.pad)
        return "" if text in self.blank else text

    @property
    def named(self) -> str:
        """The columns' names, for a row that is set aside."""
        return ", ".join(self.columns)


# -- conversions --------------------------------------------------------------------------------


def as_text(text: str) -> str:
    """Leave text as it is, blanks inside reduced to one each."""
    return " ".join(text.split())


def as_integer(text: str) -> int:
    """Read a whole number."""
    if not _INTEGER.fullmatch(text):
        raise Untranslatable("this is not a whole number", code="value.number")
    return int(text)


def as_decimal(text: str) -> str:
    """Read a number with a decimal point. It stays text, so that no digit is lost."""
    if not _DECIMAL.fullmatch(text):
        raise Untranslatable("this is not a number", code="value.number")
    return format(Decimal(text), "f")


def by_codes(table: CodeTable, *, keep: bool) -> Convert:
    """Translate by a code table."""
    words: dict[str, Any] = {
        **table.words,
        **{code: Kept(code) for code in table.wordless},
    }
    seen = table.seen

    def convert(text: str) -> Any:
        if seen is not None:
            seen.add(text)
        found = words.get(text, words)
        if found is not words:
            return found
        if keep:
            return Kept(text)
        raise Untranslatable("the code is not in the mapping's table", code="code.unknown")

    return convert


def by_code_list(codes: frozenset[str], *, keep: bool) -> Convert:
    """Let pass what is in the standard's own code list."""

    def convert(text: str) -> Word | Kept:
        if text in codes:
            return text
        if keep:
            return Kept(text)
        raise Untranslatable("the code is not in the standard's list", code="code.unknown")

    return convert


def by_date(reader: DateReader, *, kind: str, check: Callable[[Moment], None] | None) -> Convert:
    """Read a date, as an object with a date in it, or as a date itself."""

    def convert(text: str) -> Any:
        moment = reader.read(text)
        if check is not None:
            check(moment)
        name, value = reader.written(moment)
        if kind == "object":
            return {name: value}
        if kind != DATE_KINDS[name]:
            raise Untranslatable("another part of a date was expected here", code="date.format")
        return value

    return convert


def by_parts(separator: str, into: Sequence[tuple[str, Convert]]) -> Convert:
    """Split one value into the properties of one object."""

    def convert(text: str) -> Tree | None:
        parts = [p.strip() for p in text.split(separator, len(into) - 1)]
        found: Tree = {}
        for (name, inner), part in zip(into, parts, strict=False):
            value = inner(part) if part else None
            if isinstance(value, Kept):
                found[kept_name(name)] = value.raw
            elif value is not None:
                found[name] = value
        return found or None

    return convert


# -- rules --------------------------------------------------------------------------------------


class Unit(NamedTuple):
    """One value, and where it goes. Units may be shared: their values are never changed."""

    steps: tuple[str, ...]
    several: bool
    value: Any
    shape: object | None
    """The same object for all values of one structure at one place; None if one is not valid."""
    leaves: tuple[Any, ...]
    """The single values in it."""


_NEW: Final = Unit((), False, None, None, ())  # noqa: FBT003 - stands for none


class Spot:
    """A place in an object that values go to. `path` is its NIEM path, from the message down."""

    __slots__ = ("_judges", "_path", "_several", "_shapes", "steps")

    def __init__(self, steps: tuple[str, ...], path: str, *, several: bool) -> None:
        self.steps = steps
        self._path = path
        self._several = several
        self._judges: dict[str, Callable[[Any], bool]] = {}
        self._shapes: dict[tuple[str, ...] | None, object] = {}

    def unit(self, value: Any) -> Unit:
        """Make a value at this place."""
        if not isinstance(value, dict):
            valid = self._judge("")(value)
            return Unit(self.steps, self._several, value, self._shape(None, valid), (value,))
        valid = True
        for key, leaf in value.items():
            valid = valid and (self._judges.get(key) or self._judge(key))(leaf)
        keys, leaves = tuple(value), tuple(value.values())
        return Unit(self.steps, self._several, value, self._shape(keys, valid), leaves)

    def _shape(self, keys: tuple[str, ...] | None, valid: bool) -> object | None:  # noqa: FBT001
        if not valid:
            return None
        return self._shapes.get(keys) or self._shapes.setdefault(keys, object())

    def _judge(self, key: str) -> Callable[[Any], bool]:
        judge = self._judges.get(key)
        if judge is None:
            judge = self._judges[key] = niem.judge(f"{self._path}/{key}" if key else self._path)
        return judge


@dataclass(frozen=True, slots=True)
class DataRule:
    """Columns to one path. `steps` are keys, with their labels, from the object down."""

    steps: tuple[str, ...]
    path: str
    """The NIEM path, from the message down."""
    texts: Texts
    convert: Convert
    when: tuple[Condition, ...] = ()
    group: str | None = None
    """The repeated part whose every row fills the path, if it is not the row itself."""
    kept: Counter[str] = field(default_factory=Counter)
    """Counts values that were kept raw, by path."""
    _spots: tuple[Spot, Spot] = field(init=False)
    """For values, and for those that are kept raw."""
    _known: dict[str, Unit | None] = field(default_factory=dict)
    """What the first short texts became: few differ in columns of codes, states or towns."""

    def __post_init__(self) -> None:
        several = self.texts.each is not None or self.group is not None
        raw = (*self.steps[:-1], kept_name(self.steps[-1]))
        beside = f"{self.path.rpartition('/')[0]}/{bare(raw[-1:])}"
        spots = Spot(self.steps, self.path, several=several), Spot(raw, beside, several=True)
        object.__setattr__(self, "_spots", spots)

    def collect(self, row: Mapping[str, str], into: list[Unit]) -> None:
        """Add what the row says. Raises Fault."""
        if self.when and not all_hold(self.when, row):
            return
        known = self._known
        for text in self.texts.read(row):
            unit = known.get(text, _NEW)
            if unit is _NEW:
                unit = self._made(text)
            if unit is not None:
                into.append(unit)
                if unit.steps is not self.steps:
                    self.kept["/".join(self.steps)] += 1

    def _made(self, text: str) -> Unit | None:
        try:
            value = self.convert(text)
        except Untranslatable as error:
            raise Fault(error.code, error.detail, self.texts.named, text) from None
        of_value, raw = self._spots
        unit = None
        if isinstance(value, Kept):
            unit = raw.unit(value.raw)
        elif value is not None:
            unit = of_value.unit(value)
        if len(self._known) < _MOST_KNOWN and len(text) <= _SHORT:
            self._known[text] = unit
        return unit


@dataclass(frozen=True, slots=True)
class NameRule:
    """Columns of a name's parts to one name."""

    steps: tuple[str, ...]
    path: str
    columns: Mapping[str, str]
    read: Callable[[str, str, str, str], tuple[tuple[str, str], ...]]
    blank: frozenset[str]
    when: tuple[Condition, ...] = ()
    group: str | None = None
    _spot: Spot = field(init=False)

    def __post_init__(self) -> None:
        spot = Spot(self.steps, self.path, several=self.group is not None)
        object.__setattr__(self, "_spot", spot)

    def collect(self, row: Mapping[str, str], into: list[Unit]) -> None:
        """Add the name."""
        if self.when and not all_hold(self.when, row):
            return
        parts = [
            row.get(self.columns[p], "") if p in self.columns else ""
            for p in ("given", "middle", "surname", "suffix")
        ]
        found = self.read(*("" if p in self.blank else p for p in parts))
        if found:
            into.append(self._spot.unit(dict(found)))


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


Rule: TypeAlias = DataRule | NameRule
Context: TypeAlias = Values
