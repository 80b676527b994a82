"""The receipt of a search: what was given out, bound to its line in the log and to a signature.

Any change to the answer changes `content`, which the log's line holds and the signature covers.
Both are over JSON as it stands in the answer: keys sorted, no spaces, UTF-8, numbers unchanged.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.errors import Invalid
from gateway.ledger import LogEntry
from gateway.model import digest
from gateway.trust.jwk import ec_jwk, thumbprint
from gateway.trust.signatures import verify_detached

Sign = Callable[[bytes], tuple[str, str]]
"""Sign bytes with the gateway's message key: (key id, base64url signature)."""

_OUTSIDE_THE_CORE = frozenset({"key_id", "signature"})


def content_digest(outcome: Mapping[str, Any]) -> str:
    """Give the digest of an answer without its receipt. Its `blind` keeps it from being guessed."""
    return digest(_canonical({name: v for name, v in outcome.items() if name != "receipt"}))


def core(outcome: Mapping[str, Any]) -> bytes:
    """Give the bytes that a receipt's signature is over."""
    receipt = {n: v for n, v in outcome["receipt"].items() if n not in _OUTSIDE_THE_CORE}
    return _canonical(
        {
            "search_id": outcome["search_id"],
            "agencies": {a["ori"]: a["status"] for a in outcome["agencies"]},
            "receipt": receipt,
        }
    )


def signed(outcome: Mapping[str, Any], *, content: str, leaf: str, sign: Sign) -> dict[str, Any]:
    """Give an answer's receipt, bound to its content and to the log's line, and signed."""
    receipt = {**outcome["receipt"], "content": content, "log_leaf": leaf}
    key_id, signature = sign(core({**outcome, "receipt": receipt}))
    return {**receipt, "key_id": key_id, "signature": signature}


def search_of(outcome: Any) -> str:
    """Give the search that a document is the answer to. Raises Invalid if it is no answer."""
    try:
        core(outcome)
        content_digest(outcome)
        return str(outcome["search_id"])
    except (KeyError, TypeError, AttributeError):
        raise Invalid(
            "This is no answer to a search: it needs search_id, agencies and receipt, as "
            "POST /v1/searches gave them."
        ) from None


def what_is_wrong(
    outcome: Mapping[str, Any],
    keys: Sequence[ec.EllipticCurvePublicKey],
    lines: Sequence[LogEntry],
) -> tuple[str, ...]:
    """Hold an answer against its receipt, the gateway's keys and the log's lines on that search.

    `keys`: the message key and those before it. Nothing, if it is what was given out.
    """
    receipt, wrong = outcome["receipt"], []
    if "content" not in receipt:
        wrong.append(
            "Its receipt does not say what was given out: it is cut, or of a gateway that did "
            "not bind the answer yet. It proves the statuses and counts alone."
        )
    elif receipt["content"] != content_digest(outcome):
        wrong.append(
            "It is not what was given out: something in it was removed, added or changed, or it "
            "was written anew with other numbers. The receipt is for another content."
        )
    by_id = {thumbprint(ec_jwk(key)): key for key in keys}
    key = by_id.get(str(receipt.get("key_id")))
    if key is None:
        wrong.append("It is signed by no message key that this gateway has or had.")
    elif not verify_detached(key, core(outcome), str(receipt.get("signature"))):
        wrong.append("The receipt's signature is not over this receipt, its search or statuses.")
    line = next((e for e in lines if e.leaf == receipt.get("log_leaf")), None)
    if line is None:
        wrong.append("The log has no line of an answer to this search with the receipt's leaf.")
    elif "content" in receipt and line.fields.get("response") != receipt["content"]:
        wrong.append("The log's line was written for another answer than the receipt speaks of.")
    return tuple(wrong)


def _canonical(document: Mapping[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
