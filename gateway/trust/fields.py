"""The headers of a signed message, parsed strictly: one spelling of everything, or nothing.

This is no parser of RFC 8941 at large. It takes the forms that our profile allows and refuses the
rest, repeated headers, second signatures and unusual spellings included.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

TRANSACTION = "sallyport-transaction"
REQUEST_MEDIA_TYPE = "application/json"
MEDIA_TYPES = frozenset({REQUEST_MEDIA_TYPE, "application/problem+json"})

_MAX_LINES = 128
_MAX_URI = 2_048
_CAPS = {
    "content-type": 64,
    "content-digest": 64,
    "signature": 128,
    "signature-input": 768,
    TRANSACTION: 64,
}
_NAMES = {name.encode(): name for name in _CAPS}

_URI = re.compile(r"https?://[!-~]+", re.ASCII)
_METHOD = re.compile(r"[A-Z]{1,16}", re.ASCII)
_DIGEST = re.compile(r"sha-256=:[A-Za-z0-9+/]{43}=:", re.ASCII)
_SIGNATURE = re.compile(r"sig1=(:([A-Za-z0-9+/]{86}==):)", re.ASCII)
_INPUT = re.compile(
    r"sig1=((\([^()]{1,320}\))((?:;[a-z]{1,8}=(?:[0-9]{1,11}|\"[A-Za-z0-9_-]{1,64}\")){4,6}))",
    re.ASCII,
)
_PARAM = re.compile(r";([a-z]+)=(?:([0-9]+)|\"([A-Za-z0-9_-]+)\")", re.ASCII)
_TRANSACTION = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
# 128 bits in base64url: 22 characters, of which the last holds two bits only.
_NONCE = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]", re.ASCII)
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_INTEGERS = frozenset({"created", "expires"})
_STRINGS = frozenset({"nonce", "keyid", "alg", "tag"})


class Unsound(Exception):
    """Why a message does not verify. `code` goes to a counter, never to the sender."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Params:
    """The signature's parameters. `expires` and `nonce` stand in requests only. Times in s."""

    created: int
    keyid: str
    alg: str
    tag: str
    expires: int | None
    nonce: str | None


@dataclass(frozen=True, slots=True)
class Fields:
    """What the headers of one signed message say; nothing of it is verified yet.

    `params_text` and `signature_text` are as they came; `signature` is the 64 raw bytes.
    """

    content_type: str
    digest: str
    transaction: str
    components: str
    params_text: str
    params: Params
    signature_text: str
    signature: bytes = field(repr=False)


def read_request_fields(
    headers: Sequence[tuple[bytes, bytes]], method: str, target_uri: str
) -> Fields:
    """Read a request's headers, and whether its first line can be signed. Raises Unsound."""
    if len(target_uri) > _MAX_URI:
        raise Unsound("too_large")
    if not _URI.fullmatch(target_uri) or not _METHOD.fullmatch(method):
        raise Unsound("malformed")
    lines = _lines(headers)
    transaction = lines.get(TRANSACTION, "")
    if not _TRANSACTION.fullmatch(transaction):
        raise Unsound("malformed")
    if lines.get("content-type") != REQUEST_MEDIA_TYPE:
        raise Unsound("media_type")
    return _read(lines, transaction)


def read_response_fields(headers: Sequence[tuple[bytes, bytes]]) -> Fields:
    """Read a response's headers. Raises Unsound."""
    lines = _lines(headers)
    if lines.get("content-type") not in MEDIA_TYPES:
        raise Unsound("media_type")
    return _read(lines, "")


def _lines(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Pick out the profile's headers, each at most once and within its cap."""
    if len(headers) > _MAX_LINES:
        raise Unsound("too_large")
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name = _NAMES.get(raw_name.lower())
        if name is None:
            continue
        if name in found:
            raise Unsound("duplicate_header")
        if len(raw_value) > _CAPS[name]:
            raise Unsound("too_large")
        try:
            found[name] = raw_value.decode("ascii").strip(" \t")
        except UnicodeDecodeError:
            raise Unsound("malformed") from None
    return found


def _read(lines: dict[str, str], transaction: str) -> Fields:
    try:
        digest, signed, said = (
            lines[n] for n in ("content-digest", "signature", "signature-input")
        )
    except KeyError:
        raise Unsound("unsigned") from None
    signature = _SIGNATURE.fullmatch(signed)
    given = _INPUT.fullmatch(said)
    if signature is None or given is None or not _DIGEST.fullmatch(digest):
        raise Unsound("malformed")
    return Fields(
        content_type=lines["content-type"],
        digest=digest,
        transaction=transaction,
        components=given[2],
        params_text=given[1],
        params=_params(given[3]),
        signature_text=signature[1],
        signature=_bytes(signature[2]),
    )


def _params(text: str) -> Params:
    integers: dict[str, int] = {}
    strings: dict[str, str] = {}
    for name, number, string in _PARAM.findall(text):
        if name in integers or name in strings:
            raise Unsound("malformed")
        if number and name in _INTEGERS and (number == "0" or number[0] != "0"):
            integers[name] = int(number)
        elif string and name in _STRINGS:
            strings[name] = string
        else:
            raise Unsound("malformed")
    nonce = strings.get("nonce")
    if nonce is not None and not _NONCE.fullmatch(nonce):
        raise Unsound("malformed")
    try:
        params = Params(
            created=integers["created"],
            keyid=strings["keyid"],
            alg=strings["alg"],
            tag=strings["tag"],
            expires=integers.get("expires"),
            nonce=nonce,
        )
    except KeyError:
        raise Unsound("malformed") from None
    if not _KEY_ID.fullmatch(params.keyid):
        raise Unsound("malformed")
    return params


def _bytes(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise Unsound("malformed") from None
    if base64.b64encode(data).decode() != text:
        # The last character has spare bits: a second spelling of the same signature.
        raise Unsound("malformed")
    return data
