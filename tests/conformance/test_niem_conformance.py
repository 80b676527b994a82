"""The gateway's own reading of NIEM, held against the reference checker, message by message."""

import json
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway import niem
from gateway.niem.values import Simple
from tests.conformance.niem_damage import ODD, damage
from tests.conformance.niem_messages import GOOD, PARTS, TYPES, Maker, Message, contextual, withheld
from tests.soak import count

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"

pytestmark = [pytest.mark.shared, pytest.mark.timeout(900)]

# What the schemas let pass and the gateway does not, with its reason. All else must agree.
STRICTER: dict[str, Message] = {
    "a number for a text": {"nc:Person": {"nc:PersonName": {"nc:PersonGivenName": 5}}},
    "a boolean for a text": {"nc:Person": {"nc:PersonName": {"nc:PersonGivenName": True}}},
    "a number for a boolean": {"nc:Vehicle": {"j:VehicleWantedIndicator": 1}},
    "a number for a year": {"nc:Vehicle": {"nc:ItemModelYearDate": 2019}},
    "a list in a list": {"nc:Person": {"nc:PersonName": {"nc:PersonGivenName": [["A"]]}}},
    "a blank text for an object": {"nc:Person": "  "},
    "a wrapper at the top": {
        "j:PersonAugmentation": {"j:PersonFBIIdentification": {"nc:IdentificationID": "1"}}
    },
    "a list in an attribute": {
        "nc:Person": {"nc:PersonName": {"nc:personNameCommentText": ["a", "b"]}}
    },
    "another context inside": {"nc:Person": {"@context": {}, "j:PersonSexCode": "F"}},
    "a graph beside": {"nc:Person": {"j:PersonSexCode": "F"}, "@graph": [{"nc:Person": {}}]},
    "stray characters in Base64": {"nc:Image": {"nc:Base64BinaryObject": "YW.Jj"}},
}


@dataclass(frozen=True)
class Case:
    """One message, where it comes from, and whether the reference checker takes it."""

    origin: str
    message: Message
    conforms: bool


def _made() -> Iterator[tuple[str, Message]]:
    for name, message in STRICTER.items():
        yield f"stricter: {name}", contextual(message)
    maker = Maker(seed=20261123)
    for _ in range(count(500, 12_000)):
        message = maker.message()
        yield "whole", message
        broken = damage(maker.random, message)
        yield "damaged", broken
        yield "damaged twice", damage(maker.random, broken)
        if not niem.validate(message):
            pruned = niem.prune(withheld(maker.random, message))
            if pruned is not None:
                yield "pruned", pruned
    for kind in TYPES:
        for _ in range(count(25, 600)):
            message = maker.of_type(kind)
            yield f"type {kind}", message
            yield f"damaged type {kind}", damage(maker.random, message)
    yield from _values(maker.random)
    for _ in range(count(400, 8_000)):
        case = {"nc:ActivityEstimatedDuration": _duration(maker.random)}
        yield "duration", contextual({"nc:Case": case})


def _values(chance: random.Random) -> Iterator[tuple[str, Message]]:
    """Give messages of one odd value each, for the simple types of the release."""
    texts = [*ODD, *(v for values in GOOD.values() for v in values if isinstance(v, str))]
    numbers = (0, 1, -1, 5, 2.5, 1e22, 10**30, 360, 90.0, 59.999)
    seen: set[int] = set()
    for name in niem.release().names():
        element = niem.release().element(name)
        if element is None or element.abstract or element.shape.attributes:
            continue
        simple = element.shape.simple
        if simple is None or id(simple) in seen or simple.kind == "base64Binary":
            continue
        seen.add(id(simple))
        for value in _odd(chance, simple, texts):
            yield f"value {simple.kind}", contextual({name: value})
        if simple.numeric:
            yield from ((f"value {simple.kind}", contextual({name: n})) for n in numbers)


def _duration(chance: random.Random) -> str:
    """Write a span of time; half of them with one sign changed."""
    edges = (2**63 - 1, 2**63, 2**63 // 12, 2**63 // 12 + 1, 10**20)
    numbers = ["5", "07", "0" * 20 + "1", "9" * 17, *map(str, edges[: chance.randrange(6)])]

    def some(letters: str) -> str:
        return "".join(chance.choice(numbers) + x for x in letters if chance.random() < 0.4)

    seconds = chance.choice(["", "", "5S", ".7S", "5.S", "5.70S", ".S"])
    clock = some("HM") + seconds
    text = chance.choice(["P", "P", "-P", " P"]) + some("YMD") + (f"T{clock}" if clock else "")
    if chance.random() < 0.5:
        at = chance.randrange(len(text))
        put = chance.choice(["", "", "T", ".", "-", " ", "\t", "5", "S", "P"])
        text = text[:at] + put + text[at + chance.randrange(2) :]
    return text


def _odd(chance: random.Random, simple: Simple, texts: list[str]) -> Iterator[str]:
    if simple.kind != "code":
        yield from chance.sample(texts, count(40, len(texts)))
        return
    code = chance.choice(sorted(simple.codes or ["x"]))
    yield from (code, f" {code}\t", code.lower(), chance.choice(texts))


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """All messages, judged in one run of the reference checker."""
    made = list(_made())
    path = tmp_path_factory.mktemp("niem") / "messages.ndjson"
    path.write_text("\n".join(json.dumps(message) for _, message in made), encoding="ascii")
    run = subprocess.run(
        [sys.executable, str(SHARED / "niem" / "check.py"), str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, run.stderr  # some are bad, and it did not break off
    bad = {
        int(n) for n in re.findall(rf"^{re.escape(str(path))}:(\d+): ", run.stdout, re.MULTILINE)
    }
    assert f"{len(made) - len(bad)} conform to NIEM 6.0, {len(bad)} do not" in run.stdout
    return [Case(origin, m, n not in bad) for n, (origin, m) in enumerate(made, 1)]


def _again(message: Message) -> Message:
    """Give the message as it comes off the wire."""
    read: Message = json.loads(json.dumps(message))
    return read


def test_both_judges_agree_on_every_message(cases: list[Case]) -> None:
    apart = [
        (case.origin, niem.validate(_again(case.message)), case.message)
        for case in cases
        if not case.origin.startswith("stricter")
        and (not niem.validate(_again(case.message))) != case.conforms
    ]
    assert apart == []


def test_the_messages_are_of_every_kind(cases: list[Case]) -> None:
    whole = [c for c in cases if c.origin == "whole"]
    assert sum(c.conforms for c in whole) > 0.95 * len(whole)
    found = Counter(p.code for c in cases for p in niem.validate(c.message)[:1])
    wanted = (
        "context.missing context.wrong_uri context.wrong_prefix key.no_prefix key.unknown"
        " key.undeclared_prefix key.not_allowed value.empty value.code value.malformed value.type"
        " reference.dangling reference.duplicate reference.malformed part.missing part.too_many"
        " message.empty"
    )
    assert {code for code in wanted.split() if found[code] < 3} == set()
    spans = Counter(c.conforms for c in cases if c.origin == "duration")
    assert min(spans.values()) > count(50, 1_000)


@pytest.mark.parametrize("kind", TYPES)
def test_each_record_type_occurs_whole_and_damaged(cases: list[Case], kind: str) -> None:
    whole = [c for c in cases if c.origin == f"type {kind}"]
    assert len(whole) == count(25, 600)
    assert sum(c.conforms for c in whole) > 0.9 * len(whole)
    assert all(set(TYPES[kind]) <= c.message.keys() for c in whole)
    if kind in PARTS:
        holder, key = PARTS[kind]
        assert all(key in c.message[holder] for c in whole)
    damaged = [c for c in cases if c.origin == f"damaged type {kind}"]
    assert sum(not c.conforms for c in damaged) > 0.3 * len(damaged)


def test_what_is_left_after_withholding_conforms(cases: list[Case]) -> None:
    pruned = [c for c in cases if c.origin == "pruned"]
    assert len(pruned) > count(250, 6000)
    assert [c.message for c in pruned if not c.conforms] == []


@pytest.mark.parametrize("name", STRICTER)
def test_the_gateway_is_stricter_by_its_own_rule(cases: list[Case], name: str) -> None:
    case = next(c for c in cases if c.origin == f"stricter: {name}")
    assert case.conforms, "the schemas refuse it as well: it is no rule of our own"
    assert niem.validate(case.message) != []


def test_the_runtime_file_is_what_the_script_makes_of_the_release(tmp_path: Path) -> None:
    output = tmp_path / "release.json.xz"
    subprocess.run(
        [sys.executable, "tools/build_niem.py", str(SHARED / "niem"), str(output)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    assert output.read_bytes() == (ROOT / "gateway/niem/release.json.xz").read_bytes()
