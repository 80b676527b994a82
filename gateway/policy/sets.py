"""A policy set: the Rego and the data of one folder, frozen, with a digest over its content.

A folder is laid out as OPA bundles are: `*.rego` anywhere, and `data.json` or `data.yaml`, whose
content stands in `data` under the path of its folder. Files that begin with a dot, and all other
files, are no part of it. A link is refused: what counts must lie in the folder.

The revision is `sha-256:` and the digest of the canonical content (paths, texts, merged data), so
that moving the folder, or writing the same data as YAML, does not change it.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import yaml

from gateway.errors import PolicyRejected
from gateway.model import digest

TEST_SUFFIX = "_test.rego"
_DATA_FILES = ("data.json", "data.yaml", "data.yml")
_FORMAT = 1
_DEPTH = 32


@dataclass(frozen=True, slots=True)
class PolicySet:
    """The whole of what decides. `modules` maps a relative path to Rego text, sorted by path."""

    revision: str
    modules: Mapping[str, str]
    data: Mapping[str, Any]
    canonical: bytes

    @property
    def rules(self) -> Mapping[str, str]:
        """The modules that decide: all but the tests."""
        return {p: t for p, t in self.modules.items() if not p.endswith(TEST_SUFFIX)}

    @property
    def tests(self) -> Mapping[str, str]:
        """The modules that test."""
        return {p: t for p, t in self.modules.items() if p.endswith(TEST_SUFFIX)}

    @property
    def digest(self) -> str:
        """The revision's hexadecimal digits alone."""
        return self.revision.removeprefix("sha-256:")


def make_set(modules: Mapping[str, str], data: Mapping[str, Any]) -> PolicySet:
    """Freeze modules and data into a set. Raises `PolicyRejected` if JSON can't hold the data."""
    content = {"format": _FORMAT, "modules": dict(modules), "data": dict(data)}
    try:
        canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    except (TypeError, RecursionError) as error:
        raise PolicyRejected("the set's data do not fit in JSON") from error
    return from_canonical(canonical)


def from_canonical(canonical: bytes) -> PolicySet:
    """Rebuild a set from its canonical bytes. Raises `PolicyRejected` if they are none."""
    try:
        content = orjson.loads(canonical)
    except ValueError as error:
        raise PolicyRejected("not a policy set: no JSON") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise PolicyRejected("not a policy set, or of another format")
    return PolicySet(
        revision=digest(canonical),
        modules=content["modules"],
        data=content["data"],
        canonical=canonical,
    )


def load_set(folder: Path, *, max_files: int = 500, max_bytes: int = 8 * 1024 * 1024) -> PolicySet:
    """Read a folder. Raises `PolicyRejected`, with file and line, where it is no set."""
    modules: dict[str, str] = {}
    data: dict[str, Any] = {}
    size = 0
    for count, path in enumerate(_files(folder), start=1):
        name = path.relative_to(folder).as_posix()
        if count > max_files:
            raise PolicyRejected(f"more than {max_files} files", where=name)
        raw = _read(path, name, max_bytes)
        size += len(raw)
        if size > max_bytes:
            raise PolicyRejected(f"the set is over {max_bytes} bytes", where=name)
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            raise PolicyRejected("not UTF-8: save the file in that encoding", where=name) from error
        if path.suffix == ".rego":
            modules[name] = text
        else:
            parts = path.relative_to(folder).parent.parts
            _merge(data, _nest(parts, _parse(text, name)), name)
    if not modules:
        raise PolicyRejected("no Rego file in the folder", where=str(folder.name))
    return make_set(modules, data)


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise PolicyRejected("the policy folder is missing", where=folder.name)
    for top, folders, files in os.walk(folder, followlinks=False):
        here = Path(top)
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for sub in folders:
            if (here / sub).is_symlink():
                raise PolicyRejected("a link is no part of it", where=_where(here / sub, folder))
        for file in sorted(files):
            if file.startswith(".") or not (file.endswith(".rego") or file in _DATA_FILES):
                continue
            if (here / file).is_symlink():
                raise PolicyRejected("a link is no part of it", where=_where(here / file, folder))
            yield here / file


def _where(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _read(path: Path, name: str, max_bytes: int) -> bytes:
    # O_NOFOLLOW and the look at the open file: it may have been changed since it was listed.
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise PolicyRejected("can't be read", where=name) from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise PolicyRejected("not a plain file", where=name)
        return file.read(max_bytes + 1)


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text) if name.endswith(".json") else _yaml(text, name)
    except orjson.JSONDecodeError as error:
        raise PolicyRejected("not JSON", where=f"{name}:{error.lineno}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyRejected(f"not YAML: {_why(error)}", where=f"{name}:{line}") from error
    except yaml.YAMLError as error:
        raise PolicyRejected("not YAML", where=name) from error
    except RecursionError as error:
        raise PolicyRejected("nested too deeply", where=name) from error
    if not isinstance(value, dict):
        raise PolicyRejected("data must be an object", where=f"{name}:1")
    return value


# The parser in C where there is one: an edit counts a tenth of a second sooner.
if TYPE_CHECKING:
    Base = yaml.SafeLoader
else:
    Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


_TWICE = "the key stands twice: keep one of them"
_NO_TEXT = "a key that is no text: put it in quotes"


class _Loader(Base):
    """Plain values only: no key twice, no dates."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set()
    for key, _ in node.value:
        if key.tag != "tag:yaml.org,2002:str" or key.value in seen:
            twice = isinstance(key.value, str) and key.value in seen
            raise yaml.MarkedYAMLError(None, None, _TWICE if twice else _NO_TEXT, key.start_mark)
        seen.add(key.value)
    return loader.construct_mapping(node, deep=True)


def _why(error: yaml.MarkedYAMLError) -> str:
    """Say what is wrong at the place, as far as the parser knows, and of nothing else."""
    problem = error.problem or "it can't be read"
    if "cannot start any token" in problem or "tab character" in problem:
        problem = "a tab, or a character that nothing begins with: indent with spaces"
    elif "end of stream" in problem:
        problem = "the file ends in the middle of something: close its quotes and brackets"
    elif problem.startswith(("did not find expected", "expected ", "mapping values")):
        problem += "; look at the indentation, brackets and quotes of this line and the one before"
    return problem


def _as_written(_loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    return str(node.value)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
# JSON has no dates: one stands as it is written.
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _as_written)


def _yaml(text: str, name: str) -> Any:
    try:
        _look(text, name)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - derived from SafeLoader
    except ValueError as error:
        raise PolicyRejected("not YAML", where=name) from error


def _look(text: str, name: str) -> None:
    """Refuse, before anything is built, what a bomb is built from: aliases, and endless nesting."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        where = f"{name}:{event.start_mark.line + 1}" if event.start_mark else name
        if isinstance(event, yaml.AliasEvent):
            raise PolicyRejected("an alias: write the value out", where=where)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH:
            raise PolicyRejected("nested too deeply", where=where)


def _nest(parts: tuple[str, ...], value: dict[str, Any]) -> dict[str, Any]:
    for part in reversed(parts):
        value = {part: value}
    return value


def _merge(into: dict[str, Any], new: Mapping[str, Any], name: str, depth: int = 0) -> None:
    for key, value in new.items():
        old = into.get(key)
        if key not in into:
            into[key] = value
        elif isinstance(old, dict) and isinstance(value, dict) and depth < _DEPTH:
            _merge(old, value, name, depth + 1)
        else:
            raise PolicyRejected(f"'{key}' is given by two data files", where=name)
