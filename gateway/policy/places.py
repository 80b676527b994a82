"""Where a fault in a set's data stands: the file and line that an administrator wrote."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from gateway.errors import PolicyRejected

_POINTER = "data.json#/"
_LONGEST = 255
"""Bytes of a file's name."""
_FILES = ("data.yaml", "data.yml", "data.json")


def located(rejected: PolicyRejected, folder: Path) -> PolicyRejected:
    """Give the same with file and line, if it names a place in the data (`data.json#/law/x`).

    The data of a folder stand under its own path, so the deepest file that holds the place is it.
    """
    where = rejected.where or ""
    if not where.startswith(_POINTER):
        return rejected
    steps = where.removeprefix(_POINTER).split("/")
    path = [s.replace("~1", "/").replace("~0", "~") for s in steps]
    depths = next((n for n, step in enumerate(path) if not _is_folder_name(step)), len(path))
    for depth in range(depths, -1, -1):
        for name in _FILES:
            file = folder.joinpath(*path[:depth], name)
            if file.is_file() and (line := _line(file, path[depth:])):
                place = f"{file.relative_to(folder).as_posix()}:{line}"
                return PolicyRejected(rejected.detail, where=place)
    return rejected


def _is_folder_name(step: str) -> bool:
    """Whether a key of the data can be a folder of the set. It is whatever somebody wrote there."""
    plain = not step.startswith(".") and step.isprintable() and "/" not in step
    return plain and 0 < len(step.encode(errors="replace")) <= _LONGEST


def _line(file: Path, path: Sequence[str]) -> int | None:
    """Find the line of a part of a file; JSON is YAML enough. None if it is not there."""
    try:
        # A tab may not indent YAML; in JSON it can stand nowhere else.
        text = file.read_text(encoding="utf-8")
        text = text.replace("\t", " ") if file.suffix == ".json" else text
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return None
    line = 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == step), None)
            if found is None:
                return None
            line, node = found[0].start_mark.line + 1, found[1]
        elif (
            isinstance(node, yaml.SequenceNode) and step.isdecimal() and int(step) < len(node.value)
        ):
            node = node.value[int(step)]
            line = node.start_mark.line + 1
        else:
            # A word that stands alone, or as the name of what is below it.
            return line if isinstance(node, yaml.ScalarNode) and node.value == step else None
    return line
