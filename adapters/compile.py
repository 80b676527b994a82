"""From a mapping's `objects` and `fields` to rules; each path is checked against the standard."""

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Final, TypeVar

from adapters import conversions, rules
from adapters.codes import CodeTables, Word
from adapters.conditions import Condition, Either, OneColumn, pattern_of
from adapters.conversions import DATE_KINDS, Convert
from adapters.dates import DateReader, check_life, check_past
from adapters.document import Document, Place
from adapters.mapping import placeholders
from adapters.measures import MeasureReader
from adapters.names import FULL, PROPERTIES, NameReader, from_parts
from adapters.rows import Columns
from adapters.rules import ConstantRule, DataRule, LinkRule, NameRule
from adapters.shapes import Templates
from adapters.texts import Take, Texts
from gateway import niem
from gateway.errors import Misconfigured

_T = TypeVar("_T")
_BIRTH: Final = "nc:PersonBirthDate"
_SOURCES: Final = ("column", "text", "value", "link", "name")
_TURNING: Final = ("codes", "date", "measure", "parts", "name")
_FROM_COLUMNS: Final = frozenset(
    (
        *("for", "each", "remove", "blank", "default", "required", "unmapped", "into"),
        *("past", "partial", "years_from", "take", "pad", "upper"),
    )
)
_OF_DATES: Final = frozenset(("past", "partial", "years_from"))
_KEYS: Final = {
    "column": _FROM_COLUMNS | {"column"},
    "text": _FROM_COLUMNS | {"text"},
    "value": frozenset({"value", "always"}),
    "link": frozenset({"link"}),
    "name": frozenset({"name", "for"}),
}
_DATE_KINDS: Final = frozenset(DATE_KINDS.values())
_BY_DATE_ALONE: Final = frozenset({"date", "dateTime"})
_OWN: Final = f"{niem.OWN_PREFIX}:"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a rule writes: the object's name, the steps in it, the NIEM path, what stands there."""

    alias: str
    steps: tuple[str, ...]
    path: str
    kind: str
    codes: frozenset[str] | None
    line: int = 0


@dataclass(slots=True)
class ObjectPlan:
    """One object of a record: its NIEM property, and the rules that fill it."""

    alias: str
    niem_property: str
    group: str | None
    when: tuple[Condition, ...]
    data: list[rules.Rule]
    constants: list[ConstantRule]
    links: list[LinkRule]
    templates: Templates = dataclass_field(default_factory=Templates)

    @property
    def only_links(self) -> bool:
        """Whether it is nothing but references, as associations are."""
        return bool(self.links) and not self.data and not any(c.always for c in self.constants)


class FieldCompiler:
    """Compiles the fields of one record of a mapping."""

    def __init__(
        self, doc: Document, record: int, columns: Columns, tables: CodeTables, used: set[str]
    ) -> None:
        self._doc = doc
        self._place: Place = ("records", record)
        self._record: dict[str, Any] = doc.content["records"][record]
        self._columns = columns
        self._tables = tables
        self._zone: str | None = doc.content.get("zone")
        self._used = used
        self._unread: set[str] = set()
        """Objects of fields that have a fault; "" for a field whose object nobody knows."""
        self.blank = frozenset(str(b) for b in doc.content.get("blank", ()))
        """Values that mean not known, in every column."""
        self.objects: dict[str, ObjectPlan] = {}
        self.kept: Counter[str] = Counter()
        self.targets: list[Target] = []

    def compile(self) -> Mapping[str, ObjectPlan]:
        """Give the objects by name. Raises Misconfigured with file and line."""
        with self._doc.going_on():
            for alias, written in self._record["objects"].items():
                if not self._doc.is_broken(*self._place, "objects", alias):
                    with self._doc.going_on():
                        self.objects[alias] = self._object(alias, written)
        if not self._record.get("fields"):
            self._unread.add("")
        with self._doc.going_on():
            for number, field in enumerate(self._record["fields"]):
                self._read(number, field)
        for alias, plan in self.objects.items():
            filled = plan.data or plan.links or any(c.always for c in plan.constants)
            if not filled and not {alias, ""} & self._unread:
                with self._doc.going_on():
                    raise self._wrong(f"no field fills the object {alias}", "objects", alias)
        return self.objects

    def _read(self, number: int, field: Mapping[str, Any]) -> None:
        """Compile a field; of one that can't be, say what else is wrong with it."""
        place = (*self._place, "fields", number)
        whole = not self._doc.is_broken(*place)
        with self._doc.going_on():
            if whole and not self._of_broken(field):
                self._field(number)
                return
        with self._doc.going_on():
            self._unread.add(str(field.get("to")).partition("/")[0] if whole else "")
            self._beside(field, place)

    def _of_broken(self, field: Mapping[str, Any]) -> bool:
        """Whether a field is part of, or leads to, an object that has a fault of its own."""
        objects = self._record.get("objects")
        if not isinstance(objects, dict):
            return True
        aliases = {field["to"].partition("/")[0], field.get("link")}
        return bool((aliases & objects.keys()) - self.objects.keys())

    def _beside(self, field: Mapping[str, Any], place: Place) -> None:
        """Say what is wrong with a field besides the fault that keeps it from being compiled.

        Of its columns those that stand nowhere: which repeated part it is of, nobody may know.
        """
        known = self._columns.own.union(*self._columns.groups.values())
        for name, key in _columns_of(field):
            part = name.partition(".")[0]
            if name not in known and not {"", part} & self._doc.unknown:
                text = f"{name}: no such column{nearest(name, known)}"
                self._doc.note(self._doc.wrong(text, *place, key))
        alias = str(field.get("to")).partition("/")[0]
        if alias in self.objects or alias not in self._record.get("objects", {alias: None}):
            with self._doc.going_on():
                self._target(field["to"], (*place, "to"), constant=False)
        if "date" in field and not self._doc.is_broken(*place, "date"):
            with self._doc.going_on():
                self.dates(field, place)
        if "codes" in field and not self._doc.is_broken(*place, "codes"):
            with self._doc.going_on():
                self._tables.find(field["codes"], *place, "codes")

    def conditions(
        self, written: Any, place: Place, group: str | None = None
    ) -> tuple[Condition, ...]:
        """Compile a `when`."""
        found: list[Condition] = []
        for one in [written] if isinstance(written, dict) else written or ():
            with self._doc.going_on():
                if "any" in one:
                    found.append(Either(self.conditions(one["any"], place, group)))
                else:
                    found.append(self._test(one, place, group))
        return tuple(found)

    def _test(self, one: Mapping[str, Any], place: Place, group: str | None) -> Condition:
        self.check_column(one["column"], place, group)
        values, others = (frozenset(map(str, one[k])) if k in one else None for k in ("is", "not"))
        if ("past" in one) != ("date" in one):
            raise self._doc.wrong("`past` and `date` go together", *place)
        return OneColumn(
            one["column"],
            values,
            others,
            one.get("blank"),
            pattern_of(one["like"]) if "like" in one else None,
            one.get("least"),
            one.get("most"),
            one.get("past"),
            self.dates(one, place) if "date" in one else None,
        )

    def dates(
        self, spec: Mapping[str, Any], place: Place, formats: str | list[str] | None = None
    ) -> DateReader:
        """Make what reads the dates of a field, a condition or a flag."""
        written = formats or spec["date"]
        start = spec.get("years_from", self._doc.content.get("years_from"))
        return self._made(
            lambda: DateReader(
                [written] if isinstance(written, str) else written,
                zone=self._zone,
                start=start,
                partial=bool(spec.get("partial")),
            ),
            (*place, "date"),
        )

    def check_column(self, name: str, place: Place, group: str | None = None) -> None:
        """Refuse a column that the rows don't have; where faults are collected, go on after it."""
        with self._doc.going_on():
            self._check_column(name, place, group)

    def _check_column(self, name: str, place: Place, group: str | None) -> None:
        allowed = set(self._columns.own)
        if group is not None:
            allowed |= self._columns.groups.get(group, frozenset())
        if name in allowed:
            self._used.add(name)
            return
        part = name.partition(".")[0]
        if {"", part} & self._doc.unknown:
            return
        if name in self._columns.groups.get(part, frozenset()):
            where = "a fact" if "handling" in place else "an object"
            text = f"{name} belongs to the repeated part {part}: use it in {where} `each: {part}`"
            raise self._doc.wrong(text, *place)
        raise self._doc.wrong(f"{name}: no such column{nearest(name, allowed)}", *place)

    def check_part(self, name: str, place: Place) -> None:
        """Refuse a repeated part that the rows don't have."""
        if name in self._doc.unknown:
            raise self._doc.passed_over()
        if "" in self._doc.unknown:
            return
        if name not in self._columns.groups:
            known = ", ".join(sorted(self._columns.groups)) or "none"
            raise self._doc.wrong(f"{name}: no such repeated part; there are: {known}", *place)

    def _wrong(self, text: str, *place: str | int) -> Misconfigured:
        return self._doc.wrong(text, *self._place, *place)

    def _object(self, alias: str, written: str | dict[str, Any]) -> ObjectPlan:
        spec: dict[str, Any] = {"is": written} if isinstance(written, str) else written
        place = (*self._place, "objects", alias)
        group = spec.get("each")
        if group is not None:
            self.check_part(group, place)
        self._resolved(spec["is"], place)
        when = self.conditions(spec.get("when"), place, group)
        return ObjectPlan(alias, spec["is"], group, when, [], [], [])

    def _resolved(self, path: str, place: Place) -> niem.PropertyInfo:
        try:
            return niem.resolve(path)
        except Misconfigured as error:
            raise self._doc.wrong(error.detail, *place) from None

    def _field(self, number: int) -> None:
        field = self._record["fields"][number]
        place = (*self._place, "fields", number)
        sources = [s for s in _SOURCES if s in field and not (s == "name" and "column" in field)]
        if len(sources) != 1:
            text = f"a field takes its value from one of {', '.join(_SOURCES)}"
            raise self._doc.wrong(text, *place)
        self._refuse_idle_keys(field, sources[0], place)
        target = self._target(field["to"], (*place, "to"), constant=sources[0] == "value")
        plan = self.objects[target.alias]
        part = self._part(field, plan, place)
        when = self.conditions(field.get("when"), (*place, "when"), part or plan.group)
        if sources[0] == "link":
            self._link(target, field["link"], when, (*place, "link"))
        elif sources[0] == "value":
            self._check_word(target, field["value"], (*place, "value"))
            always = bool(field.get("always"))
            plan.constants.append(ConstantRule(target.steps, field["value"], always, when))
        elif "name" in field:
            plan.data.append(self._name(target, field, when, part, place))
        else:
            texts = self._texts(field, place, part or plan.group)
            convert = self._convert(target, field, place)
            most = rules.MOST_DAYS if "date" in field else rules.MOST_KNOWN
            made = DataRule(
                *(target.steps, target.path, texts, convert),
                when=when,
                group=part,
                kept=self.kept,
                most=most,
            )
            plan.data.append(made)
        self.targets.append(target)

    def _refuse_idle_keys(self, field: Mapping[str, Any], source: str, place: Place) -> None:
        """Refuse keys that would do nothing: who wrote them meant something."""
        turned = [k for k in _TURNING if k in field and not (k == "name" and source == "name")]
        if len(turned) > 1:
            raise self._doc.wrong(f"only one of {', '.join(turned)} can turn a value", *place)
        allowed = _KEYS[source] | {"to", "when"}
        if not {"date"} & field.keys():
            allowed -= _OF_DATES
        if {"date", "measure", "name"} & field.keys():
            allowed -= {"unmapped"}
        idle = [k for k in field if k not in allowed and k not in turned]
        if idle:
            why = f"{', '.join(idle)} does nothing here"
            if source == "name":
                why += ": it goes with one `column`; a name of several takes only `for` and `when`"
            raise self._doc.wrong(why, *place, idle[0])

    def _part(self, field: Mapping[str, Any], plan: ObjectPlan, place: Place) -> str | None:
        """Give the repeated part that a field is filled from, if it says one."""
        part: str | None = field.get("for")
        if part is None:
            return None
        if plan.group is not None or not ("column" in field or "text" in field or "name" in field):
            raise self._doc.wrong(
                "`for` goes with columns, in an object that is not `each`", *place
            )
        self.check_part(part, place)
        return part

    def _target(self, written: str, place: Place, *, constant: bool) -> Target:
        alias, *steps = written.split("/")
        if alias not in self.objects:
            known = ", ".join(self.objects)
            raise self._doc.wrong(f"{alias}: no such object; there are: {known}", *place)
        bare = [s.partition("[")[0] for s in steps]
        path = "/".join((self.objects[alias].niem_property, *bare))
        if bare[-1].startswith(_OWN):
            self._resolved(path.rpartition("/")[0], place)
            return Target(alias, tuple(steps), path, "text", None, self._doc.line(*place))
        info = self._resolved(path, place)
        for n, step in enumerate(steps):
            if "[" in step:
                part = "/".join((self.objects[alias].niem_property, *bare[: n + 1]))
                if not self._resolved(part, place).repeats:
                    raise self._doc.wrong(
                        f"{bare[n]} can't stand twice: take off its label", *place
                    )
        if constant and info.kind == niem.OBJECT:
            raise self._doc.wrong(f"{path} is an object; name a property in it", *place)
        line = self._doc.line(*place)
        return Target(alias, tuple(steps), path, info.kind, info.codes, line)

    def _texts(self, field: Mapping[str, Any], place: Place, group: str | None) -> Texts:
        template = field.get("text")
        if template is not None:
            try:
                columns = tuple(placeholders(template))
            except Misconfigured as error:
                raise self._doc.wrong(error.detail, *place, "text") from None
            if not columns:
                raise self._doc.wrong("the text names no column; use `value`", *place, "text")
        else:
            written = field["column"]
            columns = (written,) if isinstance(written, str) else tuple(written)
        for name in columns:
            self.check_column(name, (*place, "column"), group)
        blank = self.blank | {str(b) for b in field.get("blank", ())}
        remove = {ord(c): None for c in field["remove"]} if "remove" in field else None
        return Texts(
            columns,
            template,
            field.get("each"),
            remove,
            blank,
            field.get("default", ""),
            bool(field.get("required")),
            self._take(field.get("take"), (*place, "take")),
            (field["pad"]["width"], field["pad"]["with"]) if "pad" in field else None,
            bool(field.get("upper")),
        )

    def _take(self, spec: Mapping[str, Any] | None, place: Place) -> Take | None:
        if spec is None:
            return None
        if "positions" in spec:
            first, last = spec["positions"]
            if first > last:
                raise self._doc.wrong("the first position stands behind the last", *place)
            return Take(first, last)
        return Take(by=spec["by"], part=spec["part"])

    def _convert(self, target: Target, field: Mapping[str, Any], place: Place) -> Convert:
        if "date" in field:
            return self._date(target, field, place)
        if "measure" in field:
            return self._measure(target, field["measure"], (*place, "measure"))
        if "parts" in field or "into" in field:
            return self._parts(field, place)
        return self._simple(target, field, place)

    def _simple(self, target: Target, field: Mapping[str, Any], place: Place) -> Convert:
        keep = field.get("unmapped") == "keep"
        if "codes" in field:
            named = field["codes"]
            table = self._tables.find(named, *place, "codes")
            for code, word in table.words.items():
                if word is not None:
                    at = self._tables.place(named, code, *place, "codes")
                    with self._doc.going_on():
                        self._check_word(target, word, at)
            return conversions.by_codes(table, keep=keep)
        if target.kind == niem.OBJECT:
            text = f"{target.path} is an object; name a property in it, or say how to fill it"
            raise self._doc.wrong(text, *place, "to")
        if target.kind in _BY_DATE_ALONE:
            raise self._doc.wrong("a date needs its format: add `date`", *place, "to")
        if target.kind == "boolean":
            raise self._doc.wrong("a yes or no needs `codes` that give true or false", *place, "to")
        if target.kind == "code" and target.codes is not None:
            return conversions.by_code_list(target.codes, keep=keep)
        if target.kind == "integer" or target.kind.endswith(("Integer", "Int")):
            return conversions.as_integer
        return (
            conversions.as_decimal if target.kind in {"decimal", "double"} else conversions.as_text
        )

    def _check_word(self, target: Target, word: Word, place: Place) -> None:
        """Refuse a word that the standard does not have there."""
        if target.kind == niem.OBJECT:
            raise self._doc.wrong(f"{target.path} is an object; name a property in it", *place)
        if isinstance(word, bool) != (target.kind == "boolean"):
            wanted = "true or false" if target.kind == "boolean" else "a word"
            raise self._doc.wrong(f"{target.path} takes {wanted}", *place)
        if target.codes is not None and str(word) not in target.codes:
            hint = nearest(str(word), target.codes)
            text = f"{word} is not in the standard's code list for {target.path}{hint}"
            raise self._doc.wrong(text, *place)

    def _date(self, target: Target, field: Mapping[str, Any], place: Place) -> Convert:
        reader = self.dates(field, place)
        is_object = target.kind == niem.OBJECT and niem.allows(target.path, "nc:Date")
        if not is_object and target.kind not in _DATE_KINDS:
            raise self._doc.wrong(f"{target.path} takes no date", *place, "to")
        birth = any(s.startswith(_BIRTH) for s in target.steps)
        check = check_life if birth else check_past if field.get("past") else None
        return conversions.by_date(reader, kind=target.kind, check=check)

    def _measure(self, target: Target, spec: Mapping[str, Any], place: Place) -> Convert:
        reader = self._made(
            lambda: MeasureReader(spec["from"], spec["unit"], spec.get("decimals")), place
        )
        if target.kind == niem.OBJECT and not niem.allows(target.path, reader.unit_key):
            reader.write_unit_as_text()
        for key in (reader.value_key, reader.unit_key):
            if target.kind != niem.OBJECT or not niem.allows(target.path, key):
                raise self._doc.wrong(f"{target.path} takes no measure in {spec['unit']}", *place)
        return reader.niem

    def _parts(self, field: Mapping[str, Any], place: Place) -> Convert:
        if "parts" not in field or "into" not in field:
            raise self._doc.wrong("`parts` and `into` go together", *place)
        into = []
        for name in field["into"]:
            inner = self._target(f"{field['to']}/{name}", (*place, "into"), constant=False)
            self.targets.append(inner)
            into.append((name, self._simple(inner, {"unmapped": field.get("unmapped")}, place)))
        return conversions.by_parts(field["parts"], into)

    def _name(
        self,
        target: Target,
        field: Mapping[str, Any],
        when: tuple[Condition, ...],
        part: str | None,
        place: Place,
    ) -> rules.Rule:
        form = field["name"]
        group = part or self.objects[target.alias].group
        for key in (*PROPERTIES.values(), FULL):
            if target.kind != niem.OBJECT or not niem.allows(target.path, key):
                raise self._doc.wrong(f"{target.path} is not a person's name", *place, "to")
        if isinstance(form, dict):
            for name in form.values():
                self.check_column(name, (*place, "name"), group)
            if "column" in field or not form:
                raise self._doc.wrong("name its parts' columns, or one column and a form", *place)
            read, blank = from_parts, self.blank
            return NameRule(
                target.steps, target.path, form, read=read, blank=blank, when=when, group=part
            )
        if "column" not in field:
            raise self._doc.wrong("say which column holds the name", *place)
        reader = self._made(
            lambda: NameReader([form] if isinstance(form, str) else form), (*place, "name")
        )
        texts = self._texts(field, place, group)
        return DataRule(target.steps, target.path, texts, reader.read, when=when, group=part)

    def _link(
        self,
        target: Target,
        alias: str,
        when: tuple[Condition, ...],
        place: Place,
    ) -> None:
        if alias not in self.objects:
            known = ", ".join(self.objects)
            raise self._doc.wrong(f"{alias}: no such object; there are: {known}", *place)
        if target.kind != niem.OBJECT:
            raise self._doc.wrong(f"{target.path} can't be a reference", *place)
        self.objects[target.alias].links.append(LinkRule(target.steps, alias, when))

    def _made(self, make: Callable[[], _T], place: Place) -> _T:
        try:
            return make()
        except Misconfigured as error:
            raise self._doc.wrong(error.detail, *place) from None


def _columns_of(field: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name the columns that a field speaks of, and by which of its keys."""
    column, name, text = field.get("column"), field.get("name"), field.get("text")
    for one in column if isinstance(column, list) else [column] if column else ():
        yield str(one), "column"
    for one in name.values() if isinstance(name, dict) else ():
        yield str(one), "name"
    for one in placeholders(text) if isinstance(text, str) else ():
        yield one, "text"
    when = field.get("when")
    for test in [when] if isinstance(when, dict) else when or ():
        for one in test.get("any", [test]):
            yield one["column"], "when"


def nearest(name: str, known: Iterable[str]) -> str:
    """Name what is spelled nearly so, for an error's text."""
    near: Sequence[str] = difflib.get_close_matches(name, list(known), n=4, cutoff=0.6)
    return f"; did you mean {', '.join(near)}?" if near else ""
