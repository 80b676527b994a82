"""`sallyport agreement`: draft, sign, hand over, see, renew, suspend and revoke agreements."""

import hashlib
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
import yaml
from rich.console import Console
from rich.table import Table

from gateway.cli import admin_client, agreement_draft
from gateway.cli import agreement_work as work
from gateway.cli.agreement_work import Desk
from gateway.cli.options import AsJson, Home
from gateway.cli.policy_sign import read_signer
from gateway.errors import Invalid, NotFound, SallyportError, Unavailable
from gateway.policy.agreements import said_last
from gateway.policy.standing import Standing, standings
from gateway.trust.agreement_files import Held, Trouble
from gateway.trust.agreements import Act, Document, is_id

app = typer.Typer(no_args_is_help=True, help="Sign and keep agreements with others.")
_ROOM_FOR_TITLES = 110
"""Columns of a window that has room for them beside all else."""

_Id = Annotated[str, typer.Argument(metavar="ID", help="The agreement's id.")]
_Out = Annotated[Path, typer.Argument(help="The file to write: it must not be there yet.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Don't ask: the text was read before.")]
_Reason = Annotated[
    str, typer.Option("--reason", help="Why, for the partner. No personal data.", prompt=True)
]
_Version = Annotated[int | None, typer.Option("--version", help="Not the latest, but this one.")]
_Hand = Annotated[
    Path | None, typer.Option("--out", help="Write it here too, to hand it over as a file.")
]


def register(parent: typer.Typer) -> None:
    """Add the commands of `agreement`."""
    parent.add_typer(app, name="agreement")


@app.command()
def draft(
    out: _Out,
    home: Home,
    parties: Annotated[
        list[str], typer.Option("--with", help="Another party: an ORI, or a type of agency.")
    ],
    *,
    name: Annotated[str | None, typer.Option("--id", help="Such as mou-2027-01.")] = None,
    days: Annotated[int, typer.Option(help="For how many days.", min=1, max=36_500)] = 730,
    paper: Annotated[
        Path | None,
        typer.Option(help="The signed paper, to put its digest in.", exists=True, dir_okay=False),
    ] = None,
    task_force: Annotated[
        str | None, typer.Option(help="Make it a joint task force of this name.")
    ] = None,
) -> None:
    """Write a new agreement as YAML, to be edited: with the words that it may use."""
    desk = work.open_desk(home)
    everybody = [desk.ori, *parties]
    if len(set(everybody)) < len(everybody):
        raise Invalid(
            f"A party stands twice: --with names the others, each once, beside {desk.ori}."
        )
    if name is not None and not is_id(name):
        raise Invalid(
            f"'{name}' can't be an agreement's id: small letters, digits, dots and hyphens, such "
            "as mou-2027-01."
        )
    began = datetime.now(UTC).replace(hour=0, minute=0, second=0)
    digest = _digest_of(paper) if paper else None
    text = agreement_draft.template(
        desk.policy_set.data,
        name=name or f"mou-{began:%Y-%m-%d}",
        parties=everybody,
        begins=f"{began:%Y-%m-%dT%H:%M:%SZ}",
        ends=f"{began + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}",
        paper=digest,
        task_force=task_force,
    )
    work.write_new(out, text.encode())
    typer.echo(f"Wrote {out}. Edit it, then: sallyport agreement sign {out}")


@app.command()
def sign(
    what: Annotated[str, typer.Argument(help="A draft, what a partner sent, or an id held here.")],
    home: Home,
    *,
    yes: _Yes = False,
    out: _Hand = None,
) -> None:
    """Check an agreement, put this agency's signature under it, and pass it to its partners.

    Refused, with file and line: whatever is not whole, and every word that no vocabulary holds.
    """
    desk = work.open_desk(home)
    document = _document(desk, what)
    if not yes:
        _show_text(document)
    if behind := work.left_behind(desk, document.agreement):
        typer.echo(
            f"Note: {' and '.join(behind)} suspended the version before. That holds nothing back "
            "of this one, once all have signed it: suspend it too if the reason still stands."
        )
    if not yes:
        typer.confirm(f"Sign this as {desk.ori}?", abort=True)
    held = work.sign_here(desk, document)
    if out is not None:
        work.write_new(out, work.envelope_bytes(held.document))
    typer.echo(f"Signed {_name(held)}: {held.document.digest}")
    if held.missing:
        typer.echo(f"It counts when {', '.join(held.missing)} has signed it too.")
        typer.echo(f"To hand it over as a file: --out, or {desk.home / held.where}")
    for other, purposes in work.overlapping(desk, held):
        first = min(h.document.agreement.id for h in (held, other))
        typer.echo(
            f"Note: {_name(other)}, is for {', '.join(purposes)} between the same agencies as "
            f"well. While both are in force, {first} decides, the first by its id: revoke the "
            "other, or limit one of them."
        )
    _count(home)


@app.command()
def approve(
    what: Annotated[str, typer.Argument(help="A draft, what a partner sent, or an id held here.")],
    home: Home,
    *,
    key: Annotated[
        Path, typer.Option("--key", help="Your own private key: see `sallyport policy signer`.")
    ],
    yes: _Yes = False,
) -> None:
    """Approve an agreement as one person here, where `policy_two_persons` wants two of them.

    Once two different people have approved the same text, `sign` puts the agency's signature to it.
    """
    private = read_signer(key)
    desk = work.open_desk(home)
    document = _document(desk, what)
    if not yes:
        _show_text(document)
        typer.confirm("Approve this text?", abort=True)
    names = work.approve(desk, document, private)
    agreement = document.agreement
    typer.echo(f"{agreement.id}, version {agreement.version}: {document.digest}")
    typer.echo(f"Approved by {' and '.join(names)}.")
    typer.echo(
        "Now: sallyport agreement sign" if len(names) > 1 else "It takes another person's approval."
    )
    _count(home)


@app.command()
def receive(
    file: Annotated[Path, typer.Argument(help="What a partner handed over.", exists=True)],
    home: Home,
) -> None:
    """Take in a partner's signature or statement that came as a file. It signs nothing."""
    typer.echo(f"Took in {work.take(work.open_desk(home), file)}")
    _count(home)


@app.command("list")
def list_(home: Home, *, as_json: AsJson = False) -> None:
    """List the agreements and how each stands. Exit code 1 if something is broken or differs."""
    desk = work.open_desk(home)
    agreed = desk.read()
    every = list(standings(agreed, desk.ori, datetime.now(UTC)))
    differing = [
        {"id": i, "version": v, "party": p, "digest": d.digest}
        for (i, v, p), d in sorted(agreed.book.differing.items())
        if not agreed.book.followed(d.agreement)
    ]
    troubles = [{"where": t.where, "reason": t.reason} for t in agreed.troubles]
    if as_json:
        _print_json(
            {
                "agreements": [s.plain() for s in every],
                "differing": differing,
                "troubles": troubles,
            }
        )
    else:
        _table(every)
        for t in troubles:
            typer.echo(f"{t['where']}: {t['reason']}")
        for d in differing:
            typer.echo(f"{d['party']} signed another text as {d['id']}, version {d['version']}")
    raise typer.Exit(1 if troubles or differing else 0)


@app.command()
def show(
    agreement: _Id,
    home: Home,
    *,
    version: _Version = None,
    as_json: AsJson = False,
) -> None:
    """Show one agreement: its text, who signed, and what its parties said of it since."""
    desk = work.open_desk(home)
    agreed = desk.read()
    held = agreed.book.get(agreement, version)
    if held is None:
        raise NotFound(f"There is no agreement {agreement} here: see `sallyport agreement list`.")
    found = next(s for s in standings(agreed, desk.ori, datetime.now(UTC)) if s.held is held)
    said = [
        s.said.model_dump(mode="json")
        for s in agreed.book.statements
        if s.said.agreement == agreement
    ]
    others: list[dict[str, Any]] = [
        {"party": p, "digest": d.digest, "text": d.text}
        for (i, v, p), d in agreed.book.differing.items()
        if (i, v) == (agreement, held.document.agreement.version)
    ]
    if as_json:
        whole = {"text": held.document.text, "statements": said, "differing": others}
        _print_json({**found.plain(), **whole})
        return
    _show_text(held.document)
    _table([found])
    for s in sorted(said, key=lambda s: s["at"]):
        typer.echo(f"{s['at']}  {s['party']} {s['act']}: {s['reason']}")
    for o in others:
        typer.echo(f"\n{o['party']} signed another text, {o['digest']}:\n{work.as_yaml(o['text'])}")


@app.command()
def verify(
    agreement: Annotated[str | None, typer.Argument(metavar="[ID]")] = None,
    *,
    home: Home,
    paper: Annotated[
        Path | None,
        typer.Option(
            help="Is this file the paper that the agreement names?", exists=True, dir_okay=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify every signature over every text, or those of one. Exit code 1 if one is not good.

    With --paper, also whether the file is the paper whose digest the latest version names.
    """
    if paper is not None and agreement is None:
        raise Invalid("--paper takes an ID too: whose paper it should be.")
    desk = work.open_desk(home)
    agreed = desk.read()
    chosen = [h for h in agreed.book.documents if agreement in {None, h.document.agreement.id}]
    if agreement is not None and not chosen:
        raise NotFound(f"There is no agreement {agreement} here that can be read.")
    found: list[dict[str, Any]] = [
        {
            "id": h.document.agreement.id,
            "version": h.document.agreement.version,
            "digest": h.document.digest,
            "signed_by": sorted(h.signers),
            "missing": list(h.missing),
            "faults": list(h.faults),
            "said": said_last(agreed.book, h, sorted(h.signers))[0],
        }
        for h in chosen
    ]
    troubles = [t for t in agreed.troubles if agreement is None or f"/{agreement}/" in t.where]
    if paper is not None:
        latest = max(chosen, key=lambda h: h.document.agreement.version)
        if _digest_of(paper) != latest.document.agreement.paper.digest:
            reason = f"{paper.name} is not the paper that it names, or was changed since"
            troubles.append(Trouble(latest.where, reason))
    if as_json:
        _print_json(
            {
                "agreements": found,
                "troubles": [{"where": t.where, "reason": t.reason} for t in troubles],
            }
        )
    else:
        for f in found:
            state = "good" if not f["faults"] else "NOT GOOD"
            who = ", ".join(f["signed_by"]) or "nobody"
            typer.echo(f"{f['id']} {f['version']}: {state}, signed by {who}; {f['digest']}")
        for t in troubles:
            typer.echo(f"{t.where}: {t.reason}")
    raise typer.Exit(1 if troubles or any(f["faults"] for f in found) else 0)


@app.command()
def renew(
    agreement: _Id,
    out: _Out,
    home: Home,
    *,
    to: Annotated[str, typer.Option("--to", help="The new end: 2029-01-01 or a moment in UTC.")],
    begins: Annotated[
        str | None, typer.Option("--from", help="Its begin; left out: where the latest one ends.")
    ] = None,
) -> None:
    """Write the next version of an agreement as YAML, to be edited and signed by every party."""
    desk = work.open_desk(home)
    text = work.renewed(desk, agreement, _moment(begins) if begins else None, _moment(to))
    work.write_new(out, work.as_yaml(text).encode())
    typer.echo(f"Wrote {out}. Edit it, then: sallyport agreement sign {out}")


@app.command()
def suspend(agreement: _Id, reason: _Reason, home: Home, *, out: _Hand = None) -> None:
    """Suspend an agreement at once, by this agency alone; its partners are told."""
    _say(home, agreement, Act.SUSPEND, reason, out)


@app.command()
def resume(agreement: _Id, reason: _Reason, home: Home, *, out: _Hand = None) -> None:
    """Take back this agency's own suspension."""
    _say(home, agreement, Act.RESUME, reason, out)


@app.command()
def revoke(
    agreement: _Id, reason: _Reason, home: Home, *, yes: _Yes = False, out: _Hand = None
) -> None:
    """End an agreement for ever, by this agency alone; its partners are told."""
    if not yes:
        typer.confirm(f"End {agreement} for ever?", abort=True)
    _say(home, agreement, Act.REVOKE, reason, out)


# -- inside -----------------------------------------------------------------------------------


def _say(home: Path, agreement: str, act: Act, reason: str, out: Path | None) -> None:
    statement = work.say(work.open_desk(home), agreement, act, reason)
    if out is not None:
        work.write_new(out, work.statement_bytes(statement))
    typer.echo(f"Said of {agreement}, up to version {statement.said.version}: {act}.")
    _count(home)


def _count(home: Path) -> None:
    """Have a running gateway take it up now. Tells if there is none; exit code 3 if it did not."""
    try:
        done = admin_client.call(home, "POST", "/v1/admin/agreements/apply")
    except Unavailable:
        typer.echo("No gateway runs here: it counts, and partners are told, when it starts.")
        return
    except SallyportError as error:
        typer.echo(
            f"It is kept, but the running gateway did not take it up: {error.detail} It tries "
            "again twice a minute.",
            err=True,
        )
        raise typer.Exit(3) from None
    for change in done.get("changed", []):
        state = change["state"].replace("_", " ")
        typer.echo(f"From now on: {change['id']} {change['version']} is {state}.")


def _document(desk: Desk, what: str) -> Document:
    file = Path(what)
    if file.is_file():
        return work.read_file(desk, file)
    if desk.read().book.get(what) is None and ("/" in what or Path(what).suffix):
        raise Invalid(f"There is no file {what}, and no agreement of that id here.")
    return work.read_file(desk, desk.home / desk.held(what).where)


def _name(held: Held) -> str:
    return f"{held.document.agreement.id}, version {held.document.agreement.version}"


def _digest_of(paper: Path) -> str:
    with paper.open("rb") as file:
        return f"sha-256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _moment(text: str) -> str:
    try:
        found = datetime.fromisoformat(text)
        utc = found.astimezone(UTC) if found.tzinfo else found
    except (ValueError, OverflowError):
        raise Invalid(f"'{text}' is no day and no moment: write 2029-01-01.") from None
    return f"{utc:%Y-%m-%dT%H:%M:%SZ}"


def _show_text(document: Document) -> None:
    typer.echo(yaml.safe_dump(document.text, sort_keys=False, allow_unicode=True, width=100))
    typer.echo(f"digest: {document.digest}")


def _table(every: list[Standing]) -> None:
    console = Console()
    # Whoever suspends or renews one needs its id whole. Its title gives way in a narrow window.
    columns = ["id", "v", "parties", "state", "by", "to", "days left"]
    columns += ["title"] if console.width >= _ROOM_FOR_TITLES else []
    table = Table(title=f"{len(every)} agreements", show_lines=True)
    for column in columns:
        table.add_column(column, no_wrap=column in {"id", "parties", "state", "by", "to"})
    for s in every:
        a = s.held.document.agreement
        left = "" if s.days_left is None else str(s.days_left)
        row = [
            a.id,
            str(a.version),
            "\n".join(a.parties),
            s.state.replace("_", " "),
            "\n".join(s.by),
            a.valid.to[:10],
            f"{left} (warned at {s.warning})" if s.warning else left,
            a.title,
        ]
        table.add_row(*row[: len(columns)])
    console.print(table)


def _print_json(found: Any) -> None:
    sys.stdout.write(orjson.dumps(found).decode() + "\n")
