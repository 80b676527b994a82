"""A PostgreSQL database as a source: reached safely, read only, in time, with errors for people."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import adapters
from adapters.mapping import MappingFile
from adapters.sql_live import LiveSource
from adapters.tables import Database
from gateway.errors import Misconfigured, RecordsUnavailable
from gateway.model import Name, PersonQuery, Record
from tests import postgres

pytestmark = pytest.mark.postgres

PEOPLE = """
CREATE TABLE people (id char(8) PRIMARY KEY, surname varchar(40), given text, born date,
  seal integer, weight numeric(6,2), active boolean, seen timestamptz, plate bytea);
CREATE INDEX people_surname ON people (surname);
CREATE INDEX people_born ON people (born);
INSERT INTO people VALUES
  ('P1', 'QUILLFEATHER', 'TAMSIN', '1980-02-29', 0, 61.50, true, '2026-01-02 03:04:05+02', NULL),
  ('P2', 'OAKENSHAW', 'BRAM', NULL, 0, NULL, NULL, 'infinity', NULL),
  ('P3', 'OAKENSHAW', 'ODILE', '1991-07-01', 1, 0, false, NULL, NULL);
"""
MAPPING = """
mapping: 1
source: people
format: {{type: sql, mode: {mode}, url: "{url}", password_file: database.password{more}}}
search:
  person:
    table: people
    key: id
    surname: {{letters: surname}}
    birth_date: {{column: born, format: YYYY-MM-DD}}
records:
  - type: person
    table: people
    id: "{{id}}"
    found_by: {{person: {{column: id}}}}
    handling: {{dissemination: GREEN, disclosure: {{column: seal, codes: {{0: open, 1: sealed}}}},
      juvenile: false, source_kind: own, intelligence: false, criminal_history: false}}
    contact: {{unit: Records, phone: (303) 555-0100}}
    objects: {{person: "nc:Person"}}
    fields:
      - {{to: "person/nc:PersonName", name: {{surname: surname, given: given}}}}
      - {{to: "person/nc:PersonBirthDate", column: born, date: YYYY-MM-DD}}
"""


@pytest.fixture(scope="module")
def people(postgres_server: postgres.Server) -> str:
    name = postgres_server.fresh("people_test")
    with postgres_server.connect(name) as c:
        c.execute(PEOPLE)
    return name


@pytest.fixture
def owner(postgres_server: postgres.Server, people: str) -> Iterator[psycopg.Connection]:
    with postgres_server.connect(people) as c:
        yield c


def write(folder: Path, url: str, mode: str = "live", more: str = "") -> Path:
    postgres.password_file(folder)
    path = folder / "people.yaml"
    path.write_text(MAPPING.format(mode=mode, url=url, more=more), encoding="utf-8")
    return path


def named(surname: str) -> PersonQuery:
    return PersonQuery(names=(Name(surname=surname),))


def ids(source: LiveSource, query: PersonQuery) -> list[str]:
    return sorted(r.record_id for r in source.candidates(query, frozenset({"person"}), 50))


def test_live_search_finds_and_forgets(
    postgres_server: postgres.Server, people: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    source = adapters.live(write(tmp_path, postgres_server.url(people)))
    assert isinstance(source, LiveSource)
    assert ids(source, named("Oakenshaw")) == ["P2", "P3"]
    assert source.get("P1") is not None
    owner.execute(
        "INSERT INTO people (id, surname, given, seal) VALUES ('P9', 'OAKENSHAW', 'BRAM', 0)"
    )
    assert ids(source, named("Oakenshaw")) == ["P2", "P3", "P9"]
    owner.execute("DELETE FROM people WHERE id = 'P9'")
    assert ids(source, named("Oakenshaw")) == ["P2", "P3"]
    source.close()


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1"])
def test_keys_that_read_as_one_id_are_compared_and_found_by_the_keys_index(
    postgres_server: postgres.Server, tmp_path: Path, encoding: str
) -> None:
    # The one sorts as people expect, the other by bytes.
    name = postgres_server.fresh("blanks_test", encoding=encoding)
    with postgres_server.connect(name) as c:
        made = PEOPLE.replace("id char(8)", "id varchar(200)")
        c.execute(made.replace("(surname)", "(surname varchar_pattern_ops)"))
        c.execute(
            "INSERT INTO people (id, seal) SELECT 'N' || n, 0 FROM generate_series(1,25000) n"
        )
        for twin in ("P1 ", "P1" + " " * 90, "P1\t"):
            c.execute("INSERT INTO people (id, surname, seal) VALUES (%s, 'ELSEWHERE', 1)", [twin])
            # More rows than a table may have that is read whole: its plan is looked at.
            source = adapters.live(write(tmp_path, postgres_server.url(name)))
            assert isinstance(source, LiveSource)
            assert source.get("P1") is None
            assert ids(source, named("Quillfeather")) == []
            assert ids(source, named("Oakenshaw")) == ["P2", "P3"]
            c.execute("DELETE FROM people WHERE id = %s", [twin])
            assert source.get("P1") is not None
            source.close()


def test_a_column_with_an_order_of_its_own_is_read(
    postgres_server: postgres.Server, tmp_path: Path
) -> None:
    name = postgres_server.fresh("collated_test")
    with postgres_server.connect(name) as c:
        c.execute(PEOPLE.replace("given text", 'given text COLLATE "C"'))
        c.execute("ALTER TABLE people ADD note json")
        c.execute("""UPDATE people SET note = '{"a":  1.10}' WHERE id = 'P1'""")
    database = Database.of(MappingFile(write(tmp_path, postgres_server.url(name), "mirror")))
    with database.moment(), database.connect() as connection:
        rows = list(database.find(connection, "people", "id", ["P1"]))
    # JSON itself is still given as the database writes it.
    assert [(r["note"], r["given"]) for r in rows] == [('{"a":  1.10}', "TAMSIN")]
    database.close()


def test_all_rows_are_read_as_a_mirror(
    postgres_server: postgres.Server, people: str, tmp_path: Path
) -> None:
    source = adapters.load(write(tmp_path, postgres_server.url(people), "mirror"))
    records = [r for r in source.rows() if isinstance(r, Record)]
    assert [r.record_id for r in records] == ["P1", "P2", "P3"]
    assert records[0].message["nc:Person"]["nc:PersonBirthDate"] == {"nc:Date": "1980-02-29"}
    assert source.tally.read == source.tally.translated + source.tally.aside == 3


def test_every_type_is_text_even_what_python_has_no_value_for(
    postgres_server: postgres.Server, people: str, tmp_path: Path
) -> None:
    mapping = MappingFile(write(tmp_path, postgres_server.url(people)))
    database = Database.of(mapping)
    with database.connect() as c:
        rows = {r["id"]: r for r in database.find(c, "people", "id", ["P1", "P2"])}
    assert list(rows["P1"].items()) == [
        *[("id", "P1"), ("surname", "QUILLFEATHER"), ("given", "TAMSIN"), ("born", "1980-02-29")],
        *[
            ("seal", "0"),
            ("weight", "61.50"),
            ("active", "true"),
            ("seen", "2026-01-02 01:04:05+00"),
        ],
        ("plate", ""),
    ]
    assert rows["P2"]["seen"] == "infinity"
    database.close()


def test_nothing_can_be_written(
    postgres_server: postgres.Server, people: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    owner.execute("GRANT ALL ON people TO reader")
    database = Database.of(MappingFile(write(tmp_path, postgres_server.url(people))))
    with pytest.raises(RecordsUnavailable, match="only reads"), database.connect() as c:
        c.exec_driver_sql("DELETE FROM people")
    database.close()
    owner.execute("REVOKE ALL ON people FROM reader; GRANT SELECT ON people TO reader")


def test_a_statement_that_takes_too_long_is_ended(
    postgres_server: postgres.Server, people: str, tmp_path: Path
) -> None:
    path = write(tmp_path, postgres_server.url(people), more=", timeout: 1s")
    database = Database.of(MappingFile(path))
    assert database.names() == ["people"]
    with pytest.raises(RecordsUnavailable, match="took longer"), database.connect() as c:
        c.exec_driver_sql("SELECT pg_sleep(30)")
    database.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("@/", "@127.0.0.1:1/"), "nothing listens there"),
        (("people_test", "nowhere"), "no database of that name"),
        (("reader@", "nobody@"), "refused the password|no such user"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(
    postgres_server: postgres.Server,
    people: str,
    tmp_path: Path,
    change: tuple[str, str],
    said: str,
) -> None:
    url = postgres_server.url(people).replace(*change)
    if "127.0.0.1" in url:
        url = url.partition("?")[0]
    with pytest.raises(RecordsUnavailable, match=said) as caught:
        adapters.load(write(tmp_path, url, "mirror"))
    assert postgres.PASSWORD not in caught.value.detail


def test_a_wrong_password_and_a_table_that_may_not_be_read(
    postgres_server: postgres.Server, people: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    path = write(tmp_path, postgres_server.url(people), "mirror")
    (tmp_path / "database.password").write_text("another")
    with pytest.raises(RecordsUnavailable, match="refused the password"):
        adapters.load(path)
    postgres.password_file(tmp_path)
    owner.execute("REVOKE SELECT ON people FROM reader")
    with pytest.raises(RecordsUnavailable, match="may not read a table"):
        list(adapters.load(path).rows())
    owner.execute("GRANT SELECT ON people TO reader")


def test_the_password_may_come_from_the_environment_and_the_server_by_loopback(
    postgres_server: postgres.Server, people: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEOPLE_PASSWORD", postgres.PASSWORD)
    url = f"postgresql://reader@127.0.0.1:{postgres_server.port}/{people}"
    path = write(tmp_path, url, "mirror")
    text = path.read_text().replace(
        "password_file: database.password", "password_env: PEOPLE_PASSWORD"
    )
    path.write_text(text)
    assert len(list(adapters.load(path).rows())) == 3
    monkeypatch.delenv("PEOPLE_PASSWORD")
    with pytest.raises(Misconfigured, match=r"people\.yaml:\d+: .*no such environment variable"):
        adapters.load(path)


def test_questions_that_no_column_can_hold_find_nothing(
    postgres_server: postgres.Server, tmp_path: Path
) -> None:
    name = postgres_server.fresh("latin_test", encoding="LATIN1")
    with postgres_server.connect(name) as c:
        c.execute(PEOPLE)
    mapping = write(tmp_path, postgres_server.url(name))
    database = Database.of(MappingFile(mapping))
    odd = ["\0", "żółw", "9" * 40, "' OR 1=1 --", "%", "\ud800", ""]
    with database.connect() as c:
        for column in ("id", "surname", "born", "seal", "weight", "active", "seen"):
            found = list(database.find(c, "people", column, odd))
            assert not found, column
        assert len(list(database.find(c, "people", "surname", ["OAKENSHAW", *odd]))) == 2
    database.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://r:secret-word@127.0.0.1/d", "the password stands in the mapping"),
        ("postgresql://r@db.example/d?sslmode=disable", "others could read"),
        ("postgresql://r@db.example/d?sslmode=require", "others could read"),
        ("postgresql://r@/d?host=/run,db.example&sslmode=prefer", "others could read"),
        ("postgresql://r@127.0.0.1/d?hostaddr=192.0.2.1", "hostaddr: this may not stand"),
        ("postgresql://r@127.0.0.1/d?options=-csearch_path=x", "options: this may not stand"),
        ("postgresql://r@127.0.0.1/d?password=secret-word", "password: this may not stand"),
        ("postgresql:///d", "names no host"),
        ("mysql://r@127.0.0.1/d", "a URL names a PostgreSQL database"),
        ("rubbish", "no database URL"),
    ],
)
@pytest.mark.parametrize("mode", ["live", "mirror"])
def test_what_is_not_safe_is_refused_before_anything_is_opened(
    tmp_path: Path, url: str, said: str, mode: str
) -> None:
    path = write(tmp_path, url, mode)
    with pytest.raises(Misconfigured, match=said) as caught:
        (adapters.live if mode == "live" else adapters.load)(path)
    assert caught.value.detail.startswith("people.yaml:4: ")
    assert "secret-word" not in caught.value.detail


def test_a_password_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "postgresql://r@127.0.0.1:1/d")
    secret = tmp_path / "database.password"
    secret.chmod(0o640)
    with pytest.raises(Misconfigured, match="others can read it; chmod 600"):
        adapters.live(path)
    secret.unlink()
    with pytest.raises(Misconfigured, match="not there"):
        adapters.live(path)
    real = tmp_path / "real"
    real.write_text("x\n")
    real.chmod(0o600)
    secret.symlink_to(real)
    with pytest.raises(Misconfigured, match="no plain file"):
        adapters.live(path)
    secret.unlink()
    os.mkfifo(secret, 0o600)
    with pytest.raises(Misconfigured, match="plain file"):
        adapters.live(path)


def test_a_server_that_comes_later_is_searched_then(
    postgres_server: postgres.Server, tmp_path: Path
) -> None:
    source = adapters.live(write(tmp_path, postgres_server.url("later_test")))
    assert isinstance(source, LiveSource)
    with pytest.raises(RecordsUnavailable):
        ids(source, named("Oakenshaw"))
    name = postgres_server.fresh("later_test")
    with postgres_server.connect(name) as c:
        c.execute(PEOPLE)
    assert ids(source, named("Quillfeather")) == ["P1"]
    with postgres_server.connect() as c:
        c.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
    assert ids(source, named("Quillfeather")) == ["P1"], "a connection that was cut is made anew"
    source.close()
