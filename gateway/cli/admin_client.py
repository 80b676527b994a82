"""The commands' way to a running gateway: its local admin API, as client `local-admin`."""

import re
from pathlib import Path
from typing import Any

import httpx
import orjson

from gateway import settings as settings_files
from gateway.cli.setup import ADMIN, ADMIN_KEY
from gateway.errors import NotAuthenticated, SallyportError, Unavailable
from gateway.settings import Settings
from gateway.trust import keys
from gateway.trust.assertions import token_form

TIMEOUT_S = 60.0
"""Vetting a policy set takes seconds."""
_CODE = re.compile(r"[a-z][a-z0-9_.]{0,95}")


def call(home: Path, method: str, path: str, json: dict[str, Any] | None = None) -> dict[str, Any]:
    """Call the admin API of the gateway in `home` and give its JSON answer; {} for none.

    Raises Unavailable if it does not run, NotAuthenticated if it does not know the key, and
    SallyportError with the gateway's own words for a problem.
    """
    settings = settings_files.load(home)
    with httpx.Client(
        base_url=local_url(settings), timeout=TIMEOUT_S, trust_env=False, follow_redirects=False
    ) as client:
        try:
            token = _token(client, settings)
            response = client.request(
                method, path, json=json, headers={"Authorization": f"Bearer {token}"}
            )
        except httpx.HTTPError as error:
            raise Unavailable(
                f"No gateway answers on port {settings.port} ({type(error).__name__}). Is it "
                "running? Start it with `sallyport serve`."
            ) from None
    body = _json(response)
    if response.is_success:
        return body
    code = str(body.get("code", ""))
    raise SallyportError(
        str(body.get("detail", f"The gateway answered {response.status_code}.")),
        code=code if _CODE.fullmatch(code) else None,
    )


def local_url(settings: Settings) -> str:
    """Give the address of a gateway on this machine; TLS, where there is any, is a proxy's."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    return f"http://{host}:{settings.port}"


def _token(client: httpx.Client, settings: Settings) -> str:
    key = keys.read_ec_private(settings.home / keys.FOLDER, ADMIN_KEY)
    form = token_form(key, client_id=ADMIN, issuer=settings.base_url, scope="admin audit")
    response = client.post("/oauth2/token", data=form)
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        raise Unavailable("The gateway can't record a log-on now. See `sallyport health`.")
    if not response.is_success:
        raise NotAuthenticated(
            f"The gateway refused keys/{ADMIN_KEY}: is {ADMIN} in its clients.yaml with this key, "
            "and was it restarted since?"
        )
    return str(_json(response).get("access_token", ""))


def _json(response: httpx.Response) -> dict[str, Any]:
    if not response.content:
        return {}
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise Unavailable("Something else than a gateway answers there.")
    return body
