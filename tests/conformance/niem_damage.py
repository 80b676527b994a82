"""The ways to damage a NIEM message. Some leave it conforming; that is for both judges to say."""

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from gateway import niem
from tests.conformance.niem_messages import STARTS, Maker, Message, places

Place: TypeAlias = tuple[Any, Any, str]


ODD: tuple[str, ...] = tuple(
    json.loads(Path(__file__).with_name("niem_odd_values.json").read_text(encoding="utf-8"))
)
"""Texts at the edges of every kind of value."""


def damage(chance: random.Random, message: Message) -> Message:
    """Give a copy of a message with one thing changed. It may still conform."""
    copied = copy.deepcopy(message)
    if isinstance(copied.get("@context"), dict):
        chance.choice(DAMAGES)(chance, copied)
    return copied


def _choose(chance: random.Random, found: list[Place]) -> Place:
    return chance.choice(found) if found else ({"x": 1}, "x", "")


def _object(chance: random.Random, message: Message) -> Message:
    found = [h[a] for h, a, _ in places(message) if isinstance(h[a], dict)]
    return chance.choice(found) if found else message


def _write(chance: random.Random, message: Message, new: Callable[[str], str]) -> None:
    """Put another text in place of one."""
    found = [p for p in places(message) if isinstance(p[0][p[1]], str) and p[0][p[1]]]
    holder, at, _ = _choose(chance, found)
    holder[at] = new(str(holder[at]))


def _odd_value(chance: random.Random, message: Message) -> None:
    _write(chance, message, lambda _: chance.choice(ODD))


def mutated(chance: random.Random, text: str) -> str:
    """Give a text, of one sign or more, with one of them changed, gone or added."""
    cut = chance.randrange(len(text) + 1)
    put: str = chance.choice(["", *"0159-:+TZ. eE%#[]/é\t\u00a0A=", text[cut - 1] * 2])
    return text[:cut] + put + text[cut + chance.randint(0, 1) :]


def _mutated_value(chance: random.Random, message: Message) -> None:
    _write(chance, message, lambda text: mutated(chance, text))


def _odd_number(chance: random.Random, message: Message) -> None:
    found = [p for p in places(message) if type(p[0][p[1]]) in {int, float}]
    holder, at, _ = _choose(chance, found)
    numbers = (0, -1, 1.0, 1e22, 1e-7, 10**30, 2**31, 361, 59.5, float("nan"))
    holder[at] = chance.choice(numbers)


def _other_type(chance: random.Random, message: Message) -> None:
    """Put what JSON tells apart from a text in place of one, or of an object."""
    found = [p for p in places(message) if chance.random() < 0.2 or isinstance(p[0][p[1]], str)]
    holder, at, _ = _choose(chance, found)
    text = holder[at] if isinstance(holder[at], str) else "x"
    holder[at] = chance.choice(
        [
            *(True, False, 0, 5, -1, 2019, 1.5, float("inf"), " ", "\n\t", "\u00a0"),
            *([[text]], [text, [text]], [[5, True]], [[[]]], [[""]], [[{"sp:x": 1}, {"x": 1}]]),
            *([[{"@id": "#X1"}]], [[{"@id": 7, "@type": []}]], [{"nc:Date": "2019-01-01"}]),
        ]
    )


def _odd_attribute(chance: random.Random, message: Message) -> None:
    """Give an attribute what is no text in JSON."""
    found = []
    for holder, at, name in places(message):
        element = niem.release().element(name)
        if element and isinstance(holder[at], dict):
            children = element.shape.children
            found += [(holder[at], key) for key, c in children.items() if c.attribute]
    if not found:
        return
    holder, key = chance.choice(found)
    holder[key] = chance.choice(
        [
            *("x", "true", 5, 1.5, True, False, [], {}, None, ["a", "b"], ["2019"], [[1]]),
            *([{"@id": "#X1"}], {"@id": "#nowhere"}, {"@id": 5}, {"sp:x": ""}, {"x": "y"}),
            *({"nc:Date": "x"}, {"nc:Date": ""}),
        ]
    )
    message["@context"] = {**niem.namespaces(), **message["@context"]}


def _keyword(chance: random.Random, message: Message) -> None:
    """Add a keyword of JSON-LD, known or not."""
    target = message if chance.random() < 0.3 else _object(chance, message)
    key = chance.choice(["@context", "@graph", "@value", "@type", "@language", "@x", "@"])
    if target is not message or key != "@context":
        target[key] = chance.choice(["x", 5, None, [], {}, {"nc": "urn:x"}, [{"plain": ""}]])


def _wrapped(chance: random.Random, message: Message) -> None:
    """Write parts of an object in a wrapper of the schemas, at the top or where they stand."""
    target = message if chance.random() < 0.7 else _object(chance, message)
    wrappers = [n for n in niem.release().names() if n.endswith("Augmentation")]
    name = chance.choice(["j:PersonAugmentation", chance.choice(wrappers)])
    number = {"j:PersonFBIIdentification": {"nc:IdentificationID": "1"}}
    target[name] = chance.choice(
        [number, number, " ", "x", {"@id": "#X1"}, {"@id": "#Q", **number}]
    )
    message["@context"] = {**niem.namespaces(), **message["@context"]}


def _deep(chance: random.Random, message: Message) -> None:
    """Nest objects deeper than a person would."""
    inner = {chance.choice(["j:PersonSexCode", "nc:Date"]): "F"}
    for _ in range(chance.choice([3, niem.MAX_DEPTH - 1, niem.MAX_DEPTH, 100])):
        inner = {"nc:EmployeeSupervisor": inner}
    message["nc:Employee" if chance.random() < 0.1 else "nc:Person"] = inner
    message["@context"] = {**niem.namespaces(), **message["@context"]}


def _stray_key(chance: random.Random, message: Message) -> None:
    names = chance.sample(list(niem.release().names()), 5)
    value = chance.choice(["x", {"nc:Date": "2020-01-01"}])
    _object(chance, message)[chance.choice([*STARTS, *names])] = value
    message["@context"] = {**niem.namespaces(), **message["@context"]}


def _unknown_key(chance: random.Random, message: Message) -> None:
    key = chance.choice(
        ["nc:Persn", "j:", ":x", "plain", "zz:Thing", "nc:PersonType", "sp:fine", "niem:x"]
    )
    _object(chance, message)[key] = chance.choice(["x", {}, {"nc:Date": "x"}])


def _emptied(chance: random.Random, message: Message) -> None:
    holder, at, _ = _choose(chance, list(places(message)))
    holder[at] = chance.choice([{}, [], "", None, [{}], [""]])


def _removed(chance: random.Random, message: Message) -> None:
    """Take something out, first of all what is required."""
    needed: list[Place] = []
    for holder, at, name in places(message):
        element = niem.release().element(name)
        if element and isinstance(holder[at], dict):
            shape = element.shape
            names = {*shape.attributes, *(n for s in shape.required for n in s.names)}
            needed += [(holder[at], key, key) for key in holder[at] if key in names]
    holder, at, _ = _choose(chance, needed or list(places(message)))
    del holder[at]


def _repeated(chance: random.Random, message: Message) -> None:
    """Write something several times, first of all what may stand but once."""
    found: list[Place] = []
    limited: list[Place] = []
    for holder, at, name in places(message):
        element = niem.release().element(name)
        if element and isinstance(holder, dict) and "@id" not in str(holder[at]):
            found.append((holder, at, name))
        if element and isinstance(holder[at], dict):
            children = element.shape.children
            limited += [
                (holder[at], key, key)
                for key in holder[at]
                if key in children and children[key].element and children[key].slot.most
            ]
    holder, at, _ = _choose(chance, limited or found)
    one = holder[at][0] if isinstance(holder[at], list) and holder[at] else holder[at]
    holder[at] = [one] * chance.choice([2, 2, 2, 4, 7, 10, 100])


def _second_of_slot(chance: random.Random, message: Message) -> None:
    """Put another property beside one that it may substitute, where only so many may stand."""
    for holder, at, name in places(message):
        element = niem.release().element(name)
        if element is None or not isinstance(holder[at], dict):
            continue
        children = element.shape.children
        for key in list(holder[at]):
            if key not in children or children[key].slot.most is None:
                continue
            others = [n for n in children[key].slot.names if n not in holder[at]]
            maker = Maker(chance.randrange(10**6))
            for other in others[:1]:
                if (value := maker.element(children[other].element, 1)) is not None:
                    holder[at][other] = value
                    message["@context"] = {**niem.namespaces(), **message["@context"]}


def _reference(chance: random.Random, message: Message) -> None:
    targets = ("#X1", "#X2", "#X99", "X1", "##X1", "#", "#1", "#a:b", "#a b", "http://x/y", "")
    letters = ("# X1", "#X1\t", "#\u5317", "#\u00e9", "#a\u0301", "#a\u2160", "#\U00010000")
    some = "#" + "".join(chr(chance.choice([chance.randrange(0x3000), 97])) for _ in range(2))
    target = chance.choice([*targets, *letters, some])
    if chance.random() < 0.5:
        _object(chance, message)["@id"] = target
    else:
        holder, at, _ = _choose(chance, list(places(message)))
        holder[at] = {"@id": target}


def _context(chance: random.Random, message: Message) -> None:
    context = message["@context"] = dict(message["@context"])
    strings = [k for k in context if isinstance(context[k], str)]
    prefix = chance.choice(strings) if strings else "nc"
    match chance.randrange(6):
        case 0:
            context.pop(prefix, None)
        case 1:
            context[prefix] = "urn:x"
        case 2:
            context["core"] = niem.namespaces()["nc"]
        case 3:
            message["@context"] = chance.choice([None, [], "x", [context]])
        case 4:
            context[prefix] = {"@id": "urn:x"}
        case _:
            context["zz"] = "urn:zz"


def _typed(chance: random.Random, message: Message) -> None:
    _object(chance, message)["@type"] = "nc:PersonType"


def _only_own(chance: random.Random, message: Message) -> None:
    target = _object(chance, message)
    for key in [k for k in target if k[:1] != "@"]:
        del target[key]
    target["sp:note"] = {"nested": [{"@id": "#nowhere"}]}


DAMAGES: tuple[Callable[[random.Random, Message], None], ...] = (
    _stray_key, _unknown_key, _odd_value, _odd_value, _mutated_value, _mutated_value, _odd_number,
    _emptied, _removed, _removed, _repeated, _repeated, _second_of_slot, _reference, _reference,
    _context, _typed, _only_own, _other_type, _other_type, _odd_attribute, _keyword, _wrapped,
    _deep,
)  # fmt: skip
