"""From a row to a record: objects are filled, linked, checked against the standard, and named."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from pydantic import ConfigDict, TypeAdapter, ValidationError

from adapters.compile import ObjectPlan
from adapters.conditions import Condition, all_hold
from adapters.filling import Filling
from adapters.handling import HandlingPlan
from adapters.mapping import PLACEHOLDER
from adapters.rows import Fault, Row, Values
from adapters.rules import LinkRule
from adapters.shapes import Contexts, Instance
from adapters.trees import Tree
from gateway import niem
from gateway.model import Handling, Message, Record, Text

Claim: TypeAlias = tuple[str, Handling | None]
"""A record's id, and the facts on who may see it; None where the row does not say."""

_LONGEST_ID: Final = 256
_WIRE: Final = TypeAdapter(Text, config=ConfigDict(cache_strings="none"))
"""What an id has to be to be sent. No id is kept: by itself it remembers thousands of texts."""
_NUMBERS: Final = re.compile(r"\[\d+\]")
_MOST_TOGETHER: Final = 500
"""Objects of one message; one of more is always looked at whole."""


@dataclass(slots=True)
class RecordPlan:
    """How rows become records of one type. `when` says which rows do."""

    record_type: str
    when: tuple[Condition, ...]
    id_template: str
    id_columns: tuple[str, ...]
    objects: Mapping[str, ObjectPlan]
    handling: HandlingPlan
    handling_columns: frozenset[str]
    """The row's own columns, and those of its own parts, that say who may see the record."""
    deciding: frozenset[str]
    """All columns that say so, or whether the row becomes such a record."""
    kept: Counter[str]
    contexts: Contexts = field(default_factory=Contexts)
    _fillings: Sequence[Filling] = field(init=False)
    _links: Sequence[tuple[int, Sequence["_Link"]]] = field(init=False)
    """The references of objects, by the objects' numbers."""
    _apart: bool = field(init=False)
    """Whether no two identifiers can be one: a number behind a name begins after its letters."""
    _key: str | None = field(init=False)
    """The column that is the id, if it is nothing else."""

    def __post_init__(self) -> None:
        self._fillings = [Filling(plan) for plan in self.objects.values()]
        numbers = {alias: at for at, alias in enumerate(self.objects)}
        self._links = [
            (
                numbers[alias],
                [
                    (link, numbers[link.target], _of_one_part(plan, self.objects[link.target]))
                    for link in plan.links
                ],
            )
            for alias, plan in self.objects.items()
            if plan.links
        ]
        self._apart = not self._links or not any(alias[-1:].isdecimal() for alias in self.objects)
        alone = self.id_columns[:1] if len(self.id_columns) == 1 else ()
        self._key = next((c for c in alone if self.id_template == f"{{{c}}}"), None)

    def applies(self, row: Row) -> bool:
        """Whether a row becomes such a record."""
        return not self.when or all_hold(self.when, row.values)

    def may_be(self, values: Values) -> bool:
        """Whether a row with these values, and with what else it may hold, is such a record."""
        if any(c not in values for one in self.when for c in one.columns):
            return True
        try:
            return all_hold(self.when, values)
        except Fault:
            return True

    def build(self, row: Row) -> Record:
        """Make the record. Raises Fault if the row can't be translated."""
        record_id = self._id(row.values)
        handling = self.handling.handling(row)
        message = self._message(row)
        contact = self.handling.contact(row.values)
        return Record(record_id, self.record_type, message, handling, contact)

    def claim(self, row: Row, unread: AbstractSet[str] | None = None) -> Claim | None:
        """Give the id of the record that a row set aside would be, and who may see it.

        None: no such record, or nobody can say which. `unread`: the columns of a row that could not
        be read whole; what such a row says of who may see it is not relied upon.
        """
        try:
            if unread is None and not self.applies(row):
                return None
        except Fault:
            pass  # it may be one
        if unread and not unread.isdisjoint(self.id_columns):
            return None
        try:
            record_id = self._id(row.values)
        except Fault:
            return None
        try:
            return record_id, self.handling.handling(row) if unread is None else None
        except Fault:
            return record_id, None

    def forget(self) -> None:
        """Let go of the values of rows: what is kept of their structure holds none."""
        for filling in self._fillings:
            filling.forget()

    def _id(self, values: Values) -> str:
        found = values.get(self._key, "") if self._key is not None else ""
        if not found:
            for column in self.id_columns:
                if not values.get(column):
                    raise Fault("record.no_key", "the row has no key", column, "")
            found = PLACEHOLDER.sub(lambda m: values[m[1]], self.id_template)
        if len(found) > _LONGEST_ID:
            raise Fault("record.key_too_long", "the key is too long", self.id_columns[0], found)
        # What Python prints can be sent, too, and is quicker to tell.
        if not found.isprintable():
            try:
                _WIRE.validate_python(found)
            except ValidationError:
                # Who asks would refuse the whole answer for it.
                text = (
                    "the key holds control characters, or ones that turn the direction of writing"
                )
                raise Fault("record.key_unprintable", text, self.id_columns[0], found) from None
        return found

    def _message(self, row: Row) -> Message:
        found = [filling.of(row) for filling in self._fillings]
        if self._links:
            if not any(map(_is_solid, self._fillings, found)):
                raise _empty()
            self._link(row, found)
        message: Message = {"@context": {}}
        prefixes: frozenset[str] = frozenset()
        known, number = True, 0
        for filling, every in zip(self._fillings, found, strict=True):
            if every:
                number += len(every) - every.count(None)
                made, used = _objects(filling.plan, every)
                if used is None:
                    known = False
                else:
                    prefixes |= used
                if made:
                    _add(message, filling.plan.niem_property, made)
        if not number:
            raise _empty()
        if known and number <= _MOST_TOGETHER and (self._apart or _told_apart(found)):
            message["@context"] = self.contexts.of(prefixes)
            return message
        return self._proven(message, found, row)

    def _proven(
        self, message: Message, found: Sequence[Sequence[Instance | None]], row: Row
    ) -> Message:
        """Look at a message whole, and learn the shapes in it. Raises Fault if it is not right."""
        message["@context"] = niem.context_for(message)
        parts = [
            (filling.plan, one)
            for filling, every in zip(self._fillings, found, strict=True)
            for one in every
            if one is not None
        ]
        problems = niem.findings(message)
        if problems:
            raise _not_standard(problems[0], [plan for plan, _ in parts], row)
        for plan, one in parts:
            plan.templates.learn(one, plan.niem_property)
        return message

    def _link(self, row: Row, found: Sequence[list[Instance | None]]) -> None:
        """Add the objects' references. One that is nothing but references needs them all."""
        for at, links in self._links:
            own = found[at]
            for number, one in enumerate(own):
                if one is not None and not self._link_one(at, links, row, one, number, found=found):
                    own[number] = None

    def _link_one(
        self,
        at: int,
        links: Sequence["_Link"],
        row: Row,
        one: Instance,
        number: int,
        *,
        found: Sequence[list[Instance | None]],
    ) -> bool:
        """Add one object's references. Gives whether it stays."""
        filling = self._fillings[at]
        made: list[tuple[LinkRule, list[Instance]]] = []
        for link, target, together in links:
            if link.when and not all_hold(link.when, _context(filling.plan, row, number)):
                continue
            wanted = found[target]
            if together:
                wanted = wanted[number : number + 1]
            targets = [t for t in wanted if t is not None]
            if not targets and filling.only_links:
                return False
            for each in targets:
                each.linked = True
            made.append((link, targets))
        one.links = made
        return True


_Link: TypeAlias = tuple[LinkRule, int, bool]
"""A reference, the number of its target's object, and whether both are of one repeated part."""


def _not_standard(problem: niem.Problem, plans: Sequence[ObjectPlan], row: Row) -> Fault:
    """Say what the standard refuses, and name the column that it came from, where it is one."""
    path = _NUMBERS.sub("", problem.path)
    named = {column for plan in plans for rule in plan.data if (column := rule.column_at(path))}
    column = named.pop() if len(named) == 1 else None
    value = row.values.get(column) if column is not None else None
    return Fault(f"niem.{problem.code}", f"{problem.path}: {problem.text}", column, value)


def _empty() -> Fault:
    return Fault("record.empty", "nothing in the row says anything", None, None)


def _is_solid(filling: Filling, found: Sequence[Instance | None]) -> bool:
    """Whether there is an object that is more than references."""
    return not filling.only_links and any(found)


def _of_one_part(one: ObjectPlan, other: ObjectPlan) -> bool:
    return one.group is not None and one.group == other.group


def _context(plan: ObjectPlan, row: Row, number: int) -> Values:
    """Give the columns that an object's conditions speak of."""
    return row.values if plan.group is None else row.values | row.groups[plan.group][number]


def _objects(
    plan: ObjectPlan, every: Sequence[Instance | None]
) -> tuple[list[Tree], frozenset[str] | None]:
    """Make objects of one kind, and name the prefixes in them; None if a shape is not known."""
    made: list[Tree] = []
    prefixes: frozenset[str] = frozenset()
    known = True
    for one in every:
        if one is None:
            continue
        template = plan.templates.of(one)
        if template is None:
            known, done = False, one.whole()
        else:
            done = one.made(template)
            if template.prefixes is not prefixes:
                prefixes = prefixes | template.prefixes if prefixes else template.prefixes
        if done:
            made.append(done)
    return made, prefixes if known else None


def _told_apart(found: Sequence[Sequence[Instance | None]]) -> bool:
    """Whether no two objects have one identifier."""
    named = [one.identifier for every in found for one in every if one is not None and one.linked]
    return len(named) == len(set(named))


def _add(content: Message, name: str, made: list[Tree]) -> None:
    """Add objects of one name: one stands by itself, several in a list."""
    known = content.get(name)
    if known is not None:
        made = [*(known if isinstance(known, list) else [known]), *made]
    content[name] = made[0] if len(made) == 1 else made
