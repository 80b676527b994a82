"""Made-up inputs of decisions over a policy set's own words, and sets with more in their data.

`Inputs` draws everything by itself: most of it is refused, by the first rule that looks. `Entitled`
begins with what an agreement gives to whom the vocabulary lets ask, so that most is allowed, and
then spoils a part of some.
"""

import copy
import random
from collections.abc import Iterator, Sequence
from typing import Any

from gateway.policy import fixed
from gateway.policy.agreements import with_agreements
from gateway.policy.engine import ENTRYPOINTS
from gateway.policy.sets import PolicySet, make_set
from gateway.policy.vocabulary import read_vocabulary
from tests.policy.made import OPEN

SELVES = ("TX9990000", "CA9990000", "NM9990000", "USBPX9900")
FUNCTIONS = ("patrol", "investigation", "border_patrol", "civil_enforcement", "personnel", "x", "")
TERMS = ("name", "birth_date", "sex", "ssn", "driver_license", "plate", "number", "x")
ATTRIBUTES = ("sworn", "chri_certified", "cfr28_part23", "x")
OPTIONAL: dict[str, list[Any]] = {
    "age_at_offense": [12, 16, 17, 18, 40, "17", None],
    "reasonable_suspicion": [True, False, "x"],
    "validated_on": ["2025-01-01", "2021-11-24", "2021-11-23", "2030-01-01", "x", None, 5],
    "confidence": ["probable", "x", None],
    "protected_activity": ["none", "tied_to_crime", "political", None],
    "assessment": [True, False],
    "victim_applicant": [True, False, None],
    "qualifying_conviction": [True, False],
    "reproductive_care": [True, False],
    "received_from": ["", "TX9990000", "NM9990000", None],
    "onward_sharing": ["none", "criminal_justice", "x"],
    "released_under": [["rel_0"], ["rel_1", "rel_9"], "rel_0", []],
    "gossip": [True],
}
DUTIES: list[Any] = [
    {"type": "delete_after", "days": 10},
    {"type": "delete_after", "days": 90},
    {"type": "fingerprints_within", "days": 7},
    {"type": "onward_sharing", "rule": "criminal_justice"},
    {"type": "onward_sharing", "rule": "none"},
    {"type": "caveat", "text": "One."},
    {"type": "caveat", "text": "Another."},
    {"type": "confirm_before_acting"},
]
ODD: list[Any] = [
    *({"type": "forget"}, {"type": "onward_sharing", "rule": "press"}, {"type": None}),
    *({"days": 3}, "delete_after", None),
]
# What only a release by a person opens, and on which ground; and what another rule holds back.
OPENED: list[tuple[dict[str, Any], str]] = [
    ({"disclosure": "sealed"}, "court_order"),
    ({"juvenile": True, "age_at_offense": 15}, "court_order"),
    ({"victim_applicant": True}, "law_enforcement_discretion"),
    ({"victim_applicant": True}, "waiver"),
    ({}, "consent"),
    ({"source_kind": "motor_vehicle_department"}, "consent"),
]
GRANULARITIES = ("hit", "count", "pointer", "record", "everything")


class Inputs:
    """Random inputs over the shipped vocabulary: mostly whole, some with a part missing or odd."""

    def __init__(self, shipped: PolicySet, seed: int) -> None:
        self.words = read_vocabulary(shipped.data)
        self.chance = random.Random(seed)
        self.purposes = [*self.words.purposes, "curiosity"]
        self.types = [*self.words.record_types]

    def some(self, options: Sequence[Any]) -> list[Any]:
        return self.chance.sample(list(options), self.chance.randint(0, min(4, len(options))))

    def person(self) -> dict[str, Any]:
        return {
            "unit": "Unit",
            "unit_function": self.chance.choice(FUNCTIONS),
            "roles": self.some(("officer", "supervisor", "auditor")),
            "assurance": self.chance.randint(0, 4),
            "logged_on_hours": self.chance.choice((0, 1, 3, 12, 13)),
            "attributes": self.some(ATTRIBUTES),
        }

    def search(self) -> dict[str, Any]:
        pick = self.chance.choice
        return {
            "purpose": pick(self.purposes),
            "iii_purpose_code": pick([None, *"ACDFHJXZ"]),
            "reference": pick([None, {"type": "case", "number": "1"}, {"type": "pending"}]),
            "reason_code": "robbery",
            "subject": {
                "kind": pick(["person", "vehicle", "incident", "item", "record"]),
                "terms": self.some(TERMS),
            },
            "record_types": self.some(self.types),
            "granularity": pick(GRANULARITIES),
            "max_matches": 10,
        }

    def facts(self) -> dict[str, Any]:
        pick = self.chance.choice
        whole = {
            "record_type": pick(self.types),
            "stale": pick([False, True]),
            "dissemination": pick(["GREEN", "GREEN", "YELLOW", "RED", "PINK"]),
            "disclosure": pick(["open", "open", "expunged", "sealed", "nondisclosure", "x"]),
            "juvenile": pick([False, False, True]),
            "source_kind": pick(["own", "motor_vehicle_department", "x"]),
            "intelligence": pick([False, True]),
            "criminal_history": pick([False, True]),
        }
        for name, values in OPTIONAL.items():
            if self.chance.random() < 0.15:
                whole[name] = pick(values)
        if self.chance.random() < 0.2:
            del whole[pick(list(whole))]
        return whole

    def releases(self) -> list[dict[str, Any]]:
        pick = self.chance.choice
        return [
            {
                "id": f"rel_{n}",
                "basis": pick(["judicial_warrant", "court_order", "consent", "waiver", "x"]),
                "asker": pick([*SELVES]),
                "classes": self.some(list(self.words.classes)),
                "until": pick(["2026-12-01T00:00:00Z", "2020-01-01T00:00:00Z"]),
                "warrant": pick(
                    [None, {"court": "c", "number": "n", "person": "p", "document": "d"}]
                ),
            }
            for n in range(self.chance.randint(0, 2))
        ]

    def each(self, number: int) -> Iterator[tuple[str, dict[str, Any]]]:
        for n in range(number):
            kind = ENTRYPOINTS[n % len(ENTRYPOINTS)]
            case = self.case(kind)
            if self.chance.random() < 0.1:
                del case[self.chance.choice(list(case))]
            yield kind, case

    def case(self, kind: str) -> dict[str, Any]:
        pick = self.chance.choice
        owner = pick([*SELVES, "XX9990000"])
        base = {"v": 1, "now": pick([fixed.NOW, "2026-11-23T20:46:10.00Z"]), "self": pick(SELVES)}
        if kind == "agencies":
            return {**base, "officer": pick([None, self.person()])}
        base["search"] = self.search()
        if kind == "ask":
            agencies = pick([None, ["*"], [owner], [owner, *SELVES[:2]]])
            return {**base, "client": "rms", "officer": self.person(), "agencies": agencies}
        if kind == "admit":
            return {**base, "owner": owner, "answer": self.answer()}
        base["asker"] = {**self.person(), "ori": owner}
        if self.chance.random() < 0.3:
            base["releases"] = self.releases()
            base["search"]["warrant"] = pick(
                [True, None, {"court": "c", "number": "n", "person": "p", "document": "d"}]
            )
        base["agreement"] = pick([*["sha-256:" + "a" * 64] * 8, "sha-256:" + "b" * 64, None])
        if kind == "answer":
            return base
        facts = [self.facts() for _ in range(self.chance.randint(0, 3))]
        return {**base, "granularity": pick(GRANULARITIES[:4]), "facts": facts}

    def answer(self) -> dict[str, Any]:
        pick = self.chance.choice
        return {
            "status": pick(["answered", "refused"]),
            "granularity_asked": "record",
            "granularity_given": pick(["record", "pointer", None]),
            "record_types": self.some(self.types),
            "handling": [{"keep_days": 30, "onward_sharing": "none", "caveat": None}],
            "obligations": self.some(DUTIES if self.chance.random() < 0.8 else ODD),
            "told": self.chance.random() < 0.8,
            "stale": pick([False, True]),
        }


_CASES = ("26-1", "26-007700", "26-004417")
_MORE = {
    "COURT9900": {
        "type": "court",
        "criminal_justice": True,
        "receives_criminal_history_as": ["court"],
    },
    "GUARD9900": {"type": "contractor", "receives_criminal_history_as": ["contractor"]},
    "HOUSE9900": {
        "type": "housing",
        "government": True,
        "receives_criminal_history_as": ["housing"],
    },
    "VICTM9900": {"type": "shelter", "victim_services": True},
    "ATLAN9900": {"type": "sheriff", "jurisdiction": "atlantis", "law_enforcement": True},
}
_ORDINARY = {"stale": False, **OPEN}
_INTELLIGENCE = {
    "intelligence": True,
    "reasonable_suspicion": True,
    "validated_on": "2025-01-01",
    "confidence": "probable",
    "protected_activity": "none",
    "assessment": False,
}


def varied(shipped: PolicySet, seed: int) -> PolicySet:
    """Give the set with more in its data: other agencies, papers of every state, every code in use.

    Agreements with obligations, of each granularity, with limits, suspended, revoked, to come; a
    court, a contractor, a housing authority and a victims' shelter; local choices; releases that
    the law names.
    """
    chance, data = random.Random(seed), copy.deepcopy(dict(shipped.data))
    words = data["sallyport"]["vocabulary"]
    for ori, more in _MORE.items():
        plain = {"criminal_justice": False, "government": False, "law_enforcement": False}
        place = chance.choice(["texas", "california", "federal", "new_mexico"])
        about = {"immigration_authority": False, "jurisdiction": place, "name": ori}
        data["agencies"][ori] = {**plain, **about, **more}
    agreed = data.pop("agreements")
    some_paper = next(iter(agreed["CA9990000"]["TX9990000"].values()))
    for ori in _MORE:
        for other in ("TX9990000", "CA9990000", "USBPX9900"):
            first, second = sorted((ori, other))
            paper = copy.deepcopy(some_paper)
            (grant, *_) = next(iter(paper["shares"].values()))
            wide = {
                **grant,
                "purposes": [*words["purposes"]],
                "record_types": [*words["record_types"]],
            }
            paper |= {"parties": [first, second], "shares": {first: [wide], second: [wide]}}
            agreed.setdefault(first, {}).setdefault(second, {})["made-up"] = paper
    _vary_papers(chance, agreed)
    federal, california = data["law"]["federal"], data["law"]["california"]
    for code in federal["iii_purpose_codes"].values():
        code["enabled"] = chance.random() < 0.8
        code["purposes"] = code["purposes"] or chance.sample([*words["purposes"]], 3)
    california["public_record_types"] = chance.sample(
        [*words["record_types"]], chance.randint(0, 2)
    )
    california["notifications"]["enabled"] = chance.random() < 0.7
    data["local"] |= {
        "hidden_types": chance.sample([*words["record_types"]], chance.randint(0, 2)),
        "never_classes": chance.sample([*words["classes"]], chance.randint(0, 2)),
        "limits": {"max_matches": 50},
    }
    return with_agreements(make_set(shipped.modules, data), agreed)


_LESS = {3: "pointer", 5: "count", 7: "hit"}
"""What some papers give at most, by their number."""


def _vary_papers(chance: random.Random, agreed: dict[str, Any]) -> None:
    """Give each paper its own text, and some of them obligations, limits, or an end."""
    number = 0
    for others in agreed.values():
        for pair, papers in others.items():
            for name, paper in list(papers.items()):
                number += 1
                paper["digest"] = f"sha-256:{number:064x}"
                for grant in [g for grants in paper["shares"].values() for g in grants]:
                    grant["obligations"] = chance.sample(DUTIES, chance.randint(0, 3))
                    grant["granularity"] = _LESS.get(number % 9, grant["granularity"])
                if chance.random() < 0.4:
                    paper |= {"limited": True, "limits": _limits(chance, [*paper["parties"], pair])}
                if chance.random() < 0.3:
                    state = chance.choice(["suspended", "revoked"])
                    purposes = {
                        o: sorted({p for g in grants for p in g["purposes"]})
                        for o, grants in paper["shares"].items()
                    }
                    gone = {
                        "status": state,
                        "shares": {},
                        "stops": purposes if state == "suspended" else {},
                        "digest": f"sha-256:{number + 999:064x}",
                    }
                    papers[f"{name}-{state}"] = {**paper, **gone}
                    if chance.random() < 0.5:
                        del papers[name]


def _limits(chance: random.Random, oris: Sequence[str]) -> dict[str, Any]:
    days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    hour = 3_600_000_000_000
    hours = {
        "days": chance.sample(days, 6),
        "from_ns": chance.choice([0, 20 * hour]),
        "to_ns": 22 * hour,
    }
    hours["offset_ns"] = chance.choice([0, -6 * hour])
    return {
        "hours": chance.choice([None, None, hours]),
        "cases": chance.choice([None, [_CASES[1]], [*_CASES]]),
        "roster": chance.choice([None, {ori: {"units": ["Unit"]} for ori in oris}]),
    }


class Entitled(Inputs):
    """Inputs that an agreement entitles to something; `spoilt` is the share of changed ones."""

    def __init__(self, policy_set: PolicySet, seed: int, spoilt: float = 0.5) -> None:
        super().__init__(policy_set, seed)
        self.spoilt = spoilt
        self.data: Any = policy_set.data
        self.deals: list[tuple[str, str, Any, Any]] = [
            (owner, asker, paper, grant)
            for others in self.data["agreements"].values()
            for papers in others.values()
            for paper in papers.values()
            for owner, grants in paper["shares"].items()
            for asker in paper["parties"]
            if asker != owner
            for grant in grants
        ]
        own = self.data["local"]["own"]
        self.deals += [(ori, ori, own, own) for ori in SELVES]

    def each(self, number: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give as many inputs, each entrypoint in turn."""
        for n in range(number):
            kind = ENTRYPOINTS[n % len(ENTRYPOINTS)]
            case = self.case(kind)
            if self.chance.random() < self.spoilt:
                self._spoil(case, super().case(kind))
            yield kind, case

    def _spoil(self, case: dict[str, Any], other: dict[str, Any]) -> None:
        """Take one part of the input, or of a part, from another one; or leave it out."""
        inner = [
            k for k in ("search", "officer", "asker", "answer") if isinstance(case.get(k), dict)
        ]
        if inner and self.chance.random() < 0.8:
            name = self.chance.choice(inner)
            case, other = case[name], other.get(name) or {}
        part = self.chance.choice(list(case))
        if part in other and self.chance.random() < 0.8:
            case[part] = other[part]
        else:
            del case[part]

    def case(self, kind: str) -> dict[str, Any]:
        pick = self.chance.choice
        owner, asker, paper, grant = pick(self.deals)
        purposes = self.data["sallyport"]["vocabulary"]["purposes"]
        kind_of_asker = self.data["agencies"][asker]["type"]
        fit = [
            p
            for p in grant["purposes"]
            if kind_of_asker in purposes[p].get("agency_types", [kind_of_asker])
        ]
        purpose = pick(fit or grant["purposes"])
        facts = purposes[purpose]
        limits = paper.get("limits") or {}
        force = pick(self.data["law"]["california"]["task_forces"])
        in_force = force["agency"] == asker and self.chance.random() < 0.3
        officer = {
            "unit": force["unit"] if in_force else "Unit",
            "unit_function": pick(facts["functions"]),
            "roles": [pick(facts["roles"])],
            "assurance": 3,
            "logged_on_hours": 3,
            "attributes": [*self.data["sallyport"]["vocabulary"]["officer_attributes"]],
        }
        codes = self.data["law"]["federal"]["iii_purpose_codes"]
        used = [
            c for c, about in codes.items() if about["enabled"] and purpose in about["purposes"]
        ]
        case_number = pick(limits.get("cases") or (force["cases"] if in_force else _CASES))
        search = {
            **self.search(),
            "purpose": purpose,
            "iii_purpose_code": pick(used or [None]),
            "reference": {"type": pick(["case", *facts["references"]]), "number": case_number},
            "reason_code": self._reason(),
            "subject": {"kind": "person", "terms": self.some(TERMS)},
            "record_types": self._types(grant["record_types"]),
            "granularity": pick(GRANULARITIES[:4]),
        }
        base = {"v": 1, "now": pick([fixed.NOW, "2026-11-23T20:46:10.00Z"]), "search": search}
        if kind == "agencies":
            return {"v": 1, "now": base["now"], "self": asker, "officer": pick([None, officer])}
        if kind == "ask":
            everyone = self.chance.random() < 0.1
            asked = ["*"] if everyone else [owner, *self.some(SELVES)]
            agencies = None if self.chance.random() < 0.1 else asked
            return {
                **base,
                "self": asker,
                "client": "rms",
                "officer": officer,
                "agencies": agencies,
            }
        if kind == "admit":
            return {**base, "self": asker, "owner": owner, "answer": self._as_agreed(grant, search)}
        base |= {
            "self": owner,
            "asker": {**officer, "ori": asker},
            "agreement": paper.get("digest"),
        }
        if self.chance.random() < 0.3:
            base["releases"] = [{**r, "asker": asker} for r in self.releases()]
            search["warrant"] = pick(
                [None, {"court": "c", "number": "n", "person": "p", "document": "d"}]
            )
        if kind == "answer":
            return base
        found = [self._record(search["record_types"]) for _ in range(self.chance.randint(1, 3))]
        if self.chance.random() < 0.25:
            self._open(base, found)
        return {**base, "granularity": grant["granularity"], "facts": found}

    def _open(self, base: dict[str, Any], found: list[dict[str, Any]]) -> None:
        """Have a person release some of the records, with some of their classes."""
        change, basis = self.chance.choice(OPENED)
        release = {
            "id": "rel_0",
            "basis": basis,
            "asker": base["asker"]["ori"],
            "classes": self.some(list(self.words.classes)),
            "until": "2026-12-01T00:00:00Z",
            "warrant": None,
        }
        base["releases"] = [release]
        for facts in found:
            facts.update(change)
            if self.chance.random() < 0.7:
                facts["released_under"] = ["rel_0"]

    def _reason(self) -> str:
        law = self.data["law"]
        special = [
            *law["federal"]["danger_reasons"],
            *law["california"]["abortion_reasons"],
            *law["california"]["notifications"]["reasons"],
        ]
        return str(self.chance.choice([*["robbery"] * 2 * len(special), *special]))

    def _types(self, granted: Sequence[str]) -> list[str]:
        some = self.chance.sample(list(granted), self.chance.randint(1, min(3, len(granted))))
        if self.chance.random() < 0.2:
            # One whole kind alone, where a law speaks of it.
            known = self.data["sallyport"]["vocabulary"]["record_types"]
            kind = self.chance.choice(["criminal_history", "intelligence", "civil"])
            some = [t for t in granted if kind in known[t].get("treated_as", [])] or some
        return some

    def _record(self, record_types: Sequence[str]) -> dict[str, Any]:
        kind = self.chance.choice(list(record_types))
        treated = self.data["sallyport"]["vocabulary"]["record_types"][kind].get("treated_as", [])
        facts = {"record_type": kind, **_ORDINARY}
        if "intelligence" in treated:
            facts |= _INTELLIGENCE
        if "criminal_history" in treated:
            facts["criminal_history"] = True
        if self.chance.random() < 0.5:
            other = {k: v for k, v in self.facts().items() if k != "record_type"}
            for name in self.chance.sample(list(other), min(len(other), self.chance.randint(1, 2))):
                facts[name] = other[name]
        return facts

    def _as_agreed(self, grant: dict[str, Any], search: dict[str, Any]) -> dict[str, Any]:
        rank = self.data["sallyport"]["vocabulary"]["granularity_rank"]
        asked = search["granularity"]
        return {
            **self.answer(),
            "status": "answered",
            "granularity_asked": asked,
            "granularity_given": min(asked, grant["granularity"], key=rank.__getitem__),
            "record_types": search["record_types"],
            "handling": [grant["handling"]],
            "obligations": self.some(DUTIES),
            "stale": False,
        }
