"""From a copybook to a plan: where each item stands, what its column is called, what is read.

A name that stands twice is qualified as COBOL does: `CITY OF HOME-ADDRESS`. An item that occurs
several times is a repeated part, its name in small letters. A part within a part is one of its own,
whose rows hold the outer one's columns too.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any, Final

from adapters.cobol_copybook import Copybook, Item
from adapters.cobol_picture import Picture
from adapters.cobol_plan import NUMBER, Block, Choice, Leaf, Member, Segment, Table, When
from adapters.cobol_values import Machine, Read, alignment, reader_of, size_of
from adapters.rows import Columns
from gateway.errors import Misconfigured

MAX_RECORD: Final = 2**18
MAX_CELLS: Final = 100_000
"""Values of one record, each occurrence counted."""
_LONGEST_NAME: Final = 64
_CHARACTERS: Final = Item(1, "", 0, picture=Picture("text", 1))
_NO_PART: Final = re.compile(r"[^a-z0-9]+")


@dataclass(slots=True)
class _Part:
    """A repeated part and its columns."""

    name: str
    item: Item
    outer: "_Part | None"
    own: list[Item] = field(default_factory=list)

    def items(self) -> Iterator[Item]:
        """Give the items that its rows hold: those of the parts around it, and its own."""
        if self.outer is not None:
            yield from self.outer.items()
        yield from self.own


@dataclass(slots=True)
class _Place:
    """Where the compiler is. `origin` is None where it differs from record to record."""

    origin: int | None
    part: _Part | None
    times: int


class Layout:
    """One copybook's layout. `variants` says, by item, when a redefinition is meant."""

    def __init__(
        self,
        book: Copybook,
        machine: Machine,
        *,
        moves: bool,
        variants: Mapping[str, Any],
    ) -> None:
        self._book = book
        self._machine = machine
        self._moves = moves
        self._when = {name.upper(): _conditions(spec) for name, spec in variants.items()}
        self._wanted: Collection[str] | None = None
        self._parts_wanted: Collection[str] | None = None
        self._names: dict[int, str] = {}
        self._parts: dict[int, _Part] = {}
        self._own: list[Item] = []
        self._offsets: dict[int, int] = {}
        self._sizes: dict[int, int] = {}
        self._cells = 0
        if len({r.level == 1 for r in book.records}) > 1:
            raise book.wrong("level 01 stands behind lower ones", book.records[-1].line)
        self._name_all()
        self._measure_all()
        self.size = self._extent(book.records)
        if self.size > MAX_RECORD:
            raise Misconfigured(f"{book.path.name}: a record of {self.size} bytes is too long")
        self._walk(book.records, None, set())
        self._depending = self._resolve_depending()
        self._asked = {c.column for when in self._when.values() for c in when}
        self._needed = self._asked | set(self._depending.values())
        self._renamed: list[Leaf] = []
        block = self.plan(None)
        self._renamed = list(self._renames(block))
        self.columns = self._columns()
        self._check_variants()

    @property
    def deciding(self) -> frozenset[str]:
        """The columns by which one layout is told from another."""
        return frozenset(self._asked)

    def plan(self, wanted: Collection[str] | None) -> Block:
        """Make the plan that reads these columns; all of them for None."""
        self._wanted = None if wanted is None else {n.rpartition(".")[2] for n in wanted}
        self._parts_wanted = None if wanted is None else {n.partition(".")[0] for n in wanted}
        self._cells = 0
        records = self._book.records
        place = _Place(0, None, 1)
        if len(records) == 1 or records[0].level != 1:
            block = self._block(records, place)
        else:
            choice = self._choice(records, 0, _Place(0, None, 1), root=True)
            block = Block([Segment(tail=choice)])
        if block.segments:
            leaves = (x for x in self._renamed if wanted is None or x.column in wanted)
            block.segments[0].leaves.extend(leaves)
        return block

    # -- names ----------------------------------------------------------------------------------

    def _name_all(self) -> None:
        items = [i for i in self._book.items() if i.name and not i.children]
        items += self._book.renames
        times = Counter(i.name for i in items)
        taken: set[str] = set()
        for item in items:
            name = item.name
            above = (g.name for g in item.above() if g.name)
            while times[item.name] > 1 and (outer := next(above, None)):
                name = f"{name} OF {outer}"
                if sum(_qualified(i, name) for i in items if i.name == item.name) == 1:
                    break
            if name in taken:
                text = f"{name} stands twice: rename one of them"
                raise self._book.wrong(text, item.line)
            taken.add(name)
            self._names[id(item)] = name

    def _columns(self) -> Columns:
        groups = {
            part.name: frozenset(
                {
                    f"{part.name}.{NUMBER}",
                    *(f"{part.name}.{self._names[id(i)]}" for i in part.items()),
                }
            )
            for part in self._parts.values()
        }
        return Columns(frozenset(self.order), groups)

    @property
    def order(self) -> tuple[str, ...]:
        """The columns of the record itself, as they follow each other in the copybook."""
        return (*(self._names[id(i)] for i in self._own), *(leaf.column for leaf in self._renamed))

    def _walk(self, items: Sequence[Item], part: _Part | None, taken: set[str]) -> None:
        for item in items:
            inner = part
            if item.occurs is not None:
                inner = _Part(_part_name(item, taken), item, part)
                taken.add(inner.name)
                self._parts[id(item)] = inner
            if item.children:
                self._walk(item.children, inner, taken)
            elif item.name:
                (self._own if inner is None else inner.own).append(item)

    def _resolve_depending(self) -> Mapping[int, str]:
        """Find the item that each varying number stands in. It must be read, whoever asks."""
        found: dict[int, str] = {}
        order = {id(i): n for n, i in enumerate(self._book.items())}
        for item in self._book.items():
            if item.occurs is None or item.occurs.depending is None:
                continue
            wanted = item.occurs.depending
            holders = [
                i
                for i in self._book.items()
                if i.name == wanted.partition(" ")[0] and _qualified(i, wanted) and not i.children
            ]
            before = [i for i in holders if order[id(i)] < order[id(item)]]
            if not before:
                text = (
                    f"{wanted}, on which {item.name or 'FILLER'} depends, does not stand before it"
                )
                raise self._book.wrong(text, item.line)
            pic = before[-1].picture
            if pic is None or pic.kind != "number" or pic.scale:
                raise self._book.wrong(f"{wanted} is no whole number", item.line)
            found[id(item)] = self._names[id(before[-1])]
        return found

    def _check_variants(self) -> None:
        alike = {i.name for slot in self._slots_everywhere() for i in slot if len(slot) > 1}
        records = self._book.records
        if len(records) > 1 and records[0].level == 1:
            alike |= {r.name for r in records}
        known = self.columns.own.union(
            *({c.partition(".")[2] for c in columns} for columns in self.columns.groups.values())
        )
        for name, when in self._when.items():
            if name not in alike:
                there = ", ".join(sorted(a for a in alike if a)) or "none"
                raise Misconfigured(f"variants: {name} has no other layout; those have: {there}")
            for condition in when:
                if condition.column not in known:
                    raise Misconfigured(f"variants: {condition.column}: no such column")

    def _slots_everywhere(self) -> Iterator[list[Item]]:
        yield from self._slots(self._book.records)
        for item in self._book.items():
            yield from self._slots(item.children)

    # -- sizes ----------------------------------------------------------------------------------

    def _measure_all(self) -> None:
        for item in reversed(list(self._book.items())):
            if item.children:
                size = self._extent(item.children)
            else:
                try:
                    size = size_of(item, self._machine)
                except ValueError as error:
                    name = item.name or "FILLER"
                    raise self._book.wrong(f"{name}: {error}", item.line) from None
            self._sizes[id(item)] = size
            if self._whole(item) > MAX_RECORD:
                raise self._book.wrong(f"{item.name or 'FILLER'} is too long", item.line)

    def _extent(self, items: Sequence[Item]) -> int:
        """Count the most bytes that items take up."""
        if items and items[0].level == 1 and items is self._book.records:
            return max(self._whole(i) for i in items)
        return sum(max(self._whole(i) for i in slot) for slot in self._slots(items))

    def _whole(self, item: Item) -> int:
        return self._sizes[id(item)] * (item.occurs.most if item.occurs else 1)

    def _slots(self, items: Sequence[Item]) -> list[list[Item]]:
        """Put items that redefine one another together."""
        slots: list[list[Item]] = []
        for item in items:
            if item.redefines is None:
                slots.append([item])
            elif slots and item.redefines in {i.name for i in slots[-1]}:
                slots[-1].append(item)
            else:
                text = f"{item.redefines}, which is redefined, does not stand right before it"
                raise self._book.wrong(text, item.line)
        return slots

    # -- the plan -------------------------------------------------------------------------------

    def _block(self, items: Sequence[Item], place: _Place) -> Block:
        block = Block()
        segment = Segment()
        origin = place.origin
        for slot in self._slots(items):
            segment = self._slot(slot, segment, block, _Place(origin, place.part, place.times))
            if block.segments and origin is not None and block.varies:
                origin = None
        block.segments.append(segment)
        return block

    def _slot(self, slot: list[Item], segment: Segment, block: Block, place: _Place) -> Segment:
        """Add what stands at one place; give the segment in which the next one stands."""
        item, at = slot[0], segment.size
        step: Table | Choice
        if len(slot) > 1:
            step = choice = self._choice(slot, at, _inner(place, at), root=False)
            varies = any(m.block.varies for m in choice.members)
            size = choice.size
        elif item.occurs is not None:
            step = self._table(item, at, _inner(place, at))
            varies = step.block.varies or step.moves
            size = self._whole(item)
        elif item.children:
            return self._group(item, segment, block, place)
        else:
            self._leaf(item, segment, place)
            segment.size += self._sizes[id(item)]
            segment.solid = segment.size
            return segment
        if varies:
            segment.tail = step
            block.segments.append(segment)
            return Segment()
        if isinstance(step, Choice) or step.wanted or not step.block.idle:
            segment.steps.append(step)
        segment.size += size
        if isinstance(step, Table):
            segment.solid = segment.size
        return segment

    def _group(self, item: Item, segment: Segment, block: Block, place: _Place) -> Segment:
        """Add a group's items to the run: a group that stands once is no place of its own."""
        origin = place.origin
        for slot in self._slots(item.children):
            before = len(block.segments)
            segment = self._slot(slot, segment, block, _Place(origin, place.part, place.times))
            if len(block.segments) > before:
                origin = None
        return segment

    def _leaf(self, item: Item, segment: Segment, place: _Place) -> None:
        size = self._sizes[id(item)]
        if place.origin is not None and place.part is None:
            self._offsets[id(item)] = place.origin + segment.size
        if item.aligned:
            self._check_alignment(item, size, place.origin, segment.size)
        if not item.name:
            return
        name = self._names[id(item)]
        if self._wanted is None or name in self._wanted or name in self._needed:
            segment.leaves.append(self._made(item, segment.size, size))

    def _made(self, item: Item, first: int, size: int) -> Leaf:
        read: Read = reader_of(item, self._machine)
        pic = item.picture
        number = pic is None or pic.kind == "number"
        text = pic is not None and (item.usage or "display") == "display"
        return Leaf(self._names[id(item)], first, first + size, read, number, text)

    def _check_alignment(self, item: Item, size: int, origin: int | None, at: int) -> None:
        boundary = alignment(item, size)
        repeated = [g for g in (item, *item.above()) if g.occurs is not None]
        if (
            (boundary > 1 and origin is None)
            or ((origin or 0) + at) % boundary
            or any(self._sizes[id(g)] % boundary for g in repeated)
        ):
            text = f"SYNC puts unnamed bytes before {item.name or 'FILLER'}: write them as a FILLER"
            raise self._book.wrong(text, item.line)

    def _table(self, item: Item, at: int, place: _Place) -> Table:
        occurs = item.occurs
        part = self._parts[id(item)]
        most = occurs.most if occurs else 1
        self._cells += place.times * most * (1 + sum(1 for _ in part.items()))
        if self._cells > MAX_CELLS:
            text = f"{part.name}: more than {MAX_CELLS} values in one record"
            raise self._book.wrong(text, item.line)
        depending = self._depending.get(id(item))
        inner = _Place(place.origin, part, place.times * most)
        block = self._element(item, inner)
        names = {self._names[id(i)]: f"{part.name}.{self._names[id(i)]}" for i in part.items()}
        if self._wanted is not None:
            wanted_columns = self._wanted
            names = {c: n for c, n in names.items() if c in wanted_columns}
        numbers = {
            self._names[id(i)]: i.picture is None or i.picture.kind == "number" for i in part.own
        }
        return Table(
            part.name,
            at,
            most,
            self._sizes[id(item)],
            depending,
            block,
            names,
            tuple((c, n) for c, n in numbers.items() if c in names),
            self._parts_wanted is None or part.name in self._parts_wanted,
            self._moves and depending is not None,
        )

    def _element(self, item: Item, place: _Place) -> Block:
        """Make the block of one occurrence, or of one layout of several."""
        if item.children:
            return self._block(item.children, place)
        segment = Segment()
        self._leaf(item, segment, place)
        segment.size = segment.solid = self._sizes[id(item)]
        return Block([segment])

    def _choice(self, slot: Sequence[Item], at: int, place: _Place, *, root: bool) -> Choice:
        members: list[Member] = []
        size = 0
        for item in slot:
            inner = _Place(place.origin, place.part, place.times)
            if item.occurs is not None:
                table = self._table(item, 0, inner)
                varies = table.moves or table.block.varies
                segment = Segment([], [] if varies else [table], table if varies else None)
                segment.size = self._whole(item)
                block = Block([segment])
            else:
                block = self._element(item, inner)
            if not root and not block.varies:
                size = max(size, self._whole(item))
            members.append(Member(item.name, block, self._when.get(item.name)))
        asked = {when.column for member in members for when in member.when or ()}
        probes = [
            leaf
            for member in members
            for leaf in member.block.segments[0].leaves
            if leaf.column in asked
        ]
        return Choice(at, size, members, probes, root)

    def _renames(self, block: Block) -> Iterator[Leaf]:
        """Make the columns of level 66: other names for places that never move.

        One that covers more than characters, or that may move, has no column.
        """
        items = list(self._book.items())
        order = {id(i): n for n, i in enumerate(items)}
        for renaming in self._book.renames:
            first, last = (
                next((i for i in items if i.name == name), None)
                for name in renaming.renames or ("", "")
            )
            if first is None or last is None:
                text = f"{renaming.name} renames an item that is not there"
                raise self._book.wrong(text, renaming.line)
            end = order[id(last)] + 1
            while end < len(items) and last in items[end].above():
                end += 1
            covered = [i for i in items[order[id(first)] : end] if not i.children]
            if not covered or not all(
                id(i) in self._offsets and i.picture and (i.usage or "display") == "display"
                for i in covered
            ):
                continue
            start = self._offsets[id(covered[0])]
            stop = self._offsets[id(covered[-1])] + self._sizes[id(covered[-1])]
            if start < stop <= block.segments[0].solid:
                read = reader_of(covered[0] if len(covered) == 1 else _CHARACTERS, self._machine)
                yield Leaf(self._names[id(renaming)], start, stop, read, number=False, text=True)


def _inner(place: _Place, at: int) -> _Place:
    origin = None if place.origin is None else place.origin + at
    return _Place(origin, place.part, place.times)


def _qualified(item: Item, name: str) -> bool:
    """Whether a name such as A OF B may mean this item."""
    first, *groups = name.split(" OF ")
    above = (g.name for g in item.above())
    return item.name == first and all(g in above for g in groups)


def _conditions(spec: Any) -> tuple[When, ...]:
    """Read a `when` of the mapping language."""
    return tuple(
        When(
            one["column"].upper(),
            frozenset(map(str, one["is"])) if "is" in one else None,
            frozenset(map(str, one["not"])) if "not" in one else None,
            one.get("blank"),
        )
        for one in ([spec] if isinstance(spec, dict) else spec)
    )


def _part_name(item: Item, taken: Collection[str]) -> str:
    name = _NO_PART.sub("_", (item.name or "filler").lower()).strip("_")
    name = (name if name[:1].isalpha() else f"n{name}")[: _LONGEST_NAME - 4]
    return next(n for n in chain([name], (f"{name}_{k}" for k in count(2))) if n not in taken)
