"""How a legacy database is reached: safely, for reading alone, and never for longer than it may.

The mapping holds the URL without a password; that stands in a file of its own (0600) or in the
environment. Nothing here repeats a password, and no error holds what was asked.
"""

import ipaddress
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool

from adapters import textfile
from adapters.typed import decoded
from gateway.errors import Misconfigured

POSTGRESQL: Final = "postgresql"
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_TIMEOUTS: Final = {"live": "3s", "mirror": "10m"}
"""The most time of one statement where the mapping says nothing: somebody waits for a search."""
_CONNECT_S: Final = 5
_WAIT_S: Final = 2
_POOL: Final[Mapping[str, Any]] = {
    "pool_size": 8,
    "max_overflow": 0,
    "pool_timeout": 5,
    "pool_pre_ping": True,  # a server that was started anew has cut the connections
}
_LONGEST: Final = 1_024
_PARAMETERS: Final = frozenset(
    {
        *("host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl"),
        *("client_encoding", "application_name", "target_session_attrs"),
    }
)
"""What may stand behind the URL's `?`. Others could take the connection elsewhere, or open it."""
_FILES: Final = frozenset({"sslrootcert", "sslcert", "sslkey", "sslcrl"})
_SAFE: Final = ("verify-full", "verify-ca")
_TEXT_TYPES: Final = (
    *("date", "timestamp", "timestamptz", "time", "timetz", "interval"),
    *("json", "jsonb"),
)
_NO_ENCODING: Final = "SQL_ASCII"
_SAID: Final = {
    "28P01": "it refused the password",
    "28000": "it refused the user",
    "3D000": "it has no database of that name",
    "42501": "the user may not read a table that the mapping names",
    "57014": "a statement took longer than it may (`timeout`), and was ended",
    "55P03": "a table was locked for too long",
    "53300": "it has no connection left for us",
    "57P01": "it is being shut down",
    "57P03": "it is starting, and can't be asked yet",
    "22P05": "it holds a character that it can't give as text: see client_encoding",
    "25006": "something tried to write: a connection of Sallyport's only reads",
}
_HEARD: Final = (
    ("password authentication failed", _SAID["28P01"]),
    ("no password supplied", "it wants a password: see `password_file`"),
    ("no pg_hba.conf entry", "it lets no such user in from here"),
    ("certificate", "its certificate is not one that we trust: see sslrootcert"),
    ("does not support SSL", "it has no TLS, which a host that is not this machine must have"),
    ("role", "it knows no such user"),
    ("does not exist", _SAID["3D000"]),
    ("starting up", _SAID["57P03"]),
    ("refused", "nothing listens there"),
    ("timeout", "it does not answer"),
    ("resolve", "its host's name is not known"),
    ("No such file", "nothing listens there"),
    ("interrupted", _SAID["57014"]),
    ("is locked", "it is locked by who writes there"),
    ("unable to open", "its file can't be opened"),
    ("malformed", "its file is damaged"),
    ("not a database", "its file is no SQLite database"),
    ("no such table", "a table that the mapping names is gone"),
    ("no such column", "a column that the mapping names is gone"),
    ("readonly", _SAID["25006"]),
)
"""Parts of a driver's own text, which is never shown: it may hold what was asked."""


def engine_of(spec: Mapping[str, Any], folder: Path) -> Engine:
    """Give the engine of a mapping's `format`; paths count from `folder`. Nothing is opened yet.

    Raises Misconfigured for what is not there, or not safe.
    """
    given = [key for key in ("path", "url") if key in spec]
    if len(given) != 1:
        raise Misconfigured("a database has a `path` or a `url`")
    mode = spec.get("mode", "mirror")
    seconds = seconds_of(spec.get("timeout", _TIMEOUTS[mode]))
    if "path" in spec:
        return _sqlite((folder / spec["path"]).resolve(), seconds if mode == "live" else 0)
    return _postgresql(spec, folder, seconds)


def seconds_of(text: str) -> int:
    """Read a span such as `15m`."""
    return int(text[:-1]) * _SECONDS[text[-1]]


def why(error: BaseException) -> str:
    """Say why a database could not be read, in words of our own."""
    if isinstance(error, PoolTimeout):
        return "all our connections to it are in use"
    if isinstance(error, UnicodeError):
        return "its texts are not written as it says: give client_encoding in the URL"
    known = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(known, "sqlstate", None)
    if state in _SAID:
        return _SAID[state]
    text = str(known)
    for part, said in _HEARD:
        if part.lower() in text.lower():
            return said
    name = type(known if isinstance(known, BaseException) else error).__name__
    return f"{name}{f' {state}' if state else ''}"


FAILURES: Final = (SQLAlchemyError, UnicodeError)
"""What reading a database may raise."""


def _sqlite(path: Path, seconds: int) -> Engine:
    textfile.require(path)
    url = make_url("sqlite://").set(
        database=f"file:{path.as_posix()}", query={"mode": "ro", "uri": "true"}
    )
    engine = create_engine(
        url,
        connect_args={"timeout": _WAIT_S, "check_same_thread": False},
        hide_parameters=True,
        **({} if seconds else {"poolclass": NullPool}),
    )
    event.listen(engine, "connect", _leniently)
    engine.update_execution_options(sallyport_seconds=seconds)
    return engine


def _leniently(connection: Any, _record: Any) -> None:
    """Take texts that are no UTF-8, too: the driver would stop at the first."""
    connection.text_factory = decoded


def _postgresql(spec: Mapping[str, Any], folder: Path, seconds: int) -> Engine:
    url = _url(spec["url"])
    _require_safe(url)
    query: dict[str, Any] = {"sslmode": "prefer" if _is_here(url) else _SAFE[0], **url.query}
    for name in _FILES & query.keys():
        if query[name] != "system":
            query[name] = str((folder / query[name]).resolve())
    password = _password(spec, folder)
    settings = {
        "default_transaction_read_only": "on",
        "statement_timeout": f"{seconds}s",
        "lock_timeout": f"{min(seconds, _WAIT_S)}s",
        "idle_in_transaction_session_timeout": "1h",
        "DateStyle": "ISO",
        "TimeZone": "UTC",
    }
    engine = create_engine(
        url.set(drivername="postgresql+psycopg", query=query, password=password),
        connect_args={
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
            "connect_timeout": _CONNECT_S,
            "passfile": os.devnull,  # no password but the one that the mapping says
            "prepare_threshold": None,  # plans are made for the values that are asked
        },
        execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
        use_native_hstore=False,
        hide_parameters=True,
        **(_POOL if spec.get("mode") == "live" else {"poolclass": NullPool}),
    )
    # First of all: SQLAlchemy itself asks the server something as soon as it is connected.
    event.listen(engine, "connect", _as_text, insert=True)
    return engine


def _as_text(connection: Any, _record: Any) -> None:
    """Take what Python has no value for (`infinity`, the year 20000) as the database writes it.

    A server that does not know how its texts are written (SQL_ASCII) would, told an encoding, stop
    at the first text that is none of it. So it is told none, and texts are decoded here.
    """
    from psycopg.types.string import TextLoader  # noqa: PLC0415 - only where PostgreSQL is used

    loader: Any = TextLoader
    if connection.info.parameter_status("server_encoding") == _NO_ENCODING:
        from adapters.bytes_of_postgresql import take  # noqa: PLC0415 - as above

        loader = take(connection)
    for name in _TEXT_TYPES:
        connection.adapters.register_loader(name, loader)


def _url(written: str) -> URL:
    try:
        url = make_url(written)
        name = url.get_backend_name()
    except (ArgumentError, ValueError):
        raise Misconfigured(
            "this is no database URL: postgresql://USER@HOST:5432/DATABASE?sslrootcert=CA.pem"
        ) from None
    if url.drivername != POSTGRESQL:
        raise Misconfigured(
            f"{name}: a URL names a PostgreSQL database (postgresql://…); SQLite has a `path`"
        )
    if url.password is not None:
        raise Misconfigured(
            "the password stands in the mapping; take it out, and name a `password_file` (0600)"
        )
    for name in sorted(url.query.keys() - _PARAMETERS):
        raise Misconfigured(
            f"{name}: this may not stand in the URL; there are: {', '.join(sorted(_PARAMETERS))}"
        )
    if any(not isinstance(value, str) for value in url.query.values()):
        raise Misconfigured("each parameter stands once in the URL")
    return url


def _require_safe(url: URL) -> None:
    """Refuse a URL whose connection others could read or answer."""
    if not url.host and "host" not in url.query:
        raise Misconfigured("the URL names no host; of this machine: ?host=/var/run/postgresql")
    mode = url.query.get("sslmode")
    if not _is_here(url) and mode is not None and mode not in _SAFE:
        raise Misconfigured(
            f"sslmode={mode} to a host that is not this machine: others could read what is asked, "
            f"or answer in its place. Only {' and '.join(_SAFE)} are taken (with sslrootcert)"
        )


def _is_here(url: URL) -> bool:
    """Whether it is this machine that is asked: a socket of it, or a loopback address."""
    hosts = str(url.query["host"]).split(",") if "host" in url.query else []
    hosts += [url.host] if url.host else []
    return all(_is_loopback(host) for host in hosts)


def _is_loopback(host: str) -> bool:
    if host.startswith("/") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _password(spec: Mapping[str, Any], folder: Path) -> str | None:
    if "password_file" in spec and "password_env" in spec:
        raise Misconfigured("a password has a `password_file` or a `password_env`, not both")
    if "password_env" in spec:
        found = os.environ.get(spec["password_env"])
        if not found:
            raise Misconfigured(f"{spec['password_env']}: there is no such environment variable")
        return found
    return _secret(folder / spec["password_file"]) if "password_file" in spec else None


def _secret(path: Path) -> str:
    """Read a plain file of this user's, 0600 or stricter. What it holds is never repeated."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        raise Misconfigured(
            f"{path.name}: the password's file is not there, or is no plain file"
        ) from None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise Misconfigured(f"{path.name}: it must be a plain file of this user's")
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise Misconfigured(f"{path.name}: others can read it; chmod 600 {path.name}")
        data = os.read(handle, _LONGEST + 1)
    finally:
        os.close(handle)
    try:
        text = data.decode().strip("\r\n")
    except UnicodeDecodeError:
        text = ""
    if not text or len(data) > _LONGEST or "\n" in text or "\0" in text:
        raise Misconfigured(f"{path.name}: it holds no password, which is one line")
    return text


@contextmanager
def parsed_json(connection: Connection) -> Iterator[None]:
    """Have JSON parsed until the block ends: SQLAlchemy asks for collations of columns by it."""
    if connection.dialect.name != POSTGRESQL:
        yield
        return
    from psycopg.types.json import JsonLoader  # noqa: PLC0415 - only where PostgreSQL is used

    driver: Any = connection.connection.driver_connection
    before = driver.adapters.get_loader(driver.adapters.types["json"].oid, 0)
    driver.adapters.register_loader("json", JsonLoader)
    try:
        yield
    finally:
        driver.adapters.register_loader("json", before)
