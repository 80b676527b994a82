"""How a set reaches an OPA server: one bundle file, which the server watches.

The gateway writes `<folder>/bundle.tar.gz` aside and renames it, so that OPA sees the old bundle
or the new one, never half of either. OPA runs with `--bundle <file> --watch`: it watches the
folder, takes the new bundle within milliseconds in one transaction, and keeps the old one if the
new one does not compile. (A `file://` bundle of its configuration is read once only, and a watched
folder of loose files is no whole.)

The manifest claims every path, so that nobody can put a policy or data beside the bundle through
OPA's own API. Its revision is the set's, and OPA names it with every decision.
"""

import gzip
import io
import os
import tarfile
from pathlib import Path

import orjson

from gateway.policy.sets import PolicySet

FILE = "bundle.tar.gz"
FOLDER = "opa"
"""Below the gateway's data folder."""


def bundle(policy_set: PolicySet) -> bytes:
    """Pack what decides of a set, without its tests. The same set gives the same bytes."""
    manifest = {"revision": policy_set.revision, "roots": [""], "rego_version": 1}
    files = {
        ".manifest": orjson.dumps(manifest),
        "data.json": orjson.dumps(policy_set.data, option=orjson.OPT_SORT_KEYS),
        **{p: t.encode() for p, t in sorted(policy_set.rules.items())},
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o600
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), compresslevel=6, mtime=0)


def write_bundle(folder: Path, policy_set: PolicySet) -> Path:
    """Put a set's bundle where OPA watches, whole. Gives its path."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made in a folder of its own: OPA looks at whatever changes in the one it watches.
    staging = folder / ".staging"
    staging.mkdir(mode=0o700, exist_ok=True)
    new = staging / f"{policy_set.digest}.{os.getpid()}"
    with new.open("wb") as file:
        file.write(bundle(policy_set))
        file.flush()
        os.fsync(file.fileno())
    return new.rename(folder / FILE)


def command(folder: Path, address: str = "127.0.0.1:8181") -> list[str]:
    """Give the command that runs the OPA server beside this gateway.

    It listens on `address` alone, logs no decision (there is no decision log unless one is
    configured), and asks nobody for newer versions.
    """
    return [
        "opa",
        "run",
        "--server",
        "--addr",
        address,
        "--log-level",
        "error",
        "--skip-version-check",
        "--watch",
        "--bundle",
        str(folder / FILE),
    ]
