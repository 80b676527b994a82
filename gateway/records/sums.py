"""What becomes of the rows of an import, batch by batch, and the sums that are kept of it.

The source gives *items*: records, and rows set aside. One legacy row may give several records, and
several physical rows (segments) one record; `Origin` says which row an item is of. So two sums hold
at any time:

    rows    = rows that became records + rows_aside        physical rows of the source
    records = new + changed + unchanged                    records of the generation

A row with a bad part is set aside whole: if one of its records can't be stored, none of it is.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import orjson

from gateway.errors import RecordsUnavailable
from gateway.model import Contact, Handling, Record, SetAside
from gateway.records.source import Origin
from gateway.records.strictness import Orders, opened

Item: TypeAlias = Record | SetAside
Content: TypeAlias = tuple[str, bytes, bytes, bytes | None]
"""What of a record is compared: type, message, handling, contact."""
Kept: TypeAlias = tuple[str, Content]
"""A record's id, and what is stored under it."""
BATCH = 500
"""Items in one transaction; what is in memory at once."""
LONGEST_MESSAGE = 2**20
_RULES = b"4"
"""Changes where other rows than before become records: then all is made anew."""
DIFFER = (
    "rows with this record id disagree about who may see it, or one of them does not say: none of "
    "them counts until they agree"
)
_ITSELF = (
    "the row makes two records of this id: give each record type an `id` of its own, or a `when` "
    "that the other does not hold for"
)
TWINS_DIFFER = "record.twins_differ"
"""Set aside: rows of one record id that disagree about who may see it. The value is the id."""
Claims: TypeAlias = Mapping[str, bytes | None]
"""The record ids of a row set aside, with the facts on who may see it; None: it does not say."""


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums and the digest of everything up to some item."""

    items: int = 0
    rows: int = 0
    rows_aside: int = 0
    records: int = 0
    set_aside: int = 0
    new: int = 0
    changed: int = 0
    corrected: int = 0
    digest: str = ""
    opened: Mapping[str, int] = field(default_factory=dict)
    """Of the changed: those handled less strictly than before, by what they were."""


class Read(NamedTuple):
    """One item as it is to be stored, and the row it is of.

    A record's message is bytes here: hundreds of them as objects keep the collector busy.
    """

    item: Kept | SetAside
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class Sorted:
    """One batch, sorted: the records to be stored, the rows set aside, and the sums after it.

    `claims` are those of each row set aside.
    """

    good: list[Kept]
    aside: list[SetAside]
    claims: list[Claims]
    after: Sums


def batches(items: Iterable[Item], origin: Callable[[], Origin | None]) -> Iterator[list[Read]]:
    """Give the items in batches that part no row. `origin` tells the row of the last item."""
    batch: list[Read] = []
    for item in items:
        now = origin()
        if len(batch) >= BATCH and (now is None or now is not batch[-1].origin):
            yield batch
            batch = []
        kept = (item.record_id, content(item)) if isinstance(item, Record) else item
        batch.append(Read(kept, now))
    if batch:
        yield batch


def again(items: Iterable[Item]) -> Iterable[Item]:
    """Give the items from the start. Raises RecordsUnavailable where they can be read only once."""
    if iter(items) is items:
        raise RecordsUnavailable(
            "rows of one record id disagree about who may see it, and the source can't be read "
            "a second time to leave them out",
            code="import.once",
        )
    return items


def ids_of(batch: Iterable[Read]) -> list[str]:
    """Give the record ids of a batch."""
    return [item[0] for item, _ in batch if not isinstance(item, SetAside)]


def begun(orders: Orders) -> Sums:
    """Give the sums before the first item: other ones for each ranking, as it decides some."""
    ranked = orjson.dumps({name: list(order) for name, order in sorted(orders.items())})
    return Sums(digest=sha256(_RULES + ranked).hexdigest())


def chained(before: str, batch: Iterable[Read]) -> str:
    """Give the digest of everything up to the end of this batch."""
    chain = sha256(before.encode())
    for item, _ in batch:
        if isinstance(item, SetAside):
            parts: tuple[bytes, ...] = (b"set aside", orjson.dumps(asdict(item)))
        else:
            record_id, (kind, message, handling, contact) = item
            parts = (record_id.encode(), kind.encode(), message, handling, contact or b"")
        chain.update(b"".join([piece for p in parts for piece in (len(p).to_bytes(8, "big"), p)]))
    return chain.hexdigest()


def sort_out(
    source: str,
    batch: list[Read],
    before: Sums,
    digest: str,
    *,
    taken: MutableMapping[str, bytes],
    known: Mapping[str, Content],
    withheld: AbstractSet[str] = frozenset(),
    orders: Orders = MappingProxyType({}),
) -> Sorted:
    """Say what becomes of a batch.

    `taken` are those of its record ids that this generation holds already, with their handling; it
    grows by the new ones. `known` is what the generation before holds of them. Rows with a record
    that is `withheld` are set aside.
    """
    good: list[Kept] = []
    aside: list[SetAside] = []
    claims: list[Claims] = []
    rows = rows_aside = corrected = 0
    for number, group in enumerate(_rows_of(batch)):
        origin = group[0].origin
        span = 1 if origin is None else origin.span
        refused = _refused(source, group, before.rows + number + 1, taken, withheld)
        rows += span
        if refused is not None:
            aside.append(refused)
            claims.append(_claimed(group))
            rows_aside += span
            continue
        for item, _ in group:
            if not isinstance(item, SetAside):
                good.append(item)
                taken[item[0]] = item[1][2]
        corrected += origin is not None and origin.corrected
    new = sum(record_id not in known for record_id, _ in good)
    same = sum(known.get(record_id) == kept for record_id, kept in good)
    looser = Counter(before.opened)
    for record_id, kept in good:
        was = known.get(record_id)
        if was is not None and was[2] != kept[2]:
            looser.update(opened(orders, was[0], orjson.loads(was[2]), orjson.loads(kept[2])))
    after = Sums(
        before.items + len(batch),
        before.rows + rows,
        before.rows_aside + rows_aside,
        before.records + len(good),
        before.set_aside + len(aside),
        before.new + new,
        before.changed + len(good) - new - same,
        before.corrected + corrected,
        digest,
        dict(looser),
    )
    return Sorted(good, aside, claims, after)


def content(record: Record) -> Content:
    """Give what of a record is stored, beside its id."""
    return (
        record.record_type,
        orjson.dumps(record.message),
        facts_of(record.handling),
        _whom(record.contact),
    )


@lru_cache(maxsize=1_024)
def facts_of(handling: Handling) -> bytes:
    """Give handling facts as they are stored and compared."""
    return orjson.dumps(handling.as_dict())


@lru_cache(maxsize=1_024)
def _whom(contact: Contact | None) -> bytes | None:
    return None if contact is None else orjson.dumps(asdict(contact))


def _rows_of(batch: list[Read]) -> Iterator[list[Read]]:
    """Part a batch into rows: items of one origin belong together."""
    group: list[Read] = []
    for read in batch:
        if group and (read.origin is None or read.origin is not group[-1].origin):
            yield group
            group = []
        group.append(read)
    if group:
        yield group


def _claimed(group: list[Read]) -> Claims:
    """Give what a row set aside says of who may see the records that it would have been."""
    found: dict[str, bytes | None] = {}
    for item, _ in group:
        if isinstance(item, SetAside):
            said = [(i, None if facts is None else facts_of(facts)) for i, facts in item.claims]
        else:
            said = [(item[0], item[1][2])]
        for record_id, facts in said:
            found[record_id] = facts if found.get(record_id, facts) == facts else None
    return found


def _refused(
    source: str,
    group: list[Read],
    line: int,
    taken: Mapping[str, bytes],
    withheld: AbstractSet[str],
) -> SetAside | None:
    """Say why a row can't be stored, or None if it can."""
    own: set[str] = set()
    for item, origin in group:
        if isinstance(item, SetAside):
            return item
        record_id, (_, message, handling, _) = item
        other = taken.get(record_id)
        if record_id in own:
            # What the two disagree in is compared with other rows by their claims.
            code, text = "record.duplicate_id", _ITSELF
        elif record_id in withheld or (other is not None and other != handling):
            code, text = TWINS_DIFFER, DIFFER
        elif other is not None:
            code, text = "record.duplicate_id", "another row of this source has the same record id"
        elif len(message) > LONGEST_MESSAGE:
            code, text = "record.too_large", f"the record is larger than {LONGEST_MESSAGE} bytes"
        else:
            own.add(record_id)
            continue
        if origin is None:
            raw = message[:LONGEST_MESSAGE].decode(errors="replace")
            return SetAside(source, line, code, text, raw, "record_id", record_id)
        return SetAside(
            *(source, origin.line, code, text, origin.raw, "record_id", record_id, origin.fields()),
            key=origin.key,
        )
    return None
