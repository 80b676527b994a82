"""Change each rule of a policy set, one place at a time, and see that some test notices.

    python tools/mutate_rego.py [FOLDER] [--every 1] [--seed 0] [--only law/federal]
        [--jobs 2] [--json]

Ends with 1 if a change goes unnoticed, and lists each with file, line and what was changed.

The changes, one a run of the tests:

- a rule, an `else` or a default is removed
- a rule's whole body is negated
- a condition is negated, or removed
- a comparison or an operation on sets or numbers is another one (`==` `!=`, `<` `<=`, `|` `&` …)
- a constant is another one: a text, a number, true and false

The words that a refusal says to people (`text`, `citation`) decide nothing, and are left as they
are. A set that no longer compiles, or that vetting refuses for its negations, can't come into
force: such a change is counted by itself. The tests are the set's own `test_` rules, run by the
embedded engine; each is expected to pass on the set as it is.
"""

import argparse
import multiprocessing
import random
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import regorus
from rich.console import Console
from rich.table import Table

from gateway.cli.showing import progress_bar
from gateway.policy import builtins, negations
from gateway.policy.embedded import Compiled
from gateway.policy.paths import walk
from gateway.policy.sets import PolicySet, load_set

ROOT = Path(__file__).resolve().parent.parent
POLICIES = ROOT / "policies"
_WORDS_FOR_PEOPLE = frozenset({"text", "citation"})
_OTHER = {
    "==": ("!=",),
    "!=": ("==",),
    "<": ("<=", ">"),
    "<=": ("<", ">"),
    ">": (">=", "<"),
    ">=": (">", "<"),
    "|": ("&",),
    "&": ("|",),
    "-": ("|",),
    "+": ("-",),
    "*": ("+",),
    "/": ("*",),
    "%": ("+",),
}
_NAME = "was_before_the_change"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed place: bytes `start` to `end` of a file become `text`; `more` goes to its end."""

    file: str
    line: int
    kind: str
    before: str
    start: int
    end: int
    text: str
    more: str = ""

    def apply(self, source: str) -> str:
        """Give the file's text with the change."""
        raw = source.encode()
        return (raw[: self.start] + self.text.encode() + raw[self.end :]).decode() + self.more


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant: caught by a test, refused before any test, or survived."""

    mutant: Mutant
    by: str
    survived: bool


# -- making them ------------------------------------------------------------------------------


def mutants(policy_set: PolicySet) -> list[Mutant]:
    """Make every mutant of the rules of a set, in the order of files and places."""
    compiled = Compiled(policy_set.rules, policy_set.data)
    found: dict[tuple[str, int, int, str, str], Mutant] = {}
    for tree in compiled.trees():
        file = tree["source"]["file"]
        source = policy_set.rules[file].encode()
        for one in _of_file(file, source, tree["ast"]["rules"]):
            found.setdefault((file, one.start, one.end, one.text, one.more), one)
    return sorted(found.values(), key=lambda m: (m.file, m.start, m.end, m.text))


def _of_file(file: str, source: bytes, rules: list[dict[str, Any]]) -> Iterator[Mutant]:
    def made(kind: str, span: dict[str, Any], text: str, more: str = "") -> Mutant:
        start, end = span["start"], span["end"]
        before = " ".join(source[start:end].decode().split())
        return Mutant(file, span["line"], kind, before[:100], start, end, text, more)

    for rule in rules:
        (kind, spec), *_ = rule.items()
        yield made("removed", spec["span"], "")
        if kind == "Spec":
            yield from _bodies(spec, source, made)
        for part in walk(rule):
            yield from _conditions(part, source, made)
            yield from _operators(part, source, made)
            yield from _constants(part, source, made)


def _bodies(spec: dict[str, Any], source: bytes, made: Any) -> Iterator[Mutant]:
    for number, body in enumerate(spec["bodies"]):
        if number:
            yield made("else removed", body["span"], "")
        query = body["query"]
        if not query["stmts"] or "Func" in spec["head"] or _variables(spec["head"], query):
            continue
        first, last = query["stmts"][0]["span"], query["stmts"][-1]["span"]
        span = _widened({**first, "end": last["end"]}, source)
        inside = source[span["start"] : span["end"]].decode()
        yield made("body negated", span, f"not {_NAME}", f"\n\n{_NAME} if {{\n{inside}\n}}\n")


def _variables(head: dict[str, Any], query: dict[str, Any]) -> bool:
    """Whether the head uses a name that the body binds: the body can't then be set apart."""
    bound = {
        node["value"]
        for part in walk(query)
        for key in ("SomeIn", "SomeVars", "AssignExpr")
        for node in (_named(part[key]) if key in part else ())
    }
    used = {node["Var"]["value"] for node in walk(head) if "Var" in node}
    return bool(bound & used)


def _named(part: Any) -> Iterator[dict[str, Any]]:
    for node in walk(part):
        if "Var" in node:
            yield node["Var"]


def _conditions(part: dict[str, Any], source: bytes, made: Any) -> Iterator[Mutant]:
    for statement in part.get("stmts", ()):
        span, literal = _widened(statement["span"], source), statement["literal"]
        text = source[span["start"] : span["end"]].decode()
        (kind, inner), *_ = literal.items()
        if kind == "NotExpr":
            yield made("condition negated", span, text.removeprefix("not").lstrip())
            yield made("condition removed", span, "true")
        elif kind == "Expr" and "AssignExpr" not in inner["expr"]:
            yield made("condition negated", span, f"not {text}")
            yield made("condition removed", span, "true")
        elif kind == "Every":
            yield made("condition removed", span, "true")


def _operators(part: dict[str, Any], source: bytes, made: Any) -> Iterator[Mutant]:
    for kind in ("BoolExpr", "BinExpr", "ArithExpr"):
        node = part.get(kind)
        if not isinstance(node, dict):
            continue
        left, right = _span(node["lhs"], source), _span(node["rhs"], source)
        if left is None or right is None:
            continue
        between = source[left["end"] : right["start"]].decode()
        for sign in ("==", "!=", "<=", ">=", "<", ">", "|", "&", "-", "+", "*", "/", "%"):
            at = between.find(sign)
            if at < 0:
                continue
            start = left["end"] + len(between[:at].encode())
            span = {**node["span"], "start": start, "end": start + len(sign)}
            line = node["span"]["line"]
            for other in _OTHER[sign]:
                whole = source[left["start"] : right["end"]].decode()
                one = made(f"{sign} is {other}", {**span, "line": line}, other)
                yield Mutant(
                    one.file,
                    one.line,
                    one.kind,
                    " ".join(whole.split())[:100],
                    start,
                    span["end"],
                    other,
                )
            break


def _constants(part: dict[str, Any], source: bytes, made: Any) -> Iterator[Mutant]:
    if "fields" in part and "eidx" in part:
        for _, key, value in part["fields"]:
            name = key.get("String", {}).get("value")
            if name in _WORDS_FOR_PEOPLE:
                continue
            yield from _constant(value, source, made)
        return
    for key, below in part.items():
        if key in {"String", "Number", "Bool"}:
            continue
        for node in below if isinstance(below, list) else [below]:
            if isinstance(node, dict):
                yield from _constant(node, source, made)


def _constant(node: dict[str, Any], source: bytes, made: Any) -> Iterator[Mutant]:
    if "String" in node or "RawString" in node:
        span = (node.get("String") or node["RawString"])["span"]
        yield made("text changed", span, source[span["start"] : span["end"]].decode() + "_other")
    elif "Number" in node:
        span = node["Number"]["span"]
        value = source[span["start"] : span["end"]].decode()
        yield made("number changed", span, str(int(value) + 1) if value.isdigit() else "77")
    elif "Bool" in node:
        span = node["Bool"]["span"]
        old = source[span["start"] : span["end"]].decode()
        yield made("true and false", span, "false" if old == "true" else "true")


def _span(node: dict[str, Any], source: bytes) -> dict[str, Any] | None:
    (_, inner), *_ = node.items()
    if not isinstance(inner, dict) or "span" not in inner:
        return None
    return _widened(inner["span"], source)


def _widened(span: dict[str, Any], source: bytes) -> dict[str, Any]:
    """Take in the quotes of a text at either end, which the engine's spans leave out."""
    start, end = span["start"], span["end"]
    quotes = (b'"', b"`")
    return {
        **span,
        "start": start - (source[start - 1 : start] in quotes),
        "end": end + (source[end : end + 1] in quotes),
    }


# -- trying them ------------------------------------------------------------------------------


class Trial:
    """The set's tests, ready to be run on mutants one after another. Belongs to its process."""

    def __init__(self, policy_set: PolicySet) -> None:
        self._set = policy_set
        self._data = orjson.dumps(policy_set.data).decode()
        compiled = Compiled(policy_set.modules, policy_set.data)
        self._tests = [t.path for t in builtins.test_rules(compiled.trees())]
        self._bases: dict[str, Any] = {}
        self._caught: dict[str, list[str]] = {}

    def judge(self, mutant: Mutant) -> Verdict:
        """Run the tests on one mutant until one fails."""
        engine = self._base(mutant.file).clone()
        changed = mutant.apply(self._set.modules[mutant.file])
        try:
            engine.add_policy(mutant.file, changed)
            tree = next(
                t
                for t in orjson.loads(engine.get_ast_as_json())
                if t["source"]["file"] == mutant.file
            )
            if next(negations.unsafe(tree["ast"]["rules"]), None) is not None:
                return Verdict(mutant, "vetting", survived=False)
            engine.set_input_json("{}")
            engine.eval_query_as_json("data." + _package(tree))
        except Exception:  # noqa: BLE001 - whatever it is, such a set can't come into force
            return Verdict(mutant, "compiler", survived=False)
        for test in self._order(mutant.file):
            if not _passes(engine, test):
                self._remember(mutant.file, test)
                return Verdict(mutant, test.removeprefix("data."), survived=False)
        return Verdict(mutant, "", survived=True)

    def failing(self) -> list[str]:
        """Give the tests that fail on the set as it is."""
        engine = self._engine(self._set.modules)
        return [t for t in self._tests if not _passes(engine, t)]

    def _base(self, file: str) -> Any:
        if file not in self._bases:
            others = {p: t for p, t in self._set.modules.items() if p != file}
            self._bases[file] = self._engine(others)
        return self._bases[file]

    def _engine(self, modules: Any) -> Any:
        engine = regorus.Engine()
        for path, text in modules.items():
            engine.add_policy(path, text)
        engine.add_data_json(self._data)
        return engine

    def _order(self, file: str) -> Iterator[str]:
        """First the tests that caught something in this file before: most are caught at once."""
        first = self._caught.get(file, [])
        yield from first
        near = file.split("/")[-2] if "/" in file else file
        rest = [t for t in self._tests if t not in first]
        yield from sorted(rest, key=lambda t: near not in t)

    def _remember(self, file: str, test: str) -> None:
        known = self._caught.setdefault(file, [])
        if test in known:
            known.remove(test)
        known.insert(0, test)


def _package(tree: dict[str, Any]) -> str:
    return builtins.dotted(tree["ast"]["package"]["refr"])


def _passes(engine: Any, test: str) -> bool:
    try:
        engine.set_input_json("{}")
        return bool(engine.eval_rule_as_json(test).strip() == "true")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - a panic of the engine is one
        return False


_trial: list[Trial] = []


def _start(folder: str) -> None:
    _trial[:] = [Trial(load_set(Path(folder)))]


def _judge(mutant: Mutant) -> Verdict:
    return _trial[0].judge(mutant)


def judged(folder: Path, chosen: list[Mutant], jobs: int, *, quiet: bool) -> Iterator[Verdict]:
    """Try the mutants in that many processes. Gives each verdict as it comes."""
    with (
        multiprocessing.get_context("spawn").Pool(jobs, _start, (str(folder),)) as pool,
        progress_bar(quiet=quiet) as bar,
    ):
        task = bar.add_task("mutants", total=len(chosen))
        for verdict in pool.imap(_judge, chosen, chunksize=8):
            bar.advance(task)
            yield verdict


def chosen(found: list[Mutant], every: int, seed: int, only: Iterable[str]) -> list[Mutant]:
    """Pick those of the wanted files, and of these one in so many, at random by the seed."""
    wanted = tuple(only)
    named = [m for m in found if not wanted or m.file.startswith(wanted)]
    if every <= 1:
        return named
    picked = random.Random(seed).sample(range(len(named)), len(named) // every)  # noqa: S311 - a sample of places
    return [named[n] for n in sorted(picked)]


def main() -> int:
    """Try them, and list what no test noticed."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=Path, nargs="?", default=POLICIES)
    arguments.add_argument("--every", type=int, default=1, help="try one in so many")
    arguments.add_argument("--seed", type=int, default=0, help="which of them")
    arguments.add_argument("--only", nargs="*", default=[], help="files that begin with this")
    arguments.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    arguments.add_argument("--json", action="store_true", dest="as_json")
    given = arguments.parse_args()
    policy_set = load_set(given.folder)
    failing = Trial(policy_set).failing()
    if failing:
        sys.stderr.write(f"{len(failing)} tests fail on the set as it is: {', '.join(failing)}\n")
        return 2
    picked = chosen(mutants(policy_set), given.every, given.seed, given.only)
    verdicts = list(judged(given.folder, picked, given.jobs, quiet=given.as_json))
    survivors = [v.mutant for v in verdicts if v.survived]
    refused = sum(v.by in {"compiler", "vetting"} for v in verdicts)
    if given.as_json:
        found = {
            "revision": policy_set.revision,
            "mutants": len(verdicts),
            "refused_before_any_test": refused,
            "caught_by_a_test": len(verdicts) - refused - len(survivors),
            "survivors": [
                {"file": m.file, "line": m.line, "kind": m.kind, "at": m.before, "is": m.text}
                for m in survivors
            ],
        }
        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        table = Table(title=f"{len(survivors)} of {len(verdicts)} changes went unnoticed")
        for column in ("at", "change", "what", "is now"):
            table.add_column(column, overflow="fold")
        for m in survivors:
            table.add_row(f"{m.file}:{m.line}", m.kind, m.before, m.text[:100])
        Console().print(table)
        Console().print(
            f"caught by a test {len(verdicts) - refused - len(survivors)}, refused before any test "
            f"{refused}, survived {len(survivors)}"
        )
    return int(bool(survivors))


if __name__ == "__main__":
    sys.exit(main())
