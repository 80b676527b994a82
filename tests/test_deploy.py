"""Dockerfile and compose file, held against the project: no image can be built where tests run."""

import asyncio
import json
import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from demo.people import AGENCIES
from gateway import settings
from gateway.app import routes
from gateway.cli import agreement_work
from gateway.cli.main import app as cli

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SITES = {"tx": "TX9990000", "ca": "CA9990000", "nm": "NM9990000", "us": "USBPX9900"}
INIT = (DEPLOY / "init.sh").read_text(encoding="utf-8")
HAPROXY = (DEPLOY / "haproxy.cfg").read_text(encoding="utf-8")
USER = "10001:10001"
TREE = typer.main.get_command(cli)
PORT = settings.Settings.model_fields["port"].default


def dockerfile() -> list[tuple[str, str, str]]:
    """Stage, instruction and its words, line continuations joined and comments left out."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [x for x in text.splitlines() if not x.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    found, stage = [], ""
    for line in filter(str.strip, joined.splitlines()):
        word, rest = line.split(None, 1)
        if word == "FROM":
            stage = rest.split()[-1]
        found.append((stage, word, rest.strip()))
    return found


LINES = dockerfile()


def instruction(stage: str, word: str) -> list[str]:
    return [rest for s, w, rest in LINES if (s, w) == (stage, word)]


def environment(stage: str) -> dict[str, str]:
    words = shlex.split(" ".join(instruction(stage, "ENV")))
    return dict(w.split("=", 1) for w in words)


def command(words: list[str]) -> None:
    """Follow `sallyport …` into the command's tree: the command and its options must be there."""
    assert words[0] == "sallyport"
    node: Any = TREE
    rest = words[1:]
    while hasattr(node, "commands"):
        assert rest, f"{words} ends in a group"
        found = node.get_command(None, rest[0])
        assert found, f"there is no command {rest[0]!r}"
        node, rest = found, rest[1:]
    options = {o for p in node.params for o in p.opts}
    assert {w for w in rest if w.startswith("--")} <= options


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps a path out of the build: the last line that fits decides."""
    out = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            parents = [path, *(str(p) for p in Path(path).parents)]
            if any(fnmatch(p, pattern) for p in parents):
                out = not line.startswith("!")
    return out


# -- the image --------------------------------------------------------------------------------


def test_every_stage_comes_from_a_pinned_image_or_an_earlier_stage() -> None:
    bases = {"${PYTHON}"}
    defaults = [rest for s, w, rest in LINES if (s, w) == ("", "ARG")]
    assert len(defaults) == 1
    assert re.fullmatch(r"PYTHON=python:3\.\d+\.\d+-slim-\w+", defaults[0])
    stages = [rest.split() for _, w, rest in LINES if w == "FROM"]
    assert [s[-1] for s in stages] == ["wheel", "environment", "gateway", "trial"]
    for base, _, stage in stages:
        assert base in bases
        bases.add(stage)
    minor = tuple(int(x) for x in defaults[0].split(":")[1].split("-")[0].split(".")[:2])
    least = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert minor >= tuple(int(x) for x in least.split("."))


def test_what_is_copied_is_there_and_reaches_the_build() -> None:
    copies = [(s, rest.split()) for s, w, rest in LINES if w == "COPY"]
    assert len(copies) >= 8
    stages = {s for s, w, _ in LINES if w == "FROM"}
    for _, words in copies:
        if words[0].startswith("--from="):
            assert words[0].removeprefix("--from=") in stages
            continue
        for source in [w for w in words[:-1] if not w.startswith("--")]:
            assert (ROOT / source).exists(), source
            assert not ignored(source), source
            inside = [p for p in (ROOT / source).rglob("*.py") if "__pycache__" not in p.parts]
            assert not any(ignored(str(p.relative_to(ROOT))) for p in inside)


@pytest.mark.parametrize(
    "path",
    [
        *(".git/config", ".venv/bin/python", "deploy/legacy/x.csv", "demo/people.py"),
        *("deploy/compose.yaml", "gateway/__pycache__/model.cpython-311.pyc", "keys/token.pem"),
    ],
)
def test_nothing_else_reaches_the_build(path: str) -> None:
    assert ignored(path)


def test_the_wheel_s_files_are_copied_before_it_is_built() -> None:
    copied = " ".join(instruction("wheel", "COPY"))
    packages = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    for name in [*(p.rstrip("*") for p in packages), PROJECT["project"]["readme"]]:
        assert re.search(rf"(^| ){re.escape(name)}( |$)", copied), name


def test_dependencies_are_installed_with_their_hashes_or_not_at_all() -> None:
    installs = [
        part
        for stage in ("wheel", "environment", "gateway", "trial")
        for rest in instruction(stage, "RUN")
        for part in rest.split("&&")
        if re.search(r"pip (install|wheel)", part)
    ]
    assert len(installs) == 4
    for part in installs:
        if "--no-deps" in part:
            assert "--require-hashes" not in part
            continue
        assert "--require-hashes" in part
        lock = re.search(r"--requirement /?(\S+)", part)
        assert lock
        assert "--hash=sha256:" in (ROOT / lock[1]).read_text(encoding="utf-8")


@pytest.mark.parametrize("stage", ["gateway", "trial"])
def test_it_does_not_run_as_root(stage: str) -> None:
    assert instruction(stage, "USER")[-1] == USER
    assert "sudo" not in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_production_image_holds_nothing_of_the_trial() -> None:
    copied = " ".join(instruction("gateway", "COPY"))
    assert "deploy/" not in copied
    assert "demo" not in copied


def test_it_starts_a_command_that_there_is() -> None:
    entry = json.loads(instruction("gateway", "ENTRYPOINT")[0])
    start = json.loads(instruction("gateway", "CMD")[0])
    assert entry[0] in PROJECT["project"]["scripts"]
    command([*entry, *start])
    module, name = PROJECT["project"]["scripts"][entry[0]].split(":")
    assert callable(getattr(sys.modules[module], name))
    assert instruction("gateway", "STOPSIGNAL") == ["SIGTERM"]


def test_its_environment_is_known_to_the_gateway() -> None:
    variables = environment("gateway")
    known = {f"SALLYPORT_{f}".upper() for f in settings.Settings.model_fields}
    assert {v for v in variables if v.startswith("SALLYPORT_")} <= known
    volume = instruction("gateway", "VOLUME")[0]
    home = Path(variables["SALLYPORT_HOME"])
    # `init` makes the folder itself, so the volume is the one above it.
    assert home.parent == Path(volume)
    assert instruction("gateway", "WORKDIR") == [volume]
    made = " ".join(instruction("gateway", "RUN"))
    assert f"--owner 10001 --group 10001 --mode 0700 {volume}" in made
    assert variables["PATH"].split(":")[0] == "/opt/sallyport/bin"


def test_port_and_health_check_are_the_gateway_s() -> None:
    assert instruction("gateway", "EXPOSE") == [str(PORT)]
    check = re.search(r"CMD (\[.*\])", instruction("gateway", "HEALTHCHECK")[0])
    assert check
    words = json.loads(check[1])
    url = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", words[2])
    assert url
    assert int(url[1]) == PORT
    assert url[2] in paths()
    compile(words[2], "health check", "exec")
    refused = subprocess.run(
        [sys.executable, *words[1:2], words[2].replace(url[1], "1")],
        check=False,
        capture_output=True,
    )
    assert refused.returncode != 0


def paths() -> set[str]:
    return set(routes().openapi()["paths"])


# -- the trial --------------------------------------------------------------------------------


def test_the_four_agencies_are_there() -> None:
    assert set(SITES.values()) == set(AGENCIES)
    assert set(SERVICES) == {"certificates"} | {
        f"{s}{part}" for s in SITES for part in ("", "-edge", "-init")
    }


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_shut_in(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == USER
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert all("noexec" in t for t in service["tmpfs"])
    for way_out in ("privileged", "cap_add", "ports", "devices", "pid", "ipc"):
        assert way_out not in service
    assert not any("docker.sock" in v for v in service.get("volumes", []))
    image, _, tag = service["image"].partition(":")
    assert image in {"sallyport-trial", "haproxy"}
    assert re.match(r"\d+\.\d+\.\d+", tag)


@pytest.mark.parametrize("name", [n for n in SERVICES if not n.endswith("-edge")])
def test_images_are_built_from_a_stage_that_there_is(name: str) -> None:
    build = SERVICES[name]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert build["target"] in {s for s, w, _ in LINES if w == "FROM"}
    assert SERVICES[name]["image"].endswith(f":{PROJECT['project']['version']}")


def mounts(name: str) -> dict[str, str]:
    """What a service mounts, by the path inside."""
    return {v.split(":")[1]: v.split(":")[0] for v in SERVICES[name].get("volumes", [])}


@pytest.mark.parametrize("site", SITES)
def test_an_agency_s_folder_is_mounted_by_nothing_else(site: str) -> None:
    users = {n for n in SERVICES for v in mounts(n).values() if v == f"{site}-home"}
    assert users == {site, f"{site}-init"}
    certificates = {n for n in SERVICES for v in mounts(n).values() if v == f"{site}-certs"}
    assert certificates == {f"{site}-edge", "certificates"}


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_names_is_there(name: str) -> None:
    service = SERVICES[name]
    assert set(service.get("depends_on", {})) <= set(SERVICES)
    assert set(service.get("networks", {})) <= set(COMPOSE["networks"])
    mode = service.get("network_mode", "none")
    assert mode == "none" or mode.removeprefix("service:") in SERVICES
    owned = " ".join(instruction("trial", "RUN") + instruction("gateway", "RUN")).split()
    for inside, source in mounts(name).items():
        if not source.startswith("."):
            assert source in COMPOSE["volumes"]
            if not name.endswith("-edge"):
                # A new volume takes its owner from the folder in the image.
                assert inside in owned
        elif "/legacy/" not in source:
            assert (DEPLOY / source).exists(), source
    for volume in service.get("volumes", []):
        assert not volume.startswith(".") or volume.endswith(":ro")


@pytest.mark.parametrize("site", SITES)
def test_the_legacy_files_are_those_that_the_generator_makes(site: str) -> None:
    bound = mounts(f"{site}-init")
    assert bound["/import/sources"] == f"./legacy/{SITES[site]}/sources"
    assert bound["/import/mappings"] == f"../demo/agencies/{SITES[site]}/mappings"
    assert "legacy/" in (DEPLOY / ".gitignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("site", SITES)
def test_a_gateway_is_reached_through_its_own_proxy_alone(site: str) -> None:
    edge = SERVICES[f"{site}-edge"]
    bind = re.search(r"bind :(\d+) ssl crt (\S+)", HAPROXY)
    assert bind
    given = SERVICES[f"{site}-init"]["environment"]
    (alias,) = edge["networks"]["between"]["aliases"]
    assert given["AGENCY_URL"] == f"https://{alias}:{bind[1]}"
    assert given["AGENCY_ORI"] == SITES[site]
    assert set(given["AGENCY_PEERS"].split()) == set(AGENCIES) - {SITES[site]}
    assert set(edge["networks"]) == {f"{site}-inside", "between"}
    assert SERVICES[site]["network_mode"] == f"service:{site}-edge"
    assert mounts(f"{site}-edge")["/certs"] == f"{site}-certs"
    assert bind[2] == "/certs/site.pem"
    assert f"server local 127.0.0.1:{PORT}" in HAPROXY
    assert f"--port {PORT}" in INIT
    assert f"{alias}=/certs/{site}" in SERVICES["certificates"]["command"]
    assert mounts("certificates")[f"/certs/{site}"] == f"{site}-certs"
    assert SERVICES[site]["environment"]["SSL_CERT_FILE"].startswith("/trust/")
    assert all(n["internal"] for n in COMPOSE["networks"].values())


def test_the_proxy_keeps_the_operators_routes_inside() -> None:
    kept = re.search(r"deny .* if \{ path,url_dec -m beg (.*) \}", HAPROXY)
    assert kept
    for start in kept[1].split():
        assert any(p.startswith(start) for p in paths()), start


@pytest.mark.parametrize("name", ["certificates", *(f"{s}-init" for s in SITES)])
def test_set_up_steps_end_and_are_waited_for(name: str) -> None:
    assert SERVICES[name]["restart"] == "no"
    assert SERVICES[name]["network_mode"] == "none"
    waiting = [
        n
        for n, s in SERVICES.items()
        if s.get("depends_on", {}).get(name) == {"condition": "service_completed_successfully"}
    ]
    assert waiting
    program = SERVICES[name]["entrypoint"][-1]
    assert (DEPLOY / Path(program).name).is_file()
    copied = " ".join(instruction("trial", "COPY"))
    assert f"deploy/{Path(program).name}" in copied
    assert str(Path(program).parent) in copied


def test_the_set_up_uses_commands_that_there_are() -> None:
    joined = INIT.replace("\\\n", " ")
    calls = re.findall(r"(?:^|then |do |\|\| )\s*(sallyport [^>;\n]+)", joined, re.MULTILINE)
    assert len(calls) >= 3
    for call in calls:
        command(shlex.split(call))


def test_what_its_readme_has_one_type_makes_all_that_is_mounted(tmp_path: Path) -> None:
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    typed = [shlex.split(line, comments=True) for line in block.splitlines()]
    made = [words for words in typed if words[0] == "python"]
    for words in made:
        run = [sys.executable, *(str(tmp_path / w) if "/" in w else w for w in words[1:])]
        small = ["--people", "60"] if "demo.people" in words else []
        subprocess.run([*run, *small], cwd=ROOT, check=True, capture_output=True)
    bound = {source for name in SERVICES for source in mounts(name).values()}
    legacy = [tmp_path / "deploy" / source for source in bound if source.startswith("./legacy/")]
    assert len(legacy) == len(SITES) + 1
    for folder in legacy:
        assert any(folder.iterdir()), folder
    for words in [words for words in typed if words[0] != "python"]:
        assert words[:3] == ["docker", "compose", "-f"]
        assert (ROOT / words[3]).is_file()
        assert words[4] in {"up", "exec", "down"}
        if words[4] == "exec":
            assert words[5] in SERVICES
            command(words[6:])
    assert [words[4] for words in typed[len(made) :]] == ["up", "exec", "down"]


# -- run for real -----------------------------------------------------------------------------


def start_init(
    root: Path, ori: str, peer: str, *, programs: Path | None = None, patience: int = 60
) -> subprocess.Popen[str]:
    scripts = programs or Path(sys.executable).parent
    env = os.environ | {
        "PATH": f"{scripts}:{os.environ['PATH']}",
        "SALLYPORT_HOME": str(root / ori / "gateway"),
        "SHARE": str(root / "share"),
        "IMPORT": str(root / "import" / ori),
        "ENTRIES": str(root / "entries"),
        "PATIENCE": str(patience),
        "AGENCY_ORI": ori,
        "AGENCY_NAME": f"Agency {ori}",
        "AGENCY_URL": f"https://{ori.lower()}.sallyport.internal:8444",
        "AGENCY_PEERS": peer,
    }
    return subprocess.Popen(
        ["sh", str(DEPLOY / "init.sh")],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_both(root: Path) -> None:
    running = [start_init(root, a, b) for a, b in ((A, B), (B, A))]
    said = [one.communicate(timeout=90)[0] for one in running]
    assert [one.returncode for one in running] == [0, 0], said


A, B = "TX9990000", "CA9990000"


def test_two_agencies_set_themselves_up_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "entries").mkdir()
    shutil.copytree(ROOT / "policies", tmp_path / "share" / "policies")
    made = tmp_path / "drafts"
    subprocess.run([sys.executable, "-m", "demo.agreements", made], cwd=ROOT, check=True)
    texts = {p: yaml.safe_load(p.read_text("utf-8")) for p in sorted(made.iterdir())}
    # One between both, and one of each with somebody else.
    ours = {who: draft_with(texts, who) for who in ((True, True), (True, False), (False, True))}
    for ori in (A, B):
        (tmp_path / ori).mkdir()
        (tmp_path / "import" / ori / "mappings").mkdir(parents=True)
        (tmp_path / "import" / ori / "agreements").mkdir()
        for draft in ours.values():
            shutil.copy(draft, tmp_path / "import" / ori / "agreements")
    run_both(tmp_path)
    home = tmp_path / A / "gateway"
    found = settings.load(home)
    assert (found.ori, found.host, found.port) == (A, "127.0.0.1", PORT)
    assert B in (home / "peers.yaml").read_text()
    rule = min((home / "policies").rglob("*.rego"))
    assert rule.stat().st_mode & 0o077 == 0

    # Each party signed the drafts of its own agreements, and no others.
    first, second = (signed(tmp_path / ori / "gateway", ori) for ori in (A, B))
    both, only_first, only_second = (draft.stem for draft in ours.values())
    assert (set(first), set(second)) == ({both, only_first}, {both, only_second})
    assert first[both] == second[both]

    rule.write_text(rule.read_text() + "# edited here\n")
    before = files(home)
    again = start_init(tmp_path, A, B)
    said, _ = again.communicate(timeout=90)
    assert again.returncode == 0, said
    assert files(home) == before


def draft_with(texts: dict[Path, Any], who: tuple[bool, bool]) -> Path:
    return next(
        p for p, text in texts.items() if tuple(x in text["parties"] for x in (A, B)) == who
    )


def signed(home: Path, ori: str) -> dict[str, str]:
    """What an agency keeps, under its own signature alone: the text's digest by agreement."""
    documents = [h.document for h in agreement_work.open_desk(home).read().book.documents]
    assert all([s.party for s in d.signatures] == [ori] for d in documents)
    return {d.agreement.id: d.digest for d in documents}


def files(folder: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_an_agency_that_hands_over_no_entry_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    for folder in ("entries", f"{A}/gateway/policies", f"{A}/gateway/mappings", "programs"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("sources", "data"):
        (tmp_path / A / "gateway" / folder).mkdir()
    (tmp_path / A / "gateway" / "sallyport.toml").touch()
    (tmp_path / "programs" / "sallyport").write_text("#!/bin/sh\necho an entry\n")
    (tmp_path / "programs" / "sallyport").chmod(0o700)
    one = start_init(tmp_path, A, B, programs=tmp_path / "programs", patience=1)
    said, _ = one.communicate(timeout=60)
    assert one.returncode == 1
    assert f"{B} did not hand over" in said
    assert (tmp_path / "entries" / f"{A}.yaml").read_text() == "an entry\n"


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    for folder in ("trust", "tx", "ca"):
        (tmp_path / folder).mkdir()
    words = [str(tmp_path / "trust")]
    words += [f"{s}.sallyport.internal={tmp_path / s}" for s in ("tx", "ca")]
    make = [sys.executable, str(DEPLOY / "trial_ca.py"), *words]
    subprocess.run(make, check=True)
    first = (tmp_path / "tx" / "site.pem").read_bytes()
    subprocess.run(make, check=True)
    assert (tmp_path / "tx" / "site.pem").read_bytes() == first
    return tmp_path


async def test_trial_certificates_are_trusted_for_their_own_site_only(certificates: Path) -> None:
    site, authority = certificates / "tx" / "site.pem", certificates / "trust" / "ca.pem"
    assert site.stat().st_mode & 0o077 == 0
    assert b"PRIVATE" not in authority.read_bytes()
    here = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    here.load_cert_chain(site)
    there = ssl.create_default_context(cafile=str(authority))
    there.verify_flags |= ssl.VERIFY_X509_STRICT

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0, ssl=here)
    port = server.sockets[0].getsockname()[1]
    async with server:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=there, server_hostname="tx.sallyport.internal"
        )
        writer.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection(
                "127.0.0.1", port, ssl=there, server_hostname="ca.sallyport.internal"
            )
