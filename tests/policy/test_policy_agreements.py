"""From verified documents to the data that decide: pairs, types, versions, statements, words."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from demo.agreements import examples, text_of
from gateway.errors import PolicyRejected
from gateway.policy.agreements import (
    Agreements,
    agreed_data,
    refuse_unsigned,
    with_agreements,
    with_examples,
)
from gateway.policy.sets import PolicySet, load_set
from gateway.policy.standing import standings
from gateway.trust.agreement_files import AgreementFolder
from gateway.trust.agreements import (
    Act,
    Agreement,
    Document,
    StatementText,
    document_of,
    sign,
    state,
)

POLICIES = Path(__file__).parents[2] / "policies"
TX, CA, NM, US = "TX9990000", "CA9990000", "NM9990000", "USBPX9900"
KEYS = {ori: Ed25519PrivateKey.generate() for ori in (TX, CA, NM, US)}
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def shipped() -> PolicySet:
    return load_set(POLICIES)


@pytest.fixture
def folder(tmp_path: Path) -> AgreementFolder:
    ring = {ori: key.public_key() for ori, key in KEYS.items()}
    return AgreementFolder(tmp_path, own=TX, keyring=ring)


def text(shipped: PolicySet, *parties: str, **changes: Any) -> dict[str, Any]:
    """The text between the first two of the demo's agencies, for these parties."""
    example = next(p for p in examples(shipped) if p["id"] == "mou-2026-01")
    grant = example["shares"][TX]
    shares = changes.pop("shares", dict.fromkeys(parties, grant))
    return text_of({**example, "parties": list(parties), "shares": shares}, **changes)


def signed(text: dict[str, Any], *signers: str) -> Document:
    document = document_of(Agreement.model_validate(text))
    return document.signed_by([sign(document, KEYS[s], s) for s in signers])


def say(folder: AgreementFolder, document: Document, party: str, act: Act, number: int = 1) -> None:
    said = StatementText(
        format=1,
        agreement=document.agreement.id,
        version=document.agreement.version,
        digest=document.digest,
        party=party,
        act=act,
        sequence=number,
        at="2026-11-24T00:00:00.00Z",
        reason="A reason",
    )
    folder.put_statement(state(said, KEYS[party]))


def papers(folder: AgreementFolder, shipped: PolicySet, one: str, other: str) -> dict[str, Any]:
    first, second = sorted((one, other))
    found = Agreements(folder).read(shipped).data.get(first, {}).get(second, {})
    return dict(found)


def test_what_both_signed_is_data(folder: AgreementFolder, shipped: PolicySet) -> None:
    document = signed(text(shipped, CA, TX), CA, TX)
    folder.put(document)
    paper = papers(folder, shipped, TX, CA)["mou-2026-01.1"]
    assert (paper["status"], paper["digest"]) == ("in_force", document.digest)
    assert paper["limited"] is False
    assert paper["shares"].keys() == {TX, CA}


@pytest.mark.parametrize("signers", [[CA], [TX]])
def test_one_signature_is_no_data(
    folder: AgreementFolder, shipped: PolicySet, signers: list[str]
) -> None:
    folder.put(signed(text(shipped, CA, TX), *signers))
    assert Agreements(folder).read(shipped).data == {}


@pytest.mark.parametrize("act", [Act.SUSPEND, Act.REVOKE])
def test_what_a_party_took_back_has_no_grants(
    folder: AgreementFolder, shipped: PolicySet, act: Act
) -> None:
    document = signed(text(shipped, CA, TX), CA, TX)
    folder.put(document)
    say(folder, document, CA, act)
    paper = papers(folder, shipped, TX, CA)["mou-2026-01.1"]
    assert paper["shares"] == {}
    assert paper["status"] == {"suspend": "suspended", "revoke": "revoked"}[act]
    purposes = {
        ori: sorted({p for g in grants for p in g.purposes})
        for ori, grants in document.agreement.shares.items()
    }
    assert paper["stops"] == (purposes if act is Act.SUSPEND else {})


def test_who_leaves_leaves_the_others_among_themselves(
    folder: AgreementFolder, shipped: PolicySet
) -> None:
    roster = {p: {"units": ["CID"]} for p in (CA, TX, US)}
    force = {"name": "Task Force Meridian", "roster": roster}
    made = text(shipped, CA, TX, US, id="jtf", cases=["26-004417"], task_force=force)
    document = signed(made, CA, TX, US)
    folder.put(document)
    say(folder, document, US, Act.SUSPEND)
    assert papers(folder, shipped, CA, TX)["jtf.1"]["status"] == "in_force"
    assert papers(folder, shipped, US, TX)["jtf.1"]["status"] == "suspended"
    limits = papers(folder, shipped, CA, TX)["jtf.1"]["limits"]
    assert (limits["cases"], limits["roster"][CA]) == (["26-004417"], {"units": ["CID"]})


def test_a_type_of_agency_is_whoever_of_it_signed(
    folder: AgreementFolder, shipped: PolicySet
) -> None:
    kind = shipped.data["agencies"][CA]["type"]
    made = text(shipped, kind, TX, shares={TX: text(shipped, CA, TX)["shares"][TX]})
    folder.put(signed(made, TX))
    assert Agreements(folder).read(shipped).data == {}
    # Another kind of agency gets nothing by signing.
    folder.put(signed(made, US))
    assert Agreements(folder).read(shipped).data == {}
    folder.put(signed(made, CA))
    assert papers(folder, shipped, CA, TX)["mou-2026-01.1"]["shares"].keys() == {TX}


def test_two_of_one_type_agreed_on_nothing_with_each_other(
    folder: AgreementFolder, shipped: PolicySet
) -> None:
    made = text(shipped, "a_type", TX)
    folder.put(signed(made, TX, CA, NM))
    data = agreed_data(folder.read(), {CA: "a_type", NM: "a_type"})
    assert {(a, b) for a, others in data.items() for b in others} == {(CA, TX), (NM, TX)}


def test_by_name_comes_before_by_type(folder: AgreementFolder, shipped: PolicySet) -> None:
    kind = shipped.data["agencies"][CA]["type"]
    folder.put(signed(text(shipped, kind, TX, id="open"), TX, CA))
    named = signed(text(shipped, CA, TX, id="named"), TX, CA)
    folder.put(named)
    say(folder, named, CA, Act.SUSPEND)
    assert papers(folder, shipped, CA, TX).keys() == {"named.1"}


def test_what_is_for_some_cases_alone_takes_the_place_of_none_by_type(
    folder: AgreementFolder, shipped: PolicySet
) -> None:
    kind = shipped.data["agencies"][CA]["type"]
    folder.put(signed(text(shipped, kind, TX, id="open"), TX, CA))
    for_a_case = text(shipped, CA, TX, id="named", cases=["26-004417"])
    folder.put(signed(for_a_case, TX, CA))
    found = papers(folder, shipped, CA, TX)
    assert {name: p["limited"] for name, p in found.items()} == {"open.1": False, "named.1": True}
    # One by name that holds for every case takes its place all the same.
    folder.put(signed(text(shipped, CA, TX, id="general"), TX, CA))
    assert papers(folder, shipped, CA, TX).keys() == {"named.1", "general.1"}


def test_a_later_version_takes_over_when_it_begins(
    folder: AgreementFolder, shipped: PolicySet
) -> None:
    first = signed(text(shipped, CA, TX), CA, TX)
    valid = {"from": "2027-06-01T00:00:00Z", "to": "2029-01-01T00:00:00Z"}
    again = text(shipped, CA, TX, version=2, replaces=first.digest, valid=valid)
    folder.put(first)
    folder.put(signed(again, CA))
    assert papers(folder, shipped, CA, TX)["mou-2026-01.1"]["valid"]["to"] == "2028-01-01T00:00:00Z"
    folder.put(signed(again, TX))
    found = papers(folder, shipped, CA, TX)
    assert found["mou-2026-01.1"]["valid"]["to"] == found["mou-2026-01.2"]["valid"]["from"]


WORDS = [
    ("purposes", ["curiosity"]),
    ("record_types", ["gossip"]),
    ("granularity", "everything"),
    ("obligations", [{"type": "forget"}]),
    ("obligations", [{"type": "delete_after"}]),
    ("obligations", [{"type": "confirm_before_acting", "days": 3}]),
    ("obligations", [{"type": "fingerprints_within", "days": 0}]),
    ("obligations", [{"type": "onward_sharing", "rule": "everybody"}]),
    ("freshness_minutes", {"gossip": 1}),
    ("classes", {"rumours": "give"}),
    ("classes", {"identity": "shout"}),
    ("handling", {"keep_days": 1, "onward_sharing": "everybody"}),
]


@pytest.mark.parametrize(("key", "value"), WORDS, ids=lambda v: str(v)[:20])
def test_a_word_that_nobody_knows_gives_nothing_and_stops_the_set(
    folder: AgreementFolder, shipped: PolicySet, key: str, value: Any
) -> None:
    made = text(shipped, CA, TX)
    made["shares"] = {TX: [{**made["shares"][TX][0], key: value}]}
    folder.put(signed(made, CA, TX))
    agreed = Agreements(folder).read(shipped)
    assert agreed.data == {}
    (trouble,) = agreed.troubles
    file, _, line = trouble.where.rpartition(":")
    assert file == "agreements/mou-2026-01/1.json"
    assert int(line) > 1
    with pytest.raises(PolicyRejected) as caught:
        Agreements(folder).read(shipped, strict=True)
    assert caught.value.where == trouble.where


def test_a_party_that_is_in_no_directory_gives_nothing(
    folder: AgreementFolder, shipped: PolicySet
) -> None:
    folder.put(signed(text(shipped, TX, "a_guild"), TX))
    assert "no directory" in Agreements(folder).read(shipped).troubles[0].reason


def test_unsigned_data_of_a_set_never_decide(shipped: PolicySet, tmp_path: Path) -> None:
    forged = with_agreements(shipped, {"CA9990000": {"TX9990000": {"made": {}}}})
    with pytest.raises(PolicyRejected, match="not signed"):
        refuse_unsigned(forged, tmp_path)
    assert with_agreements(forged, {}).data["agreements"] == {}
    refuse_unsigned(shipped, tmp_path)
    assert len(with_examples(shipped).data["agreements"]) >= 3


def test_how_it_stands_and_when_it_warns(folder: AgreementFolder, shipped: PolicySet) -> None:
    folder.put(signed(text(shipped, CA, TX), CA, TX))
    agreed = Agreements(folder).read(shipped)
    end = datetime(2028, 1, 1, tzinfo=UTC)

    def at(moment: datetime) -> tuple[str, int | None]:
        (found,) = standings(agreed, TX, moment)
        return found.state, found.warning

    assert at(datetime(2025, 12, 31, tzinfo=UTC)) == ("not_begun", None)
    assert at(NOW) == ("in_force", None)
    assert at(end - timedelta(days=91)) == ("in_force", None)
    assert at(end - timedelta(days=90)) == ("in_force", 90)
    assert at(end - timedelta(days=30)) == ("in_force", 30)
    assert at(end - timedelta(days=7)) == ("in_force", 7)
    assert at(end - timedelta(seconds=1)) == ("in_force", 7)
    assert at(end) == ("expired", None)
    (other,) = standings(agreed, US, NOW)
    assert (other.state, other.by) == ("awaiting", (US,))
