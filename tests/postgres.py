"""A real PostgreSQL for the tests: a cluster of their own, in a folder that goes with them.

It is started by `initdb` and `postgres` as a user that is not root, listens on a socket in that
folder and on a loopback port, and wants a password. `Server.fresh` gives a database of its own.
"""

import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

PASSWORD = "pg-" + secrets.token_hex(8)
_START_S = 30


def programs() -> Path | None:
    """Give the folder of PostgreSQL's programs, the newest there is; None where there is none."""
    found = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    on_path = shutil.which("initdb")
    if on_path and shutil.which("postgres"):
        found.append(Path(on_path).resolve().parent)
    return max(found, key=lambda p: float(re.sub(r"[^\d.]", "", p.parent.name) or 0), default=None)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `socket` is the folder of its socket; `role` may do everything in it."""

    socket: Path
    port: int
    role: str = "owner"

    def url(self, database: str, role: str = "reader") -> str:
        """Give the URL of a database as a mapping has it: by the socket."""
        return f"postgresql://{role}@/{database}?host={self.socket}&port={self.port}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Connect as the owner, each statement a transaction of its own."""
        return psycopg.connect(
            host=str(self.socket),
            port=self.port,
            user=self.role,
            dbname=database,
            password=PASSWORD,
            autocommit=True,
        )

    def fresh(self, name: str, *, encoding: str = "UTF8") -> str:
        """Make an empty database in place of one of that name; `reader` may read its tables.

        In UTF-8 texts sort as people expect (en-US), so not by their bytes; otherwise by bytes.
        """
        sorts = "" if encoding == "UTF8" else "LOCALE_PROVIDER libc LOCALE 'C'"
        with self.connect() as c:
            c.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # type: ignore[arg-type] # a test's own word
            c.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' {sorts}")  # type: ignore[arg-type] # as above
        with self.connect(name) as c:
            c.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader")
        return name


def password_file(folder: Path) -> Path:
    """Write the password as a mapping's `password_file`, 0600."""
    path = folder / "database.password"
    path.write_text(PASSWORD + "\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def _user() -> tuple[list[str], int, int]:
    """Give how a program is started by a user that is not root, and who that is."""
    if os.geteuid() != 0:
        return [], os.geteuid(), os.getegid()
    found = pwd.getpwnam("postgres")
    ids = [f"--reuid={found.pw_uid}", f"--regid={found.pw_gid}", "--clear-groups"]
    return ["setpriv", *ids], found.pw_uid, found.pw_gid


@contextmanager
def running(bin_folder: Path, port: int) -> Iterator[Server]:
    """Run a server until the block ends."""
    by, uid, gid = _user()
    folder = Path(
        tempfile.mkdtemp(prefix="sallyport-pg-", dir="/tmp")
    )  # a socket's path must be short
    os.chown(folder, uid, gid)
    try:
        _make(bin_folder, folder, by, (uid, gid))
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [*by, bin_folder / "postgres", "-D", folder / "data", *_options(folder, port)],
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=folder,
            )
        try:
            ready = Server(folder, port)
            _wait([bin_folder / "pg_isready", "-q", "-h", folder, "-p", str(port)], folder / "log")
            with ready.connect() as c:
                c.execute(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")  # type: ignore[arg-type] # a test's own word
            yield ready
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(_START_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _options(folder: Path, port: int) -> list[str]:
    settings = {
        "unix_socket_directories": folder,
        "listen_addresses": "127.0.0.1",
        "port": port,
        "fsync": "off",
        "max_connections": 60,
    }
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _make(bin_folder: Path, folder: Path, by: list[str], owner: tuple[int, int]) -> None:
    word = folder / "word"
    word.write_text(PASSWORD, encoding="utf-8")
    word.chmod(0o600)
    os.chown(word, *owner)
    subprocess.run(
        [
            *(*by, str(bin_folder / "initdb"), "-D", str(folder / "data"), "--no-sync"),
            *("--username=owner", f"--pwfile={word}", "--auth=scram-sha-256", "--encoding=UTF8"),
            *("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"),
        ],
        check=True,
        capture_output=True,
        cwd=folder,
    )


def _wait(ready: list[str | Path], log: Path) -> None:
    """Wait until a server takes connections: `pg_isready` makes none that would be left open."""
    until = time.monotonic() + _START_S
    while subprocess.run(ready, capture_output=True, check=False).returncode:
        if time.monotonic() > until:
            raise RuntimeError(log.read_text(encoding="utf-8", errors="replace"))
        time.sleep(0.05)
