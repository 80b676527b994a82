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
from tests.conformance.niem_damage import ODD, damage, mutated
from tests.conformance.niem_messages import GOOD, PARTS, TYPES, Maker, Message, contextual, withheld
from tests.soak import count

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"

pytestmark = [pytest.mark.shared, pytest.mark.timeout(900)]


def _nested(depth: int) -> Message:
    inner: Message = {"j:PersonSexCode": "F"}
    for _ in range(depth):
        inner = {"nc:EmployeeSupervisor": inner}
    return {"nc:Person": inner}


# What the release lets pass and a rule of the house does not.
HOUSE: dict[str, tuple[str, Message]] = {
    "a number for a text": (
        "house.json_type",
        {"nc:Person": {"nc:PersonName": {"nc:PersonGivenName": 5}}},
    ),
    "a boolean for a text": (
        "house.json_type",
        {"nc:Person": {"nc:PersonName": {"nc:PersonGivenName": True}}},
    ),
    "a number for a boolean": ("house.json_type", {"nc:Vehicle": {"j:VehicleWantedIndicator": 1}}),
    "a number for a year": ("house.json_type", {"nc:Vehicle": {"nc:ItemModelYearDate": 2019}}),
    "a list in a list": (
        "house.json_type",
        {"nc:Person": {"nc:PersonName": {"nc:PersonGivenName": [["A"]]}}},
    ),
    "a list in an attribute": (
        "house.json_type",
        {"nc:Person": {"nc:PersonName": {"nc:personNameCommentText": ["a", "b"]}}},
    ),
    "an object in an attribute": (
        "house.json_type",
        {"nc:Person": {"nc:PersonName": {"nc:personNameCommentText": {"nc:Date": "x"}}}},
    ),
    "a boolean in an attribute": (
        "house.json_type",
        {"nc:Person": {"nc:PersonName": {"nc:personNameCommentText": True}}},
    ),
    "a type that is no text": (
        "house.json_type",
        {"nc:Person": {"@type": [5], "j:PersonSexCode": "F"}},
    ),
    "a blank text for an object": ("house.blank", {"nc:Person": "  "}),
    "a wrapper at the top": (
        "house.wrapper",
        {"j:PersonAugmentation": {"j:PersonFBIIdentification": {"nc:IdentificationID": "1"}}},
    ),
    "another context inside": (
        "house.keyword",
        {"nc:Person": {"@context": {}, "j:PersonSexCode": "F"}},
    ),
    "a graph beside": (
        "house.keyword",
        {"nc:Person": {"j:PersonSexCode": "F"}, "@graph": [{"nc:Person": {}}]},
    ),
    "a number for the message's @id": (
        "house.identifier",
        {"@id": 5, "nc:Person": {"j:PersonSexCode": "F"}},
    ),
    "an @id in other letters": (
        "house.identifier",
        {"nc:Person": {"@id": "#\u5317", "j:PersonSexCode": "F"}},
    ),
    "an @id with space around": (
        "house.identifier",
        {"nc:Person": {"@id": "# P1 ", "j:PersonSexCode": "F"}},
    ),
    "stray characters in Base64": ("house.form", {"nc:Image": {"nc:Base64BinaryObject": "YW.Jj"}}),
    "space before a time": ("house.form", {"biom:TimeSegmentEndTime": " 10:00:00"}),
    "space before a month": ("house.form", {"nc:DecalMonthDate": "\n--05"}),
    "space before a day of the month": ("house.form", {"nc:DayDate": " ---31"}),
    "space after a moment": (
        "house.form",
        {"nc:Incident": {"nc:ActivityDate": {"nc:DateTime": "2026-11-23T20:46:10Z "}}},
    ),
    "space around a moment that must be in UTC": (
        "house.form",
        {"biom:AssuranceUTCDateTime": "\t2026-11-23T20:46:10Z "},
    ),
    "an exponent without digits": ("house.form", {"biom:MetricValue": "1e"}),
    "a fragment with brackets": ("house.form", {"nc:Image": {"nc:BinaryURI": "#a[b]"}}),
    "a space of another script in a URI": (
        "house.form",
        {"nc:Image": {"nc:BinaryURI": "a/\u00a0b"}},
    ),
    "an empty adapter of a feature": (
        "house.adapter",
        {"niem-gml:FeatureAdapter": {"@type": "x"}},
    ),
    "objects nested deep": ("house.too_deep", _nested(100)),
}

# Here the checker breaks off without a verdict: it reads @id as a text. The gateway refuses it.
BREAKS: dict[str, Message] = {
    "a number for an @id": {"nc:Person": {"@id": 5, "j:PersonSexCode": "F"}},
    "a list for an @id": {"nc:Person": {"@id": ["#P1"], "j:PersonSexCode": "F"}},
    "an object for the message's @id": {"@id": {}, "nc:Person": {"j:PersonSexCode": "F"}},
}


@dataclass(frozen=True)
class Case:
    """One message, where it comes from, and whether the reference checker takes it."""

    origin: str
    message: Message
    conforms: bool


def _made() -> Iterator[tuple[str, Message]]:
    for name, (_, message) in HOUSE.items():
        yield f"house: {name}", contextual(message)
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
    yield from _blank(maker.random)
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
        if simple is None or id(simple) in seen:
            continue
        seen.add(id(simple))
        for value in _odd(chance, simple, texts):
            yield f"value {simple.kind}", contextual({name: value})
        if simple.numeric or chance.random() < 0.1:
            others = numbers if simple.numeric else (*numbers, True, False, [["x"]], [[5]])
            yield from ((f"value {simple.kind}", contextual({name: n})) for n in others)


def _blank(chance: random.Random) -> Iterator[tuple[str, Message]]:
    """Give messages of one element each, with nothing in it that says anything."""
    names = [n for n in niem.release().names() if n.endswith(("Augmentation", "Adapter"))]
    names += chance.sample(list(niem.release().names()), count(200, 8_000))
    for name in names:
        for value in (" ", {"@type": "x"}):
            yield "blank", contextual({name: value})


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
        fitting = [text for text in texts if text and simple.conforms(text)]
        for _ in range(count(10, 100) if fitting else 0):
            changed = mutated(chance, chance.choice(fitting))
            yield changed if chance.random() < 0.7 or not changed else mutated(chance, changed)
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
        if (not niem.validate(_again(case.message))) != case.conforms
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


@pytest.mark.parametrize("name", HOUSE)
def test_a_rule_of_the_house_is_beyond_the_release(cases: list[Case], name: str) -> None:
    case = next(c for c in cases if c.origin == f"house: {name}")
    assert case.conforms, "the release refuses it as well: it is no rule of our own"
    assert niem.validate(case.message) == []
    assert [p.code for p in niem.findings(case.message)] == [HOUSE[name][0]]


def test_the_house_only_ever_adds_a_refusal(cases: list[Case]) -> None:
    found = Counter[str]()
    for case in cases:
        of_house = [p for p in niem.findings(case.message) if p.code in niem.HOUSE_RULES]
        found.update({p.code for p in of_house})
        others = [p for p in niem.findings(case.message) if p not in of_house]
        assert bool(others) != case.conforms or of_house
        assert case.conforms or others or of_house
    few = {code for code in niem.HOUSE_RULES if found[code] < 5}
    assert few <= {"house.too_large", "house.adapter"}


@pytest.mark.parametrize("name", BREAKS)
def test_where_the_checker_breaks_off_the_gateway_refuses(name: str) -> None:
    path = SHARED / "niem" / "check.py"
    script = f"""
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("check", {str(path)!r})
check = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check)
check.Release().problems(None, json.load(sys.stdin))
"""
    message = json.dumps(contextual(BREAKS[name]))
    run = subprocess.run(
        [sys.executable, "-c", script], input=message, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "TypeError" in run.stderr or "AttributeError" in run.stderr
    assert "reference.malformed" in [p.code for p in niem.validate(json.loads(message))]


def test_the_runtime_file_is_what_the_script_makes_of_the_release(tmp_path: Path) -> None:
    output = tmp_path / "release.json.xz"
    subprocess.run(
        [sys.executable, "tools/build_niem.py", str(SHARED / "niem"), str(output)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    assert output.read_bytes() == (ROOT / "gateway/niem/release.json.xz").read_bytes()
