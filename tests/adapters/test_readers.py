"""Readers on good, damaged and hostile files: no crash, no hang, and the sums add up."""

import tracemalloc
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import textfile
from adapters.delimited import MAX_SPAN, DelimitedReader
from adapters.fixed import FixedReader
from adapters.nibrs import NibrsReader
from adapters.rows import BadRow, Reader, Row
from demo.new_mexico import NewMexico
from gateway.errors import Misconfigured
from tests.soak import count

FUZZ = settings(
    max_examples=count(120, 20_000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
CSV = {"type": "csv", "encoding": "utf-8"}
FIXED = {"encoding": "ascii", "width": 8, "columns": {"A": [1, 3], "B": [4, 8]}}


def read(reader: Reader) -> list[Row | BadRow]:
    return list(reader.rows())


def csv_rows(path: Path, data: bytes, **spec: object) -> list[Row | BadRow]:
    path.write_bytes(data)
    return read(DelimitedReader(path, CSV | spec))


def shown(rows: Sequence[Row | BadRow]) -> list[object]:
    return [r.values if isinstance(r, Row) else (r.line, r.code) for r in rows]


# -- delimited ----------------------------------------------------------------------------------


def test_quotes_delimiters_and_blanks(tmp_path: Path) -> None:
    data = b'A;B\r\n 1 ;"x;""y"""\r\n\r\n2;"two\nlines"\r\n'
    rows = csv_rows(tmp_path / "f", data, delimiter=";")
    assert shown(rows) == [{"A": "1", "B": 'x;"y"'}, {"A": "2", "B": "two\nlines"}]
    assert [r.line for r in rows] == [2, 4]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert shown(csv_rows(tmp_path / "f", b"\xef\xbb\xbfA,B\n1,2\n")) == [{"A": "1", "B": "2"}]


def test_columns_may_be_named_in_the_mapping(tmp_path: Path) -> None:
    rows = csv_rows(tmp_path / "f", b"1,2\n", columns=["X", "Y"])
    assert shown(rows) == [{"X": "1", "Y": "2"}]


def test_wrong_rows_do_not_stop_the_others(tmp_path: Path) -> None:
    rows = csv_rows(tmp_path / "f", b'A,B\n1\n2,3,4\n5,\xff\n6,7\n8,"x"y\n9,0\n')
    assert shown(rows) == [
        (2, "row.columns"),
        (3, "row.columns"),
        (4, "row.encoding"),
        {"A": "6", "B": "7"},
        (6, "row.quotes"),
        {"A": "9", "B": "0"},
    ]
    assert rows[2].raw == "5,\\xff"


def test_a_quote_that_never_closes_costs_one_row(tmp_path: Path) -> None:
    lines = [b"A,B", b'1,"never', *(b"%d,x" % n for n in range(3 * MAX_SPAN))]
    rows = csv_rows(tmp_path / "f", b"\n".join(lines))
    assert shown(rows)[0] == (2, "row.quotes")
    assert len(rows) == len(lines) - 1
    assert all(isinstance(r, Row) for r in rows[1:])


def test_a_line_of_many_megabytes_is_set_aside_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"A,B\n" + b"x" * (20 * 2**20) + b"\n1,2\n")
    tracemalloc.start()
    rows = read(DelimitedReader(path, CSV))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert shown(rows) == [(2, "row.too_long"), {"A": "1", "B": "2"}]
    assert peak < 6 * textfile.MAX_LINE


@pytest.mark.parametrize("data", [b"", b"A,A\n", b"A,,B\n", b'"A\n', b"\xff\xfe\n"])
def test_a_header_that_cannot_be_is_said(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "secret-folder"
    path.write_bytes(data)
    with pytest.raises(Misconfigured):
        DelimitedReader(path, CSV).columns()


@FUZZ
@given(body=st.binary(max_size=400) | st.text('",;\n\r ax\0é', max_size=200).map(str.encode))
def test_whatever_stands_in_a_delimited_file_every_line_is_accounted_for(
    tmp_path: Path, body: bytes
) -> None:
    rows = csv_rows(tmp_path / "f", b"A,B\n" + body, header=1)
    taken = sum(len(r.raw.split("\n")) for r in rows)
    written = [x for x in (b"A,B\n" + body).split(b"\n")[1:] if x.strip(textfile.NOTHING)]
    quoted_blank = sum(
        not x.encode().strip(textfile.NOTHING) for r in rows for x in r.raw.split("\n")
    )
    assert taken - quoted_blank == len(written)
    assert [r.line for r in rows] == sorted({r.line for r in rows})


# -- fixed width --------------------------------------------------------------------------------


def test_fixed_columns(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"abcdefgh\r\n x  y   \nshort\nfar too long\n\xffbcdefgh\n\n")
    rows = read(FixedReader(path, FIXED))
    assert shown(rows) == [
        {"A": "abc", "B": "defgh"},
        {"A": "x", "B": "y"},
        (3, "row.width"),
        (4, "row.width"),
        (5, "row.encoding"),
    ]


def test_a_layout_outside_of_the_line_is_refused(tmp_path: Path) -> None:
    for place in ([0, 3], [5, 4], [1, 9]):
        with pytest.raises(Misconfigured, match="column A"):
            FixedReader(tmp_path / "f", FIXED | {"columns": {"A": place}})


@FUZZ
@given(body=st.binary(max_size=400))
def test_whatever_stands_in_a_fixed_file_every_line_is_a_row(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(body)
    lines = [x.rstrip(b"\r\n") for x in body.split(b"\n" if b"\n" in body else b"\r")]
    assert len(read(FixedReader(path, FIXED))) == len([x for x in lines if x not in {b"", b"\x1a"}])


# -- NIBRS --------------------------------------------------------------------------------------


def submission() -> list[str]:
    bureau = NewMexico(seed=1)
    for n in range(1, 12):
        bureau.incident(n)
    return bureau.lines


def nibrs(path: Path, data: bytes) -> list[Row | BadRow]:
    path.write_bytes(data)
    return read(NibrsReader(path, {}))


def test_segments_of_an_incident_are_one_row(tmp_path: Path) -> None:
    lines = submission()
    rows = nibrs(tmp_path / "f", "\n".join(lines).encode())
    assert all(isinstance(r, Row) for r in rows)
    assert sum(r.span for r in rows) == len(lines)
    assert len(rows) == sum(x[4] in "17" for x in lines)


def test_files_without_line_breaks_give_the_same(tmp_path: Path) -> None:
    lines = submission()
    broken = nibrs(tmp_path / "f", "\r\n".join(lines).encode())
    whole = nibrs(tmp_path / "f", "".join(lines).encode())
    assert shown(whole) == shown(broken)
    assert [r.raw for r in whole] == [r.raw for r in broken]


def test_a_deletion_takes_back_what_stands_before_it_alone(tmp_path: Path) -> None:
    lines = [x for x in submission() if x[4] in "12"][:2]
    again = [lines[0][:5] + "D" + lines[0][6:], *lines]
    rows = nibrs(tmp_path / "f", "\n".join([*lines, *again]).encode())
    codes = [r.code for r in rows if isinstance(r, BadRow)]
    assert codes == ["nibrs.superseded", "nibrs.superseded", "nibrs.deletion"]
    assert [r.line for r in rows if isinstance(r, Row)] == [4]


def test_each_segment_that_makes_no_record_says_why(tmp_path: Path) -> None:
    first = next(x for x in submission() if x[4] == "1")
    second = next(x for x in submission() if x[4] == "2")
    wrong = {
        "nibrs.orphan": second,
        "nibrs.length": "00x8" + first[4:],
        "nibrs.short": first[:41],
        "nibrs.segment": first[:4] + "9" + first[5:],
        "nibrs.action": first[:5] + "M" + first[6:],
        "nibrs.zero_report": "00430A112026    NM9990000000000000000112026",
    }
    rows = nibrs(tmp_path / "f", "\n".join(wrong.values()).encode())
    assert [r.code for r in rows if isinstance(r, BadRow)] == list(wrong)
    assert len(rows) == len(wrong)


@FUZZ
@given(data=st.data())
def test_whatever_stands_in_a_nibrs_file_every_segment_is_accounted_for(
    tmp_path: Path, data: st.DataObject
) -> None:
    lines = [x.encode() for x in submission()]
    for _ in range(data.draw(st.integers(0, 4))):
        n = data.draw(st.integers(0, len(lines) - 1))
        at = data.draw(st.integers(0, len(lines[n])))
        junk = data.draw(st.binary(max_size=6)).replace(b"\n", b"").replace(b"\r", b"")
        lines[n] = lines[n][:at] + junk + lines[n][at + data.draw(st.integers(0, 6)) :]
    rows = nibrs(tmp_path / "f", b"\n".join(lines))
    kept = Counter("".join(r.raw for r in rows))
    written = Counter(b"".join(lines).decode("iso-8859-1"))
    for nothing in " \n":  # between segments
        del kept[nothing], written[nothing]
    assert kept == written


@FUZZ
@given(body=st.binary(max_size=600) | st.text("01237IAD \n", max_size=300).map(str.encode))
def test_no_bytes_stop_the_nibrs_reader(tmp_path: Path, body: bytes) -> None:
    assert sum(r.span for r in nibrs(tmp_path / "f", body)) >= 0


def test_a_tab_at_the_end_of_a_segment_is_not_lost(tmp_path: Path) -> None:
    lines = [x.encode() for x in submission()]
    lines[0] += b"\t"
    rows = nibrs(tmp_path / "f", b"\n".join(lines))
    assert "\t" in "".join(r.raw for r in rows)
