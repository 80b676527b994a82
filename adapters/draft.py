"""A first mapping, written from what the columns are called and what stands in them.

It loads as it stands, and lets nothing out: a person has to decide who may see what. Every guess
that is not plain is marked `# CHECK`. What is guessed by stands in `draft.yaml`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from itertools import islice
from typing import Any, Final

import yaml

from adapters.document import Document
from adapters.nibrs import codes as standard_codes
from adapters.profile import Profile, profiles
from adapters.rows import Reader, Row
from gateway import niem
from gateway.errors import Misconfigured

SAMPLE: Final = 2_000
CHECK: Final = "# CHECK"
_FITS: Final = 0.8
_AMBIGUOUS: Final = 2
_FEET: Final = r"""\d\s*['-]\s*\d{1,2}\s*"?|[4-7](0\d|1[01])"""
_METRIC: Final = r"1[2-9]\d|2[0-2]\d"


@dataclass(slots=True)
class _Field:
    """One field of the draft. `doubts` become its mark."""

    to: str
    keys: dict[str, Any]
    doubts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Draft:
    """What is put together on the way."""

    kind: Mapping[str, Any]
    fields: list[_Field] = field(default_factory=list)
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    unclear: dict[str, list[str]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    years: bool = False


@cache
def knowledge() -> Mapping[str, Any]:
    """Give what is guessed by."""
    with resources.as_file(resources.files("adapters").joinpath("draft.yaml")) as path:
        found: Mapping[str, Any] = Document(path).content
        return found


def draft(
    reader: Reader,
    spec: Mapping[str, Any],
    source: str,
    *,
    record_type: str | None = None,
    table: str | None = None,
    notes: Sequence[str] = (),
) -> str:
    """Write a mapping for what a reader reads. `spec` is its `format`, as it shall stand.

    Raises Misconfigured where the source has no rows, or no record type can be made of it.
    """
    known = knowledge()
    columns = sorted(reader.columns().own)
    rows = (r.values for r in reader.rows() if isinstance(r, Row))
    sample = list(islice(rows, SAMPLE))
    if not sample:
        raise Misconfigured("the source has no rows that could be read; a draft needs some")
    columns = [c for c in sample[0] if c in columns] or columns
    looked = profiles(columns, sample, known["blank"])
    guesses = {c: g for c, p in looked.items() if (g := _guess(p)) is not None}
    made = _Draft(_type(guesses.values(), record_type))
    flags = dict(_flags(looked))
    for column, guess in guesses.items():
        if column not in {c for c, _ in flags.values()}:
            _place(made, looked[column], guess, {g["is"] for g in guesses.values()})
    _name_parts(made, guesses)
    if not made.fields:
        raise Misconfigured(
            "no column could be guessed at; say which record type it is, or write the mapping by "
            "hand: see docs/mapping.md"
        )
    return "\n".join(_written(made, looked, guesses, flags, spec, source, table, notes)) + "\n"


# -- guessing -----------------------------------------------------------------------------------


def _guess(profile: Profile) -> Mapping[str, Any] | None:
    """Give what a column seems to be, by its name, or else by what its values look like."""
    known = knowledge()
    for guess in known["guesses"]:
        if re.search(guess["names"], profile.words):
            found: Mapping[str, Any] = guess
            return found
    for look in known["looks"].values():
        pattern = look.get("alone_pattern", look["pattern"])
        if "alone" in look and profile.filled and profile.share(pattern) >= _FITS:
            named = next(g for g in known["guesses"] if g["is"] == look["alone"])
            return {**named, "by_values": True}
    return None


def _type(guesses: Any, wanted: str | None) -> Mapping[str, Any]:
    types: list[Mapping[str, Any]] = knowledge()["types"]
    if wanted is not None:
        for kind in types:
            if kind["type"] == wanted:
                return kind
        known = ", ".join(k["type"] for k in types)
        raise Misconfigured(f"{wanted}: no draft can be made for this type; there are: {known}")
    there = {g["is"] for g in guesses}

    def fits(kind: Mapping[str, Any]) -> bool:
        needs, unless = set(kind["needs"]), set(kind.get("unless", ()))
        return (not needs or bool(needs & there)) and not unless & there

    candidates = [k for k in types if fits(k)]
    return max(candidates, key=lambda k: len(there & set(k["by"])))


def _flags(looked: Mapping[str, Profile]) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    """Find the columns that tell the facts policy decides by: all of their values must be known."""
    for flag in knowledge()["flags"]:
        for column, profile in looked.items():
            codes = profile.codes()
            words = {c: flag["words"].get(c.upper()) for c in codes}
            if codes and re.search(flag["names"], profile.words) and None not in words.values():
                yield flag["fact"], (column, words)
                break


def _place(made: _Draft, profile: Profile, guess: Mapping[str, Any], there: set[str]) -> None:
    """Make a field of a guess, if the record has its object and its values don't speak against."""
    path = _path(made, guess)
    if path is None or not profile.filled:
        return
    needed = guess.get("beside")
    if needed is not None and needed not in there:
        return
    one = _Field(path, {"column": profile.column})
    if guess.get("by_values"):
        one.doubts.append("guessed by its values alone")
    look = knowledge()["looks"].get(guess.get("looks"))
    if look is not None and profile.share(look["pattern"]) < _FITS:
        one.doubts.append("its values do not look like it")
    if not _KINDS[guess["kind"]](made, one, profile, guess):
        return
    for key in ("remove", "past"):
        if key in guess:
            one.keys[key] = guess[key]
    if profile.blanks:
        one.keys["blank"] = sorted({*profile.blanks, *one.keys.get("blank", ())})
    _add(made, one, profile, guess)


def _add(made: _Draft, one: _Field, profile: Profile, guess: Mapping[str, Any]) -> None:
    if one.to in {f.to for f in made.fields}:
        one.doubts.append("another column goes there, too")
    made.fields.append(one)
    made.taken.add(profile.column)
    alias = one.to.partition("/")[0]
    for to, value in guess.get("beside_value", {}).items():
        made.fields.append(_Field(f"{alias}/{to}", {"value": value}))


def _path(made: _Draft, guess: Mapping[str, Any]) -> str | None:
    """Give where a guess goes in this type of record, or None."""
    if "path" not in guess:
        return None
    objects: Mapping[str, str] = made.kind["objects"]
    wanted = guess["object"] if isinstance(guess["object"], list) else [guess["object"]]
    for alias in wanted:
        if alias in objects:
            return f"{alias}/{guess['path']}"
    for alias, path in guess.get("otherwise", {}).items():
        if alias in objects:
            return f"{alias}/{path}"
    return None


def _text(_made: _Draft, _one: _Field, _profile: Profile, _guess: Mapping[str, Any]) -> bool:
    return True


def _date(made: _Draft, one: _Field, profile: Profile, _guess: Mapping[str, Any]) -> bool:
    formats, blank = profile.dates()
    if not formats:
        return False
    same = [f for f in formats if len(f) == len(formats[0])]
    one.keys["date"] = formats[0]
    if len({_day_first(f) for f in same}) < len(same):
        one.doubts.append("day and month may stand the other way round")
    if "YYYY" not in formats[0]:
        made.years = True
        one.doubts.append("which century? see years_from")
    if blank:
        one.keys["blank"] = blank
    return True


def _day_first(form: str) -> str:
    """Give a format with the day before the month: 03/04 may be read either way."""
    return re.sub(r"(M{1,2})([/-]?)(D{1,2})(?!D)", r"\3\2\1", form)


def _name(_made: _Draft, one: _Field, profile: Profile, _guess: Mapping[str, Any]) -> bool:
    for separator in (",", "/", "*", "^"):
        if profile.share(rf".+{re.escape(separator)}.*") >= _FITS:
            blank = ", " if separator == "," else separator
            one.keys["name"] = f"SURNAME{blank}GIVEN MIDDLE SUFFIX"
            return True
    one.keys["name"] = "GIVEN MIDDLE SURNAME SUFFIX"
    one.doubts.append("does the given name stand first, or the surname?")
    return True


def _codes(made: _Draft, one: _Field, profile: Profile, guess: Mapping[str, Any]) -> bool:
    codes = profile.codes()
    if guess.get("must") == "nibrs":
        words = standard_codes()[guess["table"]]
        if codes and all(c in words for c in codes):
            one.keys["codes"] = guess["table"]
        else:
            alias = one.to.partition("/")[0]
            one.to = f"{alias}/{guess['otherwise_path']}"
            one.doubts.append("a text, as these are no codes of NIBRS")
        return True
    if not codes:
        return False
    known: Mapping[str, Any] = knowledge()["words"][guess["words"]]
    target = _allowed(made, one.to)
    table: dict[str, Any] = {}
    for code in codes:
        word = known.get(code.upper(), code if target and code in target else None)
        table[code] = {"keep": True} if word is None else word
    unclear = [c for c, w in table.items() if isinstance(w, dict)]
    made.codes[guess["is"]] = table
    made.unclear[guess["is"]] = unclear
    one.keys["codes"] = guess["is"]
    if unclear:
        one.doubts.append("codes that nobody knows are kept as they are: see the table")
    return True


def _allowed(made: _Draft, to: str) -> frozenset[str] | None:
    alias, _, path = to.partition("/")
    return niem.code_list(f"{made.kind['objects'][alias]}/{path}")


def _height(_made: _Draft, one: _Field, profile: Profile, _guess: Mapping[str, Any]) -> bool:
    if profile.share(_FEET) >= _FITS:
        written = "feet_inches"
    elif profile.share(_METRIC) >= _FITS:
        written = "centimetres"
    else:
        written = "inches"
        one.doubts.append("in which unit?")
    one.keys["measure"] = {"from": written, "unit": "INH"}
    return profile.share(r"""[\d'"\s.-]+(cm|in|ft)?""") >= _FITS


def _weight(_made: _Draft, one: _Field, profile: Profile, _guess: Mapping[str, Any]) -> bool:
    metric = profile.words.endswith("kg")
    one.keys["measure"] = {"from": "kilograms" if metric else "pounds", "unit": "LBR"}
    return profile.share(r"\d{1,4}(\.\d+)?\s*(lbs?|kg|#)?") >= _FITS


_KINDS: Final = {
    "text": _text,
    "date": _date,
    "name": _name,
    "codes": _codes,
    "height": _height,
    "weight": _weight,
}


def _name_parts(made: _Draft, guesses: Mapping[str, Mapping[str, Any]]) -> None:
    """Put the columns of a name's parts together."""
    if "person" not in made.kind["objects"]:
        return
    parts: dict[str, str] = {}
    for column, guess in guesses.items():
        if "part" in guess and guess["part"] not in parts:
            parts[guess["part"]] = column
    if "surname" in parts or "given" in parts:
        made.fields.insert(0, _Field("person/nc:PersonName", {"name": parts}))
        made.taken |= set(parts.values())


# -- writing ------------------------------------------------------------------------------------


def _written(  # noqa: PLR0917 - the parts of one file, each used once
    made: _Draft,
    looked: Mapping[str, Profile],
    guesses: Mapping[str, Mapping[str, Any]],
    flags: Mapping[str, tuple[str, dict[str, Any]]],
    spec: Mapping[str, Any],
    source: str,
    table: str | None,
    notes: Sequence[str],
) -> Iterator[str]:
    key = _key(made, looked, guesses)
    made.taken |= {column for column, _ in flags.values()} | ({key[0]} if key else set())
    yield "# A first draft, guessed from names and values. Nothing leaves until `handling` says so."
    yield f"# Go through every {CHECK[2:]}, then: sallyport mapping check FILE --rows"
    yield from (f"# {note}" for note in notes)
    yield "mapping: 1"
    yield f"source: {_flow(source)}"
    yield f"format: {_flow(dict(spec))}"
    if made.years:
        yield f"years_from: 1930  {CHECK}: years of two digits begin here"
    if made.codes:
        yield ""
        yield "codes:"
        for name, words in made.codes.items():
            unclear = made.unclear[name]
            mark = f"  {CHECK}: what do these mean: {', '.join(unclear)}?" if unclear else ""
            yield f"  {name}: {_flow(words)}{_plain(mark)}"
    yield ""
    yield "records:"
    yield f"  - type: {made.kind['type']}  {CHECK}: is it?"
    if table is not None:
        yield f"    table: {_flow(table)}"
    yield from _id_lines(key, looked)
    yield from _handling(flags)
    yield f'    contact: {{unit: Records, phone: "000"}}  {CHECK}: whom to ask'
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
            yield f"      {alias}: {_flow(name)}"
    yield "    fields:"
    for one in made.fields:
        mark = f"  {CHECK}: {'; '.join(one.doubts)}" if one.doubts else ""
        yield f"      - {_flow({'to': one.to, **one.keys})}{mark}"
    for to, alias in links.items():
        yield f"      - {_flow({'to': to, 'link': alias})}"
    yield from _left(made, looked)


def _only_links(made: _Draft, to: str, used: set[str]) -> bool:
    """Whether an object is nothing but references, to objects that are all there."""
    own = to.partition("/")[0]
    of_it = [a for t, a in made.kind["links"].items() if t.partition("/")[0] == own]
    return len(of_it) >= _AMBIGUOUS and set(of_it) <= used


def _key(
    made: _Draft, looked: Mapping[str, Profile], guesses: Mapping[str, Mapping[str, Any]]
) -> tuple[str, bool] | None:
    """Give the column to name records by, and whether it is sure; None if there is none."""
    of_type = [c for c, g in guesses.items() if g.get("key") and g["is"] in made.kind["by"]]
    others = [c for c, g in guesses.items() if g.get("key") and c not in of_type]
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
    template = "{" + column + "}"
    yield f"    id: {_flow(template)}" + ("" if sure else f"  {CHECK}: {doubt}")


def _handling(flags: Mapping[str, tuple[str, dict[str, Any]]]) -> Iterator[str]:
    yield "    handling:"
    for fact, strict in knowledge()["handling"].items():
        if fact in flags:
            column, words = flags[fact]
            found = _flow({"column": column, "codes": words})
            yield f"      {fact}: {found}  {CHECK}: are these its meanings?"
        else:
            yield f"      {fact}: {_flow(strict)}  {CHECK}: the strictest, until you say otherwise"


def _left(made: _Draft, looked: Mapping[str, Profile]) -> Iterator[str]:
    left = [p for c, p in looked.items() if c not in made.taken]
    if left:
        yield ""
        yield f"{CHECK}: not mapped. Map them, or name them under `ignore` at the top."
    for profile in left:
        formats, _ = profile.dates() if profile.filled else ([], [])
        kind = f"dates, {formats[0]}" if formats else f"{len(profile.values)} different values"
        about = f"{profile.filled} of {profile.rows} rows filled, {kind}"
        yield _plain(f"#   {profile.column}: {about if profile.filled else 'always blank'}")


def _flow(value: Any) -> str:
    """Write a value in one line as this project reads YAML: what looks like another is quoted."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(str(k))}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
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
