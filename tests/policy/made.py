"""Made-up searches, questions and records, for the tests of the policy room."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from gateway.model import (
    Asker,
    Band,
    Caller,
    Contact,
    FindResult,
    Found,
    Granularity,
    Handling,
    Identifier,
    Listed,
    Name,
    Officer,
    Ori,
    PersonQuery,
    Question,
    ReasonGiven,
    Reference,
    Search,
    Subject,
    stamp,
)
from gateway.policy import Engine, Limits, Note, Policy

SMALL = Path(__file__).parent / "small"
NOW = datetime(2026, 11, 23, 20, 46, 10, 120_000, tzinfo=UTC)
TEXAS, CALIFORNIA, STRANGER = Ori("TX9990000"), Ori("CA9990000"), Ori("NM9990000")
LEAF = "sha-256:" + "0" * 64
TRANSACTION = "srch_" + "0" * 26
MODEL = "https://docs.oasis-open.org/niemopen/ns/model/"
CONTEXT = {
    "nc": MODEL + "niem-core/6.0/",
    "j": MODEL + "domains/justice/6.0/",
    "ncic": MODEL + "codes/ncic/6.0/",
    "scr": MODEL + "domains/screening/6.0/",
}
OPEN = {
    "dissemination": "GREEN",
    "disclosure": "open",
    "juvenile": False,
    "source_kind": "own",
    "intelligence": False,
    "criminal_history": False,
}
PERSON = PersonQuery(
    names=(Name(given="MARISOL", surname="QUEZADA BRANNOCK"),),
    birth_date=date(1987, 3, 12),
    identifiers=(Identifier(type="ssn", number="999-00-4417"),),
)


def pairwise(subject: str, owner: Ori) -> str:
    return f"pairwise-{subject}-{owner}"


def officer(assurance: int = 2) -> Officer:
    return Officer(
        subject="p4471",
        unit="Robbery",
        unit_function="investigation",
        roles=frozenset({"officer"}),
        assurance=assurance,
        auth_time=NOW,
        attributes=frozenset({"sworn"}),
    )


def search(**changes: Any) -> Search:
    caller = Caller(client="rms", ori=TEXAS, scopes=frozenset({"search"}), officer=officer())
    made = Search(
        id=TRANSACTION,
        caller=caller,
        purpose="investigation",
        subject=Subject(person=PERSON),
        record_types=("person", "warrant"),
        granularity=Granularity.RECORD,
        reason=ReasonGiven("robbery", "Named suspect"),
        reference=Reference("case", "26-004417"),
        agencies=("CA9990000",),
    )
    return replace(made, **changes)


def question(**changes: Any) -> Question:
    made = Question(
        version=1,
        transaction=TRANSACTION,
        owner=TEXAS,
        asker=Asker(
            ori=CALIFORNIA,
            unit="Robbery",
            unit_function="investigation",
            officer="pairwise-p4471-TX",
            roles=("officer",),
            assurance=2,
            auth_time=stamp(NOW),
        ),
        purpose="investigation",
        subject=Subject(person=PERSON),
        record_types=("person", "warrant"),
        granularity=Granularity.RECORD,
        reason=ReasonGiven("robbery", "Named suspect"),
    )
    return replace(made, **changes)


def person_message() -> dict[str, Any]:
    return {
        "@context": CONTEXT,
        "nc:Person": {
            "@id": "#P1",
            "nc:PersonName": {
                "nc:PersonGivenName": "MARISOL",
                "nc:PersonSurName": "QUEZADA BRANNOCK",
            },
            "nc:PersonBirthDate": {"nc:Date": "1987-03-12"},
            "nc:PersonSSNIdentification": {"nc:IdentificationID": "999-00-4417"},
            "ncic:PersonCautionInformationCode": "00",
        },
        "j:Warrant": {
            "nc:ActivityIdentification": {"nc:IdentificationID": "W-26-00417"},
            "j:CourtOrderDesignatedSubject": {"nc:EntityPerson": {"@id": "#P1"}},
            "scr:WarrantCategoryCode": "Search",
        },
    }


def found(
    number: int = 1,
    record_type: str = "warrant",
    message: dict[str, Any] | None = None,
    **facts: Any,
) -> Found:
    return Found(
        record_id=f"W-{number}",
        record_type=record_type,
        score=0.93,
        band=Band.PROBABLE,
        compared={"surname": "same", "birth_date": "same"},
        handling=Handling.of({**OPEN, **facts}),
        contact=Contact("Warrants", "+1-915-555-0142"),
        message=message if message is not None else person_message(),
    )


def result(*records: Found, **changes: Any) -> FindResult:
    return replace(FindResult(understood=True, found=Listed(records), data_as_of=NOW), **changes)


async def start(
    data_dir: Path,
    folder: Path = SMALL,
    engine: Engine | None = None,
    limits: Limits | None = None,
    self_ori: Ori = TEXAS,
    *,
    note: Note | None = None,
) -> Policy:
    return await Policy.start(
        folder=folder,
        data_dir=data_dir,
        self_ori=self_ori,
        pairwise=pairwise,
        engine=engine,
        limits=limits,
        note=note,
    )


def write_set(folder: Path, files: Mapping[str, str]) -> Path:
    """Copy the small set to `folder` with some files replaced or added."""
    for path in SMALL.rglob("*"):
        if path.is_file():
            target = folder / path.relative_to(SMALL)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    for name, text in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder
