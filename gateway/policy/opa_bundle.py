"""How a set reaches an OPA server: one bundle file, which the server watches.

The gateway writes `<folder>/bundle.tar.gz` aside and renames it, so that OPA sees the old bundle
or the new one, never half of either. OPA runs with `--bundle <file> --watch`: it watches the
folder, takes the new bundle within milliseconds in one transaction, and keeps the old one if the
new one does not compile. (A `file://` bundle of its configuration is read once only, and a watched
folder of loose files is no whole.)

The manifest claims every path, so that nobody can put a policy or data beside the bundle through
OPA's own API. Its revision is the set's, and OPA names it with every decision.

Two modules of the gateway's own come with every set: one keeps inputs and results out of OPA's log
of decisions, should somebody switch it on; the other, where there is a token, lets whoever has it
ask for the five decisions and nothing else. OPA compares digests of tokens; the token itself is not
in the bundle. A set can't bring a `system` package of its own: vetting refuses it.
"""

import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path

import orjson

from gateway.policy.engine import ENTRYPOINTS
from gateway.policy.sets import PolicySet

FILE = "bundle.tar.gz"
FOLDER = "opa"
"""Below the gateway's data folder."""
_LOG = """package system.log

mask contains {"op": "remove", "path": "/input"}

mask contains {"op": "remove", "path": "/result"}

mask contains {"op": "remove", "path": "/nd_builtin_cache"}

# An error's text can hold a value of the input.
drop if input.error
"""
_AUTHZ = """package system.authz

default allow := false

allow if {{
	input.method == "GET"
	input.path == ["health"]
}}

allow if {{
	crypto.sha256(input.identity) == "{digest}"
	input.method == "POST"
	some entrypoint in {entrypoints}
	input.path == ["v1", "data", "sallyport", entrypoint, "decision"]
}}
"""


def bundle(policy_set: PolicySet, *, token: str | None = None) -> bytes:
    """Pack what decides of a set, without its tests. The same set gives the same bytes."""
    manifest = {"revision": policy_set.revision, "roots": [""], "rego_version": 1}
    files = {
        ".manifest": orjson.dumps(manifest),
        "data.json": orjson.dumps(policy_set.data, option=orjson.OPT_SORT_KEYS),
        **{p: t.encode() for p, t in sorted(policy_set.rules.items())},
        "system/log.rego": _LOG.encode(),
    }
    if token is not None:
        digest = hashlib.sha256(token.encode()).hexdigest()
        entrypoints = orjson.dumps(ENTRYPOINTS).decode()
        files["system/authz.rego"] = _AUTHZ.format(digest=digest, entrypoints=entrypoints).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o600
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), compresslevel=6, mtime=0)


def write_bundle(folder: Path, policy_set: PolicySet, *, token: str | None = None) -> Path:
    """Put a set's bundle where OPA watches, whole. Gives its path."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made in a folder of its own: OPA looks at whatever changes in the one it watches.
    staging = folder / ".staging"
    staging.mkdir(mode=0o700, exist_ok=True)
    new = staging / f"{policy_set.digest}.{os.getpid()}"
    with new.open("wb") as file:
        file.write(bundle(policy_set, token=token))
        file.flush()
        os.fsync(file.fileno())
    return new.rename(folder / FILE)


def command(
    folder: Path,
    address: str = "127.0.0.1:8181",
    *,
    authorized: bool = False,
    tls: tuple[Path, Path] | None = None,
) -> list[str]:
    """Give the command that runs an OPA server beside this gateway.

    It listens on `address` alone (`host:port`, or `unix://` and a path, whose socket is for its own
    user), logs no decision (there is no decision log unless one is configured), and asks nobody for
    newer versions. `authorized`: it answers only whoever has the token that the bundle was written
    with. `tls`: the files of its certificate and private key.
    """
    more: list[str] = []
    if authorized:
        more += ["--authentication", "token", "--authorization", "basic"]
    if address.startswith("unix://"):
        more += ["--unix-socket-perm", "600"]
    if tls is not None:
        certificate, key = tls
        more += ["--tls-cert-file", str(certificate), "--tls-private-key-file", str(key)]
        more += ["--min-tls-version", "1.3"]
    return [
        "opa",
        "run",
        "--server",
        "--addr",
        address,
        "--log-level",
        "error",
        "--skip-version-check",
        *more,
        "--watch",
        "--bundle",
        str(folder / FILE),
    ]
