"""docs/join.md, done literally: its files are written, its commands run, and say what it shows.

The blocks in the order of the document: `sh` is typed into one shell, `sh serve` into another,
`file=PATH` is written there, and each line of `says` stands in what the commands before it printed.
The folder, the port and the place of Sallyport are put in the place of the document's.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from demo.ports import free_ports
from gateway.cli import setup
from tests.cli import preloaded
from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "join.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)(?: ([^\n]+))?\n(.*?)```", TEXT, re.DOTALL)
_DONE = "--- done ---"
# One reader for all: some twenty processes, one after the other.
pytestmark = pytest.mark.timeout(900)


def wait_until(so: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < until
        time.sleep(0.05)


class Reader:
    """Somebody who reads the document and does what it says."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.home = folder / "srv" / "sallyport"
        self.url = f"http://127.0.0.1:{port}"
        self._named = {
            "/srv/sallyport": str(self.home),
            "/opt/sallyport": str(ROOT),
            "http://127.0.0.1:8443": self.url,
        }
        programs = folder / "bin"
        programs.mkdir()
        at = str(folder / "preloaded")
        typed = programs / "sallyport"
        typed.write_text(preloaded.CLIENT.format(python=sys.executable, socket=at))
        typed.chmod(0o700)
        self._preloaded = subprocess.Popen([sys.executable, preloaded.__file__, at])
        wait_until(Path(at).exists)
        self._env = {
            **os.environ,
            "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}",
            "COLUMNS": "200",
        }
        self._shell = subprocess.Popen(
            ["bash", "-eu"],
            cwd=folder,
            env=self._env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._gateway: subprocess.Popen[bytes] | None = None
        self.said = ""

    def do(self, kind: str, about: str, text: str) -> None:
        """Do one block."""
        text = self._here(text)
        if about.startswith("file="):
            where = Path(self.type("pwd").strip())
            path = where / self._here(about.removeprefix("file="))
            path.write_text(text, encoding="utf-8")
        elif (kind, about) == ("sh", "serve"):
            self.stop()
            self.serve(text)
        elif kind == "sh":
            self.type(text)
        elif kind == "says":
            for line in text.splitlines():
                assert line in self.said, f"not said: {line}\n\n{self.said}"
        else:
            pytest.fail(f"a block that nobody does: {kind} {about}")

    def type(self, text: str) -> str:
        """Type commands, and read what they say until they are done. Each has to succeed."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{text}\necho '{_DONE}'\n")
        self._shell.stdin.flush()
        self.said = ""
        for line in self._shell.stdout:
            if line.strip() == _DONE:
                return self.said
            self.said += line
        pytest.fail(f"it failed: {text}\n\n{self.said}")

    def serve(self, text: str) -> None:
        """Start the gateway, and wait until it answers."""
        env = {**self._env, "SALLYPORT_HOME": str(self.home)}
        with (self.folder / "gateway.log").open("ab") as log:
            program = [str(Path(sys.executable).with_name("sallyport")), *text.split()[1:]]
            gateway = subprocess.Popen(program, env=env, stdout=log, stderr=log)
            self._gateway = gateway

        def ready() -> bool:
            assert gateway.poll() is None, (self.folder / "gateway.log").read_text()
            try:
                return httpx.get(f"{self.url}/readyz").is_success
            except httpx.TransportError:
                return False

        wait_until(ready)

    def stop(self) -> None:
        """Stop the gateway, if it runs."""
        if self._gateway is not None:
            self._gateway.send_signal(signal.SIGINT)
            self._gateway.wait(20)
            self._gateway = None

    def close(self) -> None:
        """Leave."""
        self.stop()
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._preloaded.terminate()
        self._preloaded.wait(10)
        self._shell.stdin.close()
        self._shell.wait(10)
        self._shell.stdout.close()

    def ask(self, *who: str) -> dict[str, Any]:
        """Ask as the document does; give the part of the one agency asked."""
        said = self.type(f"python ask.py {self.url} {' '.join(who)}")
        [agency] = orjson.loads(said)["agencies"]
        found: dict[str, Any] = agency
        return found

    def sources(self) -> dict[str, Any]:
        """Give what /readyz says of the sources."""
        found: dict[str, Any] = httpx.get(f"{self.url}/readyz").json()["components"]["records"]
        return found

    def _here(self, text: str) -> str:
        for theirs, ours in self._named.items():
            text = text.replace(theirs, ours)
        return text


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """One who has done everything in the document."""
    folder = tmp_path_factory.mktemp("join")
    folder.chmod(0o755)  # as folders are made where nothing else is said
    (folder / "srv").mkdir()
    partner = folder / "partner"
    setup.init_home(partner, ori="TX9990000", name="Calloway", url="https://calloway.example")
    entry = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "keys", "show", "--home", str(partner)],
        check=True,
        capture_output=True,
    )
    (folder / "their-entry.yaml").write_bytes(entry.stdout)
    found = Reader(folder, *free_ports(1))
    try:
        for kind, about, text in BLOCKS:
            if "their-entry.yaml" in text:
                found.type(f"cp {folder}/their-entry.yaml .")  # as it came from the partner
            found.do(kind, about, text)
        yield found
    finally:
        found.close()


def test_the_walk_ends_with_an_answered_search(reader: Reader) -> None:
    answer = reader.ask("Zelma", "Quillbrook", "1987-03-12")
    assert answer["status"] == "answered"
    [match] = answer["matches"]
    assert match["record_id"] == "W-26-0101"
    assert match["record"]["j:Warrant"]["j:CourtOrderStatus"] == {"nc:StatusText": "ACTIVE"}
    assert not answer.get("stale")


def test_a_corrected_row_is_found_and_a_sealed_one_is_not(reader: Reader) -> None:
    [match] = reader.ask("Ana", "Holtby", "1990-02-28")["matches"]
    assert match["record_id"] == "W-26-0103"
    assert not reader.ask("Ivo", "Marrow", "1966-07-19").get("matches")


def test_what_is_sealed_corrected_or_gone_at_the_source_counts_from_the_switch(
    reader: Reader,
) -> None:
    path = reader.home / "sources" / "warrants.csv"
    before = path.read_text(encoding="utf-8")
    lines = before.splitlines(keepends=True)
    now = "".join(x for x in lines if "TESSEL" not in x)
    now = now.replace("02/03/2026,A,N", "02/03/2026,A,Y")  # sealed
    now = now.replace("03/12/1987", "03/13/1987")  # corrected
    now += 'W-26-0106,"OSTLER, PIM",05/05/1955,M,,F,03/10/2026,A,N\n'
    assert reader.ask("Oda", "Fenwick", "1971-11-02")["matches"]
    assert reader.ask("June", "Tessel", "1995-12-24")["matches"]
    path.write_text(now, encoding="utf-8")
    generation = reader.sources()["sources"]["warrants"]["generation"]
    [done] = orjson.loads(reader.type("sallyport import --json"))
    # Three of five are changed, one of them by its column SEALED alone; one is new, one gone.
    assert (done["rows"], done["new"], done["changed"], done["removed"]) == (5, 1, 2, 1)
    assert (done["unchanged"], done["corrected"], done["set_aside"]) == (2, 1, 0)
    wait_until(lambda: reader.sources()["sources"]["warrants"]["generation"] != generation)
    assert not reader.ask("Oda", "Fenwick", "1971-11-02").get("matches")
    assert not reader.ask("June", "Tessel", "1995-12-24").get("matches")
    [match] = reader.ask("Zelma", "Quillbrook", "1987-03-13")["matches"]
    born = match["record"]["nc:Person"]["nc:PersonBirthDate"]
    assert born == {"nc:Date": "1987-03-13"}
    assert reader.ask("Pim", "Ostler", "1955-05-05")["matches"]


def test_a_stale_warrant_does_not_say_that_it_is_active(reader: Reader) -> None:
    path = reader.home / "sources" / "warrants.csv"
    state = path.stat()
    then = time.time() - 8 * 86_400  # the agency's own limit for warrants is a week
    os.utime(path, (then, then))
    imported = reader.type("sallyport import")
    wait_until(lambda: bool(reader.sources()["sources"]["warrants"]["stale"]))
    answer = reader.ask("Pim", "Ostler", "1955-05-05")
    # What is needed to tell a row that is gone from a search that missed it.
    held = "OSTLER, PIM" in path.read_text(encoding="utf-8")
    assert len(answer.get("matches", ())) == 1, (held, imported, answer, reader.sources())
    [match] = answer["matches"]
    assert answer["stale"] is True
    assert "j:CourtOrderStatus" not in match["record"]["j:Warrant"]
    assert "ACTIVE" not in orjson.dumps(match).decode()
    records = reader.sources()
    assert records["status"] == "degraded"
    warrants = records["sources"]["warrants"]
    assert (warrants["limit_minutes"], warrants["limit_of"]) == (10_080, "warrant")
    assert warrants["age_minutes"] >= 8 * 1_440
    assert warrants["poll"] == "every 15m"
    assert {"next_poll", "last_import", "last_result"} <= warrants.keys()
    assert "records" not in warrants  # counts are the administrator's
    metrics = httpx.get(f"{reader.url}/metrics").text
    assert 'sallyport_source_stale{source="warrants"} 1.0' in metrics
    listed = reader.type("sallyport source list")
    assert "STALE" in listed
    os.utime(path, (state.st_atime, state.st_mtime))


def test_every_command_of_the_document_is_one_that_a_reader_can_type() -> None:
    assert shutil.which("bash")
    typed = [text for kind, about, text in BLOCKS if (kind, about) == ("sh", "")]
    assert sum("sallyport import" in t for t in typed) == 1
    assert any("mapping draft" in t for t in typed)
    assert any("peer add" in t for t in typed)
