"""What a policy may say: the exact schema of every outcome, checked by hand for speed.

A key too many or too few, a value of another kind, a word that the vocabulary does not hold, more
given than was asked: each is `PolicyUnavailable`, which is a refusal. The message names the place,
never a value. A reason whose code has no entry in the set is a refusal as well, and who asked reads
`UNLISTED` in its stead; the outcome in the log has it as the rule gave it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from gateway.errors import PolicyUnavailable
from gateway.model import ORI_PATTERN, Granularity, MatchHandling, Obligation, Reason
from gateway.policy.obligations import well_formed
from gateway.policy.vocabulary import STEP, Vocabulary

_ORI = re.compile(ORI_PATTERN)
_SHA256 = re.compile(r"sha-256:[0-9a-f]{64}")
_CODE = re.compile(r"[a-z][a-z0-9_.]{0,95}")
_GRANULARITIES = {str(g): g for g in Granularity}
_ACTIONS = frozenset({"give", "mask", "pointer", "count", "nothing"})
_SHOWS = frozenset({"record", "pointer", "none"})
_LONG, _TEXT, _YEARS_100, _KEEP = 1024, 256, 52_560_000, 36_500

UNLISTED = Reason(
    "policy.unlisted_reason",
    "A rule refused this, and it has no reason that may be shown. Ask the administrator of the "
    "agency that refused: its access log holds what the rule said.",
)
"""Said instead of a reason whose code no entry of the set explains."""

_PEER = frozenset({"allow", "reasons", "granularity", "terms", "record_types", "rules"})
_PEER_MAY = frozenset({"agreement", "kept"})
_ASK = frozenset({"allow", "reasons", "agencies", "rules"})
_ANSWER = frozenset(
    {
        *("allow", "reasons", "granularity", "record_types", "terms"),
        *("classes_never_shared", "freshness_minutes", "obligations", "rules"),
    }
)
KEPT = frozenset({"reason"})
"""Parts of a question that an agency may keep from others."""
_BY_VALUE = "hidden_by_value"
_ONLY_WITH = "only_with"
_ACTION = frozenset({"show", "classes", "handling", "confirm", "rules", _BY_VALUE, _ONLY_WITH})
_KEY = re.compile(STEP)
_ADMIT = frozenset({"allow", "reasons", "obligations", "rules"})
_AGENCY = frozenset({"ori", "name", "type", "jurisdiction", "purposes"})
_AGENCY_PURPOSE = frozenset(
    {"purpose", "record_types", "granularity", "freshness_minutes", "classes"}
)


@dataclass(frozen=True, slots=True)
class PeerOutcome:
    """What one agency may be asked."""

    allow: bool
    reasons: tuple[Reason, ...]
    granularity: Granularity
    terms: tuple[str, ...]
    record_types: tuple[str, ...]
    rules: tuple[str, ...]
    agreement: str | None = None
    """The digest of the text that the question rests on; None for the agency's own records."""
    kept: frozenset[str] = frozenset()
    """Parts of the question that this agency is not told, which are no terms: `reason`."""


@dataclass(frozen=True, slots=True)
class AskOutcome:
    """What the first door said, for every agency."""

    allow: bool
    reasons: tuple[Reason, ...]
    agencies: Mapping[str, PeerOutcome]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerOutcome:
    """What the second door said."""

    allow: bool
    reasons: tuple[Reason, ...]
    granularity: Granularity
    record_types: tuple[str, ...]
    terms: tuple[str, ...]
    classes_never_shared: tuple[str, ...]
    freshness: Mapping[str, int]
    obligations: tuple[Obligation, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """What to do with a record of these facts. `classes` is sorted pairs of class and action.

    `hidden_by_value`: an element's key to its values. A record that holds one of them is not shown,
    whatever its facts say. `only_with`: where it names classes, a record is shown only if it gives
    something of one of them.
    """

    show: str
    classes: tuple[tuple[str, str], ...]
    handling: MatchHandling
    confirm: bool
    rules: tuple[str, ...]
    hidden_by_value: Mapping[str, frozenset[str]] = field(hash=False)
    only_with: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AdmitOutcome:
    """Whether an answer may be taken in, and what to do for it."""

    allow: bool
    reasons: tuple[Reason, ...]
    obligations: tuple[Mapping[str, Any], ...]
    rules: tuple[str, ...]


def _bad(place: str) -> NoReturn:
    raise PolicyUnavailable(f"the policy's outcome is malformed at '{place}'")


def _object(value: Any, keys: frozenset[str], place: str) -> dict[str, Any]:
    if type(value) is not dict or value.keys() != keys:
        _bad(place)
    return value


def _bool(value: Any, place: str) -> bool:
    if type(value) is not bool:
        _bad(place)
    return value


def _words(value: Any, known: Any, place: str) -> tuple[str, ...]:
    """Take a list of different words, each in `known`."""
    if type(value) is not list:
        _bad(place)
    for word in value:
        if type(word) is not str or word not in known:
            _bad(place)
    if len(set(value)) != len(value):
        _bad(place)
    return tuple(value)


def _rules(value: Any, place: str) -> tuple[str, ...]:
    if type(value) is not list or not all(type(r) is str and len(r) <= _TEXT for r in value):
        _bad(place)
    return tuple(value)


def _granularity(value: Any, words: Vocabulary, place: str) -> Granularity:
    if type(value) is not str or value not in words.granularities:
        _bad(place)
    return _GRANULARITIES[value]


def _verdict(
    found: Mapping[str, Any], words: Vocabulary, place: str
) -> tuple[bool, tuple[Reason, ...]]:
    """Take whether it is allowed, and the reasons. One that no entry explains allows nothing."""
    allow, reasons = _bool(found["allow"], f"{place}.allow"), found["reasons"]
    if type(reasons) is not list:
        _bad(f"{place}.reasons")
    if not allow and not reasons:
        _bad(f"{place}.reasons")
    read = tuple(_reason(v, f"{place}.reasons") for v in reasons)
    if all(r.code in words.codes for r in read):
        return allow, read
    return False, tuple(dict.fromkeys(r if r.code in words.codes else UNLISTED for r in read))


def verdicts(outcome: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give the parts of a well-formed outcome that allow or refuse: itself, and each agency's."""
    if "reasons" in outcome:
        yield outcome
        yield from outcome.get("agencies", {}).values()


def unlisted(verdict: Mapping[str, Any], words: Vocabulary) -> list[str]:
    """Give the codes of a verdict's reasons that have no entry in the set."""
    return [r["code"] for r in verdict["reasons"] if r["code"] not in words.codes]


def _reason(value: Any, place: str) -> Reason:
    if type(value) is not dict or not {"code", "text"} <= value.keys() <= {
        *("code", "text", "citation")
    }:
        _bad(place)
    code, text, citation = value["code"], value["text"], value.get("citation")
    if type(code) is not str or not _CODE.fullmatch(code):
        _bad(f"{place}.code")
    if type(text) is not str or not text.strip() or len(text) > _LONG:
        _bad(f"{place}.text")
    if citation is not None and (type(citation) is not str or not 0 < len(citation) <= _TEXT):
        _bad(f"{place}.citation")
    return Reason(code, text, citation)


def _minutes(value: Any, words: Vocabulary, place: str) -> Mapping[str, int]:
    if type(value) is not dict:
        _bad(place)
    for record_type, minutes in value.items():
        if record_type not in words.record_types:
            _bad(place)
        if type(minutes) is not int or not 0 <= minutes <= _YEARS_100:
            _bad(place)
    return value


def read_ask(outcome: Any, words: Vocabulary) -> AskOutcome:
    """Check the first door's outcome. Raises `PolicyUnavailable`."""
    found = _object(outcome, _ASK, "ask")
    agencies = found["agencies"]
    if type(agencies) is not dict:
        _bad("ask.agencies")
    allow, reasons = _verdict(found, words, "ask")
    return AskOutcome(
        allow=allow,
        reasons=reasons,
        agencies={o: _peer(o, p, words) for o, p in agencies.items()},
        rules=_rules(found["rules"], "ask.rules"),
    )


def _peer(ori: str, value: Any, words: Vocabulary) -> PeerOutcome:
    place = "ask.agencies"
    if type(value) is not dict:
        _bad(place)
    agreement, kept = value.get("agreement"), value.get("kept", [])
    found = _object({k: v for k, v in value.items() if k not in _PEER_MAY}, _PEER, place)
    allow, reasons = _verdict(found, words, place)
    if allow and not _ORI.fullmatch(ori):
        _bad(place)
    terms = found["terms"]
    if type(terms) is not list or not all(type(t) is str for t in terms):
        _bad(f"{place}.terms")
    return PeerOutcome(
        allow=allow,
        reasons=reasons,
        granularity=_granularity(found["granularity"], words, f"{place}.granularity"),
        terms=tuple(terms),
        record_types=_words(found["record_types"], words.record_types, f"{place}.record_types"),
        rules=_rules(found["rules"], f"{place}.rules"),
        agreement=_digest(agreement, f"{place}.agreement"),
        kept=frozenset(_words(kept, KEPT, f"{place}.kept")),
    )


def _digest(value: Any, place: str) -> str | None:
    if value is not None and (type(value) is not str or not _SHA256.fullmatch(value)):
        _bad(place)
    return value


def read_answer(outcome: Any, words: Vocabulary) -> AnswerOutcome:
    """Check the second door's outcome. Raises `PolicyUnavailable`."""
    found = _object(outcome, _ANSWER, "answer")
    allow, reasons = _verdict(found, words, "answer")
    terms = found["terms"]
    if type(terms) is not list or not all(type(t) is str for t in terms):
        _bad("answer.terms")
    return AnswerOutcome(
        allow=allow,
        reasons=reasons,
        granularity=_granularity(found["granularity"], words, "answer.granularity"),
        record_types=_words(found["record_types"], words.record_types, "answer.record_types"),
        terms=tuple(terms),
        classes_never_shared=_words(
            found["classes_never_shared"], words.classes, "answer.classes_never_shared"
        ),
        freshness=_minutes(found["freshness_minutes"], words, "answer.freshness_minutes"),
        obligations=tuple(
            Obligation(**o) for o in _obligations(found["obligations"], words, "answer.obligations")
        ),
        rules=_rules(found["rules"], "answer.rules"),
    )


def read_release(outcome: Any, count: int, words: Vocabulary) -> tuple[Action, ...]:
    """Check the release's outcome: exactly `count` actions. Raises `PolicyUnavailable`."""
    found = _object(outcome, frozenset({"actions"}), "release")
    actions = found["actions"]
    if type(actions) is not list or len(actions) != count:
        _bad("release.actions")
    return tuple(_action(a, words) for a in actions)


def _action(value: Any, words: Vocabulary) -> Action:
    found = _object(value, _ACTION, "release.actions")
    show, classes = found["show"], found["classes"]
    if type(show) is not str or show not in _SHOWS:
        _bad("release.actions.show")
    if type(classes) is not dict:
        _bad("release.actions.classes")
    for element_class, action in classes.items():
        if element_class not in words.classes or type(action) is not str or action not in _ACTIONS:
            _bad("release.actions.classes")
    return Action(
        show=show,
        classes=tuple(sorted(classes.items())),
        handling=_handling(found["handling"], words),
        confirm=_bool(found["confirm"], "release.actions.confirm"),
        rules=_rules(found["rules"], "release.actions.rules"),
        hidden_by_value=_values(found[_BY_VALUE]),
        only_with=frozenset(
            _words(found[_ONLY_WITH], words.classes, f"release.actions.{_ONLY_WITH}")
        ),
    )


def _values(value: Any) -> Mapping[str, frozenset[str]]:
    place = f"release.actions.{_BY_VALUE}"
    if type(value) is not dict:
        _bad(place)
    for key, values in value.items():
        if not _KEY.fullmatch(key) or type(values) is not list:
            _bad(place)
        if not all(type(v) is str for v in values):
            _bad(place)
    return {key: frozenset(values) for key, values in value.items()}


def _handling(value: Any, words: Vocabulary) -> MatchHandling:
    place = "release.actions.handling"
    if type(value) is not dict or not {"keep_days", "onward_sharing"} <= value.keys() <= {
        *("keep_days", "onward_sharing", "caveat")
    }:
        _bad(place)
    keep, onward, caveat = value["keep_days"], value["onward_sharing"], value.get("caveat")
    if type(keep) is not int or not 0 <= keep <= _KEEP:
        _bad(f"{place}.keep_days")
    if type(onward) is not str or onward not in words.onward_sharing:
        _bad(f"{place}.onward_sharing")
    if caveat is not None and (type(caveat) is not str or not 0 < len(caveat) <= _LONG):
        _bad(f"{place}.caveat")
    return MatchHandling(keep_days=keep, onward_sharing=onward, caveat=caveat)


def read_admit(outcome: Any, words: Vocabulary) -> AdmitOutcome:
    """Check what the asking side's policy says to an answer. Raises `PolicyUnavailable`."""
    found = _object(outcome, _ADMIT, "admit")
    allow, reasons = _verdict(found, words, "admit")
    obligations = _obligations(found["obligations"], words, "admit.obligations")
    return AdmitOutcome(allow, reasons, obligations, _rules(found["rules"], "admit.rules"))


def _obligations(value: Any, words: Vocabulary, place: str) -> tuple[dict[str, Any], ...]:
    if type(value) is not list:
        _bad(place)
    for obligation in value:
        if type(obligation) is not dict:
            _bad(place)
        _words([obligation.get("type")], words.obligations, f"{place}.type")
        if not well_formed(obligation):
            _bad(place)
        if "rule" in obligation:
            _words([obligation["rule"]], words.onward_sharing, f"{place}.rule")
    return tuple(value)


def read_agencies(outcome: Any, words: Vocabulary) -> list[dict[str, Any]]:
    """Check the list of agencies that a caller may see. Raises `PolicyUnavailable`."""
    agencies = _object(outcome, frozenset({"agencies"}), "agencies")["agencies"]
    if type(agencies) is not list:
        _bad("agencies")
    for agency in agencies:
        found = _object(agency, _AGENCY, "agencies")
        if type(found["ori"]) is not str or not _ORI.fullmatch(found["ori"]):
            _bad("agencies.ori")
        for key in ("name", "type", "jurisdiction"):
            if type(found[key]) is not str or len(found[key]) > _TEXT:
                _bad(f"agencies.{key}")
        if type(found["purposes"]) is not list:
            _bad("agencies.purposes")
        for purpose in found["purposes"]:
            _agency_purpose(purpose, words)
    return agencies


def _agency_purpose(value: Any, words: Vocabulary) -> None:
    place = "agencies.purposes"
    found = _object(value, _AGENCY_PURPOSE, place)
    _words([found["purpose"]], words.purposes, f"{place}.purpose")
    _words(found["record_types"], words.record_types, f"{place}.record_types")
    _granularity(found["granularity"], words, f"{place}.granularity")
    minutes = found["freshness_minutes"]
    if type(minutes) is not int:
        _minutes(minutes, words, f"{place}.freshness_minutes")
    _words(found["classes"], words.classes, f"{place}.classes")
