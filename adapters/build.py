"""From a row to a record: objects are filled, linked, checked against the standard, and named."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.compile import ObjectPlan
from adapters.handling import HandlingPlan
from adapters.mapping import PLACEHOLDER
from adapters.rows import Fault, Row, Values
from adapters.rules import Condition, Tree, Unit, all_hold
from adapters.shapes import Contexts, Instance
from gateway import niem
from gateway.model import Message, Record

_LONGEST_ID: Final = 256
_MOST_TOGETHER: Final = 500
"""Objects of one message; one of more is always looked at whole."""


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """How rows become records of one type. `when` says which rows do."""

    record_type: str
    when: tuple[Condition, ...]
    id_template: str
    id_columns: tuple[str, ...]
    objects: Mapping[str, ObjectPlan]
    handling: HandlingPlan
    handling_columns: frozenset[str]
    """The row's own columns that say who may see the record."""
    kept: Counter[str]
    contexts: Contexts = field(default_factory=Contexts)

    def applies(self, row: Row) -> bool:
        """Whether a row becomes such a record."""
        return all_hold(self.when, row.values)

    def build(self, row: Row) -> Record:
        """Make the record. Raises Fault if the row can't be translated."""
        record_id = self._id(row.values)
        handling = self.handling.handling(row.values)
        message = self._message(row)
        contact = self.handling.contact(row.values)
        return Record(record_id, self.record_type, message, handling, contact)

    def _id(self, values: Values) -> str:
        for column in self.id_columns:
            if not values.get(column):
                raise Fault("record.no_key", "the row has no key", column, "")
        if self.id_template == f"{{{self.id_columns[0]}}}":
            found = values[self.id_columns[0]]
        else:
            found = PLACEHOLDER.sub(lambda m: values[m[1]], self.id_template)
        if len(found) > _LONGEST_ID:
            raise Fault("record.key_too_long", "the key is too long", self.id_columns[0], found)
        return found

    def _message(self, row: Row) -> Message:
        found = {alias: self._found(plan, row) for alias, plan in self.objects.items()}
        solid = (a for a, plan in self.objects.items() if not plan.only_links)
        if not any(one for alias in solid for one in found[alias]):
            raise Fault("record.empty", "nothing in the row says anything", None, None)
        for alias, plan in self.objects.items():
            self._link(plan, row, found[alias], found)
        return self._checked(
            [
                (plan, one)
                for alias, plan in self.objects.items()
                for one in found[alias]
                if one is not None
            ]
        )

    def _checked(self, parts: Sequence[tuple[ObjectPlan, Instance]]) -> Message:
        """Make the message of its objects. Raises Fault if it does not conform."""
        content: Message = {}
        prefixes: set[str] = set()
        known = len(parts) <= _MOST_TOGETHER and _told_apart(parts)
        for plan, one in parts:
            template = plan.shapes.of(one)
            if template is None:
                known, done = False, one.whole()
            else:
                done = template.make(one.leaves())
                prefixes |= template.prefixes
            if done:
                _add(content, plan.niem_property, done)
        if known:
            return {"@context": self.contexts.of(frozenset(prefixes)), **content}
        message: Message = {"@context": niem.context_for(content), **content}
        problems = niem.findings(message)
        if problems:
            first = problems[0]
            raise Fault(f"niem.{first.code}", f"{first.path}: {first.text}", None, None)
        for plan, one in parts:
            plan.shapes.learn(one, plan.niem_property)
        return message

    @staticmethod
    def _found(plan: ObjectPlan, row: Row) -> list[Instance | None]:
        """Give the objects of one name, one for each of a repeated part; None where it is empty."""
        if plan.group is None:
            return [_instance(plan, row, row.values, f"#{plan.alias}")]
        return [
            _instance(plan, row, row.values | child, f"#{plan.alias}{number}")
            for number, child in enumerate(row.groups.get(plan.group, ()), 1)
        ]

    def _link(
        self,
        plan: ObjectPlan,
        row: Row,
        own: list[Instance | None],
        found: Mapping[str, list[Instance | None]],
    ) -> None:
        """Add an object's references. One that is nothing but references needs them all."""
        for number, one in enumerate(own):
            if one is None:
                continue
            for link in plan.links:
                if link.when and not all_hold(link.when, _context(plan, row, number)):
                    continue
                wanted = found[link.target]
                if plan.group is not None and self.objects[link.target].group == plan.group:
                    wanted = wanted[number : number + 1]
                targets = [t for t in wanted if t is not None]
                if not targets and plan.only_links:
                    own[number] = None
                    break
                for target in targets:
                    target.linked = True
                one.links.append((link, targets))


def _instance(plan: ObjectPlan, row: Row, context: Values, identifier: str) -> Instance | None:
    units: list[Unit] = []
    if not plan.when or all_hold(plan.when, context):
        for rule in plan.data:
            if rule.group is None:
                rule.collect(context, units)
            else:
                for child in row.groups.get(rule.group, ()):
                    rule.collect(context | child, units)
        early = not plan.data
    else:
        early = False
    constants = [c for c in plan.constants if not c.when or all_hold(c.when, context)]
    one = Instance(identifier, units, constants, early)
    return one if units or plan.only_links or (early and one.whole()) else None


def _context(plan: ObjectPlan, row: Row, number: int) -> Values:
    """Give the columns that an object's conditions speak of."""
    return row.values if plan.group is None else row.values | row.groups[plan.group][number]


def _told_apart(parts: Sequence[tuple[ObjectPlan, Instance]]) -> bool:
    """Whether no two objects have one identifier."""
    named = [one.identifier for _, one in parts if one.linked]
    return len(named) == len(set(named))


def _add(content: Message, name: str, done: Tree) -> None:
    known = content.get(name)
    if known is None:
        content[name] = done
    elif isinstance(known, list):
        known.append(done)
    else:
        content[name] = [known, done]
