"""The text of a draft: a mapping as a person would write it, with what is to be checked marked."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from adapters.guessing import FITS, Flag, Guess, flags_named, knowledge, order_of
from adapters.mapping import EDITORS
from adapters.profile import Profile

CHECK: Final = "# CHECK"
SSN_WITHIN: Final = "some of it looks like social security numbers"
_LEAST_NUMBERS: Final = 2
_LEAST_LINKED: Final = 2
_WIDE: Final = 96
"""A `format` that is longer than this in one line is written over several."""


@dataclass(slots=True)
class Field:
    """One field of the draft. `doubts` become its mark."""

    to: str
    keys: dict[str, Any]
    doubts: list[str] = field(default_factory=list)


def columns_of(field: Field) -> list[str]:
    """Name the columns that a field is made of."""
    name = field.keys.get("name")
    parts = list(name.values()) if isinstance(name, Mapping) else []
    return [field.keys["column"], *parts] if "column" in field.keys else parts


@dataclass(frozen=True, slots=True)
class JoinDraft:
    """Another file, sheet or table, joined. `looked` has its columns as the record knows them."""

    name: str
    spec: Mapping[str, Any]
    key: str
    source: str
    many: bool
    looked: Mapping[str, Profile]
    doubts: tuple[str, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """Its columns that only lead to it."""
        return frozenset({f"{self.name}.{self.key}"})


@dataclass(slots=True)
class Draft:
    """What is put together on the way."""

    kind: Mapping[str, Any]
    looked: Mapping[str, Profile]
    spec: Mapping[str, Any]
    source: str
    table: str | None = None
    notes: Sequence[str] = ()
    joins: Sequence[JoinDraft] = ()
    guesses: Mapping[str, Guess] = field(default_factory=dict)
    flags: Mapping[str, Sequence[Flag]] = field(default_factory=dict)
    fields: list[Field] = field(default_factory=list)
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    unclear: dict[str, list[str]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    each: dict[str, str] = field(default_factory=dict)
    """Objects that stand once for each row of a repeated part."""
    doubts: Mapping[str, str] = field(default_factory=dict)
    found_by: dict[str, dict[str, str]] = field(default_factory=dict)
    """Live databases: the columns by which searches reach a record."""
    search: Mapping[str, Any] = field(default_factory=dict)
    years: bool = False


def written(made: Draft) -> Iterator[str]:
    """Write it, line by line."""
    key = key_of(made)
    made.taken |= {f.column for every in made.flags.values() for f in every}
    made.taken |= {key[0]} if key else set()
    made.taken |= {j.source for j in made.joins}
    yield EDITORS
    yield "# A first draft, guessed from names and values. Nothing leaves until `handling` says so."
    yield f"# Go through every {CHECK[2:]}, then: sallyport mapping check FILE --rows"
    yield from (f"# {note}" for note in map(_plain, made.notes))
    yield "mapping: 1"
    yield f"source: {flow(made.source)}"
    yield from _format(made.spec, made.doubts)
    if made.years:
        yield f"years_from: 1930  {CHECK}: years of two digits begin here"
    if made.codes:
        yield ""
        yield "codes:"
        for name, words in made.codes.items():
            unclear = made.unclear[name]
            mark = f"  {CHECK}: what do these mean: {', '.join(unclear)}?" if unclear else ""
            yield f"  {name}: {flow(words)}{_plain(mark)}"
    yield ""
    yield "records:"
    yield from _record(made, key)
    yield "    objects:"
    used = {f.to.partition("/")[0] for f in made.fields}
    links = {
        to: alias
        for to, alias in made.kind.get("links", {}).items()
        if alias in used and (to.partition("/")[0] in used or _only_links(made, to, used))
    }
    used |= {to.partition("/")[0] for to in links}
    for alias, name in made.kind["objects"].items():
        if alias in used:
            one = {"is": name, "each": made.each[alias]} if alias in made.each else name
            yield f"      {alias}: {flow(one)}"
    if not made.fields:
        alias, name = next(iter(made.kind["objects"].items()))
        yield f"      {alias}: {flow(name)}"
        yield f"    fields: []  {CHECK}: nothing could be guessed; map some of the columns below"
        yield from _left(made)
        return
    yield "    fields:"
    for one in made.fields:
        mark = f"  {CHECK}: {'; '.join(one.doubts)}" if one.doubts else ""
        yield f"      - {flow({'to': one.to, **one.keys})}{mark}"
    for to, alias in links.items():
        yield f"      - {flow({'to': to, 'link': alias})}"
    yield from _search(made)
    yield from _left(made)


def _record(made: Draft, key: tuple[str, bool] | None) -> Iterator[str]:
    """Write what a record is, but for its content."""
    yield f"  - type: {made.kind['type']}  {CHECK}: is it?"
    if made.table is not None:
        yield f"    table: {flow(made.table)}"
    yield from _id_lines(key, made.looked)
    if made.found_by:
        yield f"    found_by: {flow(made.found_by)}  {CHECK}: each column needs an index"
    yield from _joins(made.joins)
    yield from _handling(made)
    yield f'    contact: {{unit: Records, phone: "000"}}  {CHECK}: whom to ask'


def _search(made: Draft) -> Iterator[str]:
    if made.search:
        yield ""
        yield "search:"
        yield f"  person: {flow(made.search['person'])}  {CHECK}: each column needs an index"


def _only_links(made: Draft, to: str, used: set[str]) -> bool:
    """Whether an object is nothing but references, to objects that are all there."""
    own = to.partition("/")[0]
    of_it = [a for t, a in made.kind["links"].items() if t.partition("/")[0] == own]
    return len(of_it) >= _LEAST_LINKED and set(of_it) <= used


def _format(spec: Mapping[str, Any], doubts: Mapping[str, str]) -> Iterator[str]:
    """Write what the source is: in one line, or a long one with a line for each column."""
    line = f"format: {flow(dict(spec))}"
    if len(line) <= _WIDE and not doubts:
        yield line
        return
    yield "format:"
    yield from _block(spec, 2, doubts)


def _block(spec: Mapping[str, Any], indent: int, doubts: Mapping[str, str]) -> Iterator[str]:
    for key, value in spec.items():
        if isinstance(value, Mapping) and (
            len(flow(dict(value))) > _WIDE - indent or (doubts and key == "columns")
        ):
            mark = f"  {CHECK}: {doubts[key]}" if key in doubts else ""
            yield f"{' ' * indent}{flow(str(key))}:{mark}"
            yield from _block(value, indent + 2, doubts if key == "columns" else {})
        else:
            mark = f"  {CHECK}: {doubts[key]}" if key in doubts else ""
            yield f"{' ' * indent}{flow(str(key))}: {flow(value)}{mark}"


def _joins(joins: Sequence[JoinDraft]) -> Iterator[str]:
    if joins:
        yield "    join:"
    for one in joins:
        mark = f"  {CHECK}: {'; '.join(one.doubts)}" if one.doubts else ""
        yield f"      {one.name}:{_plain(mark)}"
        of_table = one.spec.get("table")
        yield (
            f"        table: {flow(of_table)}"
            if of_table
            else (f"        format: {flow(dict(one.spec))}")
        )
        yield f"        key: {flow(one.key)}"
        yield f"        from: {flow(one.source)}"
        if one.many:
            yield "        many: true"


def key_of(made: Draft) -> tuple[str, bool] | None:
    """Give the column to name records by, and whether it is sure; None if there is none."""
    looked = made.looked
    keys = [(c, g.what) for c, g in made.guesses.items() if g.entry.get("key")]
    of_type = [c for c, what in keys if what in made.kind["by"]]
    others = [c for c, what in keys if c not in of_type]
    for column in (*of_type, *others):
        if looked[column].is_key:
            return column, column in of_type or made.kind["type"] == "person"
    for column in of_type:
        return column, False
    unique = [c for c, p in looked.items() if p.is_key]
    return (unique[0], False) if unique else None


def _id_lines(key: tuple[str, bool] | None, looked: Mapping[str, Profile]) -> Iterator[str]:
    column, sure = key or (next(iter(looked)), False)
    doubt = "each record needs a key that stays the same from one export to the next"
    if key is not None and not looked[column].is_key:
        doubt = "several rows have one value: are they one record? see `together`"
    doubts = [] if sure else [doubt]
    if holds_ssn(looked[column]):
        doubts.append(f"{SSN_WITHIN}, and others are told a record's id")
    template = "{" + column + "}"
    yield f"    id: {flow(template)}" + (f"  {CHECK}: {'; '.join(doubts)}" if doubts else "")


def _handling(made: Draft) -> Iterator[str]:
    yield "    handling:"
    named = flags_named(made.looked)
    for fact, strict in knowledge()["handling"].items():
        if fact in made.flags:
            yield from _told(fact, made.flags[fact])
        else:
            why = "the strictest, until you say otherwise"
            if fact in named:
                why += f"; {', '.join(named[fact])} seems to tell: what do its codes mean?"
            yield f"      {fact}: {flow(strict)}  {CHECK}: {_plain(why)}"
    for joined in made.joins:
        if found_there := flags_named(joined.looked):
            columns = ", ".join(sorted({c for every in found_there.values() for c in every}))
            yield _plain(
                f"    {CHECK}: rows of {joined.name} have flags of their own ({columns}): pass "
                "over those that nobody may see by `when`, or take the strictest, with `missing` "
                "in the join: what a row means that leads to none"
            )


def _told(fact: str, every: Sequence[Flag]) -> Iterator[str]:
    """Write how flags tell a fact; of several the strictest counts."""
    if len(every) == 1:
        yield f"      {fact}: {flow(every[0].spec)}  {CHECK}: {every[0].doubt}"
        return
    yield f"      {fact}:"
    yield "        of:"
    yield from (f"          - {flow(f.spec)}  {CHECK}: {f.doubt}" for f in every)
    yield f"        strictest: {flow(order_of(fact))}"


def holds_ssn(profile: Profile) -> bool:
    """Whether values look like social security numbers, or hold what looks like one.

    Without their dashes all must: nine digits may be many a thing.
    """
    if profile.looks_like("ssn_within") > 0:
        return True
    digits = [v for v in profile.values if v.isascii() and v.isdecimal()]
    plain = sum(profile.values[v] for v in digits)
    if plain < FITS * max(1, profile.filled) or len(digits) < _LEAST_NUMBERS:
        return False
    return profile.looks_like("ssn_digits") >= FITS and not profile.dates()[0]


def _left(made: Draft) -> Iterator[str]:
    every = [*made.looked.items(), *(x for j in made.joins for x in j.looked.items())]
    keys = frozenset().union(*(j.keys for j in made.joins)) if made.joins else frozenset[str]()
    left = [p for c, p in every if c not in made.taken | keys]
    if left:
        yield ""
        yield f"{CHECK}: not mapped. Map them, or name them under `ignore` at the top."
    for profile in left:
        formats, _ = profile.dates() if profile.filled else ([], [])
        kind = f"dates, {formats[0]}" if formats else f"{len(profile.values)} different values"
        kind += f". {SSN_WITHIN[0].upper()}{SSN_WITHIN[1:]}" if holds_ssn(profile) else ""
        about = f"{profile.filled} of {profile.rows} rows filled, {kind}"
        yield _plain(f"#   {profile.column}: {about if profile.filled else 'always blank'}")


def flow(value: Any) -> str:
    """Write a value in one line as this project reads YAML: what looks like another is quoted."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(str(k))}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", value) and value not in {"true", "false", "null"}:
        return str(value)
    quoted = yaml.dump(value, default_style='"', width=2**20, allow_unicode=True)
    return quoted.strip().removesuffix("\n...").strip()


def _plain(text: str) -> str:
    """Write a comment: one line, nothing that would end it."""
    return "".join(c if c.isprintable() else "?" for c in text)
