"""One frozen Settings, read once at start from `sallyport.toml` and the environment.

Environment variables win over the file: `SALLYPORT_PORT=8443`. What is not safe is refused here, so
that a gateway never starts on it. Only `app` and `cli` import this module.
"""

import os
import stat
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from gateway.errors import Misconfigured
from gateway.model import OriText

FILE = "sallyport.toml"
PolicyPart = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z][a-z0-9_]*(/[A-Za-z0-9_-]+)*)$")]
"""A folder of the policy set, as its rules and data name it: law. `*`: all of it. Or agreements."""


class Settings(BaseSettings):
    """What an administrator may set. Times in the unit that the name ends with."""

    model_config = SettingsConfigDict(env_prefix="SALLYPORT_", extra="forbid", frozen=True)

    home: Path
    """The gateway's folder, 0700: keys, policies, mappings, sources, data."""
    ori: OriText
    name: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    base_url: str
    """Where clients and peers reach this gateway; also the issuer of its tokens."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 8443

    opa_url: Annotated[tuple[str, ...], NoDecode] = ()
    """Decide by an OPA server here, or by several that share the load. None: in process."""
    opa_token_file: Path | None = None
    opa_ca_file: Path | None = None
    """The authority of the OPA servers' certificates. Left out: those that the machine trusts."""
    opa_timeout_ms: Annotated[int, Field(ge=10, le=5_000)] = 250
    policy_watch: bool = True
    """Apply saved edits of the policy folder by themselves, if they pass vetting."""
    policy_signed: bool = False
    """Take policy from the home's signed bundle alone, never from the edited folder."""
    policy_two_persons: Annotated[tuple[PolicyPart, ...], NoDecode] = ()
    """Parts of the policy set whose change two different people have to sign; and `agreements`."""
    policy_warn_days: Annotated[int, Field(ge=0, le=365)] = 7
    """How many days before a signed bundle ends `/readyz` says so."""

    max_connections: Annotated[int, Field(ge=16, le=100_000)] = 1_000
    """Connections at once. Who comes beyond them is told so."""
    max_connections_per_address: Annotated[int | None, Field(ge=1, le=100_000)] = None
    """From one address. Left out: any number, as behind a proxy, where all come from one."""
    max_body_bytes: Annotated[int, Field(ge=1_024, le=16 * 2**20)] = 256 * 1024
    max_answer_bytes: Annotated[int, Field(ge=16_384, le=64 * 2**20)] = 8 * 2**20
    """The most that is read of a peer's answer, and the most that an answer to one holds."""
    token_seconds: Annotated[int, Field(ge=60, le=600)] = 300
    searches_keep_days: Annotated[int, Field(ge=1, le=3_650)] = 30
    """How long an answer can be fetched again; a peer's obligation can only shorten it."""
    poll_sources: bool = True
    """Import sources by themselves, where their mappings say when (`poll`)."""
    max_shrink_percent: Annotated[float, Field(ge=0, le=100)] = 10
    """How many of a source's records may go in one import, unless its mapping says otherwise."""
    max_opened_percent: Annotated[float, Field(ge=0, le=100)] = 10
    """How many of those handled alike, such as sealed, may be handled less strictly after one."""
    trace_file: Path | None = None
    """Write sampled spans here, one JSON object a line. Left out: none are recorded."""
    trace_ratio: Annotated[float, Field(ge=0, le=1)] = 0.05
    log_json: bool = True

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then the file in the gateway's home."""
        home = init_settings().get("home")
        toml = TomlConfigSettingsSource(settings_cls, Path(str(home)) / FILE)
        return (init_settings, env_settings, toml)

    @field_validator("opa_url", "policy_two_persons", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        """Take one, or several with commas between; in the file also a list."""
        if isinstance(value, str):
            return tuple(u.strip() for u in value.split(",") if u.strip())
        return () if value is None else value

    @model_validator(mode="after")
    def _safe(self) -> Self:
        _require_url(self.base_url, "base_url")
        for url in self.opa_url:
            if urlsplit(url).scheme == "unix":
                _require_socket(url)
                continue
            _require_url(url, "opa_url")
            if not _is_loopback(urlsplit(url).hostname) and self.opa_token_file is None:
                raise ValueError("opa_url is not on this machine: set opa_token_file")
        if not _is_loopback(self.host) and not self.base_url.startswith("https://"):
            raise ValueError("host is open to the network: base_url must be https://")
        return self


def load(home: Path) -> Settings:
    """Read the settings of the gateway in `home`. Raises Misconfigured, with what to do."""
    home = home.absolute()
    if not (home / FILE).is_file():
        raise Misconfigured(f"there is no {FILE} in this folder; make one with `sallyport init`")
    mode = home.stat()
    if stat.S_IMODE(mode.st_mode) & 0o077 or mode.st_uid != os.geteuid():
        raise Misconfigured("the gateway's folder must be its own user's and 0700: chmod 700 it")
    try:
        return Settings(home=home)  # type: ignore[call-arg]  # the rest comes from file and environment
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors()
        )
        raise Misconfigured(f"{FILE} or a SALLYPORT_ variable is wrong: {problems}") from None
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{FILE} can't be read: {type(error).__name__}") from None


def _require_url(url: str, field: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{field} must be an http(s) URL without query")
    if parts.username or parts.password:
        raise ValueError(f"{field} must not hold a password")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError(f"{field} leaves this machine: it must be https://")


def _require_socket(url: str) -> None:
    parts = urlsplit(url)
    if parts.netloc or not parts.path.startswith("/") or parts.query or parts.fragment:
        raise ValueError("opa_url of a socket is unix:// and its whole path: unix:///run/opa.sock")


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
