"""From a row to a record: objects are filled, linked, checked against the standard, and named."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from adapters.compile import ObjectPlan
from adapters.handling import HandlingPlan
from adapters.mapping import PLACEHOLDER
from adapters.rows import Row, Values
from adapters.rules import Condition, Fault, Tree, all_hold, finished, put
from gateway import niem
from gateway.model import Message, Record

_LONGEST_ID: Final = 256


@dataclass(slots=True)
class _Instance:
    """One object in the making."""

    tree: Tree
    context: Values
    identifier: str
    linked: bool = False


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """How rows become records of one type. `when` says which rows do."""

    record_type: str
    when: tuple[Condition, ...]
    id_template: str
    id_columns: tuple[str, ...]
    objects: Mapping[str, ObjectPlan]
    handling: HandlingPlan
    kept: Counter[str]

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
        found = PLACEHOLDER.sub(lambda m: values[m[1]], self.id_template)
        if len(found) > _LONGEST_ID:
            raise Fault("record.key_too_long", "the key is too long", self.id_columns[0], found)
        return found

    def _message(self, row: Row) -> Message:
        instances = {alias: self._fill(plan, row) for alias, plan in self.objects.items()}
        solid = (a for a, plan in self.objects.items() if not plan.only_links)
        if not any(one for alias in solid for one in instances[alias]):
            raise Fault("record.empty", "nothing in the row says anything", None, None)
        for alias, plan in self.objects.items():
            self._link(plan, instances[alias], instances)
        content: Message = {}
        for alias, plan in self.objects.items():
            for one in instances[alias]:
                if one is None:
                    continue
                for constant in plan.constants:
                    constant.apply(one.tree, one.context)
                done = finished(one.tree)
                if not done:
                    continue
                if one.linked:
                    done = {"@id": one.identifier, **done}
                _add(content, plan.niem_property, done)
        message: Message = {"@context": niem.context_for(content), **content}
        problems = niem.validate(message)
        if problems:
            first = problems[0]
            raise Fault(f"niem.{first.code}", f"{first.path}: {first.text}", None, None)
        return message

    @staticmethod
    def _fill(plan: ObjectPlan, row: Row) -> list[_Instance | None]:
        """Make the objects of one name, one for each of a repeated part; None where it is empty."""
        contexts: Sequence[Values] = (
            [row.values]
            if plan.group is None
            else [row.values | child for child in row.groups.get(plan.group, ())]
        )
        found: list[_Instance | None] = []
        for number, context in enumerate(contexts, 1):
            tree: Tree = {}
            if not plan.when or all_hold(plan.when, context):
                for rule in plan.data:
                    if rule.group is None:
                        rule.apply(tree, context)
                    else:
                        for child in row.groups.get(rule.group, ()):
                            rule.apply(tree, context | child)
                if not plan.data:
                    for constant in plan.constants:
                        constant.apply(tree, context)
            name = plan.alias if plan.group is None else f"{plan.alias}{number}"
            there = tree or plan.only_links
            found.append(_Instance(tree, context, f"#{name}") if there else None)
        return found

    def _link(
        self,
        plan: ObjectPlan,
        own: list[_Instance | None],
        instances: Mapping[str, list[_Instance | None]],
    ) -> None:
        """Put an object's references in. One that is nothing but references needs them all."""
        for number, one in enumerate(own):
            if one is None:
                continue
            for link in plan.links:
                if link.when and not all_hold(link.when, one.context):
                    continue
                wanted = instances[link.target]
                if plan.group is not None and self.objects[link.target].group == plan.group:
                    wanted = wanted[number : number + 1]
                targets = [t for t in wanted if t is not None]
                if not targets and plan.only_links:
                    own[number] = None
                    break
                for target in targets:
                    target.linked = True
                    put(one.tree, link.steps, {"@id": target.identifier}, several=True)


def _add(content: Message, name: str, done: Tree) -> None:
    known = content.get(name)
    if known is None:
        content[name] = done
    elif isinstance(known, list):
        known.append(done)
    else:
        content[name] = [known, done]
