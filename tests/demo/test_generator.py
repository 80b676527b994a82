"""The generator gives the same files everywhere, true to their layouts, of invented people only."""

import csv
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from demo import border, california, cast, new_mexico, texas
from demo.border import FIELDS, WIDTH
from demo.california import soundex
from demo.chance import Chance
from demo.files import Truth
from demo.mess import misdate, misspell, sight
from demo.people import AGENCIES, TRUTH, Manifest, generate
from demo.person import make

ROOT = Path(__file__).resolve().parents[2]
LAYOUTS = (ROOT / "demo" / "LAYOUTS.md").read_text(encoding="utf-8")
PEOPLE = 400

# Any change of what is generated changes these, on purpose or not.
DIGESTS: dict[str, str] = json.loads(
    (Path(__file__).parent / "digests.json").read_text(encoding="utf-8")
)

DEFAULT = "b0149548022a56c61b830735e0383aceca50bc17d6acc7d41b8342a98b6b5d29"
"""The manifest of what is generated if nothing is asked for: it holds each file's digest."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    out = tmp_path_factory.mktemp("world")
    return out, generate(out, people=PEOPLE)


def rows(world: tuple[Path, Manifest], path: str, delimiter: str = ",") -> list[dict[str, Any]]:
    encoding = "windows-1252" if path.startswith("TX") else "utf-8"
    with (world[0] / path).open(encoding=encoding, newline="") as f:
        return list(csv.DictReader(f, delimiter=delimiter))


def truth(world: tuple[Path, Manifest]) -> list[dict[str, Any]]:
    lines = (world[0] / TRUTH).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_the_files_are_these_byte_for_byte(world: tuple[Path, Manifest]) -> None:
    assert {f.path: f.sha256 for f in world[1].files} == DIGESTS


def test_so_are_those_of_the_demo_s_own_size(tmp_path: Path) -> None:
    generate(tmp_path)
    manifest = (tmp_path / "manifest.json").read_bytes()
    assert json.loads(manifest)["people"] == 4_000
    assert hashlib.sha256(manifest).hexdigest() == DEFAULT


def test_neither_hash_order_nor_locale_nor_time_zone_matter(
    world: tuple[Path, Manifest], tmp_path: Path
) -> None:
    env = os.environ | {"PYTHONHASHSEED": "417", "LC_ALL": "C", "TZ": "Asia/Kathmandu"}
    command = [sys.executable, "-m", "demo.people", str(tmp_path), "--people", str(PEOPLE)]
    subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True)
    assert (tmp_path / "manifest.json").read_bytes() == (world[0] / "manifest.json").read_bytes()
    for f in world[1].files:
        if not f.path.endswith(".db"):
            assert (tmp_path / f.path).read_bytes() == (world[0] / f.path).read_bytes()


def test_another_seed_gives_other_people(tmp_path: Path) -> None:
    manifest = generate(tmp_path, seed=7, people=50)
    assert not {f.sha256 for f in manifest.files} & set(DIGESTS.values())


def test_a_person_does_not_depend_on_how_many_others_there_are() -> None:
    assert make(1, 12, frozenset()) == make(1, 12, frozenset())
    assert sight(1, make(1, 12, frozenset()), "a") == sight(1, make(1, 12, frozenset()), "a")
    assert make(1, 12, frozenset()) != replace(make(2, 12, frozenset()))


def test_the_truth_stands_in_no_agency_folder(world: tuple[Path, Manifest]) -> None:
    out = world[0]
    assert sorted(p.name for p in out.iterdir()) == sorted([*AGENCIES, TRUTH, "manifest.json"])
    for ori in AGENCIES:
        for file in (out / ori).rglob("*"):
            if file.is_file():
                assert b"CAST-" not in file.read_bytes()
                assert not re.search(rb"\bT0000\d{3}\b", file.read_bytes())


def test_every_record_is_in_the_truth_and_the_other_way_round(
    world: tuple[Path, Manifest],
) -> None:
    known = {(t["ori"], t["record_id"]) for t in truth(world) if "record_id" in t}
    for name, key in (
        ("persons", "PERSON_NO"),
        ("arrests", "ARREST_NO"),
        ("warrants", "WARRANT_NO"),
        ("cautions", "CAUTION_NO"),
    ):
        ids = {
            r[key]
            for r in rows(world, f"TX9990000/sources/{name}.csv")
            if r[key] and not r[key].startswith("BAD")
        }
        assert ids == {
            i for ori, i in known if ori == texas.ORI and i.startswith(f"{min(ids)[0]}-")
        }
    crossings = (world[0] / border.ORI / "sources/encounters.txt").read_text("ascii").splitlines()
    ids = {x[:12].strip() for x in crossings if len(x) == WIDTH and "BAD" not in x[:12]}
    assert ids - {""} == {i for ori, i in known if ori == border.ORI and i[0] == "E"}


def test_texan_files_have_the_columns_of_the_layout(world: tuple[Path, Manifest]) -> None:
    for name in ("arrests", "warrants", "incidents", "cautions", "vehicles"):
        described = LAYOUTS.split(f"**`{name}.csv`**")[1].split("**`")[0]
        columns = list(rows(world, f"TX9990000/sources/{name}.csv")[0])
        flags = [] if name == "vehicles" else ["DISSEM", "SEAL_FLG", "JUV_FLG"]
        place = 0
        for column in columns[: len(columns) - len(flags)]:
            place = described.index(column, place)
        assert columns[len(columns) - len(flags) :] == flags
    table = LAYOUTS.split("**`persons.csv`**")[1].split("**`arrests")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")][1:]
    described_columns = [c.strip() for cell in cells for c in cell.split(",")]
    columns = list(rows(world, "TX9990000/sources/persons.csv")[0])
    assert columns == [*described_columns, "DISSEM", "SEAL_FLG", "JUV_FLG"]


def test_texan_bytes_are_windows_1252_with_crlf(world: tuple[Path, Manifest]) -> None:
    data = (world[0] / "TX9990000/sources/persons.csv").read_bytes()
    assert data.count(b"\r\n") == data.count(b"\n") > 50
    assert any(b > 127 for b in data)
    with pytest.raises(UnicodeDecodeError):
        data.decode("utf-8")


def test_crossings_are_as_wide_as_the_layout_says(world: tuple[Path, Manifest]) -> None:
    described = re.findall(r"^\| (\d+)(?:-(\d+))? \| (\d+) \|", LAYOUTS, re.MULTILINE)
    spans = [(int(a), int(w)) for a, _, w in described]
    assert spans[:-1] == list(FIELDS.values())
    assert spans[-1] == (189, 32)
    for (a, w), (b, _) in pairwise(spans):
        assert a + w == b
    lines = (world[0] / border.ORI / "sources/encounters.txt").read_bytes().split(b"\n")[:-1]
    assert [len(x) for x in lines if len(x) != WIDTH] == [97]


def test_the_database_has_the_schema_and_indexes_of_the_layout(
    world: tuple[Path, Manifest],
) -> None:
    with closing(sqlite3.connect(world[0] / california.FILE)) as db:
        block = LAYOUTS.split("```sql\n")[1].split("```")[0]
        tables = [line.split(" (", 1) for line in re.split(r"\n(?=[A-Z])", block)]
        assert len(tables) == 7
        for table, body in tables:
            real = [r[1] for r in db.execute(f"PRAGMA table_info({table})")]
            assert real
            place = 0
            for column in real:
                place = body.index(column, place)
        indexed = {
            f"{r[0]}({i[2]})"
            for r in db.execute("SELECT tbl_name, name FROM sqlite_master WHERE type = 'index'")
            for i in db.execute(f"PRAGMA index_info({r[1]})")
            if not r[1].startswith("sqlite")
        }
        sentence = next(x for x in LAYOUTS.splitlines() if x.startswith("Indexes:"))
        assert indexed == set(re.findall(r"`([A-Z_]+\([A-Z_]+\))`", sentence))
        old, new = (
            db.execute(query).fetchone()[0]
            for query in (
                "SELECT count(*) FROM NAME_MST WHERE NM_FULL IS NOT NULL",
                "SELECT count(*) FROM NAME_MST WHERE NM_LAST IS NOT NULL",
            )
        )
        assert old > 50
        assert new > 50
        paddings = db.execute("SELECT DISTINCT length(ARR_ID) FROM ARR_HDR").fetchall()
        assert paddings == [(10,)]
        assert {len(r[0]) for r in db.execute("SELECT INC_ID FROM INC_INVL")} == {8}
        codes = {(t.strip(), c.strip()) for t, c in db.execute("SELECT CD_TYP, CD FROM CD_TBL")}
        for kind, column, table in (
            ("RACE", "RACE_CD", "NAME_MST"),
            ("EYE", "EYE_CD", "NAME_MST"),
            ("ARRTYP", "ARR_TYP_CD", "ARR_HDR"),
            ("WARRTYP", "WARR_TYP_CD", "WARR"),
            ("ISTAT", "STAT_CD", "INC_HDR"),
            ("ROLE", "ROLE_CD", "INC_INVL"),
        ):
            query = f"SELECT DISTINCT {column} FROM {table}"  # noqa: S608 - names from above
            used = {(kind, r[0]) for r in db.execute(query)}
            assert used <= codes


def test_nibrs_segments_are_as_long_as_they_say(world: tuple[Path, Manifest]) -> None:
    lines = (world[0] / new_mexico.FILE).read_text("ascii").splitlines()
    lengths = set(new_mexico.LENGTHS.values())
    odd = [x for x in lines if not x[:4].isdigit() or len(x) != int(x[:4])]
    assert len(odd) == 2
    assert {len(x) for x in lines if x not in odd} == lengths
    assert {x[4] for x in lines} == set("1234567")
    assert all(x[16:25] == new_mexico.ORI for x in lines)


def test_the_manifest_counts_the_rows_that_nobody_can_translate(
    world: tuple[Path, Manifest],
) -> None:
    out, manifest = world
    for f in manifest.files:
        if f.path.endswith(".csv"):
            delimiter = "," if f.path.startswith("TX") else ";"
            assert len(rows(world, f.path, delimiter)) == f.records + f.dirty
        if f.path != TRUTH:
            assert f.dirty >= 2, f.path
    crossings = (out / border.ORI / "sources/encounters.txt").read_bytes().count(b"\n")
    listed = manifest.file(f"{border.ORI}/sources/encounters.txt")
    assert crossings == listed.records + listed.dirty


def test_people_are_clearly_invented(world: tuple[Path, Manifest]) -> None:
    for r in rows(world, "TX9990000/sources/persons.csv"):
        assert re.fullmatch(r"|9\d\d-\d\d-\d{4}", r["SSN"] or "")
        assert re.fullmatch(r"|\(915\) 555-01\d\d", r["PHONE"] or "")
        assert re.fullmatch(r"|999\d{5,6}", r["OLN"] or "")
    for path, delimiter in (("TX9990000", ","), (border.ORI, ";")):
        for r in rows(world, f"{path}/sources/vehicles.csv", delimiter):
            # I and O are in no true vehicle number; ZQ and FIC mark the plates.
            assert r["VIN"].startswith("FICTIO")
            assert re.fullmatch(r"ZQ[A-Z]\d{4}|FIC0417", r["PLATE"])


def test_the_cast_shares_its_surnames_with_nobody(world: tuple[Path, Manifest]) -> None:
    names = {m.surname for m in cast.CAST}
    others = [t for t in truth(world) if "sex" in t and not t["person"].startswith("CAST-")]
    assert len(others) == PEOPLE
    assert not names & {t["surname"] for t in others}


def test_the_cast_stands_where_the_cast_list_says(world: tuple[Path, Manifest]) -> None:
    listed = (ROOT / "demo" / "CAST.md").read_text(encoding="utf-8")
    records = [t for t in truth(world) if t["person"].startswith("CAST-") and "record_id" in t]
    assert len(records) >= 30
    for t in records:
        assert t["record_id"] in listed
    for m in cast.CAST:
        assert f"| {m.key} | {m.given} {m.surname}" in listed
        assert m.birth.isoformat() in listed
    for line in re.findall(r"^\{.*\}$", listed, re.MULTILINE):
        assert set(json.loads(line)) <= {"person", "vehicle", "incident"}


def test_one_person_is_written_down_in_many_ways() -> None:
    people = [make(3, n, frozenset()) for n in range(1, 3001)]
    seen = [(p, sight(3, p, "somewhere")) for p in people]
    share = {
        "no date": sum(s.birth is None for _, s in seen),
        "another date": sum(s.birth not in {None, p.birth} for p, s in seen),
        "day and month": sum(
            s.birth is not None
            and s.birth != p.birth
            and (s.birth.month, s.birth.day) == (p.birth.day, p.birth.month)
            for p, s in seen
        ),
        "nickname or part": sum(s.given in p.givens[1:] for p, s in seen),
        "part of a surname": sum(s.surname in p.surnames[1:] for p, s in seen),
        "exchanged": sum(s.surname in p.givens and s.given in p.surnames for p, s in seen),
        "slips": sum(s.surname not in p.surnames for p, s in seen),
        "other scripts": sum(p.native is not None for p in people),
    }
    assert min(share.values()) > 20, share
    assert share["no date"] + share["another date"] < 900, share


def test_slips_change_one_place() -> None:
    c = Chance(1, "slips")
    for _ in range(200):
        wrong = misspell(c, "BRANNOCK")
        assert abs(len(wrong) - 8) <= 1
    assert misspell(c, "LI") == "LI"
    days = [misdate(Chance(1, n), make(1, 5, frozenset()).birth) for n in range(400)]
    assert None in days
    assert len(set(days)) > 5


@pytest.mark.parametrize(
    ("name", "code"),
    [("ROBERT", "R163"), ("RUPERT", "R163"), ("TYMCZAK", "T522"), ("PFISTER", "P236"), ("", "")],
)
def test_soundex(name: str, code: str) -> None:
    assert soundex(name) == code


def test_it_refuses_a_world_too_small_and_unknown_agencies(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fewer than 50"):
        generate(tmp_path, people=49)
    with pytest.raises(ValueError, match="ZZ9990000"):
        generate(tmp_path, agencies=["ZZ9990000"])
    with pytest.raises(KeyError):
        texas.Texas(1, Truth()).tables["persons"].add(NO_SUCH_COLUMN="")
    with pytest.raises(KeyError):
        california.California(1, Truth()).add("NAME_MST", NO_SUCH_COLUMN="")


def test_only_the_agencies_asked_for_are_written_and_everybody_is_there(tmp_path: Path) -> None:
    manifest = generate(tmp_path, people=60, agencies=["TX9990000"], everywhere=True)
    assert {f.path.split("/")[0] for f in manifest.files} == {"TX9990000", TRUTH}
    assert manifest.file("TX9990000/sources/persons.csv").records >= 60
    with pytest.raises(KeyError):
        manifest.file("CA9990000/sources/legacy.db")
