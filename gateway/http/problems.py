"""Errors as RFC 9457 problems. The only place where an error meets an HTTP status.

A problem holds `type`, `title`, `status`, `code` (stable), `detail` (what happened, why, what to
do), `pointer` to the field, `reasons` of a refusal, and `reference`, which finds our log line.
It never holds a value that came in.
"""

import difflib
import http
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Send

from gateway import errors
from gateway.model import NUMBER, PRINTED, Reason

MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:sallyport:problem:"

# The most special first: the first match counts.
STATUSES: tuple[tuple[type[errors.SallyportError], int], ...] = (
    (errors.TooLarge, 413),
    (errors.Invalid, 422),
    (errors.NotAuthenticated, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.SignatureInvalid, 401),
    (errors.Unavailable, 503),
    (errors.PeerTimeout, 504),
    (errors.PeerError, 502),
    (errors.PolicyRejected, 422),
    (errors.Misconfigured, 500),
    (errors.Untranslatable, 422),
    (errors.SallyportError, 500),
)

ANYWHERE = (400, 405, 408, 413, 429, 431, 500, 503)
"""What any address may give: the server, the edge and the routing do, before its own code runs."""

UNEXPECTED = "The gateway failed. Nothing was released. Give the reference to its administrator."

_log = structlog.get_logger("sallyport.http")


class Problem(BaseModel):
    """One problem, as RFC 9457 has it, with our members."""

    model_config = ConfigDict(extra="forbid")

    type: str
    title: str
    status: int
    code: str
    detail: str
    reference: str
    pointer: str | None = None
    reasons: list[dict[str, Any]] | None = None


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe problems of these statuses for the OpenAPI document of an `App`."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {s: {"content": {MEDIA_TYPE: {"schema": schema}}} for s in statuses}


class App(FastAPI):
    """An application whose document knows what a problem is.

    Named as a route's model, a problem would be described as plain JSON as well, which none is.
    """

    def openapi(self) -> dict[str, Any]:
        """Give the OpenAPI document."""
        document = super().openapi()
        document["components"]["schemas"][Problem.__name__] = Problem.model_json_schema()
        return document


def status_of(error: errors.SallyportError) -> int:
    """Give the HTTP status of an error."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    pointer: str | None = None,
    reasons: Sequence[Reason] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Write a problem, and one line in our log under the same reference."""
    body = written(
        status,
        code,
        detail,
        reference=str(request.scope.get("sallyport.reference", "")),
        pointer=pointer,
        reasons=reasons,
    )
    return Response(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def written(
    status: int,
    code: str,
    detail: str,
    *,
    reference: str,
    pointer: str | None = None,
    reasons: Sequence[Reason] = (),
) -> bytes:
    """Give a problem's body, and write one line in our log under the same reference."""
    body: dict[str, Any] = {
        "type": _TYPE + code,
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "reference": reference,
    }
    if pointer is not None:
        body["pointer"] = pointer
    if reasons:
        body["reasons"] = [
            {"code": r.code, "text": r.text, **({"citation": r.citation} if r.citation else {})}
            for r in reasons
        ]
    _log.info("problem", status=status, code=code, reference=reference)
    return orjson.dumps(body)


async def send_problem(send: Send, body: bytes, status: int, *headers: tuple[bytes, bytes]) -> None:
    """Send a problem's body where there is no route yet, as an ASGI app; then hang up.

    What is left of the request is not read, so the connection can't be used again.
    """
    all_headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        *headers,
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": all_headers})
    await send({"type": "http.response.body", "body": body})


def of_error(request: Request, error: errors.SallyportError) -> Response:
    """Write one of our own errors as a problem."""
    status = status_of(error)
    headers: dict[str, str] = {}
    if status == http.HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="sallyport"'
    if status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "1"
    reasons = (
        tuple(r for r in error.reasons if isinstance(r, Reason))
        if isinstance(error, errors.Refused)
        else ()
    )
    where = error.where if isinstance(error, errors.PolicyRejected) else None
    return problem(
        request,
        status,
        error.code,
        f"{where}: {error.detail}" if where else error.detail,
        pointer=error.pointer,
        reasons=reasons,
        headers=headers,
    )


def of_http(request: Request, error: HTTPException) -> Response:
    """Write an error of the HTTP server's own as a problem."""
    code, detail = _ROUTING.get(error.status_code, ("request.invalid", "This can't be done."))
    return problem(request, error.status_code, code, detail, headers=error.headers)


def of_validation(
    request: Request, found: Sequence[Mapping[str, Any]], fields: Sequence[str]
) -> Response:
    """Write what pydantic found as a problem: the first finding, its field, and no value."""
    # A misspelt key is also a missing one; the misspelling is the better news.
    first = next((f for f in found if f["type"] in _UNKNOWN_KEY), found[0])
    kind = str(first["type"])
    part, where = first["loc"][0], [str(p) for p in first["loc"][1:]]
    if kind == "json_invalid":
        return problem(
            request,
            400,
            "request.not_json",
            f"The body is not JSON: {first['ctx']['error']}. Send one JSON object in UTF-8.",
        )
    if kind == "missing" and not where:
        return problem(
            request,
            422,
            "request.invalid",
            "The body is missing. Send one JSON object in UTF-8.",
            pointer=_pointer(where),
        )
    if kind in _NO_OBJECT:
        if not where and not _is_json(request):
            return of_http(request, HTTPException(415))
        return problem(
            request,
            422,
            "request.invalid",
            "Something else stands where a JSON object belongs. Put an object there.",
            pointer=_pointer(where),
        )
    if kind in _UNKNOWN_KEY:
        # The key itself came from outside: it is not repeated, only what it may have meant.
        key = where[-1] if where else ""
        near = difflib.get_close_matches(key, fields, n=1)
        hint = f" Did you mean {near[0]}?" if near and key not in fields else ""
        return problem(
            request,
            422,
            "request.unknown_key",
            f"This object has a key that is not known here.{hint}",
            pointer=_pointer(where[:-1]),
        )
    what = "field" if part == "body" else "parameter of the address"
    about = first.get("ctx", {})
    words = _PATTERNS.get(str(about.get("pattern"))) or _WORDS.get(kind, "{msg}")
    why = words.format(what=what, msg=str(first["msg"]).removeprefix("Value error, "), **about)
    return problem(
        request,
        422,
        "request.invalid",
        f"{why[:1].upper()}{why[1:]}. Correct the {what} that the pointer names.",
        pointer=_pointer(where),
    )


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


_NO_OBJECT = frozenset({"dataclass_type", "model_type", "model_attributes_type"})
_UNKNOWN_KEY = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
_WORDS = {
    "missing": "A {what} is missing",
    "tuple_type": "Something else stands where a list belongs",
    "string_pattern_mismatch": (
        "The text has not the form of this {what}, which stands in the OpenAPI document"
    ),
    "too_short": "A list of at least {min_length} is wanted",
    "too_long": "A list of at most {max_length} is wanted",
}
"""What pydantic says in words of Python, in those of JSON."""
_PATTERNS = {
    PRINTED: "This text holds control characters, or ones that turn the direction of writing",
    NUMBER: "A matter's number has a letter or a digit, and no control characters",
}
"""What a text has to be, where the pattern itself tells nobody."""


def _pointer(parts: Sequence[str]) -> str:
    """Point to a place as RFC 6901 does; the whole of it is the empty text."""
    return "".join("/" + p.replace("~", "~0").replace("/", "~1") for p in parts)


def install(app: FastAPI, fields: Sequence[str]) -> None:
    """Make every error of the app a problem. `fields` are the names that a request may hold."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, errors.SallyportError)  # noqa: S101 - registered for this type only
        return of_error(request, error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
        return of_validation(request, error.errors(), fields)

    async def routing(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - as above
        return of_http(request, error)

    async def unexpected(request: Request, _error: Exception) -> Response:
        # The edge logs it. The text of the error goes nowhere.
        return problem(request, 500, "gateway.error", UNEXPECTED)

    app.add_exception_handler(errors.SallyportError, ours)
    app.add_exception_handler(Exception, unexpected)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, routing)


_ROUTING = {
    400: ("request.not_json", "The body can't be read. Send one JSON object in UTF-8."),
    404: ("request.not_found", "There is nothing under this address. See the OpenAPI document."),
    405: ("request.method", "This address does not take this method. See the OpenAPI document."),
    408: ("request.too_slow", "The body did not come in time. Send it whole, at once."),
    413: ("request.too_large", "The body is over the limit. A search is a few kilobytes."),
    415: ("request.media_type", "Send the body as JSON, with Content-Type: application/json."),
}
