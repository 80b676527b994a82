"""Reading the gateway's own files: keys that nobody else may touch, and strict YAML.

Everything here raises Misconfigured with what to do, and never repeats what a file holds.
"""

import os
import stat
from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from gateway.errors import Misconfigured

KEY_CAP = 8 * 1024
YAML_CAP = 1024 * 1024

T = TypeVar("T")


def read_secret(folder: Path, name: str) -> bytes:
    """Read `folder/name`, which must be a plain file of this user's, 0600 or stricter.

    The folder is opened once, and the file relative to it: nobody can swap either in between.
    """
    where = f"{folder.name}/{name}"
    with _folder(folder) as handle:
        try:
            # Not following links, and not waiting for a writer should it be a pipe.
            fd = os.open(
                name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=handle
            )
        except FileNotFoundError:
            raise Misconfigured(
                f"{where} is missing: restore it from its backup; `sallyport init` makes new keys"
            ) from None
        except OSError:
            raise Misconfigured(
                f"{where} can't be opened: it must be a plain file, not a link, of this user's"
            ) from None
    try:
        _require_private(os.fstat(fd), where, directory=False)
        data = _read(fd, KEY_CAP + 1)
    finally:
        os.close(fd)
    if len(data) > KEY_CAP:
        raise Misconfigured(f"{where} is too large to be a key: restore it from its backup")
    return data


def _read(fd: int, size: int) -> bytes:
    data = b""
    while len(data) < size and (chunk := os.read(fd, size - len(data))):
        data += chunk
    return data


def write_secret(folder: Path, name: str, data: bytes) -> None:
    """Write `folder/name`, new, 0600 and on disk when this returns. Never replaces a file."""
    with _folder(folder) as handle:
        try:
            fd = os.open(
                name,
                os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
                0o600,
                dir_fd=handle,
            )
        except FileExistsError:
            raise Misconfigured(
                f"{folder.name}/{name} is there already: move it away before making a new one"
            ) from None
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(fd)
        os.fsync(handle)


def read_yaml(path: Path, adapter: TypeAdapter[T]) -> T:
    """Read one YAML document into a strict shape: no aliases, no key twice, at most 1 MiB."""
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o022:
                raise Misconfigured(f"{path.name} can be written by others: chmod 600 it")
            data = file.read(YAML_CAP + 1)
    except OSError as error:
        raise Misconfigured(f"{path.name} can't be read: {type(error).__name__}") from None
    if len(data) > YAML_CAP:
        raise Misconfigured(f"{path.name} is over {YAML_CAP} bytes")
    document = load_yaml(data, path.name)
    try:
        return adapter.validate_python(document, strict=True)
    except ValidationError as error:
        raise Misconfigured(f"{path.name}: {_findings(error)}") from None


def load_yaml(data: bytes, name: str, *, days: bool = True) -> Any:
    """Parse one strict YAML document: no aliases, no key twice. Raises Misconfigured with line.

    Without `days`, a day or a moment is the text that was written: not another hour, or `2026-1-5`
    as another number of a case.
    """
    loader = _StrictLoader if days else _PlainLoader
    try:
        document = yaml.load(data, loader)  # noqa: S506 - it is SafeLoader with less
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise Misconfigured(f"{name}{line}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise Misconfigured(f"{name} is no YAML document in UTF-8") from None
    return document


def _findings(error: ValidationError) -> str:
    found = [
        f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}"
        for e in error.errors(include_input=False, include_url=False)
    ]
    return "; ".join(found[:5])


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML without aliases, which can grow without limit, and without a key twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse an alias where one stands."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="aliases are not taken", problem_mark=self.get_mark()
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - the base class's signature
        """Refuse a key that stands twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                raise yaml.MarkedYAMLError(
                    problem="a key is a plain text", problem_mark=key.start_mark
                )
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem="a key stands twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _PlainLoader(_StrictLoader):
    """The same, with days and moments as texts."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as the base class has it
        first: [(tag, form) for tag, form in found if tag != "tag:yaml.org,2002:timestamp"]
        for first, found in _StrictLoader.yaml_implicit_resolvers.items()
    }


class _folder:  # noqa: N801 - a context manager used like a function
    """Open a private folder; gives its descriptor."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1

    def __enter__(self) -> int:
        name = self._path.name
        try:
            self._handle = os.open(
                self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            )
        except OSError:
            raise Misconfigured(
                f"{name}/ is missing, or a link, or no folder: `sallyport init` makes it"
            ) from None
        try:
            _require_private(os.fstat(self._handle), f"{name}/", directory=True)
        except Misconfigured:
            os.close(self._handle)
            raise
        return self._handle

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


def _require_private(found: os.stat_result, where: str, *, directory: bool) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if not directory and not stat.S_ISREG(found.st_mode):
        raise Misconfigured(f"{where} must be a plain file")
    if found.st_uid != os.geteuid():
        raise Misconfigured(f"{where} belongs to another user: chown it to the gateway's user")
    if mode & 0o077:
        want = "700" if directory else "600"
        raise Misconfigured(f"{where} is open to other users ({mode:04o}): chmod {want} it")
    if not directory and found.st_nlink != 1:
        raise Misconfigured(f"{where} has a second name (a hard link): remove the other one")
