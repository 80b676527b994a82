"""What agency systems call: searches, records, agencies. Described in the OpenAPI document."""

import re
import secrets
import time
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, ClassVar

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import ConfigDict, Field, StringConstraints
from starlette.responses import Response

from gateway.criteria import require_criteria
from gateway.errors import Invalid
from gateway.exchange import SearchOutcome
from gateway.http.auth import require_officer
from gateway.http.composed import Gateway, gateway_of
from gateway.http.problems import responses
from gateway.http.strict import StrictRoute
from gateway.model import (
    ORI_PATTERN,
    Caller,
    CodeLetter,
    Granularity,
    JudicialWarrant,
    Ori,
    OriText,
    ReasonGiven,
    Reference,
    Search,
    Subject,
    Text,
    Word,
)

router = APIRouter(route_class=StrictRoute)

Officer = Annotated[Caller, Depends(require_officer("search"))]
OriOrAll = Annotated[str, StringConstraints(pattern=rf"{ORI_PATTERN}|^\*$")]
SearchId = Annotated[str, StringConstraints(pattern=r"^srch_[0-9A-HJKMNP-TV-Z]{26}$")]

PROBLEMS = responses(401, 403, 404, 409, 415, 422, 503)


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One search. Who asks, from which agency, comes from the token, never from here."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    purpose: Word
    reason: ReasonGiven
    subject: Subject
    record_types: Annotated[tuple[Word, ...], Field(min_length=1, max_length=64)]
    reference: Reference | None = None
    iii_purpose_code: CodeLetter | None = None
    warrant: JudicialWarrant | None = None
    attention: Text | None = None
    callback: Text | None = None
    agencies: Annotated[tuple[OriOrAll, ...], Field(min_length=1, max_length=256)] | None = None
    granularity: Granularity = Granularity.RECORD
    max_matches: Annotated[int, Field(ge=1, le=100, strict=True)] = 10
    deadline_ms: Annotated[int, Field(ge=50, le=30_000, strict=True)] = 5_000


def to_search(gateway: Gateway, body: SearchRequest, caller: Caller) -> Search:
    """Make the search that a request asks for. Raises Invalid, with the field, for one that isn't.

    Nothing is decided here: whether it may be asked is policy's to say.
    """
    vocabulary = gateway.policy.vocabulary
    _known(body.purpose, vocabulary.purposes, "purpose", "/purpose")
    for i, kind in enumerate(body.record_types):
        _known(kind, vocabulary.record_types, "record type", f"/record_types/{i}")
    _require_reason(body.reason, vocabulary.reason_placeholders)
    _require_reference(body.reference, pending=True)
    if body.subject.record is not None:
        raise Invalid("Fetch a record under /v1/records.", pointer="/subject/record")
    require_criteria(body.subject, datetime.now(UTC).date())
    if body.agencies and "*" in body.agencies and len(body.agencies) > 1:
        raise Invalid('"*" stands for all agencies: give it alone.', pointer="/agencies")
    return Search(
        id=new_search_id(),
        caller=caller,
        purpose=body.purpose,
        subject=body.subject,
        record_types=tuple(dict.fromkeys(body.record_types)),
        granularity=body.granularity,
        reason=body.reason,
        reference=body.reference,
        iii_purpose_code=body.iii_purpose_code,
        warrant=body.warrant,
        attention=body.attention,
        callback=body.callback,
        agencies=tuple(dict.fromkeys(body.agencies)) if body.agencies else None,
        max_matches=body.max_matches,
        deadline_ms=body.deadline_ms,
    )


@dataclass(frozen=True, slots=True)
class ReferenceUpdate:
    """The number of a matter that was pending when the search was made."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    reference: Reference


@dataclass(frozen=True, slots=True)
class ReferenceCompleted:
    """`in_time` is false past 24 hours: the search stays in the review queue."""

    search_id: str
    in_time: bool


@dataclass(frozen=True, slots=True)
class PurposeListing:
    """For one purpose: what may be asked of the agency."""

    purpose: Word
    record_types: tuple[Word, ...]
    granularity: Granularity
    freshness_minutes: dict[Word, int] | None = None
    classes: tuple[Word, ...] | None = None


@dataclass(frozen=True, slots=True)
class AgencyListing:
    """One agency that may be asked."""

    ori: OriText
    name: str
    type: str
    jurisdiction: str
    purposes: tuple[PurposeListing, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class AgencyListings:
    """Whom this officer may ask."""

    agencies: tuple[AgencyListing, ...]


@router.post(
    "/v1/searches",
    responses={200: {"model": SearchOutcome}, **PROBLEMS},
    tags=["searches"],
    summary="Search the agencies",
)
async def search(request: Request, body: SearchRequest, caller: Officer) -> Response:
    """Ask the agencies that policy permits, side by side, and give what came back."""
    gateway = gateway_of(request)
    outcome = await gateway.asking.search(to_search(gateway, body, caller))
    return _json(outcome.body())


@router.get(
    "/v1/searches/{search_id}",
    responses={200: {"model": SearchOutcome}, **PROBLEMS},
    tags=["searches"],
    summary="Fetch a search again",
)
async def search_again(
    request: Request, search_id: Annotated[SearchId, Path()], caller: Officer
) -> Response:
    """Give the outcome of a search to the officer who made it; what is due, as it stands now."""
    return _json(await gateway_of(request).asking.again(search_id, caller))


@router.patch(
    "/v1/searches/{search_id}",
    responses={200: {"model": ReferenceCompleted}, **PROBLEMS},
    tags=["searches"],
    summary="Complete a pending reference",
)
async def complete_reference(
    request: Request,
    search_id: Annotated[SearchId, Path()],
    body: ReferenceUpdate,
    caller: Officer,
) -> Response:
    """Give a search its reference, within 24 hours; later ones stay in the review queue."""
    _require_reference(body.reference, pending=False)
    in_time = await gateway_of(request).asking.complete(search_id, body.reference, caller)
    return _json(orjson.dumps(ReferenceCompleted(search_id=search_id, in_time=in_time)))


@router.get(
    "/v1/records/{ori}/{record_id:path}",
    responses={200: {"model": SearchOutcome}, **PROBLEMS},
    tags=["records"],
    summary="Fetch one record",
)
async def record(
    request: Request,
    ori: Annotated[OriText, Path()],
    record_id: Annotated[Text, Path()],
    search: Annotated[SearchId, Query(description="The search that named the record.")],
    caller: Officer,
) -> Response:
    """Fetch a record that a search named. Both doors decide, and log, anew."""
    outcome = await gateway_of(request).asking.retrieve(
        Ori(ori), record_id, search, new_search_id(), caller
    )
    return _json(outcome.body())


@router.get(
    "/v1/agencies",
    responses={200: {"model": AgencyListings}, **PROBLEMS},
    tags=["agencies"],
    summary="Whom may I ask?",
)
async def agencies(request: Request, caller: Officer) -> Response:
    """List whom this officer may ask, for what, at which granularity, how fresh."""
    return _json(orjson.dumps(await gateway_of(request).asking.agencies(caller)))


def new_search_id() -> str:
    """Make a search's id: `srch_` and 26 characters that sort by time (ULID)."""
    value = (int(time.time() * 1000) << 80) | secrets.randbits(80)
    return "srch_" + "".join(_CROCKFORD[(value >> s) & 31] for s in range(125, -1, -5))


_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_FEWEST_LETTERS = 4
_NOT_A_LETTER = re.compile(r"\d")
_WORD_MARKS = re.compile(r"[\W_]+")
_REPEATED = re.compile(r"(.)\1*")


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def _known(word: str, words: Collection[str], what: str, pointer: str) -> None:
    if word not in words:
        raise Invalid(
            f"The {what} is not in this gateway's vocabulary. Known: {', '.join(sorted(words))}.",
            code=f"search.unknown_{what.replace(' ', '_')}",
            pointer=pointer,
        )


def _require_reason(reason: ReasonGiven, placeholders: frozenset[str]) -> None:
    words = _folded(reason.text)
    letters = _NOT_A_LETTER.sub("", "".join(words))
    said = [_folded(text) for text in placeholders]
    if (
        len(letters) < _FEWEST_LETTERS
        or _REPEATED.fullmatch(letters)
        or (len(words) > 1 and len(set(words)) == 1)
        or any(_repeats(words, placeholder) for placeholder in said)
    ):
        raise Invalid(
            "The reason says nothing: it is a placeholder, or one word over and over. Write in a "
            "few words why you ask; it is read in audits.",
            code="search.reason_placeholder",
            pointer="/reason/text",
        )


def _folded(text: str) -> list[str]:
    """Give the words of a text as they are compared: no case, no width, no marks between them."""
    return _WORD_MARKS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).split()


def _repeats(words: Sequence[str], one: Sequence[str]) -> bool:
    """Whether the words are these, once or over and over."""
    return bool(one) and words == [*one] * (len(words) // len(one))


def _require_reference(reference: Reference | None, *, pending: bool) -> None:
    if reference is None:
        return
    if reference.type == "pending":
        if not pending:
            raise Invalid("Give the type and number of the matter.", pointer="/reference/type")
        if reference.number is not None:
            raise Invalid(
                "A pending reference has no number yet. Give its type, or leave the number out.",
                pointer="/reference/number",
            )
    elif reference.number is None:
        raise Invalid(
            'A reference needs its number. If there is none yet, give "pending".',
            pointer="/reference/number",
        )
