"""The rules of a set as their metadata name them, and the papers that its data hold.

A rule's metadata is the `# METADATA` comment before it, in YAML. A block with `custom.id` is a rule
that outcomes name by that id: the entry of a reason's code. A paper is an object of the data with
an `id` of its own, such as an agreement: outcomes name it in the same way.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from gateway.policy.builtins import Misuse
from gateway.policy.sets import Base, PolicySet
from gateway.policy.syntax import Tree, walk
from gateway.policy.vocabulary import Vocabulary, read_vocabulary

_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `where` is its file and line, relative to the set's folder."""

    id: str
    title: str
    citation: str
    confirm_by_counsel: bool
    where: str


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper in the data. `way` leads to it, such as `("agreements", "A", "B", "mou-1")`."""

    id: str
    title: str
    citation: str
    way: tuple[str, ...]

    @property
    def at(self) -> str:
        """Its path, for people."""
        return ".".join(("data", *self.way))


def metadata_blocks(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give each metadata block of a module with its line. Raises yaml.YAMLError."""
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        if line.strip() != "# METADATA":
            continue
        body = []
        for below in lines[number:]:
            if not below.startswith("#"):
                break
            body.append(below.removeprefix("#").removeprefix(" "))
        block = yaml.load("\n".join(body), Loader=Base)  # noqa: S506 - a SafeLoader
        yield number, block if isinstance(block, dict) else {}


def unreadable(policy_set: PolicySet) -> Iterator[Misuse]:
    """Find metadata that are no YAML. With one such block none of its file would be an entry."""
    for path, text in policy_set.rules.items():
        line = 0
        try:
            for line, _ in metadata_blocks(text):  # noqa: B007 - the last good one's
                pass
        except yaml.YAMLError as error:
            lines = text.splitlines()
            start = next(n for n in range(line, len(lines)) if lines[n].strip() == "# METADATA")
            mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
            yield Misuse(
                f"{path}:{start + 2 + (mark.line if mark else 0)}",
                "this METADATA comment is no YAML: put a text with a colon in it in quotes",
            )


def rules_of(policy_set: PolicySet) -> Mapping[str, Rule]:
    """Give the set's rules by id. A block that can't be read, or has no id, is no rule."""
    found: dict[str, Rule] = {}
    for rule in _rules(policy_set):
        found.setdefault(rule.id, rule)
    return found


def _rules(policy_set: PolicySet) -> Iterator[Rule]:
    for path, text in policy_set.rules.items():
        try:
            blocks = list(metadata_blocks(text))
        except yaml.YAMLError:
            continue
        for line, block in blocks:
            custom = block.get("custom")
            if not isinstance(custom, dict) or "id" not in custom:
                continue
            yield Rule(
                id=str(custom["id"]),
                title=str(block.get("title", "")),
                citation=str(custom.get("citation", "")),
                confirm_by_counsel=custom.get("confirm_by_counsel") is not False,
                where=f"{path}:{line}",
            )


def words_of(policy_set: PolicySet) -> Vocabulary:
    """Give a set's words, with the codes that its rules have entries for.

    Raises `PolicyRejected` where the vocabulary is malformed.
    """
    entries = rules_of(policy_set).values()
    return replace(
        read_vocabulary(policy_set.data), codes=frozenset(r.id for r in entries if r.title)
    )


def unlisted_codes(trees: Iterable[Tree], words: Vocabulary) -> Iterator[Misuse]:
    """Find reasons, as far as they are written out, with a code that no entry explains, or no text.

    A code that is put together is only known when a decision gives it.
    """
    for tree in trees:
        for node in walk(tree["ast"]["rules"]):
            if "Object" in node:
                given = {_text(k): (_text(v), v) for _, k, v in node["Object"]["fields"]}
                if {"code", "text"} <= given.keys():
                    yield from _faults(tree["source"]["file"], given, words)


def _faults(
    file: str, given: Mapping[Any, tuple[Any, Tree]], words: Vocabulary
) -> Iterator[Misuse]:
    (code, node), (text, said) = given["code"], given["text"]
    if code is not None and code not in words.codes:
        yield Misuse(f"{file}:{_line(node)}", unlisted(code))
    if text is not None and not text.strip():
        yield Misuse(
            f"{file}:{_line(said)}", "a reason without words: say what, why, and what to do next"
        )


def unlisted(code: str) -> str:
    """Say what to do about a code that has no entry."""
    return (
        f"the code '{code}' has no entry: write '# METADATA' before the rule that gives it, with "
        f"title, custom.id '{code}' and custom.citation"
    )


def _text(expr: Tree) -> Any:
    (kind, inner), *_ = expr.items()
    return inner["value"] if kind in {"String", "RawString"} else None


def _line(expr: Tree) -> int:
    (inner,) = expr.values()
    return int(inner["span"]["line"])


def ids_twice(policy_set: PolicySet) -> Iterator[Misuse]:
    """Find rules that bear the id of another one: a refusal or the log would name the wrong one."""
    first: dict[str, str] = {}
    for rule in _rules(policy_set):
        if rule.id in first:
            yield Misuse(
                rule.where,
                f"the id '{rule.id}' is that of the rule at {first[rule.id]}: give this one "
                "an id of its own",
            )
        first[rule.id] = rule.where


def papers_of(policy_set: PolicySet) -> Mapping[str, Paper]:
    """Give the papers of the set's data by id; of several with one id, the one nearest the root.

    So an agreement that counts comes before an example of it in a folder of examples.
    """
    nearest = sorted(all_papers(policy_set), key=lambda paper: -len(paper.way))
    return {paper.id: paper for paper in nearest}


def all_papers(policy_set: PolicySet) -> list[Paper]:
    """Give every paper of the set's data."""
    return list(_papers(policy_set.data, ()))


def _papers(value: Any, way: tuple[str, ...]) -> Iterator[Paper]:
    if not isinstance(value, dict) or len(way) > _DEPTH:
        return
    name = value.get("id")
    if isinstance(name, str):
        yield Paper(name, str(value.get("title", "")), str(value.get("citation", "")), way)
    for key, below in value.items():
        yield from _papers(below, (*way, key))
