"""The commands' way to a running gateway: its local admin API, as client `local-admin`.

By the standard library's HTTP: this is one machine, and a whole client takes longer to load than
the gateway takes to answer.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, InvalidURL
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson

from gateway import settings as settings_files
from gateway.errors import Invalid, NotAuthenticated, SallyportError, Unavailable
from gateway.settings import Settings
from gateway.trust import keys
from gateway.trust.assertions import token_form
from gateway.trust.clients import LOCAL_ADMIN

ADMIN_KEY = "admin.pem"
"""The commands' private key, in the folder `keys`."""
TIMEOUT_S = 60.0
"""Vetting a policy set takes seconds."""
NO_GATEWAY = "Something else than a gateway answers there."
_CODE = re.compile(r"[a-z][a-z0-9_.]{0,95}")
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_Answer = tuple[int, bytes]


def call(home: Path, method: str, path: str, json: dict[str, Any] | None = None) -> dict[str, Any]:
    """Call the admin API of the gateway in `home` and give its JSON answer; {} for none.

    Raises Unavailable if it does not run, NotAuthenticated if it does not know the key, and
    SallyportError with the gateway's own words for a problem.
    """
    settings = settings_files.load(home)
    with _connected(settings, TIMEOUT_S) as connection:
        headers = {"Authorization": f"Bearer {_token(connection, settings)}"}
        content = None
        if json is not None:
            content, headers["Content-Type"] = orjson.dumps(json), _JSON
        status, raw = _ask(connection, method, path, content, headers)
    body = _json(raw)
    if _good(status):
        return body
    code = str(body.get("code", ""))
    raise SallyportError(
        str(body.get("detail", f"The gateway answered {status}.")),
        code=code if _CODE.fullmatch(code) else None,
    )


def get(settings: Settings, path: str, timeout_s: float) -> _Answer:
    """Get what anybody may see who is on this machine: status and body. Raises Unavailable."""
    with _connected(settings, timeout_s) as connection:
        return _ask(connection, "GET", path, None, {})


@contextmanager
def _connected(settings: Settings, timeout_s: float) -> Iterator[HTTPConnection]:
    """Give a connection to the gateway on this machine; TLS, where there is any, is a proxy's."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    connection = HTTPConnection(host, settings.port, timeout=timeout_s)
    try:
        yield connection
    except (InvalidURL, UnicodeError):
        # Before anything was sent. The library's own words may quote all of it.
        raise Invalid(
            "What was asked can't be put into an address: look for blanks or unusual letters"
        ) from None
    except (HTTPException, OSError) as error:
        raise Unavailable(
            f"No gateway answers on port {settings.port} ({type(error).__name__}). Is it "
            "running? Start it with `sallyport serve`."
        ) from None
    finally:
        connection.close()


def _ask(
    connection: HTTPConnection,
    method: str,
    path: str,
    content: bytes | None,
    headers: dict[str, str],
) -> _Answer:
    connection.request(method, path, content, headers)
    response = connection.getresponse()
    return response.status, response.read()


def _good(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def _token(connection: HTTPConnection, settings: Settings) -> str:
    key = keys.read_ec_private(settings.home / keys.FOLDER, ADMIN_KEY)
    form = token_form(key, client_id=LOCAL_ADMIN, issuer=settings.base_url, scope="admin audit")
    status, raw = _ask(
        connection, "POST", "/oauth2/token", urlencode(form).encode(), {"Content-Type": _FORM}
    )
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        raise Unavailable("The gateway can't record a log-on now. See `sallyport health`.")
    if not _good(status):
        raise NotAuthenticated(
            f"The gateway refused keys/{ADMIN_KEY}: is {LOCAL_ADMIN} in its clients.yaml with this "
            "key, and was it restarted since?"
        )
    return str(_json(raw).get("access_token", ""))


def _json(raw: bytes) -> dict[str, Any]:
    if not raw:
        return {}
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise Unavailable(NO_GATEWAY)
    return body
