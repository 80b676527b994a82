"""A joined table's row whose key nobody can read may be any record's: it opens none of them."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

import adapters
from adapters.sql_live import LiveSource
from gateway.errors import Misconfigured
from gateway.model import Name, PersonQuery, Record, SetAside
from tests import postgres

MAPPING = """\
mapping: 1
source: people
format: {{type: sql, mode: {mode}, {where}}}
search:
  person: {{table: people, key: id, surname: {{letters: surname}}}}
records:
  - type: person
    table: people
    id: "{{id}}"
    found_by: {{person: {{column: id}}}}
    join: {{master: {{table: masters, key: no, from: master, missing: blank}}}}
    handling: {{dissemination: GREEN, juvenile: false, source_kind: own, intelligence: false,
      disclosure: {disclosure}, criminal_history: false}}
    objects: {{person: "nc:Person"}}
    fields: [{{to: "person/nc:PersonName", name: {{surname: surname}}}}]
"""
TABLES = (
    "CREATE TABLE people (id varchar(9) PRIMARY KEY, surname text, master text)",
    "CREATE TABLE masters (n integer PRIMARY KEY, no {kind}, seal text)",
    "CREATE INDEX people_surname ON people (surname)",
    "CREATE INDEX masters_no ON masters (no)",
    "INSERT INTO people VALUES ('P7', 'OAKENSHAW', '7'), ('P8', 'OAKENSHAW', '8')",
    "INSERT INTO people VALUES ('P9', 'OAKENSHAW', NULL)",
    "INSERT INTO masters VALUES (1, '7', 'N')",
)
DECIDES = "{column: master.seal, codes: {Y: sealed, N: open}, blank: open}"
MIRROR = "path: legacy.db"
CHANGES = f"{MIRROR}, changes: {{people: {{key: id}}, masters: {{key: n}}}}"
WRONG = {
    "a wrong byte": b"8\xff",
    "one alone": b"\xff",
    "one behind a NUL": b"8\0\xff",
    "blank": b"  ",
    "nothing": None,
}
EVERY = {"P7", "P8", "P9"}


def told(key: bytes | None, number: int = 2) -> dict[str, str]:
    """Give what is said of a master with a key that nobody can read, of itself."""
    readable = key is None or not key.strip()
    return {f"masters {number}": "join.no_key" if readable else "row.encoding"}


def write(folder: Path, mode: str, where: str, disclosure: str = DECIDES) -> Path:
    path = folder / "people.yaml"
    path.write_text(MAPPING.format(mode=mode, where=where, disclosure=disclosure))
    return path


def legacy(folder: Path, *keys: bytes | None) -> None:
    """Write the database, with sealed masters of these keys."""
    with closing(sqlite3.connect(folder / "legacy.db")) as db:
        for statement in TABLES:
            db.execute(statement.format(kind="text"))
        for key in keys:
            db.execute("INSERT INTO masters VALUES (NULL, CAST(? AS TEXT), 'Y')", (key,))
        db.commit()


def opened(path: Path) -> Mapping[str, str]:
    """Import, and give what became of each row: `open`, or why it was set aside."""
    made = adapters.refresh(path, path.parent / "mirrors")
    source = adapters.load(path) if made is None else adapters.load_replica(path, made)
    found = {}
    for one in source.rows():
        if isinstance(one, Record):
            found[one.record_id] = str(one.handling.as_dict()["disclosure"])
        else:
            assert isinstance(one, SetAside)
            assert one.fields is not None
            found[one.fields.get("id") or f"{one.place}"] = one.code
    tally = source.tally
    assert tally.read == tally.translated + tally.aside == len(found)
    return found


def searched(path: Path) -> set[str]:
    source = adapters.live(path)
    assert isinstance(source, LiveSource)
    query = PersonQuery(names=(Name(surname="OAKENSHAW"),))
    with closing(source):
        return {r.record_id for r in source.candidates(query, frozenset({"person"}), 20)}


@pytest.mark.parametrize("key", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("where", [MIRROR, CHANGES], ids=["whole", "replica"])
def test_a_master_whose_key_nobody_can_read_opens_nothing(
    tmp_path: Path, key: bytes | None, where: str
) -> None:
    legacy(tmp_path, key)
    found = opened(write(tmp_path, "mirror", where))
    assert found == {"P7": "open", "P8": "join.damaged", "P9": "open"} | told(key)
    assert searched(write(tmp_path, "live", MIRROR)) == {"P7", "P9"}


def test_part_of_a_key_is_enough(tmp_path: Path) -> None:
    legacy(tmp_path)
    path = write(tmp_path, "mirror", MIRROR)
    text = path.read_text().replace(
        "key: no, from: master", "key: [no, n], from: [master, surname]"
    )
    path.write_text(text)
    assert opened(path) == dict.fromkeys(EVERY, "open")
    with closing(sqlite3.connect(tmp_path / "legacy.db")) as db:
        db.execute("INSERT INTO masters VALUES (NULL, CAST(? AS TEXT), 'Y')", (b"8\xff",))
        db.commit()
    of_people = {"P7": "join.damaged", "P8": "join.damaged", "P9": "open"}
    assert opened(path) == of_people | told(b"8\xff")


def test_an_id_of_several_columns_is_refused_with_what_to_do(tmp_path: Path) -> None:
    legacy(tmp_path)
    path = write(tmp_path, "mirror", MIRROR)
    path.write_text(path.read_text().replace('"{id}"', '"{id}-{master}"'))
    with pytest.raises(Misconfigured, match=r"people\.yaml:9: .* a view as its `table`"):
        adapters.load(path)


def test_why_is_said(tmp_path: Path) -> None:
    legacy(tmp_path, b"8\xff", None, "ß".encode(), b"A 1")
    path = write(tmp_path, "mirror", MIRROR)
    aside = {r.place: r for r in adapters.load(path).rows() if isinstance(r, SetAside)}
    assert aside.keys() == {"people P8", "masters 2", "masters 3"}
    assert "2 rows of masters, whose no is blank or no text" in aside["people P8"].text
    assert aside["masters 2"].text.startswith("masters, joined as master: it holds bytes")
    blank = aside["masters 3"]
    assert blank.text.startswith("masters, joined as master: the row has no key")
    assert (blank.column, blank.value) == ("master.no", "")
    assert blank.fields == {"master.n": "3", "master.no": "", "master.seal": "Y"}


def test_a_row_that_has_a_key_and_is_damaged_is_told_too(tmp_path: Path) -> None:
    legacy(tmp_path, b"8")
    with closing(sqlite3.connect(tmp_path / "legacy.db")) as db:
        db.execute("UPDATE masters SET seal = CAST(? AS TEXT) WHERE n = 2", (b"\xff",))
        db.execute("ALTER TABLE masters ADD note")
        db.execute("UPDATE masters SET note = CAST(? AS TEXT) WHERE n = 1", (b"\xff",))
        db.commit()
    for where in (MIRROR, CHANGES):
        found = opened(write(tmp_path, "mirror", where))
        assert found == {"P7": "open", "P8": "join.damaged", "P9": "open"} | told(b"8\xff")


def test_a_table_that_is_joined_twice_tells_its_rows_once(tmp_path: Path) -> None:
    legacy(tmp_path, None, b"\xff")
    path = write(tmp_path, "mirror", MIRROR)
    again = ", again: {table: masters, key: no, from: id}}\n"
    path.write_text(path.read_text().replace("}}\n    handling", "}" + again + "    handling"))
    assert set(opened(path)) - EVERY == {"masters 2", "masters 3"}
    other = path.read_text().split("records:\n")[1].replace("type: person", "type: incident")
    path.write_text(path.read_text() + other.replace('"{id}"', '"I{id}"'))
    rows = list(adapters.load(path).rows())
    places = [r.place for r in rows if isinstance(r, SetAside) and r.place.startswith("masters")]
    assert sorted(places) == ["masters 2", "masters 3"]


def test_whole_keys_and_joins_that_decide_nothing_cost_no_record(tmp_path: Path) -> None:
    legacy(tmp_path, "ß".encode(), b"A 1")
    assert opened(write(tmp_path, "mirror", MIRROR)) == dict.fromkeys(EVERY, "open")
    assert searched(write(tmp_path, "live", MIRROR)) == EVERY
    (tmp_path / "legacy.db").unlink()
    legacy(tmp_path, b"8\xff")
    found = opened(write(tmp_path, "mirror", MIRROR, "open"))
    assert found == dict.fromkeys(EVERY, "open") | told(b"8\xff")
    assert searched(write(tmp_path, "live", MIRROR, "open")) == EVERY


@pytest.mark.postgres
@pytest.mark.parametrize("encoding", ["UTF8", "SQL_ASCII"])
def test_a_server_is_asked_the_same(
    postgres_server: postgres.Server, tmp_path: Path, encoding: str
) -> None:
    name = postgres_server.fresh("joined_test", encoding=encoding)
    postgres.password_file(tmp_path)
    where = f'url: "{postgres_server.url(name)}", password_file: database.password'
    wrong = {"blank": b"  ", "nothing": None}
    if encoding == "SQL_ASCII":
        wrong |= {"a wrong byte": b"8\xff", "one alone": b"\xff"}
    with postgres_server.connect(name) as c:
        for statement in TABLES:
            c.execute(statement.format(kind="varchar(9)"))  # type: ignore[arg-type] # a test's own
        text = f"convert_from(%s, '{encoding}')"
        insert = f"INSERT INTO masters VALUES (%s, {text}, 'Y')"  # noqa: S608 - marks
        for number, key in enumerate((b"A 1", *wrong.values()), 2):
            c.execute("DELETE FROM masters WHERE n > 1")
            c.execute(insert, (number, key))  # type: ignore[arg-type] # as above
            found = opened(write(tmp_path, "mirror", where))
            damaged = "open" if number == 2 else "join.damaged"
            alone = {} if number == 2 else told(key, number)
            assert found == {"P7": "open", "P8": damaged, "P9": "open"} | alone, key
            rest = {"P8"} if number == 2 else set()
            assert searched(write(tmp_path, "live", where)) == {"P7", "P9"} | rest, key
