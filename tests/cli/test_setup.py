"""Setting up a gateway by its commands, and reaching a running one as its own admin client."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
import typer
import uvicorn
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import Depends, FastAPI, Request
from typer.testing import CliRunner

from gateway import settings as settings_files
from gateway.cli import admin_client, release, setup
from gateway.database import open_sqlite
from gateway.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Misconfigured,
    NotAuthenticated,
    NotFound,
    SallyportError,
    Unavailable,
)
from gateway.http import problems, token
from gateway.http.auth import require
from gateway.model import Caller, Ori
from gateway.trust import clients, keys, registry
from gateway.trust.jwk import ec_jwk
from gateway.trust.replays import Replays
from gateway.trust.tokens import LogOn, TokenService

app = typer.Typer()
setup.register(app)


def run(*words: object) -> str:
    done = CliRunner().invoke(app, [str(w) for w in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def init(home: Path, ori: str = "AA9990000", port: int = 8443) -> Path:
    run(
        *("init", home, "--ori", ori, "--name", f'An "agency" {ori} \u00e9'),
        *("--url", f"http://127.0.0.1:{port}"),
    )
    return home


def modes(home: Path) -> set[tuple[bool, int]]:
    return {(p.is_dir(), p.stat().st_mode & 0o777) for p in [home, *home.rglob("*")]}


def test_init_makes_a_private_home_that_loads(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        home = init(tmp_path / "new" / "home")
    finally:
        os.umask(old)
    assert modes(home) == {(True, 0o700), (False, 0o600)}
    settings = settings_files.load(home)
    assert (settings.ori, settings.port) == ("AA9990000", 8443)
    assert settings.name == 'An "agency" AA9990000 \u00e9'
    keys.load(home)
    assert registry.load(home / "peers.yaml", own_ori=Ori("AA9990000")).peers == ()
    admin = clients.load(home / "clients.yaml").get("local-admin")
    assert admin is not None
    assert admin.scopes == {"admin", "audit"}
    assert admin.roles is None
    for folder in ("policies", "mappings", "sources", "data"):
        assert not list((home / folder).iterdir())
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["home"]


def test_init_takes_an_empty_folder_and_nothing_else(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    init(home)
    before = sorted(home.rglob("*"))
    with pytest.raises(Conflict, match="something in this folder"):
        setup.init_home(home, ori="AA9990000", name="x", url="https://a.example")
    assert sorted(home.rglob("*")) == before
    (tmp_path / "file").touch()
    with pytest.raises(Conflict):
        setup.init_home(tmp_path / "file", ori="AA9990000", name="x", url="https://a.example")


@pytest.mark.parametrize(
    "wrong",
    [
        {"ori": "short"},
        {"name": ""},
        {"url": "http://a.example"},
        {"url": "https://a.example/"},
        {"url": "nowhere"},
        {"port": 70_000},
        {"host": "0.0.0.0"},  # noqa: S104 - the point: plain http, open to the network
    ],
)
def test_init_leaves_nothing_behind_where_it_refuses(tmp_path: Path, wrong: Any) -> None:
    given = {"ori": "AA9990000", "name": "x", "url": "http://127.0.0.1:8443"} | wrong
    with pytest.raises((Invalid, Misconfigured)):
        setup.init_home(tmp_path / "home", **given)
    assert not list(tmp_path.iterdir())


def test_what_keys_show_prints_is_what_peer_add_takes(tmp_path: Path) -> None:
    one, two = init(tmp_path / "one"), init(tmp_path / "two", "BB9990000", 8444)
    path = two / "peers.yaml"
    path.write_text("# who we trust\n" + path.read_text(), encoding="utf-8")
    entry = tmp_path / "entry.yaml"
    entry.write_text(run("keys", "show", "--home", one), encoding="utf-8")
    assert "PRIVATE" not in entry.read_text(encoding="utf-8")
    assert keys.load(one).key_id in run("peer", "add", entry, "--home", two)
    found = registry.load(path, own_ori=Ori("BB9990000")).by_ori("AA9990000")
    assert found is not None
    assert found.url == "http://127.0.0.1:8443"
    assert found.key_id == keys.load(one).key_id
    assert path.read_text(encoding="utf-8").startswith("# who we trust\n")
    assert path.stat().st_mode & 0o777 == 0o600
    init(tmp_path / "three", "CC9990000", 8445)
    setup.add_peer(two, setup.own_entry(tmp_path / "three"))
    assert len(registry.load(path, own_ori=Ori("BB9990000")).peers) == 2


def test_a_peer_that_clashes_is_not_added(tmp_path: Path) -> None:
    one, two = init(tmp_path / "one"), init(tmp_path / "two", "BB9990000", 8444)
    setup.add_peer(two, setup.own_entry(one))
    before = (two / "peers.yaml").read_bytes()
    with pytest.raises(Misconfigured, match="shares"):
        setup.add_peer(two, setup.own_entry(one))
    with pytest.raises(Misconfigured, match="own ORI or key"):
        setup.add_peer(two, setup.own_entry(two))
    assert (two / "peers.yaml").read_bytes() == before
    assert not list(two.glob(".peers*"))
    (two / "peers.yaml").write_text("{version: 1, peers: []}", encoding="utf-8")
    with pytest.raises(Misconfigured, match="by hand"):
        setup.add_peer(two, setup.own_entry(one))


def test_peer_add_takes_one_entry(tmp_path: Path) -> None:
    home = init(tmp_path / "one")
    entry = tmp_path / "entry.yaml"
    for text in ("[]", "- ori: x", "ori: x"):
        entry.write_text(text, encoding="utf-8")
        with pytest.raises(SallyportError):
            run("peer", "add", entry, "--home", home)


def test_a_key_is_renewed_and_the_old_one_kept(tmp_path: Path) -> None:
    home = init(tmp_path / "home")
    before = keys.load(home)
    assert "every peer" in run("keys", "renew", "message", "--home", home)
    run("keys", "renew", "token", "--home", home)
    after = keys.load(home)
    assert before.key_id != after.key_id
    assert ec_jwk(before.token.public_key()) != ec_jwk(after.token.public_key())
    assert (before.sealing, before.log_jwk) == (after.sealing, after.log_jwk)
    retired = {p.name.split(".retired-")[0]: p for p in (home / "keys").glob("*.retired-*")}
    assert set(retired) == {"message.pem", "token.pem"}
    old = keys.read_ec_private(home / "keys", retired["message.pem"].name)
    now = keys.load(home).message
    found, unread = keys.message_keys(home)
    held = [ec_jwk(key) for key in found]
    assert not unread
    assert held == [ec_jwk(now.public_key()), ec_jwk(old.public_key())]
    assert ec_jwk(old.public_key()) == before.message_jwk
    assert {p.stat().st_mode & 0o777 for p in (home / "keys").iterdir()} == {0o600}
    for name in ("log.pem", "sealing.key", "admin.pem"):
        with pytest.raises(Misconfigured, match="can be renewed"):
            keys.renew(home, name)


def test_a_client_is_registered_with_a_new_key(tmp_path: Path) -> None:
    home, private = init(tmp_path / "home"), tmp_path / "rms.pem"
    run(
        *("client", "add", "rms", "--home", home, "--scopes", "search,notify", "--officers"),
        *("--roles", "officer, supervisor", "--attributes", "sworn", "--assurance", "2"),
        *("--new-key", private),
    )
    found = clients.load(home / "clients.yaml").get("rms")
    assert found is not None
    assert found.scopes == {"search", "notify"}
    assert found.roles == {"officer", "supervisor"}
    assert found.attributes == {"sworn"}
    assert found.assurance == 2
    key = keys.read_ec_private(tmp_path, "rms.pem")
    assert ec_jwk(key.public_key()) == ec_jwk(found.public_key)
    assert "PRIVATE" not in (home / "clients.yaml").read_text(encoding="utf-8")


def test_a_client_is_registered_by_its_public_jwk(tmp_path: Path) -> None:
    home, file = init(tmp_path / "home"), tmp_path / "rms.json"
    jwk = ec_jwk(ec.generate_private_key(ec.SECP256R1()).public_key())
    file.write_text(json.dumps(jwk | {"kid": "theirs", "use": "sig"}), encoding="utf-8")
    run("client", "add", "rms", "--home", home, "--scopes", "admin", "--jwk", file)
    found = clients.load(home / "clients.yaml").get("rms")
    assert found is not None
    assert found.roles is None
    for text in (json.dumps(jwk | {"d": "AAAA"}), "{}", "[]", "x", json.dumps(jwk | {"x": 1})):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(Invalid):
            run("client", "add", "cad", "--home", home, "--scopes", "admin", "--jwk", file)


def test_a_client_that_can_t_be_is_not_added(tmp_path: Path) -> None:
    home = init(tmp_path / "home")
    before = (home / "clients.yaml").read_bytes()
    new = ("--new-key", tmp_path / "x.pem")
    for words in (
        ("rms", "--scopes", "everything", *new),
        ("Not An Id", "--scopes", "search", *new),
        ("rms", "--scopes", "search", "--officers", "--assurance", "7", *new),
        ("rms", "--scopes", "search"),
        ("rms", "--scopes", "search", "--jwk", tmp_path / "none.json"),
        ("local-admin", "--scopes", "search", *new),
    ):
        with pytest.raises(SallyportError):
            run("client", "add", *words, "--home", home)
    assert (home / "clients.yaml").read_bytes() == before


# -- the admin client -------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, free_port: int) -> Path:
    return init(tmp_path / "home", port=free_port)


@pytest.fixture
def served(home: Path) -> Iterator[list[LogOn]]:
    """The home's own token service on a real socket, and one route that needs the scope admin."""
    settings = settings_files.load(home)
    seen: list[LogOn] = []

    async def report(logon: LogOn) -> None:
        await asyncio.sleep(0)
        seen.append(logon)

    routes = FastAPI()
    routes.include_router(token.router)

    @routes.post("/v1/admin/echo")
    async def echo(
        request: Request, who: Annotated[Caller, Depends(require("admin"))]
    ) -> dict[str, Any]:
        return {"client": who.client, "sent": await request.json()}

    @routes.post("/v1/admin/refuse")
    async def refuse(who: Annotated[Caller, Depends(require("admin"))]) -> None:
        raise Forbidden(f"Not {who.client}.", code="test.refused")

    @routes.get("/v1/admin/text")
    async def text() -> list[int]:
        return [1]

    @routes.delete("/v1/admin/releases/{release_id}")
    async def revoke(release_id: str, _: Annotated[Caller, Depends(require("admin"))]) -> None:
        raise NotFound(f"There is no release {release_id!r}.")

    problems.install(routes, [])
    engine = open_sqlite(home / "data" / "state.db")
    routes.state.gateway = SimpleNamespace(
        tokens=TokenService(
            keys.load(home).token,
            issuer=settings.base_url,
            ori=Ori(settings.ori),
            clients=clients.load(home / "clients.yaml"),
            replays=Replays(engine),
            report=report,
            count=lambda _: None,
        )
    )
    server = uvicorn.Server(
        uvicorn.Config(routes, host="127.0.0.1", port=settings.port, log_config=None)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.01)
    yield seen
    server.should_exit = True
    thread.join()
    engine.dispose()


def test_a_command_reaches_its_gateway_as_local_admin(home: Path, served: list[LogOn]) -> None:
    answer = admin_client.call(home, "POST", "/v1/admin/echo", {"a": 1})
    assert answer == {"client": "local-admin", "sent": {"a": 1}}
    assert [(s.succeeded, s.client, s.officer) for s in served] == [(True, "local-admin", None)]


def test_a_problem_is_raised_in_the_gateway_s_words(home: Path, served: list[LogOn]) -> None:
    with pytest.raises(SallyportError, match="Not local-admin") as caught:
        admin_client.call(home, "POST", "/v1/admin/refuse")
    assert caught.value.code == "test.refused"
    with pytest.raises(Unavailable, match="Something else"):
        admin_client.call(home, "GET", "/v1/admin/text")
    assert len(served) == 2


@pytest.mark.parametrize("mistyped", ["rel_1 2", "rel_é", "rel_1/2?", "../policy", "rel_\udcff"])
@pytest.mark.usefixtures("served")
def test_a_mistyped_release_is_said_to_be_none(home: Path, mistyped: str) -> None:
    with pytest.raises(SallyportError) as caught:
        release.revoke(home, mistyped)
    if "/" in mistyped:  # the server takes it for one that parts a path, however it is written
        assert caught.value.detail.startswith("There is nothing under this address.")
    else:
        said = mistyped.replace("\udcff", "?")
        assert caught.value.detail == f"There is no release {said!r}."


@pytest.mark.usefixtures("served")
def test_what_can_be_no_address_is_not_taken_for_a_gateway_that_does_not_run(home: Path) -> None:
    for path in ("/v1/admin/a b", "/v1/admin/é"):
        with pytest.raises(Invalid, match="can't be put into an address"):
            admin_client.call(home, "GET", path)


def test_another_admin_key_is_refused(home: Path, served: list[LogOn]) -> None:
    (home / "keys" / "admin.pem").unlink()
    keys.write_private(home / "keys", "admin.pem", ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(NotAuthenticated, match=r"keys/admin\.pem"):
        admin_client.call(home, "POST", "/v1/admin/echo", {})
    assert [s.succeeded for s in served] == [False]


def test_a_gateway_that_does_not_run_is_said_to(home: Path) -> None:
    with pytest.raises(Unavailable, match="sallyport serve"):
        admin_client.call(home, "POST", "/v1/admin/echo", {})


def test_the_entry_is_yaml_that_people_can_read(tmp_path: Path) -> None:
    home = init(tmp_path / "home")
    (shown,) = yaml.safe_load(run("keys", "show", "--home", home))
    assert list(shown) == ["ori", "name", "url", "key_id", "key", "log_key", "agreement_key"]


def under(limit: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with another limit of open files: `-n 600`; `-S -n 600` is one to be raised."""
    shell = ["sh", "-c", f'ulimit {limit}; exec "$@"', "sh", sys.executable, *words]
    return subprocess.run(shell, capture_output=True, text=True, check=False, timeout=60)


def test_a_gateway_has_files_for_its_connections_or_does_not_start(tmp_path: Path) -> None:
    home = init(tmp_path / "home")
    refused = under("-n 600", "-m", "gateway.cli", "serve", "--home", str(home))
    assert refused.returncode != 0
    assert "max_connections needs 1,544 open files, and this process may have 600" in refused.stderr
    assert "ulimit -n" in refused.stderr
    assert "Traceback" not in refused.stderr
    asked = (
        "import resource; from gateway.cli.serving import allow_files; allow_files(1_544);"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    assert under("-S -n 600", "-c", asked).stdout == "1544\n"
    assert under("-S -n 2000", "-c", asked).stdout == "2000\n"
