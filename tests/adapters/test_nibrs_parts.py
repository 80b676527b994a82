"""Segments of NIBRS that say the same are read and made into objects once; no record shares one."""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import BaseModel

import adapters
from adapters import MappedSource, nibrs
from adapters.joins import joined
from adapters.nibrs import NibrsReader
from adapters.rows import Part, Row
from bench import linked_nibrs, plain_nibrs
from demo.new_mexico import NewMexico
from gateway.model import Record, SetAside
from tests.conftest import ROOT
from tests.soak import count

MAPPING = (ROOT / "demo/agencies/NM9990000/mappings/nibrs.yaml").read_text(encoding="utf-8")
FILES = count(150, 5_000)
OFFENSE = "00712I112026    NM9990000NM260000100023HCN  03               88        "
OFFENDER = "00465I112026    NM9990000NM26000010000134  MWN"


def incident(number: int, cargo: str = " ", *segments: str) -> list[str]:
    """Write one incident: its first segment, and others under its number."""
    name = f"NM9990000NM{number:010d}"
    first = f"00881I112026    {name}20251225 11N".ljust(87) + cargo
    return [first, *(s[:16] + name + s[37:] for s in segments)]


def source(folder: Path, lines: list[str], mapping: str = MAPPING) -> MappedSource:
    (folder / "data").write_text("\n".join(lines) + "\n", encoding="ascii")
    path = folder / "m.yaml"
    path.write_text(mapping.replace("../sources/nibrs.txt", "data"), encoding="utf-8")
    return adapters.load(path)


def told(source: MappedSource) -> list[str]:
    return [
        json.dumps(one.message) if isinstance(one, Record) else repr(one) for one in source.rows()
    ]


def messages(source: MappedSource) -> list[dict[str, Any]]:
    return [one.message for one in source.rows() if isinstance(one, Record)]


def test_what_stands_again_becomes_what_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bureau = NewMexico(seed=6)
    for number in range(count(250, 5_000)):
        bureau.incident(number)
    chance = Random(6)
    lines = bureau.lines.copy()
    for _ in range(len(lines) // 20):
        at, place = chance.randrange(len(lines)), chance.randrange(37, 60)
        lines[at] = lines[at][:place] + chance.choice("0Z9X ") + lines[at][place + 1 :]
    made = source(tmp_path, lines)
    shared = sum(
        isinstance(part, Part)
        for row in NibrsReader(tmp_path / "data", {}).rows()
        if isinstance(row, Row)
        for parts in row.groups.values()
        for part in parts
    )
    assert shared > len(lines) / 10, "or this shows nothing"
    with monkeypatch.context() as patch:
        patch.setattr(nibrs, "_MOST_KNOWN", 0)
        wanted = told(made)
        kept = made.kept_raw()
    assert told(made) == wanted
    assert made.kept_raw() == kept
    assert sum(kept.values()) > 10, "or nothing kept raw stands in a segment that stands again"


def test_no_record_shares_with_another(tmp_path: Path) -> None:
    lines = [x for n in range(6) for x in incident(n, " ", OFFENSE, OFFENDER)]

    def spoil(value: Any) -> None:
        for inner in list(value.values()) if isinstance(value, dict) else value:
            if isinstance(inner, dict | list):
                spoil(inner)
        value.clear()

    found = source(tmp_path, lines).rows()
    first = json.dumps(next(found).message["j:Offense"])  # type: ignore[union-attr]
    for one in found:
        assert isinstance(one, Record)
        assert json.dumps(one.message["j:Offense"]) == first
        assert one.message["j:Subject"]["nc:EntityPerson"]["j:PersonSexCode"] == "M"
        spoil(one.message)


def test_the_rows_own_columns_tell_equal_segments_apart(tmp_path: Path) -> None:
    cargo = ["Y", "N", " ", "Y", " ", "N", "Q"]
    lines = [x for n, one in enumerate(cargo) for x in incident(n, one, OFFENSE)]
    found = [m["j:Offense"] for m in messages(source(tmp_path, lines))]
    said = [one.get("j:OffenseCargoTheftIndicator") for one in found]
    assert said == [True, False, None, True, None, False, None]
    assert found[-1]["sp:OffenseCargoTheftIndicatorRaw"] == "Q"


def test_a_fault_in_a_segment_is_told_of_each_row_that_has_it(tmp_path: Path) -> None:
    wrong = OFFENSE[:37] + "ZZZ" + OFFENSE[40:]
    lines = [x for n in range(4) for x in incident(n, " ", wrong)]
    found = list(source(tmp_path, lines).rows())
    assert [(one.line, one.code, one.value) for one in found if isinstance(one, SetAside)] == [
        (line, "code.unknown", "ZZZ") for line in (1, 3, 5, 7)
    ]


def test_what_is_joined_to_a_segment_changes_no_other(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("ORI,KIND,TEXT\nNM9990000,M,HE\n", encoding="ascii")
    join = (
        "    join: {words: {format: {type: csv, path: words, encoding: utf-8},"
        " key: KIND, from: offender.SEX}}\n    objects:\n"
    )
    to = "offender/nc:EntityPerson/nc:PersonName/nc:PersonFullName"
    field = f'      - {{to: "{to}", column: words.TEXT}}\n'
    text = MAPPING.replace("    objects:\n", join, 1).replace(
        "    fields:\n", "    fields:\n" + field, 1
    )
    woman = OFFENDER.replace("MWN", "FWN")
    lines = [x for n in range(8) for x in incident(n, " ", OFFENSE, (OFFENDER, woman)[n % 2])]
    made = source(tmp_path, lines, text)
    rows = list(made._parts[0].reader.rows())
    parts = [p for row in rows if isinstance(row, Row) for p in row.groups["offender"]]
    parts = [part for part in parts if isinstance(part, Part)]
    assert len(parts) == 6
    before = [dict(part) for part in parts]
    list(joined(rows, made._parts[0].joins))
    assert parts == before
    found = messages(made)
    names = [m["j:Subject"]["nc:EntityPerson"].get("nc:PersonName") for m in found]
    assert names == [{"nc:PersonFullName": "HE"}, None] * 4


def damaged(chance: Random, lines: list[str]) -> bytes:
    """Write lines in one of the ways in which files are, and damage them: deletions, above all."""
    data = bytearray(chance.choice(("\n", "\r\n", "", "\n\n", "\r")).join(lines).encode())
    for _ in range(chance.choice((0, 1, 5, 40))):
        at = chance.randrange(len(data))
        data[at : at + chance.randrange(3)] = chance.choice(
            (b"D", b"0", b"\n", b" ", b"\r", b"\xb2")
        )
    for _ in range(chance.choice((0, 0, 1, 3))):
        at = data.find(b"NM9990000", chance.randrange(len(data)))
        if at > 11:
            data[at - 11 : at - 10] = b"D"
    return bytes(data)


def test_a_deletion_is_missed_in_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Files are first looked through for what may delete, and read for it only where it may be."""
    bureau = NewMexico(seed=7)
    for number in range(30):
        bureau.incident(number)
    chance, path = Random(7), tmp_path / "data"
    with_some = without = 0
    for _ in range(FILES):
        start = chance.randrange(len(bureau.lines) - 40)
        path.write_bytes(damaged(chance, bureau.lines[start : start + 40]))
        reader = NibrsReader(path, {})
        found = reader._deletions()
        monkeypatch.setattr(nibrs, "_BLOCK", chance.choice((64, 1_000, 2**16)))
        assert reader._deletions() == found
        looked = nibrs._may_delete(path)
        with monkeypatch.context() as patch:
            patch.setattr(nibrs, "_may_delete", lambda _: True)
            assert reader._deletions() == found
        with_some += bool(found)
        without += not looked
    assert with_some > FILES / 5
    assert without > FILES / 5


def test_the_yardstick_reads_what_the_mapping_takes() -> None:
    """The bench's plain reader has the mapping's columns, or its ratio would say nothing."""
    layout = nibrs.layout()
    taken = set(re.findall(r"\b(\w+\.)?([A-Z][A-Z_0-9]+)\b(?=[,}\]\"])", MAPPING))
    names = {f"{part}{name}" for part, name in taken}
    for level, columns in plain_nibrs.columns().items():
        segment = layout.segments[level]
        parts = segment.repeats or ({segment.part: segment} if segment.part else {"": segment})
        for part, one in parts.items():
            own = {*segment.columns, *one.columns, *(() if part else layout.header)}
            prefix = f"{part}." if part else ""
            model = plain_nibrs.MODELS[part].model_fields if part else columns
            wanted = {name for name in own if f"{prefix}{name}" in names}
            assert wanted - {*model} == set(), f"segment {level}, {part}"


def test_the_linked_yardstick_makes_as_many_objects(tmp_path: Path) -> None:
    """Each of its records holds as many models as ours holds objects, references among them."""
    bureau = NewMexico(seed=8)
    for number in range(count(300, 5_000)):
        bureau.incident(number)

    def ours(value: Any) -> int:
        if isinstance(value, dict):
            return 1 + sum(map(ours, value.values()))
        return sum(map(ours, value)) if isinstance(value, list) else 0

    def theirs(value: Any) -> int:
        if isinstance(value, BaseModel):
            return 1 + sum(theirs(getattr(value, name)) for name in type(value).model_fields)
        return sum(map(theirs, value)) if isinstance(value, list) else 0

    found = messages(source(tmp_path, bureau.lines))
    wanted = [sum(ours(v) for k, v in one.items() if k != "@context") for one in found]
    assert [theirs(record) - 1 for record in linked_nibrs.read(tmp_path / "data")] == wanted
    assert sum(wanted) > 3 * len(bureau.lines)
