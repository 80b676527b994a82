"""A first mapping, written from what the columns are called and what stands in them.

It loads as it stands, and lets nothing out: a person has to decide who may see what. Every guess
that is not plain is marked `# CHECK`. What is guessed by stands in `draft.yaml`; no value of a row
gets into the text but codes.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from adapters.draft_live import add_search
from adapters.draft_text import SSN_WITHIN, Draft, Field, JoinDraft, columns_of, holds_ssn, written
from adapters.guessing import FITS, Guess, flags, guesses, knowledge
from adapters.nibrs import codes as standard_codes
from adapters.profile import Profile, profiles
from adapters.rows import Reader, Row
from gateway import niem
from gateway.errors import Misconfigured

SAMPLE: Final = 2_000
_LONGEST_UNKNOWN: Final = 12
_SHORT: Final = 3
"""Letters of a value that is a code and no text, if there are only a few such."""
_SHOWN: Final = 12
_SSN: Final = "nc:PersonSSNIdentification/nc:IdentificationID"
_MORE: Final = 0.5
_KILOGRAMS: Final = 110
"""Half of grown people weigh less than so many kilograms; half weigh more than so many pounds."""


def look_at(reader: Reader, name: str = "") -> dict[str, Profile]:
    """Look at the first rows of a source: its columns in their order.

    A join's have its `name` before them. Raises Misconfigured where there are no rows.
    """
    columns = sorted(reader.columns().own)
    rows = (r.values for r in reader.rows() if isinstance(r, Row))
    sample = list(islice(rows, SAMPLE))
    if not sample:
        raise Misconfigured("the source has no rows that could be read; a draft needs some")
    columns = [c for c in sample[0] if c in columns] or columns
    return profiles(columns, sample, knowledge()["blank"], name)


def draft(
    looked: Mapping[str, Profile],
    spec: Mapping[str, Any],
    source: str,
    *,
    record_type: str | None = None,
    table: str | None = None,
    notes: Sequence[str] = (),
    joins: Sequence[JoinDraft] = (),
    doubts: Mapping[str, str] | None = None,
) -> str:
    """Write a mapping for the columns of a source. `spec` is its `format`, as it shall stand.

    `doubts` say of columns what is not sure about themselves. Where nothing could be guessed, the
    draft says what a person has to fill in. Raises Misconfigured for a type that is not known.
    """
    found = guesses(looked)
    made = Draft(_type(found.values(), record_type), looked, spec, source, table, notes, joins)
    made.guesses = found
    made.doubts = doubts or {}
    made.flags = flags(looked)
    by_flag = {f.column for every in made.flags.values() for f in every}
    there = {g.what for g in found.values()}
    for column, one in found.items():
        if column not in by_flag:
            _place(made, looked[column], one, there)
    _name_parts(made)
    for joined in joins:
        _of_join(made, joined, there)
    every = {**looked, **{c: p for joined in joins for c, p in joined.looked.items()}}
    for field in made.fields:
        whys = [made.doubts.get(c) for c in columns_of(field)]
        if not field.to.endswith(_SSN) and any(holds_ssn(every[c]) for c in columns_of(field)):
            whys.append(SSN_WITHIN)
        field.doubts += dict.fromkeys(why for why in whys if why)
    if spec.get("mode") == "live":
        add_search(made)
    return "\n".join(written(made)) + "\n"


def _type(found: Collection[Guess], wanted: str | None) -> Mapping[str, Any]:
    types: list[Mapping[str, Any]] = knowledge()["types"]
    if wanted is not None:
        for kind in types:
            if kind["type"] == wanted:
                return kind
        known = ", ".join(k["type"] for k in types)
        raise Misconfigured(f"{wanted}: no draft can be made for this type; there are: {known}")
    there = {g.what for g in found}

    def fits(kind: Mapping[str, Any]) -> bool:
        needs, unless = set(kind["needs"]), set(kind.get("unless", ()))
        return (not needs or bool(needs & there)) and not unless & there

    candidates = [k for k in types if fits(k)]
    # Nearly every file has people in it: that alone says little.
    return max(candidates, key=lambda k: len(there & set(k["by"])) / (1 if k["needs"] else 2))


def _of_join(made: Draft, joined: JoinDraft, there: Collection[str]) -> None:
    """Add what joined rows have and the record's own do not."""
    found = guesses(joined.looked)
    more = {g.what for g in found.values()}
    before = {f.to for f in made.fields}
    has_name = "person/nc:PersonName" in before
    for column, one in found.items():
        path = None if one.entry.get("key") else _path(made, one.entry)
        if path is None or column in joined.keys:
            continue
        alias = path.partition("/")[0]
        if joined.many:
            # One object for each joined row, where the record's own columns make none of it.
            if one.entry.get("kind") == "name" and alias == "person" and "[alias]" in path:
                _place(made, joined.looked[column], one, more, **{"for": joined.name})
            elif alias != "person" and not any(b.startswith(f"{alias}/") for b in before):
                made.each[alias] = joined.name
                _place(made, joined.looked[column], one, more)
        elif path not in before and not (has_name and path.endswith("nc:PersonName")):
            _place(made, joined.looked[column], one, {*there, *more})
    if not joined.many and not has_name:
        _name_parts(made, joined.looked, found)


def _place(made: Draft, profile: Profile, one: Guess, there: Collection[str], **more: Any) -> None:
    """Make a field of a guess, if the record has its object and its values don't speak against."""
    guess = one.entry
    path = _path(made, guess)
    if path is None or not profile.filled:
        return
    needed = guess.get("beside")
    if needed is not None and needed not in there:
        return
    field = Field(path, {**more, "column": profile.column}, list(one.doubts))
    if not _KINDS[guess["kind"]](made, field, profile, guess):
        return
    for key in ("remove", "past"):
        # A birth date is never in the future, and the language says so itself.
        if key in guess and not (key == "past" and path.endswith("nc:PersonBirthDate")):
            field.keys[key] = guess[key]
    if profile.blanks:
        field.keys["blank"] = sorted({*profile.blanks, *field.keys.get("blank", ())})
    _add(made, field, profile, guess)


def _add(made: Draft, field: Field, profile: Profile, guess: Mapping[str, Any]) -> None:
    if field.to in {f.to for f in made.fields}:
        field.doubts.append("another column goes there, too")
    made.fields.append(field)
    made.taken.add(profile.column)
    alias = field.to.partition("/")[0]
    for to, value in guess.get("beside_value", {}).items():
        made.fields.append(Field(f"{alias}/{to}", {"value": value}))


def _path(made: Draft, guess: Mapping[str, Any]) -> str | None:
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


def _text(_made: Draft, one: Field, profile: Profile, guess: Mapping[str, Any]) -> bool:
    """Take the values as they are. A few short ones are codes, and mean something to their owner.

    Where it is known what the values look like, they say so themselves.
    """
    codes = sorted(profile.codes())
    if "looks" not in guess and codes and all(len(c) <= _SHORT for c in codes):
        shown = f"{', '.join(codes[:_SHOWN])}{' …' if len(codes) > _SHOWN else ''}"
        one.doubts.append(f"what do these mean: {shown}? A text says it, or `codes`")
    return True


def _date(made: Draft, one: Field, profile: Profile, _guess: Mapping[str, Any]) -> bool:
    formats, blank = profile.dates()
    if not formats:
        return False
    same = [f for f in formats if len(f) == len(formats[0])]
    one.keys["date"] = formats[0]
    if unread := profile.unread(formats[0]):
        one.doubts.append(f"{unread} of its values are no such date")
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
    return re.sub(r"(M{1,2})([/.-]?)(D{1,2})(?!D)", r"\3\2\1", form)


def _name(_made: Draft, one: Field, profile: Profile, _guess: Mapping[str, Any]) -> bool:
    for separator in (",", "/", "*", "^"):
        share = profile.share(re.compile(rf".+{re.escape(separator)}.*", re.DOTALL).fullmatch)
        if share >= _MORE:
            blank = ", " if separator == "," else separator
            one.keys["name"] = f"SURNAME{blank}GIVEN MIDDLE SUFFIX"
            if share < FITS:
                one.doubts.append(f"some of its values have no {separator}")
            return True
    one.keys["name"] = "GIVEN MIDDLE SURNAME SUFFIX"
    one.doubts.append("does the given name stand first, or the surname?")
    return True


def _codes(made: Draft, one: Field, profile: Profile, guess: Mapping[str, Any]) -> bool:
    codes = profile.codes()
    if guess.get("must") == "nibrs":
        words = standard_codes()[guess["table"]]
        if codes and all(c in words for c in codes):
            one.keys["codes"] = guess["table"]
        else:
            alias = one.to.partition("/")[0]
            texts = {guess["object"]: guess["otherwise_path"], **guess.get("text_otherwise", {})}
            if alias not in texts:
                return False
            one.to = f"{alias}/{texts[alias]}"
            one.doubts.append("a text, as these are no codes of NIBRS")
        return True
    if not codes:
        return False
    known = _words(guess["words"], codes, one)
    target = _allowed(made, one.to)
    table: dict[str, Any] = {}
    for code in codes:
        word = known.get(code.upper(), code if target and code in target else None)
        table[code] = {"keep": True} if word is None else word
    unclear = [c for c, w in table.items() if isinstance(w, dict)]
    if any(len(c) > _LONGEST_UNKNOWN for c in unclear):
        return False  # no codes but words of somebody's, which are no part of a mapping
    if guess.get("known") and len(unclear) == len(table):
        return False  # not one of its codes is known: another column, or codes for a person to say
    made.codes[guess["is"]] = table
    made.unclear[guess["is"]] = unclear
    one.keys["codes"] = guess["is"]
    if unclear:
        one.doubts.append("codes that nobody knows are kept as they are: see the table")
    return True


def _words(name: str, codes: Collection[str], one: Field) -> Mapping[str, Any]:
    """Give the words of codes. M is male beside F, and a woman (mujer) beside H."""
    words: Mapping[str, Any] = knowledge()["words"][name]
    there = {code.upper() for code in codes}
    if name == "sex" and "M" in there and not there & {"F", "MALE"}:
        spanish: Mapping[str, Any] = knowledge()["words"]["hombre_mujer"]
        if "H" in there and there <= spanish.keys():
            one.doubts.append("H and M read as hombre and mujer")
            return spanish
        one.doubts.append("M without F: male, or mujer?")
    return words


def _allowed(made: Draft, to: str) -> frozenset[str] | None:
    alias, _, path = to.partition("/")
    return niem.code_list(f"{made.kind['objects'][alias]}/{path}")


def _height(_made: Draft, one: Field, profile: Profile, _guess: Mapping[str, Any]) -> bool:
    profile = _measured(one, profile)
    for look, unit in (
        ("feet", "feet_inches"),
        ("centimetres", "centimetres"),
        ("metres", "metres"),
    ):
        if profile.looks_like(look) >= FITS:
            written_as = unit
            break
    else:
        written_as = "inches"
        if profile.looks_like("inches") < FITS:
            one.doubts.append("in which unit?")
    one.keys["measure"] = {"from": written_as, "unit": "INH"}
    return profile.share(re.compile(r"""[\d'"\s.-]+(cm|in|ft|m)?""").fullmatch) >= FITS


def _measured(one: Field, profile: Profile) -> Profile:
    """Leave out noughts: nobody weighs nothing."""
    noughts = sorted(v for v in profile.values if not v.strip("0."))
    if noughts:
        one.keys["blank"] = noughts
    return profile.without(noughts)


def _weight(_made: Draft, one: Field, profile: Profile, _guess: Mapping[str, Any]) -> bool:
    profile = _measured(one, profile)
    metric = re.search(r"kgs?\b|kilo", profile.title.lower().replace("_", " ")) is not None
    if metric != (profile.middle() <= _KILOGRAMS):
        one.doubts.append("pounds or kilograms?")
    one.keys["measure"] = {"from": "kilograms" if metric else "pounds", "unit": "LBR"}
    return profile.looks_like("weight") >= FITS


_KINDS: Final = {
    "text": _text,
    "date": _date,
    "name": _name,
    "codes": _codes,
    "height": _height,
    "weight": _weight,
}


def _name_parts(
    made: Draft,
    looked: Mapping[str, Profile] | None = None,
    found: Mapping[str, Guess] | None = None,
) -> None:
    """Put the columns of a name's parts together."""
    looked, found = looked or made.looked, made.guesses if found is None else found
    if "person" not in made.kind["objects"]:
        return
    parts: dict[str, str] = {}
    doubts: list[str] = []
    for column, one in found.items():
        part = one.entry.get("part")
        if part is not None and part not in parts and looked[column].filled:
            parts[part] = column
            doubts += one.doubts
    if "surname" in parts or "given" in parts:
        if "surname" not in parts:
            doubts.append("where is the surname?")
        for whole in made.fields:
            if whole.to == "person/nc:PersonName" and "surname" in parts:
                whole.keys["when"] = {"column": parts["surname"], "blank": True}
        made.fields.insert(0, Field("person/nc:PersonName", {"name": parts}, doubts))
        made.taken |= set(parts.values())
