"""Signed agreements as the data that decisions rest on, and their words against the vocabulary.

Only this makes `data.agreements`; what stands in the policy folder under that name is refused. For
each two agencies that both signed, where nothing is missing, at fault or said against it, the
text's grants are put in, by ORI:

    data.agreements[first][second]["<id>.<version>"] = {id, version, digest, title, citation,
        parties, status, valid, shares, stops, limited, limits, task_force}

What a party suspended or revoked stands there without its grants, so that officers are told why;
`stops` has the purposes of what is suspended, by ORI.
Whether it is in force at a moment is decided by the rules, from `valid`: nothing here has a clock.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from gateway.errors import Misconfigured, PolicyRejected
from gateway.policy.approvals import Approvals
from gateway.policy.obligations import DONE_BY_A_PERSON, parts_of, well_formed
from gateway.policy.sets import PolicySet, make_set
from gateway.policy.vocabulary import Vocabulary, read_vocabulary
from gateway.trust.agreement_files import (
    FOLDER,
    AgreementFolder,
    Book,
    Held,
    Trouble,
    line_of,
)
from gateway.trust.agreements import Act, Agreement, Document, Grant, Hours

KEY = "agreements"
_NS = 1_000_000_000
_NONE: frozenset[str] = frozenset()
Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A word of an agreement that the vocabulary or the directory does not hold, and where."""

    path: Path_
    reason: str


@dataclass(frozen=True, slots=True)
class Agreed:
    """The agreements as of one reading: what is held, what decides of it, what is wrong with it."""

    book: Book = field(default_factory=Book)
    types: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()


class Agreements:
    """The agency's folder of agreements, read against the words of a set."""

    def __init__(self, folder: AgreementFolder, approvals: Approvals | None = None) -> None:
        """`approvals`: what this agency signed counts only if two people here approved it."""
        self.folder = folder
        self.approvals = approvals

    def read(self, policy_set: PolicySet, *, strict: bool = False) -> Agreed:
        """Read, verify, and hold each against the set's vocabulary. Blocking, some milliseconds.

        One with a word that nobody knows gives nothing and is a trouble; with `strict`, that is
        `PolicyRejected`, so that no set comes into force that an agreement's words are not in.
        Raises `PolicyRejected` too if the folder can't be read.
        """
        try:
            book = self.folder.read()
        except (Misconfigured, OSError) as error:
            raise PolicyRejected("the agreements can't be read", where=FOLDER) from error
        words = read_vocabulary(policy_set.data)
        troubles = list(book.troubles)
        good = []
        for read in book.documents:
            held = self._approved(read)
            troubles += [Trouble(held.where, f) for f in held.faults[len(read.faults) :]]
            fault = _first_unknown(held, self.folder.path.parent, words, policy_set.data)
            if fault is None:
                good.append(held)
                continue
            if strict and held.complete:
                raise PolicyRejected(fault.reason, where=fault.where)
            good.append(replace(held, faults=(*held.faults, fault.reason)))
            troubles.append(fault)
        book = replace(book, documents=tuple(good), troubles=tuple(troubles))
        types = agency_types(policy_set.data)
        return Agreed(book, types, agreed_data(book, types), book.troubles)

    def approved_by(self, document: Document) -> tuple[str, ...]:
        """Name who approved a text here; nobody where no approval is wanted, or one is forged."""
        try:
            return self.approvals.names(document) if self.approvals else ()
        except PolicyRejected:
            return ()

    def _approved(self, held: Held) -> Held:
        """Give the document, with a fault where a second person is missing."""
        if self.approvals is None or self.folder.own not in held.signers:
            return held
        fault = self.approvals.fault(held.document, named=False)
        return held if fault is None else replace(held, faults=(*held.faults, fault))


def _first_unknown(
    held: Held, home: Path, words: Vocabulary, data: Mapping[str, Any]
) -> Trouble | None:
    for unknown in unknown_words(held.document.agreement, words, data):
        try:
            text = (home / held.where).read_text(encoding="utf-8")
        except OSError:
            text = ""
        return Trouble(f"{held.where}:{place(text, unknown.path)}", unknown.reason)
    return None


def with_agreements(policy_set: PolicySet, agreed: Mapping[str, Any]) -> PolicySet:
    """Give the set with these as its agreements, in the place of whatever stood there."""
    data = {k: v for k, v in policy_set.data.items() if k != KEY}
    return make_set(policy_set.modules, {**data, KEY: agreed})


def with_examples(policy_set: PolicySet) -> PolicySet:
    """Give the set with its own examples as agreements: for tests and benches of a set alone."""
    root = policy_set.data.get("sallyport")
    example = root.get("example") if isinstance(root, dict) else None
    found = example.get(KEY) if isinstance(example, dict) else None
    return with_agreements(policy_set, found if isinstance(found, dict) else {})


def refuse_unsigned(policy_set: PolicySet, folder: Path) -> None:
    """Raise `PolicyRejected` where a policy folder holds agreements: unsigned data give nothing."""
    if KEY not in policy_set.data:
        return
    found = sorted(p.relative_to(folder).as_posix() for p in (folder / KEY).rglob("data.*"))
    raise PolicyRejected(
        "an agreement in the policy folder is not signed, so it gives nothing. Have both parties "
        "sign it: `sallyport agreement draft`, then `sallyport agreement sign`; and remove it here",
        where=f"{found[0]}:1" if found else "data.yaml:1",
    )


def unknown_words(
    agreement: Agreement, words: Vocabulary, data: Mapping[str, Any]
) -> Iterator[Unknown]:
    """Find the words of an agreement that nobody knows: each is a refusal, never passed over."""
    agencies = _mapping(data.get("agencies"))
    types = set(agency_types(data).values())
    actions = _actions(data)
    for place, party in enumerate(agreement.parties):
        if party not in agencies and party not in types:
            reason = "is in no directory: enter it in agencies/, or use a type of agency that is"
            yield Unknown(("parties", place), f"'{party}' {reason}")
    known: Mapping[str, Any] = {
        "purposes": words.purposes,
        "record_types": words.record_types,
        "obligations": words.obligations,
        "granularities": words.granularities,
        "onward_sharing": words.onward_sharing,
        "classes": words.classes,
        "actions": actions,
    }
    for party, grants in agreement.shares.items():
        for number, grant in enumerate(grants):
            for path, word, key in _words(grant):
                if word not in known[key]:
                    reason = f"'{word}' is not among the vocabulary's {key}"
                    yield Unknown(("shares", party, number, *path), reason)
            for path, reason in _not_honoured(grant, words):
                yield Unknown(("shares", party, number, *path), reason)


def _not_honoured(grant: Grant, words: Vocabulary) -> Iterator[tuple[Path_, str]]:
    """Find obligations of a known word that don't say what the word takes."""
    for number, duty in enumerate(grant.obligations):
        plain = duty.model_dump(exclude_none=True)
        if duty.type in words.obligations and not well_formed(plain):
            takes = " and ".join(f"`{p}`" for p in parts_of(duty.type)) or "nothing"
            reason = f"'{duty.type}' takes {takes} beside its `type`, and no more"
            if duty.type in DONE_BY_A_PERSON:
                reason += "; a person has a day for it at least"
            yield ("obligations", number), reason


def _words(grant: Grant) -> Iterator[tuple[Path_, str, str]]:
    """Give every word of a grant: where it stands in it, and in which list it has to be."""
    yield ("granularity",), grant.granularity, "granularities"
    yield ("handling", "onward_sharing"), grant.handling.onward_sharing, "onward_sharing"
    for number, word in enumerate(grant.purposes):
        yield ("purposes", number), word, "purposes"
    for number, word in enumerate(grant.record_types):
        yield ("record_types", number), word, "record_types"
    for number, duty in enumerate(grant.obligations):
        yield ("obligations", number, "type"), duty.type, "obligations"
        if duty.rule is not None:
            yield ("obligations", number, "rule"), duty.rule, "onward_sharing"
    for word in grant.freshness_minutes:
        yield ("freshness_minutes", word), word, "record_types"
    for word, action in grant.classes.items():
        yield ("classes", word), word, "classes"
        yield ("classes", word), action, "actions"


def place(text: str, path: Path_) -> int:
    """Find the line of a part of an agreement in a draft, or in an envelope."""
    return max(line_of(text, path), line_of(text, ("text", *path)))


def agency_types(data: Mapping[str, Any]) -> dict[str, str]:
    """Give each agency's type as the directory has it, by ORI."""
    agencies = _mapping(data.get("agencies"))
    return {
        ori: facts["type"]
        for ori, facts in agencies.items()
        if isinstance(facts, dict) and isinstance(facts.get("type"), str)
    }


def agreed_data(book: Book, types: Mapping[str, str]) -> dict[str, Any]:
    """Give `data.agreements` from what was verified; `types` from the directory of agencies."""
    by_name: dict[tuple[str, str], dict[str, Any]] = {}
    by_type: dict[tuple[str, str], dict[str, Any]] = {}
    ends = _ends(book, types)
    for held in book.documents:
        if not held.complete:
            continue
        for one, other in pairs(held, types):
            agreement = held.document.agreement
            named = {one[0], other[0]} <= set(agreement.named)
            paper = _paper(book, held, (one, other), ends)
            into = by_name if named else by_type
            into.setdefault((one[0], other[0]), {})[f"{agreement.id}.{agreement.version}"] = paper
    # Agreements by name come before those by type of agency, whatever became of them; but what is
    # for certain hours, cases or units alone takes the place of none.
    agreed: dict[str, Any] = {}
    for two in sorted(by_type.keys() | by_name.keys()):
        papers = by_name.get(two, {})
        if all(p["limited"] for p in papers.values()):
            papers = by_type.get(two, {}) | papers
        agreed.setdefault(two[0], {})[two[1]] = papers
    return agreed


def pairs(
    held: Held, types: Mapping[str, str]
) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Give each two agencies that it stands between: (ORI, the party that it is), first ORI first.

    An agency is a party by name, or by its type if it has signed. Two that are parties by the same
    type have agreed on nothing with each other.
    """
    agreement = held.document.agreement
    members = {ori: ori for ori in agreement.named if ori in held.signers}
    for ori in held.signers - set(agreement.named):
        if types.get(ori) in agreement.parties:
            members[ori] = types[ori]
    for one, other in combinations(sorted(members.items()), 2):
        if one[1] != other[1]:
            yield one, other


def said_last(book: Book, held: Held, parties: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Tell what became of it between these parties: in_force, suspended or revoked, and by whom."""
    agreement = held.document.agreement
    last = {p: book.latest(agreement.id, p, agreement.version) for p in parties}
    for act, status in ((Act.REVOKE, "revoked"), (Act.SUSPEND, "suspended")):
        by = tuple(p for p, s in last.items() if s is not None and s.said.act is act)
        if by:
            return status, by
    return "in_force", ()


def _paper(
    book: Book,
    held: Held,
    two: tuple[tuple[str, str], tuple[str, str]],
    ends: Mapping[str, str],
) -> dict[str, Any]:
    agreement = held.document.agreement
    status, _ = said_last(book, held, [ori for ori, _ in two])
    shares = {
        ori: [g.model_dump(mode="json", exclude_none=True) for g in agreement.shares[party]]
        for ori, party in two
        if party in agreement.shares and status == "in_force"
    }
    limits = {
        "hours": _hours(agreement.hours) if agreement.hours else None,
        "cases": agreement.cases,
        "roster": _roster(agreement),
    }
    return {
        "id": agreement.id,
        "version": agreement.version,
        "digest": held.document.digest,
        "title": agreement.title,
        "citation": agreement.citation,
        "parties": list(agreement.parties),
        "status": status,
        "valid": {
            "from": agreement.valid.from_,
            "to": min(agreement.valid.to, ends.get(held.document.digest, agreement.valid.to)),
        },
        "shares": shares,
        "stops": {
            ori: sorted({p for g in agreement.shares[party] for p in g.purposes})
            for ori, party in two
            if party in agreement.shares and status == "suspended"
        },
        "limited": any(v is not None for v in limits.values()),
        "limits": limits,
        "task_force": agreement.task_force.name if agreement.task_force else None,
    }


def _ends(book: Book, types: Mapping[str, str]) -> dict[str, str]:
    """When a later version takes a version's place, by the earlier text's digest."""
    ends: dict[str, str] = {}
    complete = [h for h in book.documents if h.complete and any(pairs(h, types))]
    for held in complete:
        mine = held.document.agreement
        later = [
            h.document.agreement.valid.from_
            for h in complete
            if h.document.agreement.id == mine.id and h.document.agreement.version > mine.version
        ]
        if later:
            ends[held.document.digest] = min(later)
    return ends


def _hours(hours: Hours) -> dict[str, Any]:
    sign = -1 if hours.utc_offset[0] == "-" else 1
    return {
        "days": list(hours.days),
        "from_ns": _of_day(hours.from_),
        "to_ns": _of_day(hours.to),
        "offset_ns": sign * _of_day(hours.utc_offset[1:]),
    }


def _of_day(clock: str) -> int:
    hour, minute = clock.split(":")
    return (int(hour) * 60 + int(minute)) * 60 * _NS


def _roster(agreement: Agreement) -> dict[str, Any] | None:
    force = agreement.task_force
    return {o: m.model_dump(mode="json") for o, m in force.roster.items()} if force else None


def _actions(data: Mapping[str, Any]) -> frozenset[str]:
    vocabulary = _mapping(_mapping(data.get("sallyport")).get("vocabulary"))
    found = vocabulary.get("actions")
    return (
        frozenset(a for a in found if isinstance(a, str))
        if isinstance(found, list)
        else frozenset()
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
