"""What is found out about delimited files, and what is left to a person."""

from pathlib import Path

import pytest

from adapters.delimited import DelimitedReader
from adapters.detect import Confidence, detect
from adapters.rows import Row
from gateway.errors import Misconfigured

PEOPLE = [("MUÑOZ, ANA", "CAÑON"), ("PEÑA, JOSE", "X"), ("IBAÑEZ, BEGOÑA", "Y"), ("OTT, J", "Z")]


def table(delimiter: str = ";", *, people: list[tuple[str, str]] = PEOPLE) -> str:
    rows = [("ID", "NAME", "CITY")]
    rows += [(str(n), f'"{a}"', b) for n, (a, b) in enumerate(people * 3)]
    return "".join(delimiter.join(r) + "\r\n" for r in rows)


@pytest.mark.parametrize(
    ("written", "found", "sure"),
    [
        ("utf-8", "utf-8", Confidence.CERTAIN),
        ("utf-8-sig", "utf-8", Confidence.CERTAIN),
        ("utf-16", "utf-16-le", Confidence.CERTAIN),
        ("utf-16-be", "utf-16-be", Confidence.LIKELY),
        ("cp1252", "windows-1252", Confidence.LIKELY),
        ("cp850", "cp850", Confidence.LIKELY),
    ],
)
def test_the_encoding_is_found_and_read_with(
    tmp_path: Path, written: str, found: str, sure: Confidence
) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(table().encode(written))
    said = detect(path)
    assert (said.encoding, said.encoding_confidence) == (found, sure)
    assert (said.delimiter, said.quote, said.header) == (";", '"', ("ID", "NAME", "CITY"))
    reader = DelimitedReader(path, {"type": "csv"})
    assert reader.columns().own == {"ID", "NAME", "CITY"}
    rows = list(reader.rows())
    assert len(rows) == len(PEOPLE) * 3
    assert isinstance(rows[0], Row)
    assert rows[0].values == {"ID": "0", "NAME": "MUÑOZ, ANA", "CITY": "CAÑON"}
    assert rows[0].raw == '0;"MUÑOZ, ANA";CAÑON'
    assert reader.stated() == (f'f.csv: encoding {found} ({sure}), delimiter ; (certain), quote "',)


def test_ebcdic_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(table(",").encode("cp037").replace(b"\x0d\x25", b"\n"))
    assert detect(path).encoding == "cp037"


@pytest.mark.parametrize(
    ("written", "found", "sure"),
    [
        ("cp1252", "windows-1252", Confidence.LIKELY),
        ("cp850", "cp850", Confidence.LIKELY),
        ("mac_roman", "windows-1252", Confidence.DOUBTFUL),  # cp850 would make it JÜrg
    ],
)
def test_small_letters_after_a_capital_are_words(
    tmp_path: Path, written: str, found: str, sure: Confidence
) -> None:
    path = tmp_path / "f"
    people = [(name, "1") for name in ("J\xf6rg", "M\xfcller", "G\xf6ran", "K\xf6ln")]
    path.write_bytes(table(people=people).encode(written))
    detected = detect(path)
    assert (detected.encoding, detected.encoding_confidence) == (found, sure)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "f"
    path.write_text(table(delimiter), encoding="utf-8")
    found = detect(path)
    assert (found.delimiter, found.columns) == (delimiter, 3)
    assert found.delimiter_confidence == Confidence.CERTAIN


def test_apostrophes_may_be_quotes_but_are_none_within_names(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("A,B\n'x,y','z'\n'v,w','y'\n", encoding="utf-8")
    assert detect(path).quote == "'"
    path.write_text("A,B\nO'HARE,x\n'OTT,y\n", encoding="utf-8")
    assert detect(path).quote == '"'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"A,B;C\n1,2;3\n", "parted by ;: state the delimiter"),
        (b"A,B;C,D\n1,2\n1;2\n3,4,5,6\n7\n", "state the delimiter"),
        ("A,B\n1,\u2502\u2502\u2500\u2510x\n".encode("cp437"), "state the encoding"),
        (b"A,B\n1,\xa5\n", "state the encoding"),
    ],
)
def test_what_cannot_be_told_for_sure_is_not_guessed(
    tmp_path: Path, data: bytes, words: str
) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(data)
    assert detect(path).confidence == Confidence.DOUBTFUL
    reader = DelimitedReader(path, {"type": "csv"})
    with pytest.raises(Misconfigured, match=words):
        reader.columns()


def test_one_wrong_byte_does_not_turn_a_utf8_file_into_another(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(table().encode() + b"99;MU\xd1OZ;X\n")
    reader = DelimitedReader(path, {"type": "csv", "encoding": "detect", "delimiter": "detect"})
    *good, bad = list(reader.rows())
    assert all(isinstance(r, Row) for r in good)
    assert not isinstance(bad, Row)
    assert (bad.code, bad.raw) == ("row.encoding", "99;MU\\xd1OZ;X")


def test_a_late_letter_counts_too(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(b"A,B\n" + b"1,SMITH\n" * 400_000 + "2,MUÑOZ\n".encode("cp1252"))
    assert detect(path).encoding == "windows-1252"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\xff\xfe\0\0A\0\0\0", "UTF-32"),
        (b"PK\x03\x04" + bytes(500), "no text"),
    ],
)
def test_what_is_no_text_is_said(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(data)
    with pytest.raises(Misconfigured, match=words):
        detect(path)


def test_a_first_line_of_data_is_no_header(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("17,2026-01-01\n18,2026-01-02\n", encoding="utf-8")
    assert detect(path).header is None
    path.write_text("\n\nNO,DAY\n18,2026-01-02\n", encoding="utf-8")
    assert detect(path).header == ("NO", "DAY")
    (row,) = DelimitedReader(path, {"type": "csv"}).rows()
    assert row.line == 4


def test_utf16_that_is_damaged_sets_its_row_aside(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    text = (
        "A;B\r\n1;Ñ\r\n2;".encode("utf-16-le") + b"\x00\xd8" + "x\r\n3;😀\r\n".encode("utf-16-le")
    )
    path.write_bytes(b"\xff\xfe" + text + b"\x20")
    one, two, three, last = DelimitedReader(path, {"type": "csv"}).rows()
    assert isinstance(one, Row)
    assert one.values == {"A": "1", "B": "Ñ"}
    assert not isinstance(two, Row)
    assert two.code == "row.encoding"
    assert isinstance(three, Row)
    assert three.values["B"] == "😀"
    assert not isinstance(last, Row)


def test_a_file_that_changes_is_looked_at_anew(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(b"A,B\n1,2\n")
    reader = DelimitedReader(path, {"type": "csv"})
    assert "delimiter ," in reader.stated()[0]
    path.write_bytes(b"A;B\n1;2\n3;4\n")
    assert reader.columns().own == {"A", "B"}
    assert "delimiter ;" in reader.stated()[0]
