"""Random NIEM messages: walks over the runtime tables, and copies with parts withheld."""

import json
import random
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, TypeAlias

from gateway import niem
from gateway.niem.release import Child, Element, Shape, Slot
from gateway.niem.values import Simple

Message: TypeAlias = dict[str, Any]

STARTS = (
    "nc:Person",
    "nc:Vehicle",
    "nc:Incident",
    "nc:Case",
    "nc:Drug",
    "nc:Metadata",
    "nc:Organization",
    "nc:Location",
    "nc:Image",
    "nc:Binary",
    "nc:Document",
    "nc:PersonResidenceAddress",
    "nc:PersonContactInformation",
    "j:Arrest",
    "j:Warrant",
    "j:Charge",
    "j:Offense",
    "j:ProtectionOrder",
    "j:Booking",
    "j:Detention",
    "j:Firearm",
    "j:ItemSeizure",
    "j:ConveyanceRegistration",
    "j:DriverLicense",
    "j:RapSheet",
    "j:Subject",
    "j:Victim",
    "scr:PersonCrossingEncounter",
    "scr:TravelDocument",
    "scr:AlienDetention",
    "im:AlienEncounter",
    "im:Alien",
    "cui:PortionMarkingMetadata",
    "biom:FingerprintImage",
    "biom:FaceImage",
    "biom:DNASample",
)
TYPES: dict[str, tuple[str, ...]] = {
    "person": ("nc:Person",),
    "vehicle": ("nc:Vehicle",),
    "registration": ("nc:Vehicle", "j:ConveyanceRegistration"),
    "incident": ("nc:Incident",),
    "offense": ("nc:Incident", "j:Offense"),
    "charge": ("j:Charge",),
    "arrest": ("nc:Person", "j:Arrest"),
    "judicial warrant": ("nc:Person", "j:Warrant"),
    "civil warrant": ("j:Warrant",),
    "protection order": ("nc:Person", "j:ProtectionOrder"),
    "booking": ("nc:Person", "j:Booking"),
    "detention": ("nc:Person", "j:Detention"),
    "firearm": ("j:Firearm",),
    "drug": ("nc:Drug",),
    "seizure": ("j:ItemSeizure",),
    "crossing": ("nc:Person", "scr:PersonCrossingEncounter"),
    "travel document": ("scr:TravelDocument",),
    "case": ("nc:Case",),
    "photograph": ("nc:Person", "nc:Image"),
    "metadata": ("nc:Metadata",),
}
"""Each record type, and the objects that a message of it has to hold."""
PARTS = {
    "judicial warrant": ("j:Warrant", "j:WarrantCategoryCode"),
    "civil warrant": ("j:Warrant", "scr:WarrantCategoryCode"),
    "photograph": ("nc:Image", "nc:BinaryURI"),
}
"""What tells a type from others that have the same object."""
NEAR = ("nc", "j", "ncic", "scr", "im", "ucr", "ndex", "nlets", "usps", "unece", "cui", "intel")
GOOD: dict[str, tuple[Any, ...]] = {
    "text": ("Vint", "a b", "Zoë", "北", "<&>", "x\ty", " lead", "-"),
    "token": ("ABC", "a b", "Z 9"),
    "uri": ("https://owner.example/i/1", "urn:x:1", "a/b", "#frag", "x y", "http://[::1]:80/?q#f"),
    "date": ("1980-02-29", "2026-11-23", "2000-12-31Z", "1999-01-01+05:30"),
    "dateTime": ("2026-11-23T20:46:10Z", "2026-11-23T24:00:00", "1970-01-01T00:00:00.5-07:00"),
    "time": ("10:00:00", "23:59:59.99Z", "24:00:00"),
    "gYear": ("2019", "1999Z", "-0044", "12026"),
    "gYearMonth": ("2019-05", "2019-12Z"),
    "gMonthDay": ("--02-29", "--12-31"),
    "gMonth": ("--05", "--12Z"),
    "gDay": ("---01", "---31"),
    "integer": (0, 1, 5, 42, 72, "7", "+3", -4, 1900, 300000),
    "decimal": (1, 2.5, "0.25", "-1.", ".5", 7),
    "double": (1.5, "1e3", "INF", "NaN", -2, 1e-9),
    "boolean": (True, False, "true", "0"),
    "duration": ("P1Y", "PT5M", "-P1DT2H", "P1Y2M3DT4H5M6.7S"),
    "base64Binary": ("YWJj", "YQ==", "YW I="),
    "hexBinary": ("00ff", "AB", "0123456789abcdef" * 4),
    "references": ("M1", "M1 M2"),
    "list": ("1 2", "true", "x", "0.5"),
    "union": ("1", "Z", "AHB", "5"),
}
# What types with patterns and lengths take, where none of the above fits.
RARE = (
    "AB123456789",
    "1500000000",
    "9999",
    "12",
    "1234567",
    "5",
    "00",
    "0",
    "Z",
    "18SUJ",
    "18SUJ23480647",
    "abcdef12-abcd-abcd-abcd-abcdef123456",
    "ABCDEFGHIJKLMNO",
    "2026-11-23T20:46:10Z",
    "abc",
    "99",
    "359",
)


class Maker:
    """Makes messages that ought to conform, from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.tables = niem.release()
        self.targets: list[str] = []

    def message(self) -> Message:
        """Make a message of one to three objects, now and then with references between them."""
        while True:
            self.targets = []
            message: Message = {}
            for _ in range(self.random.randint(1, 3)):
                name = self._start()
                if (value := self.element(self.tables.element(name), 0)) is not None:
                    message[name] = value
            if message:
                break
        if self.random.random() < 0.2:
            message["sp:score"] = {"any": ["thing"], "here": {}}
        return contextual(message)

    def of_type(self, kind: str) -> Message:
        """Make a message of one record type: its objects, whatever they hold, and some others."""
        while True:
            message = self.message()
            made = {n: self.element(self.tables.element(n), 0) for n in TYPES[kind]}
            if None in made.values():
                continue
            message |= made
            if kind in PARTS:
                holder, key = PARTS[kind]
                element = self.tables.element(key)
                value = (
                    good_text(self.random, element.shape.simple)
                    if element and element.shape.simple
                    else None
                )
                message[holder][key] = value
            body = {k: v for k, v in message.items() if k != "@context"}
            references = json.dumps(body)
            targets = set(re.findall(r'"@id": "(#X\d+)"(?=, )', references))
            if set(re.findall(r'{"@id": "(#X\d+)"}', references)) <= targets:
                return contextual(body)

    def _start(self) -> str:
        draw = self.random.random()
        if draw < 0.15:
            return self.random.choice(list(self.tables.names()))
        return self.random.choice(demanding() if draw < 0.35 else STARTS)

    def element(self, element: Element | None, depth: int) -> Any:
        """Make a value for an element; None if none can be made."""
        if element is None or element.abstract or depth > 7:
            return None
        shape = element.shape
        if depth and self.targets and self.random.random() < 0.1:
            return None if shape.attributes else {"@id": self.random.choice(self.targets)}
        if shape.simple is not None and not shape.attributes:
            return good_text(self.random, shape.simple)
        return self.object(shape, depth)

    def object(self, shape: Shape, depth: int) -> Message | None:
        """Make an object of a type: what it requires, and some of what it allows."""
        found: Message = {}
        if not all(self._fill(shape, slot, found, depth) for slot in shape.required):
            return None
        for key in self._some(shape, depth):
            child = shape.children[key]
            if key not in found and (
                child.slot.most is None or not _held(shape, child.slot, found)
            ):
                self._add(child, key, found, depth)
        for name in shape.attributes:
            self._add(shape.children[name], name, found, depth)
        if shape.simple is not None and not shape.simple.accepts(""):
            return None
        if found and self.random.random() < 0.2:
            self.targets.append(f"#X{len(self.targets) + 1}")
            return {"@id": self.targets[-1], **found}
        return found or None

    def _some(self, shape: Shape, depth: int) -> list[str]:
        keys = list(shape.children)
        near = [k for k in keys if k.partition(":")[0] in NEAR]
        count = self.random.randint(1, max(1, 6 - 2 * depth))
        pool = near if near and self.random.random() < 0.8 else keys
        return self.random.sample(pool, min(count, len(pool)))

    def _fill(self, shape: Shape, slot: Slot, found: Message, depth: int) -> bool:
        lacking = slot.least - _held(shape, slot, found)
        for key in self.random.sample(slot.names, len(slot.names)):
            child = shape.children[key]
            if lacking > 0 and child.slot is slot and key not in found:
                values = [self.element(child.element, depth + 1) for _ in range(lacking)]
                if None not in values:
                    found[key] = values if len(values) > 1 else values[0]
                    return True
        return lacking <= 0

    def _add(self, child: Child, key: str, found: Message, depth: int) -> None:
        if child.attribute is not None:
            found[key] = str(good_text(self.random, child.attribute)).lower()
            return
        values = [self.element(child.element, depth + 1)]
        if child.slot.most is None and self.random.random() < 0.15:
            values.append(self.element(child.element, depth + 1))
        values = [v for v in values if v is not None]
        if values:
            found[key] = values if len(values) > 1 else values[0]


@cache
def demanding() -> tuple[str, ...]:
    """Give the elements whose type requires something, or limits how often something stands."""
    found = []
    for name in niem.release().names():
        element = niem.release().element(name)
        if element and not element.abstract:
            children = element.shape.children.values()
            if element.shape.demanding or any(c.slot.most for c in children if c.element):
                found.append(name)
    return tuple(found)


def good_text(chance: random.Random, simple: Simple) -> Any:
    """Give a value that the type takes, as the runtime tables see it; None if none is known."""
    if simple.codes:
        return chance.choice(sorted(simple.codes))
    pools = (GOOD.get(simple.kind, ()), RARE)
    for pool in pools:
        if fitting := [v for v in pool if isinstance(v, bool) or simple.accepts(str(v))]:
            return chance.choice(fitting)
    return None


def contextual(message: Message) -> Message:
    """Put an "@context" before a message, for the release's prefixes that it uses and our own."""
    context = niem.context_for({k: v for k, v in message.items() if not k.startswith("sp:")})
    return {"@context": {**context, niem.OWN_PREFIX: niem.OWN_NAMESPACE}, **message}


def _held(shape: Shape, slot: Slot, found: Message) -> int:
    held = [v for k, v in found.items() if shape.children[k].slot is slot]
    return sum(len(v) if isinstance(v, list) else 1 for v in held)


def places(message: Message) -> Iterator[tuple[Any, Any, str]]:
    """Give (holder, key or index, name of the property) for all values under NIEM keys."""
    waiting: list[tuple[Any, Any, str]] = [(message, k, k) for k in message if k[:1] != "@"]
    while waiting:
        holder, at, name = waiting.pop()
        if name.startswith("sp:"):
            continue
        yield holder, at, name
        value = holder[at]
        if isinstance(value, list):
            waiting += [(value, i, name) for i in range(len(value))]
        elif isinstance(value, dict):
            waiting += [(value, k, k) for k in value if k[:1] != "@"]


def withheld(chance: random.Random, message: Message) -> Message:
    """Give a copy with some kinds of property left out, and the holes where they stood."""
    names = sorted({name for _, _, name in places(message)})
    gone = set(chance.sample(names, chance.randint(1, max(1, len(names) // 2))))

    def without(value: Any) -> Any:
        if isinstance(value, list):
            return [without(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {k: v if k == "@context" else without(v) for k, v in value.items() if k not in gone}

    result: Message = without(message)
    return result
