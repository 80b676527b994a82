"""What two outcomes of one decision mean for those they are about: who gets more, who gets less.

Outcomes are brought to one form first, a `View` for each agency or record that was decided on.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gateway.errors import PolicyUnavailable
from gateway.model import Granularity
from gateway.policy import decisions
from gateway.policy.release import STAND_IN
from gateway.policy.vocabulary import Vocabulary

UNAVAILABLE = PolicyUnavailable.default_code
Way = Literal["allow_to_deny", "deny_to_allow", "more", "fewer", "other"]
_ACTIONS = ("", "pointer", "count", "mask", "give")
"""The strictest first. What is not in it gives nothing, and tells nothing."""
_SHOWS = ("none", "pointer", "record")


@dataclass(frozen=True, slots=True)
class View:
    """One part of an outcome. `agency` is the other side: who asks, or who is asked.

    `kept` are the parts of the question that it is not told.

    `classes` maps a class to its action; `never` are those never shared. `hidden_by_value` are the
    elements' keys and values that keep a record from being shown; `only_with` the classes of which
    it has to give something.
    """

    allow: bool
    agency: str
    record_type: str | None = None
    granularity: str | None = None
    record_types: frozenset[str] = frozenset()
    terms: frozenset[str] = frozenset()
    classes: Mapping[str, str] | None = None
    never: frozenset[str] = frozenset()
    show: str | None = None
    hidden_by_value: frozenset[tuple[str, str]] = frozenset()
    only_with: frozenset[str] = frozenset()
    codes: tuple[str, ...] = ()
    kept: frozenset[str] = frozenset()
    rest: Any = None


@dataclass(frozen=True, slots=True)
class Effect:
    """One consequence. `what` names its kind: decision, class, path, record, granularity, term.

    `name` is the class, element, record type or word that it is about; `codes` the reasons given
    now, or, where a refusal is lifted, those given before.
    """

    way: Way
    what: str
    agency: str
    name: str = ""
    codes: tuple[str, ...] = ()


def views(entrypoint: str, case: Mapping[str, Any], outcome: Any) -> dict[str, View]:
    """Give an outcome's views by their place. None is a refusal of all that was asked."""
    if outcome is None:
        return _refused(entrypoint, case)
    return _VIEWS[entrypoint](case, outcome)


def fits(entrypoint: str, case: Mapping[str, Any], outcome: Any, words: Vocabulary) -> bool:
    """Tell whether the gateway would take an outcome for one. It refuses where it doesn't.

    One that allows with a reason whose code has no entry is a refusal too.
    """
    try:
        if entrypoint == "release":
            decisions.read_release(outcome, len(case["facts"]), words)
        else:
            _READS[entrypoint](outcome, words)
            parts = decisions.verdicts(outcome)
            return not any(p["allow"] and decisions.unlisted(p, words) for p in parts)
    except PolicyUnavailable:
        return False
    return True


_READS: Mapping[str, Callable[[Any, Vocabulary], object]] = {
    "ask": decisions.read_ask,
    "answer": decisions.read_answer,
    "admit": decisions.read_admit,
}


def _refused(entrypoint: str, case: Mapping[str, Any]) -> dict[str, View]:
    agency = _other_side(entrypoint, case)
    if entrypoint == "ask" and isinstance(case["agencies"], list):
        return {o: View(allow=False, agency=o, codes=(UNAVAILABLE,)) for o in case["agencies"]}
    if entrypoint == "release":
        return {
            str(i): View(
                allow=False,
                agency=agency,
                record_type=fact.get("record_type"),
                show="none",
                classes={},
                codes=(UNAVAILABLE,),
            )
            for i, fact in enumerate(case["facts"])
            if STAND_IN not in fact
        }
    return {"": View(allow=False, agency=agency, codes=(UNAVAILABLE,))}


def _other_side(entrypoint: str, case: Mapping[str, Any]) -> str:
    if entrypoint == "admit":
        return str(case["owner"])
    return str(case["asker"]["ori"]) if "asker" in case else str(case["self"])


def _codes(part: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(str(r["code"]) for r in part["reasons"]))


def _ask(case: Mapping[str, Any], outcome: Any) -> dict[str, View]:
    if not outcome["allow"]:
        asked = case["agencies"] if isinstance(case["agencies"], list) else [""]
        return {
            o: View(allow=False, agency=o or str(case["self"]), codes=_codes(outcome))
            for o in asked
        }
    return {
        ori: View(
            allow=peer["allow"],
            agency=ori,
            granularity=peer["granularity"] if peer["allow"] else None,
            record_types=frozenset(peer["record_types"]),
            terms=frozenset(peer["terms"]),
            codes=_codes(peer),
            # Sets kept from before this was decided told the whole question but for its terms.
            kept=frozenset(peer.get("kept", ())),
        )
        for ori, peer in outcome["agencies"].items()
    }


def _answer(case: Mapping[str, Any], outcome: Any) -> dict[str, View]:
    allow = outcome["allow"]
    return {
        "": View(
            allow=allow,
            agency=_other_side("answer", case),
            granularity=outcome["granularity"] if allow else None,
            record_types=frozenset(outcome["record_types"]),
            terms=frozenset(outcome["terms"]),
            never=frozenset(outcome["classes_never_shared"]),
            codes=_codes(outcome),
            rest=[outcome["freshness_minutes"], outcome.get("obligations", [])],
        )
    }


def _release(case: Mapping[str, Any], outcome: Any) -> dict[str, View]:
    return {
        str(i): View(
            allow=True,
            agency=_other_side("release", case),
            record_type=fact.get("record_type"),
            show=action["show"],
            classes=action["classes"] if action["show"] == "record" else {},
            hidden_by_value=frozenset(
                (key, value)
                for key, values in action["hidden_by_value"].items()
                for value in values
            ),
            # Sets kept from before this was decided did not ask for any class.
            only_with=frozenset(action.get("only_with", ())),
            codes=tuple(action["rules"]),
            rest=[action["handling"], action["confirm"]] if action["show"] == "record" else None,
        )
        for i, (fact, action) in enumerate(zip(case["facts"], outcome["actions"], strict=True))
        if STAND_IN not in fact
    }


def _admit(case: Mapping[str, Any], outcome: Any) -> dict[str, View]:
    return {
        "": View(
            allow=outcome["allow"],
            agency=_other_side("admit", case),
            codes=_codes(outcome),
            rest=outcome["obligations"],
        )
    }


_VIEWS = {"ask": _ask, "answer": _answer, "release": _release, "admit": _admit}


def effects(then: Mapping[str, View], now: Mapping[str, View]) -> Iterator[Effect]:
    """Give what is otherwise now, each consequence once a place."""
    for place in sorted(then.keys() | now.keys()):
        before, after = then.get(place), now.get(place)
        if before is None or after is None:
            present = before or after
            if present is not None and present.allow:
                gone = after is None
                yield Effect(
                    "allow_to_deny" if gone else "deny_to_allow", "decision", present.agency
                )
            continue
        yield from _between(before, after)


def _between(then: View, now: View) -> Iterator[Effect]:
    if then.show is not None or now.show is not None:
        yield from _of_record(then, now)
    elif then.allow and not now.allow:
        yield Effect("allow_to_deny", "decision", now.agency, codes=now.codes)
    elif now.allow and not then.allow:
        yield Effect("deny_to_allow", "decision", now.agency, codes=then.codes)
    elif now.allow:
        yield from _within(then, now)
    elif then.codes != now.codes:
        yield Effect("other", "reasons", now.agency, codes=now.codes)


def _within(then: View, now: View) -> Iterator[Effect]:
    """Both allow: what of it is more, fewer, or otherwise."""
    if then.granularity and now.granularity and then.granularity != now.granularity:
        less = Granularity(now.granularity).rank < Granularity(then.granularity).rank
        name = f"{then.granularity} to {now.granularity}"
        yield Effect("fewer" if less else "more", "granularity", now.agency, name)
    yield from _sets("record_type", then.record_types, now.record_types, now.agency)
    yield from _sets("term", then.terms, now.terms, now.agency)
    yield from _sets("class", now.never, then.never, now.agency)
    yield from _sets("term", now.kept, then.kept, now.agency)
    if then.rest != now.rest:
        yield Effect("other", "obligations", now.agency)
    if then.codes != now.codes:
        yield Effect("other", "reasons", now.agency, codes=now.codes)


def _sets(what: str, then: frozenset[str], now: frozenset[str], agency: str) -> Iterator[Effect]:
    yield from (Effect("more", what, agency, name) for name in sorted(now - then))
    yield from (Effect("fewer", what, agency, name) for name in sorted(then - now))


def _of_record(then: View, now: View) -> Iterator[Effect]:
    kind = now.record_type or ""
    before, after = (_SHOWS.index(v.show or "none") for v in (then, now))
    if before != after:
        name = f"{kind}: {_SHOWS[before]} to {_SHOWS[after]}"
        yield Effect("fewer" if after < before else "more", "record", now.agency, name, now.codes)
    was, given = then.classes or {}, now.classes or {}
    for name in sorted(was.keys() | given.keys()):
        old, new = (level(classes.get(name, "")) for classes in (was, given))
        if old != new:
            yield Effect(way(old, new), "class", now.agency, name)
    if "none" not in {then.show, now.show}:
        # Records with a value are hidden, so more values are fewer records.
        for key, value in sorted(then.hidden_by_value ^ now.hidden_by_value):
            less = (key, value) in now.hidden_by_value
            name = f"{kind} with {key} {value}"
            yield Effect("fewer" if less else "more", "record", now.agency, name)
        if then.only_with != now.only_with:
            for needed, less in ((now.only_with, True), (then.only_with, False)):
                if needed:
                    name = f"{kind} without {' or '.join(sorted(needed))}"
                    yield Effect("fewer" if less else "more", "record", now.agency, name)
    if then.rest != now.rest and before == after:
        yield Effect("other", "handling", now.agency)


def level(action: str) -> int:
    """Give how much an action on a class gives, 0 for nothing at all."""
    return _ACTIONS.index(action) if action in _ACTIONS else 0


def way(old: int, new: int) -> Way:
    """Tell whether what is given at one level, and then at another, is more or fewer."""
    return "more" if new > old else "fewer" if new < old else "other"
