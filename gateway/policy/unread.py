"""Rules of the agency's own folder, or of a place's law, that no decision reads.

Such a rule decides nothing: a misspelt `deny`, or one that the place's lines never ask for. Its
author believes in it, and its own tests pass. So it is refused when a set is vetted, with file and
line. What reads what is told from the syntax trees, beginning with the entrypoints; a step that is
only known when it is evaluated may read whatever stands there.
"""

from collections.abc import Iterable, Iterator, Sequence

from gateway.policy.builtins import Look, Misuse, Rule
from gateway.policy.engine import ENTRYPOINTS
from gateway.policy.folders import LAW, LOCAL
from gateway.policy.syntax import Path

_ROOTS = [("sallyport", entrypoint, "decision") for entrypoint in ENTRYPOINTS]


def unread(looks: Iterable[Look]) -> Iterator[Misuse]:
    """Find the rules of `local/` and `law/` that no entrypoint's decision comes to, in order."""
    rules = [rule for look in looks if look.decides for rule in look.rules]
    read = read_from(_ROOTS, rules)
    for rule in rules:
        folder, _, rest = rule.where.partition("/")
        if not rest or folder not in {LOCAL, LAW} or rule.path in read:
            continue
        name = ".".join(["data", *map(str, rule.path)])
        beside = sorted({str(p[-1]) for p in read if p[:-1] == rule.path[:-1]})
        there = f" Of its package these are read: {', '.join(beside)}." if beside else ""
        lines = " or a rule that the lines of its place never name" if folder == LAW else ""
        yield Misuse(rule.where, f"no decision reads '{name}': a misspelt name{lines}?{there}")


def read_from(roots: Iterable[Path], rules: Sequence[Rule]) -> set[Path]:
    """Give the paths of all rules that these come to, such as the entrypoints' decisions."""
    by_path: dict[Path, list[Rule]] = {}
    for rule in rules:
        by_path.setdefault(rule.path, []).append(rule)
    below: dict[Path, list[Path]] = {}
    for path in by_path:
        for length in range(len(path) + 1):
            below.setdefault(path[:length], []).append(path)
    read: set[Path] = set()
    seen: set[Path] = set()
    waiting: list[Path] = list(roots)
    while waiting:
        wanted = waiting.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        for path in _reached(wanted, below):
            if path not in read:
                read.add(path)
                waiting += [r for rule in by_path[path] for r in rule.reads]
    return read


def _reached(wanted: Path, below: dict[Path, list[Path]]) -> Iterator[Path]:
    """Give the rules that a reference comes to: what stands under it, and what it looks into."""
    known = wanted[: wanted.index(None)] if None in wanted else wanted
    for path in below.get(known, ()):
        if all(w in {None, p} for w, p in zip(wanted, path, strict=False)):
            yield path
    for length in range(len(known)):
        # A step into a rule's value: the rule itself is named by the beginning.
        if known[:length] in below.get(known[:length], ()):
            yield known[:length]
