"""`sallyport policy`: check, test, show and apply a policy set, and run an OPA server by it."""

import asyncio
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import orjson
import typer
from rich.console import Console
from rich.table import Table

from gateway import settings as settings_files
from gateway.cli import admin_client, policy_sign
from gateway.cli.options import AsJson, Home
from gateway.errors import PolicyRejected
from gateway.policy.embedded import Compiled
from gateway.policy.engine import Limits
from gateway.policy.kept import KeptSets
from gateway.policy.opa_bundle import FOLDER, command, write_bundle
from gateway.policy.paths import unknown_paths
from gateway.policy.places import located
from gateway.policy.sets import PolicySet, load_set
from gateway.policy.vetting import run_tests_apart, vet_apart
from gateway.policy.vocabulary import read_vocabulary
from gateway.policy.words import unknown_words

app = typer.Typer(no_args_is_help=True)
policy_sign.register(app)

Folder = Annotated[
    Path, typer.Argument(help="The folder with the policy set.", file_okay=False, exists=True)
]
Ori = Annotated[str, typer.Option("--ori", help="Vet as the agency with this ORI.", metavar="ORI")]
_NOBODY = "AA0000000"


@app.command()
def check(folder: Folder, *, ori: Ori = _NOBODY, as_json: AsJson = False) -> None:
    """Vet a set as `apply` would, and hold its paths and words against what there is.

    A path that no input has, and a word that the vocabulary does not hold, are refused with file
    and line. Exit code 1 if it is rejected.
    """
    candidate = load_set(folder)
    _known(candidate, folder)
    vetted = asyncio.run(vet_apart(candidate, ori, Limits()))
    found: dict[str, Any] = {
        "revision": candidate.revision,
        "rego_files": len(candidate.rules),
        "tests": vetted.tests,
        "slowest_case": vetted.slowest,
        "slowest_ms": vetted.slowest_ms,
    }
    _show("The set would be accepted", found, as_json=as_json)


def _known(candidate: PolicySet, folder: Path) -> None:
    """Raise `PolicyRejected` for the first unknown path or word."""
    trees = Compiled(candidate.modules, candidate.data).trees()
    for found in (unknown_paths(trees, candidate.data), unknown_words(candidate.data)):
        for misuse in found:
            raise located(PolicyRejected(misuse.reason, where=misuse.where), folder)


@app.command("test")
def run_tests(
    folder: Folder,
    *,
    opa: Annotated[
        Path | None, typer.Option("--opa", help="Run them in this OPA program as well.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run every test of a set. Exit code 1 if one fails."""
    candidate = load_set(folder)
    results = asyncio.run(run_tests_apart(candidate, Limits()))
    if as_json:
        sys.stdout.write(orjson.dumps(results).decode() + "\n")
    else:
        _table(results)
    passed = bool(results) and all(r["fault"] is None for r in results)
    if opa is not None:
        program = shutil.which(opa) or str(opa.absolute())
        done = subprocess.run([program, "test", str(folder)], check=False)  # noqa: S603 - the program that the administrator named
        passed = passed and done.returncode == 0
    raise typer.Exit(0 if passed else 1)


def _table(results: list[dict[str, Any]]) -> None:
    table = Table(title=f"{len(results)} tests")
    for column in ("test", "at", "ms", "result"):
        table.add_column(column)
    for r in results:
        table.add_row(r["name"], r["where"], f"{r['ms']:.2f}", r["fault"] or "passed")
    Console().print(table)


@app.command()
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
    _show("Policy", found, as_json=as_json)


@app.command()
def apply(
    home: Home,
    *,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", help="Bring in this signed bundle.", dir_okay=False, exists=True),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Have the running gateway vet its policy and switch to it, whole or not at all.

    Its policy is the edited folder, or where `policy_signed` is on the signed bundle.
    """
    if bundle is not None:
        policy_sign.take(home, bundle)
    done = admin_client.call(home, "POST", "/v1/admin/policy/apply")
    _show("In force" if done.get("changed") else "Nothing changed", done, as_json=as_json)


@app.command("opa-config")
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


def _show(title: str, found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(orjson.dumps(found).decode() + "\n")
        return
    table = Table(title=title, show_header=False)
    for key, value in found.items():
        table.add_row(key, ", ".join(value) if isinstance(value, list) else str(value))
    Console().print(table)
