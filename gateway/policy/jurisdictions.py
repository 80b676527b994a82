"""What each place's folder under `law/` has to have, so that no law is silently left out.

A place whose lines are missing, or stand under another's name, is refused by the decisions; one
whose lines all say `set()`, by mistake, would be without law. So a set is vetted for it, and its
administrator told which file, and what to write: the lines that every other place has, a test, and
for each rule that refuses or hides its id, title, citation and whether counsel has to confirm it.
An agency, or a route, of a place that has no folder is named as well, and so is a key of the data
in `law/` and `local/` that no rule reads.
"""

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from gateway.policy.builtins import Look, Misuse, dotted
from gateway.policy.folders import LAW, LINES, LOCAL
from gateway.policy.rules import metadata_blocks, rules_of
from gateway.policy.sets import TEST_SUFFIX, PolicySet
from gateway.policy.syntax import Path, Tree
from gateway.policy.words import Words, pointer

_HERE = "jurisdictions"
_WITH_ID = frozenset({"hide", "withhold"})
"""Sets whose elements name their rule, as the last of a list. The codes of reasons: see `rules`."""
_CITED = _WITH_ID | {"deny", "deny_asking", "never", "untold"}
_WORDS_OF_LINES = {
    "bars": "purposes",
    "asking_bars": "purposes",
    "guaranteed": "classes",
    "never_held": "classes",
}


@dataclass
class _Place:
    """One folder: its modules, its lines by name, whether it says that it is a jurisdiction."""

    name: str
    files: list[str] = field(default_factory=list)
    lines: dict[str, str] = field(default_factory=dict)
    at: str | None = None
    said: bool = False


def unfinished(
    candidate: PolicySet, trees: Sequence[Tree], looks: Sequence[Look]
) -> Iterator[Misuse]:
    """Find what is missing or misnamed in `law/`, in the order in which it has to be mended."""
    if not any(_package(t) == LINES and not _file(t).startswith(f"{LAW}/") for t in trees):
        return  # no decision of this set asks for lines
    places = _places(candidate, trees, looks)
    ids = rules_of(candidate).keys()
    for tree in trees:
        yield from _of_others(tree, places)
    yield from _without_lines(places)
    yield from _without_tests(places, looks)
    for tree in trees:
        if _file(tree).startswith(f"{LAW}/"):
            if _package(tree) == LINES:
                yield from _unknown_words(tree, Words(candidate.data))
            else:
                yield from _uncited(tree, candidate.modules[_file(tree)], ids)
    yield from _of_no_place(candidate.data, places)
    yield from _unread_data(candidate.data, looks)


def _places(
    candidate: PolicySet, trees: Sequence[Tree], looks: Sequence[Look]
) -> dict[str, _Place]:
    """Give the folders. One without lines, which other law reads and no agency names, is no place.

    It is what places have in common.
    """
    found: dict[str, _Place] = {}
    for path in sorted(candidate.modules):
        folder, _, rest = path.partition("/")
        name, _, file = rest.partition("/")
        if folder == LAW and file:
            found.setdefault(name, _Place(name)).files.append(path)
    for tree in trees:
        place = found.get(_folder(tree))
        if place is None or _package(tree) != LINES:
            continue
        place.at = _file(tree)
        for name, named, where, kind in _named(tree):
            if named == place.name and kind == "Compr":
                place.lines[name] = where
            place.said |= named == place.name and (kind, name) == ("Set", _HERE)
    shared = {
        read[1]
        for look in looks
        if look.decides
        for rule in look.rules
        for read in rule.reads
        if rule.path[:1] == read[:1] == (LAW,) and len(read) > 1 and rule.path[:2] != read[:2]
    }
    agencies = _mapping(candidate.data.get("agencies")).values()
    shared -= {str(_mapping(facts).get("jurisdiction")) for facts in agencies}
    return {name: p for name, p in found.items() if p.at is not None or name not in shared}


def _of_others(tree: Tree, places: Mapping[str, _Place]) -> Iterator[Misuse]:
    """Find lines that stand in one place's folder and bear another's name."""
    place = places.get(_folder(tree))
    if place is None or _package(tree) != LINES:
        return
    lines = {_HERE}.union(*(p.lines for p in places.values()))
    for name, named, where, _ in _named(tree):
        if named != place.name and (name in lines or named in places):
            yield Misuse(
                where,
                f"a line of '{named}' in the folder of '{place.name}': write '{place.name}', or "
                f"move the line to {LAW}/{named}/lines.rego",
            )


def _without_lines(places: Mapping[str, _Place]) -> Iterator[Misuse]:
    for place in places.values():
        if place.at is None:
            yield Misuse(
                f"{place.files[0]}:1",
                f"{LAW}/{place.name}/lines.rego is missing, so no decision asks for this law: add "
                "it, with what the place has for each decision, as the other places do",
            )
            continue
        if not place.said:
            yield Misuse(f"{place.at}:1", f'the line `{_HERE} contains "{place.name}"` is missing')
        others = [set(p.lines) for p in places.values() if p is not place and p.at is not None]
        # What one other place has may be its own alone, such as whose order opens sealed records.
        wanted = set[str].intersection(*others) if len(others) > 1 else set()
        for name in sorted(wanted - set(place.lines)):
            yield Misuse(
                f"{place.at}:1",
                f'the line `{name}["{place.name}"]` is missing, so agencies there would be '
                "refused: every other place has one. Where its law does not speak of it, let it "
                "be what the others say then",
            )


def _without_tests(places: Mapping[str, _Place], looks: Sequence[Look]) -> Iterator[Misuse]:
    tested = {t.where.split("/")[1] for k in looks for t in k.tests if t.where.startswith(LAW)}
    for place in places.values():
        if place.name not in tested:
            yield Misuse(
                f"{place.at}:1",
                f"{LAW}/{place.name} has no test, so nothing says what this law does: write "
                f"{LAW}/{place.name}/{place.name}{TEST_SUFFIX}, for allow, deny and what is "
                "missing",
            )


def _uncited(tree: Tree, text: str, ids: Collection[str]) -> Iterator[Misuse]:
    """Find rules of the law that lack a part of their metadata, or name an id that no rule has."""
    blocks = dict(metadata_blocks(text))
    specs = [r["Spec"] for r in tree["ast"]["rules"] if "Spec" in r]
    for name, alike in groupby(specs, key=_name):
        if name not in _CITED:
            continue
        for number, spec in enumerate(alike):
            line = spec["span"]["line"]
            where = f"{_file(tree)}:{line}"
            block = _above(text, line, blocks)
            if block is not None or number == 0:
                yield from _missing(where, name, block)
            code = _id_of(spec["head"]) if name in _WITH_ID else None
            if code is not None and code not in ids:
                yield Misuse(
                    where,
                    f"it gives the id '{code}', which no METADATA of the set has: officers and "
                    "the log could not be told the rule. Write the same id in both",
                )


def _missing(where: str, name: str, block: Mapping[str, Any] | None) -> Iterator[Misuse]:
    custom = _custom(block or {})
    has = {
        "title": isinstance((block or {}).get("title"), str),
        "custom.id": isinstance(custom.get("id"), str),
        "custom.citation": isinstance(custom.get("citation"), str),
        "custom.confirm_by_counsel": isinstance(custom.get("confirm_by_counsel"), bool),
    }
    lacking = [part for part, there in has.items() if not there]
    if lacking:
        yield Misuse(
            where,
            f"this rule of `{name}` has no {', '.join(lacking)}: write that into the METADATA "
            "comment before it, so that people are told which law it is",
        )


def _unknown_words(tree: Tree, words: Words) -> Iterator[Misuse]:
    for spec in (r["Spec"] for r in tree["ast"]["rules"] if "Spec" in r):
        of = _WORDS_OF_LINES.get(_name(spec))
        assign = spec["head"].get("Compr", {}).get("assign") or {}
        for item in assign.get("value", {}).get("Set", {}).get("items", ()) if of else ():
            text = item.get("String", {})
            reason = words.wrong(of or "", text["value"]) if text else None
            if reason:
                yield Misuse(f"{_file(tree)}:{text['span']['line']}", reason)


def _of_no_place(data: Mapping[str, Any], places: Mapping[str, _Place]) -> Iterator[Misuse]:
    """Find agencies and routes of a place that has no folder."""
    for ori, facts in _mapping(data.get("agencies")).items():
        named = _mapping(facts).get("jurisdiction")
        if named is None:
            reason = f"{ori} has no `jurisdiction`: name the folder of {LAW}/ whose law is its own"
            yield Misuse(pointer(("agencies", ori)), reason)
        elif not isinstance(named, str) or named not in places:
            yield Misuse(pointer(("agencies", ori, "jurisdiction")), _no_place(named, places))
    for named in _mapping(data.get("routing")):
        if named not in places:
            yield Misuse(pointer(("routing", named)), _no_place(named, places))


def _no_place(named: Any, places: Mapping[str, _Place]) -> str:
    near = difflib.get_close_matches(str(named), places, n=1)
    hint = f"; '{near[0]}' has one" if near else ""
    return (
        f"there is no folder {LAW}/{named}, so the law of '{named}' is not written down, and its "
        f"agencies would be refused: add the folder, or take out what names it{hint}"
    )


def _unread_data(data: Mapping[str, Any], looks: Sequence[Look]) -> Iterator[Misuse]:
    """Find keys of the law's data, and of the agency's own limits, that no rule reads."""
    reads = {r for look in looks if look.decides for rule in look.rules for r in rule.reads}
    own = [(LOCAL, k) for k in _mapping(data.get(LOCAL))]
    law = _mapping(data.get(LAW))
    for path in (*own, *((LAW, place, k) for place in law for k in _mapping(law[place]))):
        if not any(_meets(read, path) for read in reads):
            beside = {str(r[len(path) - 1]) for r in reads if _meets(r[:-1], path[:-1], whole=True)}
            near = difflib.get_close_matches(path[-1], beside, n=1)
            hint = f"; '{near[0]}' is read" if near else ""
            yield Misuse(
                pointer(path), f"no rule reads '{path[-1]}': a misspelt name, or left over?{hint}"
            )


def _meets(read: Path, path: tuple[str, ...], *, whole: bool = False) -> bool:
    same = all(r in {None, p} for r, p in zip(read, path, strict=False))
    return same and (len(read) == len(path) or not whole)


# -- the tree ---------------------------------------------------------------------------------


def _named(tree: Tree) -> Iterator[tuple[str, str, str, str]]:
    """Give the rules whose head names a place: rule, place, where, and the kind of head."""
    for spec in (r["Spec"] for r in tree["ast"]["rules"] if "Spec" in r):
        ((kind, head),) = spec["head"].items()
        text = head["key"] if kind == "Set" else head["refr"].get("RefBrack", {}).get("index", {})
        named = (text or {}).get("String", {}).get("value")
        if named is not None:
            yield _name(spec), named, f"{_file(tree)}:{spec['span']['line']}", kind


def _name(spec: Tree) -> str:
    (head,) = spec["head"].values()
    node = head["refr"]
    while "Var" not in node:
        (inner,) = node.values()
        node = inner["refr"]
    return str(node["Var"]["value"])


def _id_of(head: Tree) -> str | None:
    """Give the id that an element of a set names, if it is written out."""
    key = head.get("Set", {}).get("key") or {}
    of = key.get("Array", {}).get("items", [])[-1:]
    found = of[0].get("String", {}).get("value") if of else None
    return None if found is None else str(found)


def _above(text: str, line: int, blocks: Mapping[int, dict[str, Any]]) -> dict[str, Any] | None:
    """Give the metadata block that ends right above a line."""
    lines = text.splitlines()
    above = line - 1
    while above >= 1 and lines[above - 1].startswith("#"):
        if above in blocks:
            return blocks[above]
        above -= 1
    return None


def _package(tree: Tree) -> str:
    return dotted(tree["ast"]["package"]["refr"])


def _file(tree: Tree) -> str:
    return str(tree["source"]["file"])


def _folder(tree: Tree) -> str:
    """Name the place whose folder a module stands in, or give an empty text."""
    folder, _, rest = _file(tree).partition("/")
    name, _, file = rest.partition("/")
    return name if folder == LAW and file else ""


def _custom(block: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(block.get("custom"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
