"""Formats of other packages: a small real package is installed and read through a mapping."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters import registry
from gateway.errors import Misconfigured
from gateway.model import Record, SetAside
from tests.adapters.conftest import Make
from tests.adapters.small_mapping import HANDLING, NAME, mapping

PACKAGE = '''
from collections.abc import Iterator
from adapters import textfile
from adapters.rows import BadRow, Columns, Row


class Reader:
    """Lines of `KEY=value` fields."""

    SCHEMA = {
        "type": "object",
        "additionalProperties": False,
        "required": ["fields"],
        "properties": {"fields": {"type": "array", "items": {"type": "string"}}},
    }

    def __init__(self, path, spec):
        self._path, self._fields = path, spec["fields"]

    def columns(self):
        return Columns(frozenset(self._fields))

    def as_of(self):
        return textfile.modified(self._path)

    def total_hint(self):
        return textfile.line_count(self._path)

    def rows(self):
        for line in textfile.lines(self._path):
            text = textfile.shown(line.data, "utf-8")
            found = dict(f.split("=", 1) for f in text.split("/") if "=" in f)
            if not found:
                yield BadRow(line.number, text, "pairs.none", "there is no KEY=value in the line")
                continue
            yield Row(line.number, text, {k: found.get(k, "") for k in self._fields})


class Half:
    def __init__(self, path, spec):
        pass
'''
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package of a name and its entry points, as pip would lay it out."""
    made: list[str] = []

    def put(package: str, points: str, code: str = PACKAGE) -> None:
        site = tmp_path / "site"
        info = site / f"{package}-1.0.dist-info"
        info.mkdir(parents=True)
        (site / f"{package}.py").write_text(code, encoding="utf-8")
        (info / "METADATA").write_text(f"Name: {package}\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{points}\n", encoding="utf-8")
        if str(site) not in sys.path:
            monkeypatch.syspath_prepend(str(site))
        importlib.invalidate_caches()
        made.append(package)

    yield put
    for package in made:
        sys.modules.pop(package, None)


CARELESS = """
from adapters.rows import BadRow, Columns, Row

class Reader:
    def __init__(self, path, spec):
        pass
    def columns(self):
        return Columns(frozenset({"ID", "NAME"}), {"part": frozenset({"part.X"})})
    def as_of(self):
        return None
    def total_hint(self):
        return None
    def rows(self):
        yield Row(1, "one", {"ID": " 1 ", "NAME": "CRUZ, ANA"}, {"part": [{"part.X": " x"}]})
        yield %s
"""
FORM = "{type: pairs, path: data, fields: [ID, NAME]}"


def test_a_format_of_another_package_is_read_like_any(small: Make, install: Install) -> None:
    install("fictional_pairs", "pairs = fictional_pairs:Reader")
    assert {"csv", "fixed", "nibrs", "pairs"} <= set(registry.names())
    source = small(mapping(NAME, form=FORM), b"ID=7/NAME=CRUZ, ANA\nnothing\n")
    record, aside = source.rows()
    assert isinstance(record, Record)
    assert record.record_id == "7"
    assert record.message["nc:Person"]["nc:PersonName"]["nc:PersonGivenName"] == "ANA"
    assert isinstance(aside, SetAside)
    assert (aside.code, aside.line) == ("pairs.none", 2)
    assert source.tally.read == source.tally.translated + source.tally.aside == 2


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (
            "{type: pairz, path: data}",
            "pairz: there is no such format; there are: .*pairs.*mean pairs",
        ),
        ("{type: pairs, path: data}", "'fields' is a required property"),
        ("{type: pairs, path: data, fields: [1]}", "fields: 0: 1 is not of type 'string'"),
        ("{type: pairs, path: data, fields: [ID], x: 1}", "'x' was unexpected"),
        ("{type: half, path: data}", "its reader has no columns, rows, as_of, total_hint"),
        ("{type: gone, path: data}", "the package fictional_pairs that reads it can't be loaded"),
        ("{type: pairs}", "a file is needed here"),
    ],
)
def test_what_is_wrong_with_such_a_format_is_said_with_its_line(
    small: Make, install: Install, form: str, words: str
) -> None:
    points = "half = fictional_pairs:Half\ngone = fictional_pairs_gone:Reader"
    install("fictional_pairs", f"pairs = fictional_pairs:Reader\n{points}")
    with pytest.raises(Misconfigured, match=rf"m\.yaml:3: .*{words}"):
        small(mapping(NAME, form=form), b"ID=7\n")


def test_a_format_of_ones_own_is_never_replaced(small: Make, install: Install) -> None:
    install("fictional_pairs", "csv = fictional_pairs:Half")
    assert len(list(small(mapping(NAME), b"ID,NAME\n7,X\n").rows())) == 1


def test_two_packages_with_one_format_are_a_fault(small: Make, install: Install) -> None:
    install("fictional_pairs", "pairs = fictional_pairs:Reader")
    install("fictional_others", "pairs = fictional_others:Reader")
    with pytest.raises(Misconfigured, match="fictional_others, fictional_pairs"):
        small(mapping(NAME, form=FORM), b"ID=7\n")


@pytest.mark.parametrize(
    ("row", "code", "column"),
    [
        ('Row(2, "two", {"ID": "2\\x07", "NAME": "CRUZ, EVA"})', "record.key_unprintable", "ID"),
        ('Row(2, "two", {"ID": "2\\u202e", "NAME": "X, Y"})', "record.key_unprintable", "ID"),
        ('Row(2, "two\\udc80", {"ID": "2\\udc80", "NAME": "X, Y"})', "row.encoding", "ID"),
        ('Row(2, "two", {"ID": "2", "NAME": "X\\udc80, Y"})', "row.encoding", "NAME"),
        ('Row(2, "two", {"ID": 2, "NAME": "X, Y"})', "row.not_text", "ID"),
        ('Row(2, "two", {"ID": "2", "NAME": None})', "row.not_text", "NAME"),
        ('Row(2, "two", {"ID": "2"})', "row.lacks", "NAME"),
        (
            'Row(2, "two", {"ID": "2", "NAME": "X, Y"}, {"part": [{"part.X": 7}]})',
            "row.not_text",
            "part.X",
        ),
        (
            'Row(2, "two", {"ID": "2", "NAME": "X, Y"}, {"part": [{"part.Z": "x"}]})',
            "row.lacks",
            "part.X",
        ),
        (
            'BadRow(2, "two", "own.code", "why", "ID", row=Row(2, "", {"ID": "\\udc80"}))',
            "own.code",
            "ID",
        ),
        ('BadRow(2, "two\\udc80", "own.code", "why", "ID", "2\\udc80")', "own.code", "ID"),
    ],
)
def test_what_no_text_can_be_is_set_aside_like_that_of_a_built_in_format(
    small: Make, install: Install, row: str, code: str, column: str
) -> None:
    install("fictional_careless", "pairs = fictional_careless:Reader", CARELESS % row)
    first, aside = small(mapping(NAME, form=FORM), b"x").rows()
    assert isinstance(first, Record)
    assert first.record_id == "1"
    assert isinstance(aside, SetAside)
    assert (aside.line, aside.code, aside.column) == (2, code, column)
    for text in (aside.raw, aside.text, aside.value or ""):
        text.encode()  # it can be kept


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1 / 0", "of the package fictional_careless failed behind line 1: ZeroDivisionError"),
        ('("ID", "2")', "the package fictional_careless gives no rows, but tuple"),
        ('Row("2", "two", {"ID": "2", "NAME": "X, Y"})', "gives no rows, but Row of no line"),
        ('Row(2, "two", None)', "failed behind line 1: AttributeError"),
    ],
)
def test_a_reader_that_fails_is_named(small: Make, install: Install, row: str, words: str) -> None:
    install("fictional_careless", "pairs = fictional_careless:Reader", CARELESS % row)
    with pytest.raises(Misconfigured, match=words):
        list(small(mapping(NAME, form=FORM), b"x").rows())


CHOSEN = """
    def select(self, names):
        pass
"""


@pytest.mark.parametrize(("lacks", "told"), [("SEAL", ["row.lacks"]), ("NOTE", [])])
def test_a_reader_that_can_leave_columns_says_something_of_those_that_are_read(
    small: Make, install: Install, lacks: str, told: list[str]
) -> None:
    """A flag of which nothing is said would count as blank."""
    row = {"ID": "2", "NAME": "CRUZ, EVA", "SEAL": "S", "NOTE": ""}
    row.pop(lacks)
    code = CARELESS.replace('"NAME"}', '"NAME", "SEAL", "NOTE"}').replace(
        '"CRUZ, ANA"}', '"CRUZ, ANA", "SEAL": "", "NOTE": ""}'
    )
    install(
        "fictional_careless",
        "pairs = fictional_careless:Reader",
        code % f"Row(2, 'two', {row})" + CHOSEN,
    )
    seal = HANDLING.replace("open", "{column: SEAL, codes: {S: sealed}, blank: open}")
    text = mapping(NAME, form=FORM, handling=seal)
    found = [one.code for one in small(text, b"x").rows() if isinstance(one, SetAside)]
    assert found == told


@pytest.mark.parametrize(
    ("method", "gives", "words"),
    [
        ("columns", "1 / 0", "the reader of the package fictional_careless failed: ZeroDivision"),
        ("as_of", "1 / 0", "the reader of the package fictional_careless failed: ZeroDivision"),
        ("as_of", "__import__('datetime').datetime(2026, 1, 31)", "a moment of no time zone"),
        ("total_hint", "1 / 0", "the reader of the package fictional_careless failed: ZeroDiv"),
        ("rows", "1 / 0", "the reader of the package fictional_careless failed: ZeroDivision"),
    ],
)
def test_whatever_fails_in_a_reader_is_a_clear_error(
    small: Make, install: Install, method: str, gives: str, words: str
) -> None:
    code = CARELESS % "None" + f"    def {method}(self):\n        return {gives}\n"
    install("fictional_careless", "pairs = fictional_careless:Reader", code)

    def read() -> None:
        source = small(mapping(NAME, form=FORM), b"x")
        source.as_of()
        source.total_hint()
        list(source.rows())

    with pytest.raises(Misconfigured, match=words):
        read()
