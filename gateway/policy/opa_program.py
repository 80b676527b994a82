"""The OPA program run on a set as it was read: its strict check, its tests, their coverage.

It sees the modules and data that the gateway would decide by, in a folder of its own, may use only
the admitted built-ins, and knows the input's schema.
"""

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from gateway.errors import Misconfigured, PolicyRejected
from gateway.policy.builtins import ADMITTED
from gateway.policy.input_schema import input_schemas, merged
from gateway.policy.sets import PolicySet

_TIMEOUT_S = 120.0
_FIRST_FAULTS = 5


class OpaProgram:
    """One OPA program. Each run has a temporary folder, gone afterwards."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self, policy_set: PolicySet) -> None:
        """Check types and names strictly. Raises `PolicyRejected` with file, line and reason."""
        with self._folder(policy_set) as folder:
            args = ("--strict", "--schema", "../schema.json", "--bundle", ".", "--format", "json")
            done = self._run("check", folder, args)
        if done.returncode == 0:
            return
        faults = _json(done.stdout or done.stderr, "check").get("errors") or [{}]
        first, where = faults[0], faults[0].get("location", {})
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        reason = " ".join(str(first.get("message", "opa check failed")).split())
        place = f"{where['file']}:{where['row']}" if where.get("file") else None
        raise PolicyRejected(f"{reason}{more}, says opa check", where=place)

    def tests(self, policy_set: PolicySet) -> list[dict[str, Any]]:
        """Run every test: {name, where, outcome, why}. Raises `PolicyRejected`, Misconfigured."""
        with self._folder(policy_set) as folder:
            done = self._run("test", folder, ("--bundle", ".", "--format", "json"))
        try:
            found = orjson.loads(done.stdout or b"[]")
        except ValueError:
            found = None
        if not isinstance(found, list) or (not found and done.returncode):
            raise PolicyRejected(f"opa test: {_tail(done)}")
        return [_result(r) for r in found]

    def coverage(self, policy_set: PolicySet) -> dict[str, Any]:
        """Give for each file {starts: [[line, column]], reached: [line], missed: [line]}.

        `starts`: where what was reached begins. Only where every test passes.
        """
        more = ("--bundle", ".", "--coverage", "--coverage-runs", "", "--format", "json")
        with self._folder(policy_set) as folder:
            done = self._run("test", folder, more)
        files = _json(done.stdout, "test").get("files", {})
        return {name: _file(found) for name, found in files.items()}

    @contextmanager
    def _folder(self, policy_set: PolicySet) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="sallyport-opa-") as made:
            top = Path(made)
            folder = top / "set"
            for name, text in policy_set.modules.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            (folder / "data.json").write_bytes(orjson.dumps(policy_set.data))
            schema = whole_schema(policy_set.data)
            (top / "schema.json").write_bytes(orjson.dumps(schema))
            admitted = self._capabilities(top)
            (top / "capabilities.json").write_bytes(orjson.dumps(admitted))
            yield folder

    def _capabilities(self, folder: Path) -> dict[str, Any]:
        """Take from what the program can do all functions but the admitted ones, and the network.

        Operators (`==`, `|`, `some … in`) are built-ins to it as well: they stay.
        """
        done = self._call(["capabilities", "--current"], folder)
        found = _json(done.stdout, "capabilities")
        kept = [b for b in found["builtins"] if b["name"] in ADMITTED or _is_operator(b)]
        return {**found, "builtins": kept, "allow_net": []}

    def _run(
        self, name: str, folder: Path, args: Sequence[str]
    ) -> "subprocess.CompletedProcess[bytes]":
        return self._call([name, "--capabilities", "../capabilities.json", *args], folder)

    def _call(self, args: Sequence[str], folder: Path) -> "subprocess.CompletedProcess[bytes]":
        try:
            return subprocess.run(  # noqa: S603 - the program that the administrator named
                [str(self._path), *args],
                cwd=folder,
                capture_output=True,
                check=False,
                timeout=_TIMEOUT_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Misconfigured(
                f"{self._path.name} can't be run ({type(error).__name__}): name the OPA program "
                "with --opa"
            ) from None


def whole_schema(data: Mapping[str, Any]) -> dict[str, Any]:
    """Give the JSON Schema that every input of a set fits: what `opa check --schema` reads."""
    whole: dict[str, Any] = _standard(merged(input_schemas(data).values()))
    return {"$schema": "http://json-schema.org/draft-07/schema#", **whole}


def _standard(schema: Any) -> Any:
    """Leave out what only this gateway reads, and write a choice of kinds as OPA reads it."""
    if isinstance(schema, list):
        return [_standard(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    made = {k: v for k, v in schema.items() if k != "words"}
    if "properties" in made:
        made["properties"] = {k: _standard(v) for k, v in made["properties"].items()}
    if "items" in made:
        made["items"] = _standard(made["items"])
    kinds = made.get("type")
    if isinstance(kinds, list):
        # Of a list OPA takes one kind alone, and would refuse a comparison with null.
        return {"anyOf": [{**_only(made, k), "type": k} for k in kinds]}
    return made


_BELONGS = {
    "object": ("properties", "required", "additionalProperties"),
    "array": ("items",),
}


def _only(schema: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {k: schema[k] for k in _BELONGS.get(kind, ()) if k in schema}


def _is_operator(builtin: Mapping[str, Any]) -> bool:
    name = builtin["name"]
    return "infix" in builtin or name in {"assign", "eq"} or name.startswith("internal.")


def _result(found: Mapping[str, Any]) -> dict[str, Any]:
    where = found.get("location", {})
    error = found.get("error")
    outcome, why = "passed", None
    if error is not None:
        outcome, why = "error", " ".join(str(error.get("message", "an error")).split())
    elif found.get("skip"):
        outcome, why = "skipped", "its name begins with todo_"
    elif found.get("fail"):
        outcome, why = "failed", "not true"
    package = str(found.get("package", "")).removeprefix("data.")
    return {
        "name": f"{package}.{found['name']}".partition("#")[0],
        "where": f"{where.get('file')}:{where.get('row')}",
        "outcome": outcome,
        "why": why,
    }


def _file(found: Mapping[str, Any]) -> dict[str, Any]:
    covered, missed = found.get("covered") or [], found.get("not_covered") or []
    lines = {r for s in covered for r in range(s["start"]["row"], s["end"]["row"] + 1)}
    others = {r for s in missed for r in range(s["start"]["row"], s["end"]["row"] + 1)}
    return {
        "starts": [[s["start"]["row"], s["start"]["col"]] for s in covered],
        "reached": sorted(lines - others),
        "missed": sorted(others),
    }


def _json(raw: bytes, what: str) -> dict[str, Any]:
    try:
        found = orjson.loads(raw)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Misconfigured(f"opa {what} gave no JSON: is it OPA 1.x?")
    return found


def _tail(done: "subprocess.CompletedProcess[bytes]") -> str:
    text = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
    return " ".join(text[-_FIRST_FAULTS:]) or f"it ended with {done.returncode}"
