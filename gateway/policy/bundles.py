"""Signed bundles: one file with a whole set, a version that only goes up, an expiry, signatures.

It is a bundle in OPA's own format, so that OPA's tools read it: a gzipped tar of `.manifest`,
`data.json`, the Rego, and `.signatures.json` with the digests of all the others. `.manifest` holds
the set's revision, and under `metadata.sallyport` the version, when it was made and when it ends.
The same set, version and times give the same bytes.

OPA verifies such a bundle as well, if one person signed it; of several signatures it says that it
takes only one. Here each stands for itself: every one by a pinned key must be over exactly what the
file holds.
"""

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.errors import PolicyRejected, PolicyUnavailable
from gateway.model import stamp
from gateway.policy.sets import PolicySet, make_set
from gateway.policy.signers import (
    MAX_SIGNATURES,
    Signers,
    key_id_of,
    read_signatures,
    sign_claims,
)

FILE = "policy_bundle.tar.gz"
TYP = "JWT"
_MANIFEST, _DATA, _SIGNATURES = ".manifest", "data.json", ".signatures.json"
_MAX_PACKED, _MAX_FILES = 16 * 2**20, 600
_MAX_VERSION = 2**53


@dataclass(frozen=True, slots=True)
class Lease:
    """For how long a bundle holds, and who answers for it. `id` tells it from every other.

    `signers` are the people whose signatures were verified.
    """

    id: str
    version: int
    issued: datetime
    expires: datetime
    signers: tuple[str, ...]

    def check(self, now: datetime) -> None:
        """Raise `PolicyUnavailable` once the bundle has ended."""
        if now >= self.expires:
            raise PolicyUnavailable(
                f"the signed policy bundle ended at {stamp(self.expires)}, so nothing is "
                "decided by it: have a newer one signed and applied (`sallyport policy build`, "
                "`sign`, `apply`)"
            )

    def warning(self, now: datetime, before: timedelta) -> str | None:
        """Say that the bundle ends within `before`, or has ended."""
        left = self.expires - now
        if left > before:
            return None
        if left <= timedelta(0):
            return "the signed policy bundle has ended: nothing is decided until a newer one counts"
        hours = left // timedelta(hours=1)
        when = f"{hours // 24} days" if hours >= 48 else f"{hours} hours"  # noqa: PLR2004 - two days
        return f"the signed policy bundle ends in {when}: have a newer one signed and applied"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as it was read, whole. Signatures are verified where `lease` names who signed."""

    policy_set: PolicySet
    lease: Lease
    raw: bytes


def build(policy_set: PolicySet, *, version: int, issued: datetime, expires: datetime) -> bytes:
    """Pack a set, its tests included, unsigned. Raises `PolicyRejected`."""
    if not 0 < version < _MAX_VERSION:
        raise PolicyRejected("a bundle's version is a whole number from 1")
    if expires <= issued:
        raise PolicyRejected("a bundle ends after it was made")
    manifest = {
        "metadata": {
            "sallyport": {
                "expires": stamp(expires.astimezone(UTC)),
                "issued": stamp(issued.astimezone(UTC)),
                "version": version,
            }
        },
        "rego_version": 1,
        "revision": policy_set.revision,
        "roots": [""],
    }
    return _pack(
        {
            _MANIFEST: orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS),
            _DATA: orjson.dumps(policy_set.data, option=orjson.OPT_SORT_KEYS),
            **{p: t.encode() for p, t in policy_set.modules.items()},
        }
    )


def sign(raw: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Add a signature to a bundle, or renew that of the same key. Raises `PolicyRejected`."""
    files = _unpack(raw)
    tokens = read_signatures(files.pop(_SIGNATURES, b'{"signatures":[]}'), _SIGNATURES)
    _read(files, raw, ())
    mine = sign_claims(_claims(files), key, TYP)
    kept = [t for t in tokens if key_id_of(t) != key_id_of(mine)]
    if len(kept) >= MAX_SIGNATURES:
        raise PolicyRejected(f"a bundle has at most {MAX_SIGNATURES} signatures")
    files[_SIGNATURES] = orjson.dumps({"signatures": [*kept, mine]})
    return _pack(files)


def read_bundle(raw: bytes, signers: Signers) -> Bundle:
    """Read a bundle and verify who signed it. Raises `PolicyRejected`.

    How many signatures are enough, whether its version is newer, and whether it has ended, are not
    asked here.
    """
    files = _unpack(raw)
    tokens = read_signatures(files.pop(_SIGNATURES, b'{"signatures":[]}'), _SIGNATURES)
    return _read(files, raw, tuple(signers.who_signed(tokens, _claims(files), TYP)))


def _claims(files: Mapping[str, bytes]) -> dict[str, Any]:
    # OPA hashes JSON by what it says, canonically written; the bundle's own is written so.
    return {
        "files": [
            {"name": name, "hash": hashlib.sha256(content).hexdigest(), "algorithm": "SHA-256"}
            for name, content in sorted(files.items())
        ]
    }


def _read(files: Mapping[str, bytes], raw: bytes, signers: tuple[str, ...]) -> Bundle:
    manifest, data = _json(files, _MANIFEST), _json(files, _DATA)
    modules = {}
    for name, content in files.items():
        if name in {_MANIFEST, _DATA}:
            continue
        if not name.endswith(".rego"):
            raise PolicyRejected(
                "only Rego, data.json and .manifest belong in a bundle", where=name
            )
        try:
            modules[name] = content.decode()
        except UnicodeDecodeError:
            raise PolicyRejected("not UTF-8", where=name) from None
    policy_set = make_set(modules, data)
    if manifest.get("revision") != policy_set.revision:
        raise PolicyRejected("the bundle's revision is not that of what it holds", where=_MANIFEST)
    return Bundle(policy_set, _lease(manifest, files[_MANIFEST], signers), raw)


def _lease(manifest: Mapping[str, Any], raw: bytes, signers: tuple[str, ...]) -> Lease:
    try:
        said = manifest["metadata"]["sallyport"]
        version = said["version"]
        issued, expires = (datetime.fromisoformat(said[k]) for k in ("issued", "expires"))
    except (KeyError, TypeError, ValueError):
        version, issued, expires = None, None, None
    if (
        type(version) is not int
        or not 0 < version < _MAX_VERSION
        or issued is None
        or expires is None
        or issued.tzinfo is None
        or expires.tzinfo is None
    ):
        raise PolicyRejected(
            "metadata.sallyport wants version, issued and expires: make the bundle with "
            "`sallyport policy build`",
            where=_MANIFEST,
        )
    lease_id = hashlib.sha256(raw).hexdigest()
    return Lease(lease_id, version, issued, expires, signers)


def _json(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    try:
        found = orjson.loads(files[name])
    except KeyError:
        raise PolicyRejected("it is missing in the bundle", where=name) from None
    except ValueError:
        raise PolicyRejected("not JSON", where=name) from None
    if not isinstance(found, dict):
        raise PolicyRejected("must be an object", where=name)
    return found


def _pack(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o600
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), compresslevel=6, mtime=0)


def _unpack(raw: bytes) -> dict[str, bytes]:
    """Give the files of a bundle. Nothing is written; sizes, names and number are bounded."""
    files: dict[str, bytes] = {}
    try:
        # Bounded: a small file can unpack to any size.
        unzip = zlib.decompressobj(wbits=31)
        packed = unzip.decompress(raw, _MAX_PACKED)
        if unzip.unconsumed_tail:
            raise PolicyRejected(f"the bundle is over {_MAX_PACKED} bytes unpacked")
        if not unzip.eof:
            raise PolicyRejected(
                f"the bundle is cut off after {len(raw)} bytes: copy it here again, whole"
            )
        if unzip.unused_data:
            raise PolicyRejected("something stands behind the bundle's end: copy it here again")
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:") as archive:
            for entry in archive:
                name = entry.name
                parts = name.split("/")
                if not entry.isreg() or not all(parts) or {".", ".."} & set(parts):
                    raise PolicyRejected("not a plain file of the bundle", where=name[:128])
                if name in files or len(files) >= _MAX_FILES:
                    raise PolicyRejected("there twice, or one file too many", where=name[:128])
                content = archive.extractfile(entry)
                files[name] = content.read() if content else b""
    except (zlib.error, tarfile.TarError, EOFError, UnicodeDecodeError):
        raise PolicyRejected("this is no bundle: not a gzipped tar") from None
    return files
