"""Whatever the release decides, of whatever records: nothing leaves in the answer but what it gave.

The decisions are drawn by chance, each kind of record its own, and the records are messages of all
types of the schema. What may leave is told here plainly: by the paths with a class, and by the
names of a person's properties and the types of the schema, whatever they stand in. The bytes are
held against it.
"""

import random
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway import niem
from gateway.model import Granularity
from gateway.niem.release import release
from gateway.policy import AnswerPermit, Policy, Released
from gateway.policy.elements import CAUTION, mask
from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.engine import Decided
from gateway.policy.kept import KeptSets
from gateway.policy.sets import load_set
from gateway.policy.vocabulary import Vocabulary
from tests.conformance.niem_messages import TYPES, Maker
from tests.policy.made import LEAF, NOW, found, question, result, start
from tests.soak import count

POLICIES = Path(__file__).parents[2] / "policies"
ACTIONS = ("give", "give", "give", "mask", "pointer", "count", "nothing")
Leaf = tuple[tuple[str, ...], Any]


class AtRandom(EmbeddedEngine):
    """Lets everything be asked, and draws what is released: each distinct fact its own."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.chance = random.Random(seed)
        self.words: Vocabulary
        self.actions: dict[bytes, dict[str, Any]] = {}

    async def decide(self, entrypoint: str, input_json: bytes) -> Decided:
        assert self._active is not None
        case = orjson.loads(input_json)
        if entrypoint == "answer":
            return Decided(self._permit(case), self._active.revision)
        assert entrypoint == "release"
        self.actions = {orjson.dumps(f): self._action() for f in case["facts"]}
        outcome = {"actions": [self.actions[orjson.dumps(f)] for f in case["facts"]]}
        return Decided(outcome, self._active.revision)

    def _permit(self, case: dict[str, Any]) -> dict[str, Any]:
        return {
            "allow": True,
            "classes_never_shared": [],
            "freshness_minutes": {},
            "granularity": case["search"]["granularity"],
            "obligations": [],
            "reasons": [],
            "record_types": case["search"]["record_types"],
            "rules": [],
            "terms": case["search"]["subject"]["terms"],
        }

    def _action(self) -> dict[str, Any]:
        classes = [*self.words.classes]
        few = self.chance.choice([0, len(classes) // 2])
        some = self.chance.sample(classes, self.chance.randint(few, len(classes)))
        return {
            "show": self.chance.choice(["none", "pointer", "record", "record", "record"]),
            "classes": {c: self.chance.choice(ACTIONS) for c in some},
            "handling": {"keep_days": 30, "onward_sharing": "none"},
            "hidden_by_value": {},
            "only_with": self.chance.sample(classes, self.chance.choice([0, 0, 1, 3])),
            "confirm": self.chance.random() < 0.2,
            "rules": [],
        }


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[Leaf]:
    if isinstance(value, dict):
        return [leaf for k, v in value.items() if k[0] != "@" for leaf in leaves(v, (*path, k))]
    if isinstance(value, list):
        return [leaf for v in value for leaf in leaves(v, path)]
    return [(path, value)]


def numbered(message: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Give its people a number that is long enough to be masked."""
    person = message.get("nc:Person")
    if not isinstance(person, dict):
        return message
    number = {"nc:IdentificationID": f"{chance.randrange(10**9):09}"}
    return {**message, "nc:Person": {**person, "nc:PersonSSNIdentification": number}}


@cache
def derives(key: str, kind: str) -> bool:
    element = release().element(key)
    return element is not None and kind in release().lineage(element.type)


def needed(path: tuple[str, ...], words: Vocabulary) -> list[str]:
    """Give all classes that a value needs; none where it has none."""
    steps = ["/".join(path[:end]) for end in range(1, len(path) + 1)]
    passed = [words.elements[s] for s in steps if s in words.elements]
    if not passed and not derives(path[0], "nc:PersonType"):
        return []
    for whole, part in pairwise((*path, "")):
        of_person = words.elements.get(f"nc:Person/{whole}")
        passed += [of_person] if of_person else []
        # A key of a person that has no class among those of persons, whatever it stands in.
        of_a_person = derives(whole, "nc:PersonType") and part in niem.keys_of("nc:PersonType")
        if of_a_person and f"nc:Person/{part}" not in words.elements:
            return []
    return passed


def perhaps(path: tuple[str, ...], value: Any, words: Vocabulary) -> set[str | None]:
    """Give the classes that a value may be of, by the keys above it, wherever they stand."""
    found = {words.values.get(path[-1], {}).get(value)} if isinstance(value, str) else set()
    found |= {c for whole, c in words.elements.items() if whole.rpartition("/")[2] in path}
    types = words.wherever.types.items()
    return found | {words.elements.get(e) for t, e in types if any(derives(key, t) for key in path)}


def allowed(message: dict[str, Any], classes: dict[str, str], words: Vocabulary) -> Counter[Leaf]:
    """Give what may leave: all that a value needs is given, and the strictest action counts."""
    some: Counter[Leaf] = Counter()
    for path, value in leaves(message):
        passed = needed(path, words)
        by_value = words.values.get(path[-1], {}).get(value) if isinstance(value, str) else None
        passed += [by_value] if by_value and passed else []
        actions = {classes.get(c) for c in passed}
        if actions == {"give"}:
            some[path, value] += 1
        elif (
            actions in ({"mask"}, {"give", "mask"})
            and path[-1].endswith("ID")
            and isinstance(value, str)
            and mask(value)
        ):
            some[path, mask(value)] += 1
    return some


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shipped")
    KeptSets(folder).keep(load_set(POLICIES))
    return folder


async def answer(policy: Policy, records: list[Any], granularity: Granularity) -> Released:
    every = tuple(policy.vocabulary.record_types)
    purpose = next(iter(policy.vocabulary.purposes))
    asked = question(granularity=granularity, record_types=every, max_matches=100, purpose=purpose)
    permit = await policy.permit_answer(asked, now=NOW)
    assert isinstance(permit, AnswerPermit)
    return await policy.release(permit, result(*records), leaf=LEAF, now=NOW)


async def test_nothing_leaves_that_the_decision_did_not_give(data_dir: Path) -> None:
    engine, maker = AtRandom(seed=11), Maker(seed=12)
    policy = await start(data_dir, POLICIES, engine)
    words = engine.words = policy.vocabulary
    types = [t for t in TYPES if t in words.record_types]
    seen: Counter[str] = Counter()
    for _ in range(count(40, 2_500)):
        records = [
            found(
                n,
                kind := engine.chance.choice(["person", *types]),
                numbered(maker.of_type(kind), engine.chance),
                # Some share a kind, and so a decision.
                received_from=f"R{engine.chance.randint(0, 4)}",
            )
            for n in range(engine.chance.randint(1, 6))
        ]
        for granularity in Granularity:
            out = await answer(policy, records, granularity)
            check(out.body(), records, granularity, engine, seen)
    await policy.close()
    # It was about something.
    kinds = ("hidden", "pointer", "record", "element", "left out", "masked")
    kinds += ("with what it has to hold", "without what it has to hold")
    assert all(seen[kind] for kind in kinds), seen


def check(
    raw: bytes,
    records: list[Any],
    granularity: Granularity,
    engine: AtRandom,
    seen: Counter[str],
) -> None:
    """Hold one answer against what was decided of each record."""
    body = orjson.loads(raw)
    by_id = {m["record_id"]: m for m in body.get("matches", []) if m["record_id"]}
    whole = granularity is Granularity.RECORD
    pointers: Counter[str] = Counter()
    for record in records:
        facts = {**record.handling.as_dict(), "record_type": record.record_type, "stale": False}
        (action,) = [a for f, a in engine.actions.items() if orjson.loads(f) == facts]
        shown = by_id.pop(record.record_id, None)
        seen["hidden" if action["show"] == "none" else action["show"]] += 1
        if action["show"] != "record" or not whole:
            assert shown is None
            assert f'"{record.record_id}"'.encode() not in raw
            pointers[record.record_type] += action["show"] != "none"
            continue
        some = set(action["only_with"])
        if shown is None:
            seen["without what it has to hold"] += bool(some)
            continue  # nothing is left of it
        assert shown["record_type"] == record.record_type
        may = allowed(record.message, action["classes"], engine.words)
        left = Counter(leaves(shown["record"]))
        assert left <= may, left - may
        holds = {c for path, value in left for c in perhaps(path, value, engine.words)}
        assert not some or some & (holds | set(shown["classes_held"] or {})), (some, shown)
        seen["with what it has to hold"] += bool(some)
        seen["element"] += left.total()
        seen["left out"] += len(leaves(record.message)) - left.total()
        seen["masked"] += sum(isinstance(v, str) and v.startswith("****") for _, v in left)
        told = {v for path, v in may if path[-1] == CAUTION}
        assert set(shown["cautions"]) <= set(engine.words.caution_words(tuple(map(str, told))))
        held = set(shown["classes_held"] or {})
        assert {action["classes"].get(c) for c in held} <= {"count", "pointer"}
        assert (shown["confirm"] is not None) == action["confirm"]
    assert not by_id, "a record that was not found"
    bare = Counter(m["record_type"] for m in body.get("matches", []) if not m["record_id"])
    assert bare <= pointers
    if granularity is Granularity.HIT:
        assert body["hit"] <= any(pointers.values())
    if granularity is Granularity.COUNT:
        assert body["count"] <= pointers.total()
