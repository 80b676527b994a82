"""Change each rule of a policy set, and its data, one place at a time, and see that a test notices.

    python tools/mutate_rego.py [FOLDER] [--only law/federal] [--every 1] [--seed 0]
        [--jobs 1] [--kept FILE] [--json]

Ends with 1 if a change goes unnoticed, and lists each with file, line and what was changed; with 2
if the set's own tests fail, or the list of equivalents no longer holds. What is changed:
`rego_mutants.py` and `data_mutants.py`.

A set that no longer compiles, or that vetting refuses for its negations or its words, can't come
into force: such a change is counted by itself. The tests are the set's own `test_` rules, run by
the embedded engine. Those that go through the changed lines, or the lines that name the changed
data, are run first, then those that go through the file, then all others: none is left out, so that
a change counts as unnoticed only if every test passed.

`--kept FILE` writes each verdict down as it comes, and goes on from there when the run was
interrupted. Verdicts hold for the very set that they were made with: another one starts anew.

`equivalents.yaml` in the folder lists changes that no test can notice, each with the reason. The
list is held against the run: one that is noticed, or is no change of the set any more, is an error.
"""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import orjson
import regorus
import yaml
from data_mutants import DataMutant, data_mutants
from rego_mutants import Mutant, mutants
from rich.console import Console
from rich.table import Table

from gateway.cli.showing import progress_bar
from gateway.errors import PolicyRejected
from gateway.policy import builtins, negations
from gateway.policy.embedded import syntax_trees
from gateway.policy.paths import unknown_paths
from gateway.policy.sets import PolicySet, load_set
from gateway.policy.vocabulary import read_vocabulary
from gateway.policy.words import unknown_words

POLICIES = Path(__file__).resolve().parent.parent / "policies"
EQUIVALENTS = "equivalents.yaml"
_AN_ENTRY = {"file", "rule", "kind", "at", "is", "reason"}
Change: TypeAlias = Mutant | DataMutant


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant: by which test it was caught, or by what refused; None: nothing."""

    mutant: Change
    by: str | None

    @property
    def survived(self) -> bool:
        """Whether nothing noticed."""
        return self.by is None

    @property
    def refused(self) -> bool:
        """Whether such a set can't come into force: the tests were not needed."""
        return self.by in {"compiler", "vetting"}


class Trial:
    """The set's tests, ready to be run on mutants one after another. Belongs to its thread."""

    def __init__(self, policy_set: PolicySet) -> None:
        self._set = policy_set
        self._data = orjson.dumps(policy_set.data).decode()
        self._trees = syntax_trees(policy_set.modules)
        self._whole = self._engine(policy_set.modules)
        tests = [t.path for t in builtins.test_rules(self._trees)]
        self._bases: dict[str, Any] = {}
        self._caught: Counter[tuple[str, str]] = Counter()
        self._lines: dict[str, dict[str, set[int]]] = {}
        self._cost: dict[str, float] = {}
        self._named: dict[str, dict[str, set[int]]] = {}
        self.failing: list[str] = []
        """The tests that fail on the set as it is."""
        self._run(tests)

    def judge(self, mutant: Change) -> Verdict:
        """Run the tests on one mutant until one fails."""
        try:
            made = (
                self._of_data(mutant) if isinstance(mutant, DataMutant) else self._of_rule(mutant)
            )
            if made is None:
                return Verdict(mutant, "vetting")
            _analyse(made)
        except Exception:  # noqa: BLE001 - whatever it is, such a set can't come into force
            return Verdict(mutant, "compiler")
        for test in self._order(mutant):
            if not _passes(made, test):
                self._caught[mutant.file, test] += 1
                return Verdict(mutant, test.removeprefix("data."))
        return Verdict(mutant, None)

    def _of_rule(self, mutant: Mutant) -> Any:
        """Give an engine with the changed rules, or None where vetting refuses them."""
        changed = mutant.apply(self._set.modules[mutant.file])
        if next(negations.unsafe(_rules(mutant.file, changed)), None) is not None:
            return None
        engine = self._base(mutant.file).clone()
        engine.add_policy(mutant.file, changed)
        return engine

    def _of_data(self, mutant: DataMutant) -> Any:
        """Give an engine with the changed data, or None where vetting refuses them."""
        data = mutant.apply(self._set.data)
        try:
            read_vocabulary(data)
        except PolicyRejected:
            return None
        if any(True for _ in unknown_words(data)) or any(
            True for _ in unknown_paths(self._trees, data)
        ):
            return None
        engine = self._whole.clone()
        engine.clear_data()
        engine.add_data_json(orjson.dumps(data).decode())
        return engine

    def _run(self, tests: list[str]) -> None:
        """Run each test on the set as it is: whether it passes, its time, its lines."""
        engine = self._whole.clone()
        _analyse(engine)
        engine.set_enable_coverage(True)
        for test in tests:
            clone = engine.clone()
            clone.clear_coverage_data()
            began = time.perf_counter()
            if not _passes(clone, test):
                self.failing.append(test)
            self._cost[test] = time.perf_counter() - began
            report = orjson.loads(clone.get_coverage_report_as_json())
            self._lines[test] = {f["path"]: set(f["covered"]) for f in report["files"]}

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

    def _order(self, mutant: Change) -> list[str]:
        """All tests. Most changes are noticed by the first: it sees them, and noticed others."""
        is_rule = isinstance(mutant, Mutant)
        seen = (
            {mutant.file: set(mutant.lines)}
            if isinstance(mutant, Mutant)
            else self._readers(mutant.path)
        )

        def key(test: str) -> tuple[int, int, float]:
            lines = self._lines[test]
            sees = sum(2 for file, at in seen.items() if at & lines.get(file, set()))
            sees = sees or (1 if is_rule and mutant.file in lines else 0)
            return (-sees, -self._caught[mutant.file, test], self._cost[test])

        return sorted(self._lines, key=key)

    def _readers(self, path: tuple[str | int, ...]) -> dict[str, set[int]]:
        """Give the lines of rules, by file, that name the data at a path: its deepest name."""
        for name in reversed([step for step in path if isinstance(step, str)]):
            if name not in self._named:
                word = re.compile(rf"[.\"]{re.escape(name)}\b")
                texts = {p: t.splitlines() for p, t in self._set.rules.items()}
                found = {
                    p: {n for n, line in enumerate(lines, start=1) if word.search(line)}
                    for p, lines in texts.items()
                }
                self._named[name] = {p: lines for p, lines in found.items() if lines}
            if self._named[name]:
                return self._named[name]
        return {}


def _rules(file: str, text: str) -> Any:
    alone = regorus.Engine()
    alone.add_policy(file, text)
    return orjson.loads(alone.get_ast_as_json())[0]["ast"]["rules"]


def _analyse(engine: Any) -> None:
    engine.set_input_json("{}")
    engine.eval_query_as_json("true")


def _passes(engine: Any, test: str) -> bool:
    try:
        return bool(engine.eval_rule_as_json(test).strip() == "true")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - a panic of the engine is one
        return False


# -- several ----------------------------------------------------------------------------------

_trial: list[Trial] = []


def _start(folder: str) -> None:
    _trial[:] = [Trial(load_set(Path(folder)))]


def _judge(mutant: Change) -> Verdict:
    return _trial[0].judge(mutant)


def judged(folder: Path, trial: Trial, wanted: list[Change], jobs: int) -> Iterator[Verdict]:
    """Try the mutants, here or in several processes. Gives each verdict as it comes."""
    if jobs == 1:
        yield from map(trial.judge, wanted)
        return
    with get_context("spawn").Pool(jobs, _start, (str(folder),)) as pool:
        yield from pool.imap(_judge, wanted, chunksize=8)


def chosen(found: list[Change], every: int, seed: int, only: Iterable[str]) -> list[Change]:
    """Pick those of the wanted files, and of these one in so many, at random by the seed."""
    begins = tuple(only)
    named = [m for m in found if not begins or m.file.startswith(begins)]
    if every <= 1:
        return named
    picked = Random(seed).sample(range(len(named)), len(named) // every)  # noqa: S311 - a sample of places
    return [named[n] for n in sorted(picked)]


class Kept:
    """Verdicts in a file, one a line, so that an interrupted run goes on from where it was."""

    def __init__(self, path: Path | None, revision: str) -> None:
        self._path = path
        self._known: dict[str, str | None] = {}
        lines = path.read_bytes().splitlines() if path and path.exists() else []
        read = [entry for line in lines if (entry := _read(line))]
        if read and read[0] == {"revision": revision}:
            self._known = {entry["mutant"]: entry["by"] for entry in read[1:]}
        if path:
            # Whole lines alone: a run that was killed can have left half a one.
            known = [{"mutant": mutant, "by": by} for mutant, by in self._known.items()]
            first = {"revision": revision}
            path.write_bytes(b"".join(orjson.dumps(e) + b"\n" for e in (first, *known)))

    def verdict(self, mutant: Change) -> Verdict | None:
        """Give what an earlier run found, if it got as far."""
        key = mutant.key
        return Verdict(mutant, self._known[key]) if key in self._known else None

    def add(self, verdict: Verdict) -> None:
        """Write one down."""
        if self._path:
            line = orjson.dumps({"mutant": verdict.mutant.key, "by": verdict.by})
            with self._path.open("ab") as file:
                file.write(line + b"\n")


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        entry: dict[str, Any] = orjson.loads(line)
    except ValueError:
        return None
    return entry


# -- equivalents ------------------------------------------------------------------------------


def equivalents(folder: Path, found: list[Change]) -> dict[Change, str]:
    """Read the changes that no test can notice, each with its reason. Raises ValueError."""
    path = folder / EQUIVALENTS
    entries = yaml.safe_load(path.read_text()) or [] if path.exists() else []
    listed: dict[Change, str] = {}
    for entry in entries:
        if not isinstance(entry, dict) or set(entry) != _AN_ENTRY or not entry["reason"]:
            raise ValueError(f"{EQUIVALENTS}: an entry has {', '.join(sorted(_AN_ENTRY))}: {entry}")
        meant = [m for m in found if all(_shown(m)[k] == entry[k] for k in _AN_ENTRY - {"reason"})]
        if not meant:
            raise ValueError(f"{EQUIVALENTS}: no change of the set any more, take it out: {entry}")
        listed |= dict.fromkeys(meant, str(entry["reason"]))
    return listed


def _shown(m: Change) -> dict[str, Any]:
    return {"file": m.file, "rule": m.rule, "kind": m.kind, "at": m.before, "is": m.text}


# -- the command ------------------------------------------------------------------------------


def main() -> int:
    """Try them, and list what no test noticed."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=Path, nargs="?", default=POLICIES)
    arguments.add_argument("--every", type=int, default=1, help="try one in so many")
    arguments.add_argument("--seed", type=int, default=0, help="which of them")
    arguments.add_argument("--only", nargs="*", default=[], help="files that begin with this")
    arguments.add_argument("--jobs", type=int, default=1, help="processes")
    arguments.add_argument("--kept", type=Path, help="write verdicts there, and go on from there")
    arguments.add_argument("--json", action="store_true", dest="as_json")
    given = arguments.parse_args()
    policy_set = load_set(given.folder)
    trial = Trial(policy_set)
    if trial.failing:
        return _stop(f"{len(trial.failing)} tests fail on the set as it is", trial.failing)
    try:
        found: list[Change] = [*mutants(policy_set), *data_mutants(given.folder, policy_set)]
        listed = equivalents(given.folder, found)
    except ValueError as error:
        return _stop(str(error))
    picked = chosen(found, given.every, given.seed, given.only)
    kept = Kept(given.kept, policy_set.revision)
    verdicts = [v for m in picked if (v := kept.verdict(m))]
    done = {v.mutant for v in verdicts}
    waiting = [m for m in picked if m not in done]
    with progress_bar(quiet=given.as_json) as bar:
        task = bar.add_task("changes", total=len(picked), completed=len(verdicts))
        for verdict in judged(given.folder, trial, waiting, given.jobs):
            kept.add(verdict)
            verdicts.append(verdict)
            bar.advance(task)
    noticed = [_line(v.mutant) for v in verdicts if not v.survived and v.mutant in listed]
    if noticed:
        return _stop(f"{EQUIVALENTS}: these are noticed, take them out", noticed)
    survivors = sorted(
        (v.mutant for v in verdicts if v.survived and v.mutant not in listed), key=lambda m: m.key
    )
    _tell(policy_set, verdicts, survivors, as_json=given.as_json)
    return int(bool(survivors))


def _stop(what: str, which: Iterable[str] = ()) -> int:
    sys.stderr.write("\n  ".join([what, *which]) + "\n")
    return 2


def _line(m: Change) -> str:
    return f"{m.where} {m.kind}: {m.before[:100]}"


def _tell(
    policy_set: PolicySet, verdicts: list[Verdict], survivors: list[Change], *, as_json: bool
) -> None:
    counts = {
        "changes": len(verdicts),
        "caught_by_a_test": sum(not v.survived and not v.refused for v in verdicts),
        "refused_before_any_test": sum(v.refused for v in verdicts),
        "equivalent": sum(v.survived for v in verdicts) - len(survivors),
    }
    if as_json:
        told = {
            "revision": policy_set.revision,
            **counts,
            "survivors": [{"where": m.where, **_shown(m)} for m in survivors],
        }
        sys.stdout.write(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    console = Console()
    if survivors:
        table = Table(title="Changes that no test noticed")
        for column in ("where", "rule", "change", "what", "is now"):
            table.add_column(column, overflow="fold")
        for m in survivors:
            table.add_row(m.where, m.rule, m.kind, m.before[:100], m.text[:100])
        console.print(table)
    said = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())
    console.print(f"{said}; {len(survivors)} survived", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
