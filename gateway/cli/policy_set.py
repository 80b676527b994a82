"""`sallyport policy check, test, show, opa-config`: a set of policies, and an OPA server by it."""

import asyncio
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from gateway import settings as settings_files
from gateway.cli import policy_test
from gateway.cli.options import AsJson, Home
from gateway.cli.showing import show_facts
from gateway.errors import PolicyRejected
from gateway.policy.engine import Limits
from gateway.policy.kept import KeptSets
from gateway.policy.opa_bundle import FOLDER, command, write_bundle
from gateway.policy.sets import PolicySet, load_set
from gateway.policy.vetting import Vetter
from gateway.policy.vocabulary import read_vocabulary

Folder = Annotated[
    Path, typer.Argument(help="The folder with the policy set.", file_okay=False, exists=True)
]
Ori = Annotated[str, typer.Option("--ori", help="Vet as the agency with this ORI.", metavar="ORI")]
_NOBODY = "AA0000000"


def register(app: typer.Typer) -> None:
    """Add the commands to `sallyport policy`."""
    app.command("check")(check)
    app.command("test")(policy_test.run)
    app.command("show")(show)
    app.command("opa-config")(opa_config)


def check(
    folder: Folder, *, ori: Ori = _NOBODY, opa: policy_test.Opa = None, as_json: AsJson = False
) -> None:
    """Vet a set as `apply` would, and have OPA check it strictly, by the schema of the inputs.

    Whatever is refused is named with file and line. Exit code 1 if it is rejected.
    """
    program = policy_test.find_opa(opa)
    candidate = load_set(folder)
    vetted = asyncio.run(Vetter(Limits()).vet(candidate, ori, folder=folder))
    if program is not None:
        program.check(candidate)
    found: dict[str, Any] = {
        "revision": candidate.revision,
        "rego_files": len(candidate.rules),
        "tests": vetted.tests,
        "slowest_case": vetted.slowest,
        "slowest_ms": vetted.slowest_ms,
        "opa_check": "passed" if program else "not run",
    }
    show_facts("The set would be accepted", found, as_json=as_json)
    if program is None:
        policy_test.say_without_opa()


def show(home: Home, *, as_json: AsJson = False) -> None:
    """Show the set in force, and whether the folder holds another one."""
    active = KeptSets(home / "data").active()
    try:
        edited: PolicySet | None = load_set(home / "policies")
        trouble = None
    except PolicyRejected as error:
        edited, trouble = None, f"{error.where}: {error.detail}"
    found: dict[str, Any] = {
        "in_force": active.revision if active else None,
        "folder": edited.revision if edited else None,
        "folder_trouble": trouble,
        "same": bool(active and edited and active.revision == edited.revision),
    }
    if active:
        words = read_vocabulary(active.data)
        found |= {
            "rego_files": len(active.rules),
            "purposes": sorted(words.purposes),
            "record_types": sorted(words.record_types),
            "classes": sorted(words.classes),
        }
    show_facts("Policy", found, as_json=as_json)


def opa_config(
    home: Home,
    *,
    address: Annotated[
        str | None,
        typer.Option(
            "--addr", help="Where OPA listens: host:port or unix://path. Else as opa_url says."
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", help="OPA's certificate, for https.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="Its private key.")] = None,
) -> None:
    """Write the bundle of the set in force, and print the command that runs each OPA by it."""
    folder = home.absolute() / "data" / FOLDER
    active = KeptSets(home / "data").active()
    if active is None:
        raise PolicyRejected("no set was ever in force here; start the gateway once", where="data")
    if (tls_cert is None) != (tls_key is None):
        raise PolicyRejected("--tls-cert and --tls-key go together", where="opa-config")
    settings = settings_files.load(home) if (home / settings_files.FILE).is_file() else None
    urls = settings.opa_url if settings else ()
    token = None
    if settings and settings.opa_token_file:
        token = settings.opa_token_file.read_text(encoding="utf-8").strip()
    write_bundle(folder, active, token=token)
    tls = (tls_cert, tls_key) if tls_cert and tls_key else None
    addresses = [address] if address else [_address(u) for u in urls] or ["127.0.0.1:8181"]
    for one in addresses:
        program = command(folder, one, authorized=token is not None, tls=tls)
        sys.stdout.write(shlex.join(program) + "\n")


def _address(url: str) -> str:
    """Give where OPA listens to be found under a URL."""
    parts = urlsplit(url)
    return url if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 8181}"
