"""A damaged row may be the sealed one: no open record of its id, or of its group, is given out.

Through the import: by the id that stands in the damaged row, in all formats. Where nobody can say
which record it is of, the import stops and asks.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

import adapters
from adapters import MappedSource, excel
from adapters.delimited import DelimitedReader
from adapters.nibrs import NibrsReader
from adapters.rows import BadRow, Row
from gateway.errors import Misconfigured
from gateway.model import Record, SetAside
from gateway.records.doubts import Unread
from gateway.records.importer import Importer
from gateway.records.store import Reader
from tests.adapters.small_mapping import NAME, mapping
from tests.adapters.test_excel import by_hand, sheet
from tests.adapters.test_nibrs_parts import MAPPING, OFFENDER, OFFENSE, incident
from tests.adapters.test_nibrs_parts import source as segments

FLAGS: Final = (
    "{dissemination: GREEN, disclosure: {column: SEAL, codes: {S: sealed, O: open}}, "
    "juvenile: false, source_kind: own, intelligence: false, criminal_history: false}"
)
CSV: Final = '{type: csv, path: data, encoding: utf-8, delimiter: ","}'
FIXED: Final = (
    "{type: fixed, path: data, encoding: utf-8, width: 14, "
    "columns: {ID: [1, 3], NAME: [4, 13], SEAL: [14, 14]}}"
)
HEADER: Final = b"ID,NAME,SEAL\n"
NOW: Final = datetime(2026, 11, 23, 6, tzinfo=UTC)


class Source:
    """A file as the command imports it: as often as it is gone through."""

    def __init__(self, mapped: MappedSource) -> None:
        self._mapped = mapped

    def __iter__(self) -> Iterator[Record | SetAside]:
        return self._mapped.rows()


def source(folder: Path, text: str, data: bytes) -> MappedSource:
    """Load a mapping over one file."""
    (folder / "data").write_bytes(data)
    (folder / "m.yaml").write_text(text)
    return adapters.load(folder / "m.yaml")


def served(folder: Path, mapped: MappedSource, *, asked: bool = False) -> set[str]:
    """Import, and give the ids that are served. `asked`: somebody lets a part be unread."""
    importer = Importer(folder / "records.db")
    try:
        importer.run(
            *("small", Source(mapped)),
            as_of=NOW,
            origin=mapped.origin,
            allow=lambda _: asked,
            unread=lambda: mapped.unread,
        )
    finally:
        importer.close()
    with closing(Reader(folder / "records.db")) as reader:
        (generation,) = reader.generations()
        every = (f"W{n}" for n in range(1, 10))
        return {i for i in every if reader.by_record_id(generation.id, i) is not None}


def codes(mapped: MappedSource) -> list[tuple[int, str]]:
    return [(r.line, r.code) for r in mapped.rows() if isinstance(r, SetAside)]


@pytest.mark.parametrize(
    ("damaged", "code"),
    [
        (b'W1,"A, B",S,extra', "row.columns"),
        (b"W1,S", "row.columns"),
        (b'W1,"A, B,S', "row.quotes"),
        (b'"W1","A, "B",S', "row.quotes"),
        (b"W1,A\xff,S", "row.encoding"),
        (b"W1,A\xff,B,S", "row.encoding"),
        (b'W1,"A\xff, B,S', "row.encoding"),
        (b"W1," + b"A" * 2**20 + b",S", "row.too_long"),
    ],
)
def test_a_damaged_row_of_a_csv_file_hides_the_open_one_of_its_id(
    tmp_path: Path, damaged: bytes, code: str
) -> None:
    rows = (b'W1,"A, B",O', damaged, b'W2,"C, D",O')
    for ordered in (rows, (rows[1], rows[0], rows[2])):
        mapped = source(tmp_path, mapping(NAME, form=CSV, handling=FLAGS), HEADER + b"\n".join(
            (*ordered, b""),
        ))  # fmt: skip
        assert served(tmp_path, mapped) == {"W2"}
        assert [c for _, c in codes(mapped)] == [code]


@pytest.mark.parametrize("damaged", [b'"A, B",x,S,W1', b'"A, B,S,W1', b"\xff,x,S,W1", b"x,S,W1"])
def test_the_id_of_a_damaged_row_may_stand_at_its_end(tmp_path: Path, damaged: bytes) -> None:
    data = b'NAME,SEAL,ID\n"A, B",O,W1\n' + damaged + b'\n"C, D",O,W2\n'
    mapped = source(tmp_path, mapping(NAME, form=CSV, handling=FLAGS), data)
    assert served(tmp_path, mapped, asked=True) == {"W2"}


def test_an_import_asks_where_nobody_knows_whose_a_damaged_row_is(tmp_path: Path) -> None:
    text = mapping(NAME, form=CSV.replace("path", "columns: [X, Y, ID, NAME, SEAL], path"),
                   handling=FLAGS)  # fmt: skip
    data = b'1,2,W1,"A, B",O\n1,2\n1,2,W\xff,"A, B",S\n1,2,W2,"C, D",O\n'
    mapped = source(tmp_path, text, data)
    with pytest.raises(Unread, match="lines 2, 3: the row has 2 columns, not 5; nobody can say"):
        served(tmp_path, mapped)
    assert served(tmp_path, mapped, asked=True) == {"W1", "W2"}
    whole = source(tmp_path, text, data.replace(b"1,2\n", b"").replace(b"\xff", b"3"))
    assert served(tmp_path, whole) == {"W1", "W2", "W3"}
    assert whole.unread is None


def test_a_row_with_wrong_bytes_is_read_but_for_their_columns(tmp_path: Path) -> None:
    mapped = source(tmp_path, mapping(NAME, form=CSV, handling=FLAGS), HEADER + b"W1,\xff,S\n")
    (found,) = mapped.rows()
    assert isinstance(found, SetAside)
    assert (found.column, found.fields) == ("NAME", {"ID": "W1", "NAME": "", "SEAL": "S"})
    assert "\\xff" in found.raw


@pytest.mark.parametrize(
    ("damaged", "code"),
    [
        (b"W1 A, B        ", "row.width"),
        (b"W1 A, B    ", "row.width"),
        (b"W1 A, \xff     S", "row.encoding"),
        (b"W1 A, \xff\xffXX     S", "row.encoding"),
    ],
)
def test_a_damaged_line_of_fixed_width_hides_the_open_one_of_its_id(
    tmp_path: Path, damaged: bytes, code: str
) -> None:
    data = b"W1 A, B      O\n" + damaged + b"\nW2 C, D      O\n"
    mapped = source(tmp_path, mapping(NAME, form=FIXED, handling=FLAGS), data)
    assert served(tmp_path, mapped) == {"W2"}
    assert codes(mapped) == [(2, code)]


# -- what a quote swallows ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        b'W1,"SMITH, A,S\nW2,JONES",O\n',
        b'W1,"SMITH,S\nW2,JONES",O\n',
        b'W1,"SMITH,S\nW3,ROE,O\nW2,JONES",O\n',
    ],
)
def test_no_row_takes_over_the_flag_of_the_next(tmp_path: Path, lines: bytes) -> None:
    data = HEADER + lines + b'W5,"C, D",O\n'
    mapped = source(tmp_path, mapping(NAME, form=CSV, handling=FLAGS), data)
    found = served(tmp_path, mapped)
    assert found == {"W5"}
    assert {code for _, code in codes(mapped)} <= {"row.quotes", "row.columns"}
    assert len(codes(mapped)) + len(found) == lines.count(b"\n") + 1


def test_a_row_of_several_lines_is_one_where_its_lines_are_none(tmp_path: Path) -> None:
    data = HEADER + b'W1,"SMITH,\nA\n",O\nW2,"a ""quote"", and\nmore, and\n",O\n'
    mapped = source(tmp_path, mapping(NAME, form=CSV, handling=FLAGS), data)
    assert served(tmp_path, mapped) == {"W1", "W2"}


@pytest.mark.parametrize("between", [b"", b" ", b"x", b"W4,S", b"and, as he said, more", b"\x1a"])
@pytest.mark.parametrize("last", [b'W3,O,JO"', b'W3,JO",O', b'JO"'])
def test_no_short_or_blank_line_hides_what_a_quote_swallows(
    tmp_path: Path, between: bytes, last: bytes
) -> None:
    data = HEADER + b"W1,O,O\nW2,O,O\n" + b'W1,O,"DOE\nW2,ROE,S\n' + between + b"\n" + last
    mapped = source(tmp_path, mapping(NAME, form=CSV, handling=FLAGS), data + b'\nW5,"C, D",O\n')
    assert served(tmp_path, mapped, asked=True) == {"W5"}
    lines = 3 + bool(between.strip(b" \x1a"))
    assert [code for _, code in codes(mapped) if code == "row.quotes"] == ["row.quotes"] * lines


@pytest.mark.parametrize(
    "text",
    [
        b"He left, ran, and fell.\n\nThen:\nhe got up, went on, and fell",
        b'He left, ran,\nand\nfell, it is said, twice,\nwith ""a"" noise, a cry, and more',
        b"He left\non 3,500 feet",
    ],
)
@pytest.mark.parametrize("row", [b'W1,O,"%s"', b'"%s",O,W1', b'W1,"%s",O', b'W1,"a\nb","%s"'])
def test_sentences_of_several_lines_are_one_row(tmp_path: Path, text: bytes, row: bytes) -> None:
    names = {b"W": b"ID,SEAL,NAME", b'"': b"NAME,SEAL,ID"}[row[:1]]
    (tmp_path / "data").write_bytes(names + b"\n" + row % text + b"\nW2,O,x\n")
    spec = {"encoding": "utf-8", "delimiter": ","}
    found = list(DelimitedReader(tmp_path / "data", spec).rows())
    assert [isinstance(one, Row) for one in found] == [True, True]


@pytest.mark.parametrize(
    "lines",
    [
        b'W1,S,"DO\xffE\nW3,O,JO"\n',
        b'W1,S,\xff"DOE\nW3,O,JO"\n',
        b'W1,S,"DOE\nx\xff\nW3,O,JO"\n',
        b'W1,S,"D""O\xffE\n\nW3,O,JO"\n',
    ],
)
def test_no_row_is_made_of_what_a_row_with_wrong_bytes_goes_on_with(
    tmp_path: Path, lines: bytes
) -> None:
    data = b"ID,SEAL,NAME\n" + lines + b"W5,O,x\n"
    mapped = source(tmp_path, mapping(NAME, form=CSV, handling=FLAGS), data)
    assert served(tmp_path, mapped, asked=True) == {"W5"}
    assert mapped.tally.aside == len([x for x in lines.split(b"\n") if x])


# -- rows that are one -------------------------------------------------------------------------

TOGETHER: Final = mapping(
    'to: "person/nc:PersonName", column: NAME, name: "SURNAME, GIVEN"',
    'to: "person/nc:PersonPhysicalFeature/nc:PhysicalFeatureDescriptionText", for: line, '
    "column: line.MARK",
    form=CSV,
    top="together: {key: ID, part: line}",
    handling=FLAGS,
)
MARKED: Final = b'ID,NAME,SEAL,MARK\nW1,"A, B",O,X\nW2,"C, D",O,X\n'


@pytest.mark.parametrize(
    "damaged", [b'W1,"A, B",S,Y,Z', b'W1,"A, B",S,\xff', b'W1,"A, B,S,Y', b"W1,Y"]
)
def test_a_damaged_row_sets_aside_those_that_it_is_one_with(tmp_path: Path, damaged: bytes) -> None:
    mapped = source(tmp_path, TOGETHER, MARKED + damaged + b"\n")
    (bad, group) = [r for r in mapped.rows() if isinstance(r, SetAside)]
    assert (bad.line, group.line, group.code) == (4, 2, "rows.damaged")
    assert group.text.endswith("can't be read: line 4")
    assert mapped.tally.read == mapped.tally.translated + mapped.tally.aside == 3
    assert served(tmp_path, mapped) == {"W2"}


@pytest.mark.parametrize("damaged", [b'\xff,"A, B",S,Y', b',"A, B",S,Y'])
def test_an_import_asks_where_nobody_knows_which_rows_one_belongs_to(
    tmp_path: Path, damaged: bytes
) -> None:
    mapped = source(tmp_path, TOGETHER, MARKED + damaged + b"\n")
    with pytest.raises(Unread, match=r"line 4: .*nobody can say which"):
        served(tmp_path, mapped)


# -- other formats -----------------------------------------------------------------------------

XML: Final = (
    '{type: xml, path: data, namespaces: {b: "urn:b"}, record: b:W, '
    "columns: {ID: b:Id, NAME: b:Name, SEAL: b:Seal}}"
)


def batch(*records: str) -> bytes:
    return f'<b:Batch xmlns:b="urn:b">\n{"".join(records)}</b:Batch>\n'.encode()


def one(number: str, name: str = "<b:Name>A, B</b:Name>", seal: str = "O") -> str:
    return f"<b:W><b:Id>{number}</b:Id>{name}<b:Seal>{seal}</b:Seal></b:W>\n"


@pytest.mark.parametrize("name", ["<b:Name>A, B</b:Nam>", "<b:Name>A &, B</b:Name>", "<b:Name<"])
def test_a_damaged_record_of_xml_hides_the_open_one_of_its_id(tmp_path: Path, name: str) -> None:
    text = mapping(NAME, form=XML, handling=FLAGS)
    mapped = source(tmp_path, text, batch(one("W1"), one("W1", name, "S"), one("W2")))
    assert served(tmp_path, mapped) == {"W2"}
    assert [c for _, c in codes(mapped)] == ["xml.damaged"]


@pytest.mark.parametrize("number", ["W&1", "</b:Id>W1", "W1</b:W><b:W>"])
def test_an_import_asks_where_the_id_of_xml_is_damaged(tmp_path: Path, number: str) -> None:
    text = mapping(NAME, form=XML, handling=FLAGS)
    mapped = source(tmp_path, text, batch(one("W1"), one(number, seal="S"), one("W2")))
    with pytest.raises(Unread):
        served(tmp_path, mapped)


def test_what_a_damaged_file_of_xml_ends_with_hides_the_open_record(tmp_path: Path) -> None:
    data = batch(one("W1"), one("W2"), one("W1", seal="S"))
    mapped = source(tmp_path, mapping(NAME, form=XML, handling=FLAGS), data[: data.rindex(b"S<")])
    assert served(tmp_path, mapped, asked=True) == {"W2"}


BOOK: Final = """\
       01  R.
           05  ID             PIC X(3).
           05  SEAL           PIC X.
           05  NAME           PIC X(6).
           05  N              PIC 9.
           05  AL OCCURS 0 TO 3 DEPENDING ON N.
               10  AN         PIC X(4).
           05  LAST-ONE       PIC X(2).
"""


def word(text: str) -> bytes:
    data = text.encode("cp037")
    return (len(data) + 4).to_bytes(2, "big") + b"\0\0" + data


@pytest.mark.parametrize(
    ("damaged", "code"),
    [
        (word("W1 SA, B  0Z"), "cobol.truncated"),
        (word("W1 SA, B  0ZZZZ"), "cobol.length"),
        (word("W1 SA, B  9ZZ"), "cobol.count"),
        (word("W1 SA, B  xZZ"), "cobol.zoned"),
        (word("W1 SA, B  0ZZ")[:-1], "cobol.truncated"),
        (word("W1 SA,"), "cobol.truncated"),
    ],
)
def test_a_damaged_cobol_record_hides_the_open_one_of_its_id(
    tmp_path: Path, damaged: bytes, code: str
) -> None:
    (tmp_path / "book.cpy").write_text(BOOK)
    form = "{type: cobol, path: data, copybook: book.cpy, encoding: cp037, record: rdw}"
    data = word("W2 OC, D  0ZZ") + word("W1 OA, B  0ZZ") + damaged
    mapped = source(tmp_path, mapping(NAME, form=form, handling=FLAGS), data)
    ends = code == "cobol.truncated" and damaged[:2] != len(damaged).to_bytes(2, "big")
    assert served(tmp_path, mapped, asked=ends) == {"W2"}
    assert [c for _, c in codes(mapped)] in ([code], ["cobol.digits"], ["cobol.number"])


KINDS: Final = """\
       01  P.
           05  KIND           PIC 9.
           05  ID             PIC X(3).
           05  SEAL           PIC X.
           05  NAME           PIC X(6).
       01  H.
           05  H-KIND         PIC 9.
           05  MADE-ON        PIC X(8).
"""


@pytest.mark.parametrize("damaged", [word("xW1 SA, B  "), word("?W1")])
def test_an_import_asks_where_the_type_of_a_cobol_record_is_damaged(
    tmp_path: Path, damaged: bytes
) -> None:
    (tmp_path / "book.cpy").write_text(KINDS)
    form = (
        "{type: cobol, path: data, copybook: book.cpy, encoding: cp037, record: rdw, variants: "
        '{P: {column: KIND, is: ["1"]}, H: {column: H-KIND, is: ["2"]}}}'
    )
    data = word("1W1 OA, B  ") + damaged + word("1W2 OC, D  ")
    mapped = source(tmp_path, mapping(NAME, form=form, handling=FLAGS), data)
    with pytest.raises(Unread):
        served(tmp_path, mapped)
    other = source(
        tmp_path, mapping(NAME, form=form, handling=FLAGS), data.replace(damaged, word("3W1 S"))
    )
    assert served(tmp_path, other) == {"W1", "W2"}
    assert codes(other) == [(2, "cobol.variant")]


@pytest.mark.parametrize("damaged", [b"W1 SA, B  ZZZZ\n"])
def test_a_cobol_line_that_is_too_long_hides_the_open_one_of_its_id(
    tmp_path: Path, damaged: bytes
) -> None:
    book = BOOK.replace("           05  AL OCCURS 0 TO 3 DEPENDING ON N.\n", "").replace(
        "               10  AN         PIC X(4).\n", ""
    )
    (tmp_path / "book.cpy").write_text(book.replace("9.\n", "X.\n"))
    form = "{type: cobol, path: data, copybook: book.cpy, encoding: ascii, record: lines}"
    data = b"W1 OA, B  0ZZ\n" + damaged + b"W2 OC, D  0ZZ\n"
    mapped = source(tmp_path, mapping(NAME, form=form, handling=FLAGS), data)
    assert served(tmp_path, mapped) == {"W2"}
    assert [c for _, c in codes(mapped)] == ["row.width"]


# -- one row that is two records ---------------------------------------------------------------

TWO: Final = """\
  - type: warrant
    id: "{ID}"
    WHENhandling: FLAGS
    objects: {warrant: "j:Warrant"}
    fields:
      - {to: "warrant/nc:ActivityIdentification/nc:IdentificationID", column: ID}
""".replace("FLAGS", FLAGS)


def test_two_record_types_that_give_each_row_one_id_are_a_fault(tmp_path: Path) -> None:
    text = mapping(NAME, form=CSV, handling=FLAGS) + TWO.replace("WHEN", "")
    with pytest.raises(Misconfigured, match="person has this id, too"):
        source(tmp_path, text, HEADER + b'W1,"A, B",O\n')


def test_a_row_that_makes_two_records_of_one_id_says_so_itself(tmp_path: Path) -> None:
    when = "when: {column: SEAL, is: [O, S]}\n    "
    text = mapping(NAME, form=CSV, handling=FLAGS, record=f"    {when.strip()}")
    mapped = source(
        tmp_path,
        text + TWO.replace("WHEN", when).replace("[O, S]", "[O]"),
        HEADER + b'W1,"A, B",O\nW2,"A, B",S\n',
    )
    assert served(tmp_path, mapped) == {"W2"}
    with closing(Reader(tmp_path / "records.db")) as reader:
        ((code, why),) = [(r.code, r.text) for r in reader.reasons("small")]
    assert code == "record.duplicate_id"
    assert why.startswith("the row makes two records of this id")


# -- segments ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hurt", "code"),
    [
        (lambda s: "0040" + s[4:40], "nibrs.short"),
        (lambda s: "00x6" + s[4:], "nibrs.length"),
        (lambda s: s[:4] + "9" + s[5:], "nibrs.segment"),
        (lambda s: s[:5] + "Q" + s[6:], "nibrs.unknown_action"),
    ],
)
def test_no_incident_is_served_without_a_segment_that_cannot_be_read(
    tmp_path: Path, hurt: Callable[[str], str], code: str
) -> None:
    offense, offender = incident(1, " ", OFFENSE, OFFENDER)[1:]
    whole = incident(1, " ", OFFENSE, OFFENDER)
    lines = [whole[0], offense, hurt(offender), *incident(2, " ", OFFENSE, OFFENDER)]
    mapped = segments(tmp_path, lines)
    assert codes(mapped) == [(3, code), (1, "nibrs.incomplete")]
    assert mapped.tally.read == mapped.tally.translated + mapped.tally.aside == 6
    assert [r.record_id for r in mapped.rows() if isinstance(r, Record)] == [
        "NM9990000-NM0000000002"
    ]
    served(tmp_path, mapped)
    assert mapped.unread is None


def test_an_incident_is_not_served_where_a_part_of_it_stands_apart(tmp_path: Path) -> None:
    first, offense, offender = incident(1, " ", OFFENSE, OFFENDER)
    lines = [first, offense, *incident(2, " ", OFFENSE), offender]
    mapped = segments(tmp_path, lines)
    served(tmp_path, mapped)
    with closing(Reader(tmp_path / "records.db")) as reader:
        (generation,) = reader.generations()
        assert reader.by_record_id(generation.id, "NM9990000-NM0000000001") is None
        assert reader.by_record_id(generation.id, "NM9990000-NM0000000002") is not None


def test_what_reports_nothing_keeps_no_incident_back(tmp_path: Path) -> None:
    lines = incident(1, " ", OFFENSE)
    nothing = "00430A112026    NM9990000000000000000112026"
    mapped = segments(tmp_path, [nothing, *lines, lines[0][:5] + "M" + lines[0][6:]])
    served(tmp_path, mapped)
    with closing(Reader(tmp_path / "records.db")) as reader:
        (generation,) = reader.generations()
        assert reader.by_record_id(generation.id, "NM9990000-NM0000000001") is not None


@pytest.mark.parametrize(
    "hurt",
    [
        lambda s: "0040" + s[4:40],
        lambda s: "00x6" + s[4:],
        lambda s: s[:4] + "9" + s[5:],
        lambda s: s[:5] + "Q" + s[6:],
    ],
)
def test_a_damaged_segment_says_nothing_that_stands_in_another(
    tmp_path: Path, hurt: Callable[[str], str]
) -> None:
    first, offense = incident(1, " ", OFFENSE)
    (tmp_path / "data").write_text(f"{first}\n{hurt(offense)}\n", encoding="ascii")
    bad = next(r for r in NibrsReader(tmp_path / "data", {}).rows() if isinstance(r, BadRow))
    assert bad.keys(("KIND", "ORI", "NUMBER")) == [("incident", "NM9990000", "NM0000000001")]
    assert bad.keys(("ORI", "NUMBER", "DATE")) == []
    assert bad.keys(("CARGO_THEFT",)) == []


def test_an_import_asks_where_a_damaged_segment_tells_but_a_part_of_the_id(tmp_path: Path) -> None:
    lines = incident(1, " ", OFFENSE, OFFENDER)
    damaged = "0040" + lines[2][4:40]
    text = MAPPING.replace('"{ORI}-{NUMBER}"', '"{ORI}-{NUMBER}-{DATE}"')
    mapped = segments(tmp_path, [*incident(2), damaged, *lines[:2]], text)
    with pytest.raises(Unread, match="line 2"):
        served(tmp_path, mapped)


def test_an_import_asks_where_the_header_of_a_segment_is_damaged(tmp_path: Path) -> None:
    lines = incident(1, " ", OFFENSE, OFFENDER)
    mapped = segments(tmp_path, [*lines[:2], "00x6" + "?" * 60, *incident(2, " ", OFFENSE)])
    with pytest.raises(Unread, match="line 3"):
        served(tmp_path, mapped)


# -- sheets ------------------------------------------------------------------------------------

EXCEL: Final = "{type: excel, path: data}"
OPEN: Final = FLAGS.replace("O: open}", "O: open}, blank: open")


def cells(row: int, *written: str) -> str:
    """Write a row of a sheet: `B:text` stands in column B."""
    found = (one.partition(":") for one in written)
    return f'<row r="{row}">' + "".join(
        f'<c r="{c}{row}" t="inlineStr"><is><t>{t}</t></is></c>' for c, _, t in found
    ) + "</row>"  # fmt: skip


TOP: Final = cells(1, "A:ID", "B:NAME", "C:SEAL")


def workbook(
    folder: Path, rows: str, merged: Iterable[str] = (), flags: str = OPEN
) -> MappedSource:
    """Load a mapping over a sheet that is written by hand."""
    refs = "".join(f'<mergeCell ref="{ref}"/>' for ref in merged)
    by_hand(folder / "data", sheet(TOP + rows, f"<mergeCells>{refs}</mergeCells>"))
    (folder / "m.yaml").write_text(mapping(NAME, form=EXCEL, handling=flags))
    return adapters.load(folder / "m.yaml")


def test_a_stray_cell_hides_the_open_row_of_its_id(tmp_path: Path) -> None:
    rows = cells(2, "A:W1", "B:A, B", "C:O") + cells(3, "A:W1", "B:A, B", "C:S", "D:x")
    mapped = workbook(tmp_path, rows + cells(4, "A:W2", "B:C, D", "C:O"), flags=FLAGS)
    assert served(tmp_path, mapped) == {"W2"}
    assert codes(mapped) == [(3, "row.columns")]


def test_merged_cells_whose_first_is_doubtful_open_no_row(tmp_path: Path) -> None:
    rows = cells(2, "A:W1", "B:A, B", "C:S", "C:S") + cells(3, "A:W2", "B:C, D")
    mapped = workbook(tmp_path, rows + cells(4, "A:W3", "B:E, F"), ["C2:C3"])
    assert served(tmp_path, mapped) == {"W3"}
    assert codes(mapped) == [(2, "excel.cell_twice"), (3, "excel.cell_twice")]


def test_merged_cells_that_overlap_open_no_row(tmp_path: Path) -> None:
    rows = cells(2, "A:W1", "B:A, B", "C:S") + cells(3, "A:W2", "B:C, D")
    rows += cells(4, "A:W3", "B:E, F") + cells(5, "A:W4", "B:G, H")
    mapped = workbook(tmp_path, rows, ["C2:C3", "C3:C4"])
    assert served(tmp_path, mapped) == {"W1", "W4"}


def test_a_sheet_with_more_merged_cells_than_are_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excel, "_MOST_MERGED", 2)
    rows = cells(2, "A:W1", "B:A, B", "C:S") + cells(3, "A:W2", "B:C, D")
    with pytest.raises(Misconfigured, match="over 2 cells of the sheet are merged"):
        workbook(tmp_path, rows, ["A8:A9", "B8:B9", "C2:C3"])


# -- exports that broke off --------------------------------------------------------------------


@pytest.mark.parametrize(
    "end", [b"W2", b'W2,"C', b'W2,"C, D"', b'W2,"C, D, E', b'W2,"two\nlines', b"W2,\xff"]
)
def test_an_export_that_breaks_off_in_a_row_is_asked_about(tmp_path: Path, end: bytes) -> None:
    text, data = mapping(NAME, form=CSV, handling=FLAGS), HEADER + b'W1,"A, B",O\n' + end
    mapped = source(tmp_path, text, data)
    with pytest.raises(Unread, match=r"from line [34] on"):
        served(tmp_path, mapped)
    assert served(tmp_path, mapped, asked=True) == {"W1"}
    ended = source(tmp_path, text, data + b"\n")
    list(ended.rows())
    assert ended.unread is None


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_wide_export_that_breaks_off_is_asked_about(tmp_path: Path, encoding: str) -> None:
    text = mapping(NAME, form=CSV.replace("utf-8", encoding), handling=FLAGS)
    data = 'ID,NAME,SEAL\r\nW1,"A, B",O\r\nW2,x'
    mapped = source(tmp_path, text, data.encode(encoding))
    with pytest.raises(Unread, match="from line 3 on"):
        served(tmp_path, mapped)
    ended = source(tmp_path, text, (data + "\r\n").encode(encoding))
    list(ended.rows())
    assert ended.unread is None


@pytest.mark.parametrize("end", [b'W2,"C, D",O', b'W2,"C, D",O\n\x1a', b'W2,"C, D",O\n\x1a\n'])
def test_a_last_row_that_is_whole_needs_no_end(tmp_path: Path, end: bytes) -> None:
    mapped = source(tmp_path, mapping(NAME, form=CSV, handling=FLAGS), HEADER + end)
    assert served(tmp_path, mapped) == {"W2"}
    assert codes(mapped) == []


def test_lines_of_fixed_width_that_break_off_are_asked_about(tmp_path: Path) -> None:
    mapped = source(tmp_path, mapping(NAME, form=FIXED, handling=FLAGS), b"W1 A, B      O\nW2 C")
    with pytest.raises(Unread, match="from line 2 on: the line has 4 characters"):
        served(tmp_path, mapped)


@pytest.mark.parametrize("damaged", [b"W1,A\x93,S", b"W1,A\x93,B,S", b'W1,"A\x85, B,S'])
def test_a_sign_of_windows_1252_in_latin_1_hides_the_open_row_of_its_id(
    tmp_path: Path, damaged: bytes
) -> None:
    form = CSV.replace("utf-8", "iso-8859-1")
    data = HEADER + b'W1,"A, B",O\n' + damaged + b'\nW2,"C, D",O\n'
    mapped = source(tmp_path, mapping(NAME, form=form, handling=FLAGS), data)
    assert served(tmp_path, mapped) == {"W2"}
    assert [c for _, c in codes(mapped)] == ["row.encoding"]


# -- where a row's columns may stand -----------------------------------------------------------


def test_quotes_are_followed_where_they_can_be(tmp_path: Path) -> None:
    data = b'NAME,ID,SEAL\n"A, B",W1,O\n"A, B",W1,"x, y\n"C, D",W2,O\n'
    mapped = source(tmp_path, mapping(NAME, form=CSV, handling=FLAGS), data)
    assert served(tmp_path, mapped) == {"W2"}


def test_what_a_broken_off_line_ends_with_is_no_id(tmp_path: Path) -> None:
    data = b'NAME,ID,SEAL\n"A, B",W1,O\nX,W1'
    mapped = source(tmp_path, mapping(NAME, form=CSV, handling=FLAGS), data)
    assert served(tmp_path, mapped, asked=True) == {"W1"}


def test_the_ids_at_the_end_of_swallowed_lines_count(tmp_path: Path) -> None:
    data = b'NAME,SEAL,ID\nA,O,W1\nB,O,W2\nC,O,W3\n"SMITH, A,S,W1\nJONES",S,W2\n'
    mapped = source(tmp_path, mapping(NAME, form=CSV, handling=FLAGS), data)
    assert served(tmp_path, mapped) == {"W3"}
    assert [code for _, code in codes(mapped)] == ["row.quotes", "row.quotes"]


def test_a_wrong_byte_is_told_of_the_line_that_has_it(tmp_path: Path) -> None:
    data = HEADER + b'W1,"A\nW2,B\xff,S\n'
    mapped = source(tmp_path, mapping(NAME, form=CSV, handling=FLAGS), data)
    assert codes(mapped) == [(2, "row.quotes"), (3, "row.encoding")]


def test_the_id_of_a_fixed_line_may_stand_at_its_end(tmp_path: Path) -> None:
    form = FIXED.replace("ID: [1, 3], NAME: [4, 13], SEAL: [14, 14]",
                         "NAME: [1, 10], SEAL: [11, 11], ID: [12, 14]")  # fmt: skip
    data = b"A, B      OW1 \nA, B       SW1 \nC, D      OW2 \n\x1a\n"
    mapped = source(tmp_path, mapping(NAME, form=form, handling=FLAGS), data)
    assert served(tmp_path, mapped) == {"W2"}
    assert codes(mapped) == [(2, "row.width")]


def test_an_import_asks_where_the_key_of_rows_that_are_one_cannot_be_read(tmp_path: Path) -> None:
    text = TOGETHER.replace("key: ID", "key: NAME")
    mapped = source(tmp_path, text, MARKED + b"W3,A\xff,S,Y\n")
    with pytest.raises(Unread, match="line 4"):
        served(tmp_path, mapped)


@pytest.mark.parametrize("data", [word("W1 OA, B  0ZZ") + word("W2 O"),
                                  word("W1 OA, B  0ZZ") + word("W2 OA, B  0ZZ")[:-1]])  # fmt: skip
def test_only_a_cobol_file_that_ends_in_a_record_is_asked_about(
    tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "book.cpy").write_text(BOOK)
    form = "{type: cobol, path: data, copybook: book.cpy, encoding: cp037, record: rdw}"
    mapped = source(tmp_path, mapping(NAME, form=form, handling=FLAGS), data)
    if data[-1:] == word("O")[-1:]:
        assert served(tmp_path, mapped) == {"W1"}
        return
    with pytest.raises(Unread, match="the file ends"):
        served(tmp_path, mapped)


def test_a_cobol_file_of_equal_records_that_breaks_off_is_asked_about(tmp_path: Path) -> None:
    (tmp_path / "book.cpy").write_text(
        "\n".join(x for x in BOOK.splitlines() if " AL " not in x and " AN " not in x) + "\n"
    )
    form = "{type: cobol, path: data, copybook: book.cpy, encoding: cp037, record: fixed}"
    data = "W1 OA, B  0ZZW2 SA".encode("cp037")
    mapped = source(tmp_path, mapping(NAME, form=form, handling=FLAGS), data)
    with pytest.raises(Unread, match="the file ends"):
        served(tmp_path, mapped)


MESSAGES: Final = XML.replace("record: b:W", "record: b:W, message: b:M")


@pytest.mark.parametrize(
    "inner", [one("W1", "<b:Name>A &, B</b:Name>", "S"), one("W1", "<b:Name<")]
)
def test_an_import_asks_where_a_message_of_records_is_damaged(tmp_path: Path, inner: str) -> None:
    first, last = f"<b:M>{one('W1')}{one('W4')}</b:M>", f"<b:M>{one('W5')}</b:M>"
    whole = f"{first}\n<b:M>{one('W2')}{inner}{one('W3')}</b:M>\n{last}\n"
    mapped = source(tmp_path, mapping(NAME, form=MESSAGES, handling=FLAGS), batch(whole))
    with pytest.raises(Unread, match="nobody can say"):
        served(tmp_path, mapped)
    assert served(tmp_path, mapped, asked=True) == {"W4", "W5"}


def test_a_record_outside_of_all_messages_hides_the_open_one_of_its_id(tmp_path: Path) -> None:
    whole = f"<b:M>{one('W1')}{one('W2')}</b:M>\n{one('W1', seal='S')}"
    mapped = source(tmp_path, mapping(NAME, form=MESSAGES, handling=FLAGS), batch(whole))
    assert served(tmp_path, mapped) == {"W2"}
    assert [code for _, code in codes(mapped)] == ["xml.outside"]


def test_an_import_asks_where_an_arrest_is_too_short_for_its_id(tmp_path: Path) -> None:
    short = "00407A112026    NM9990000NM000000000201"
    mapped = segments(tmp_path, [*incident(1, " ", OFFENSE), short + " "])
    assert codes(mapped) == [(3, "nibrs.short")]
    assert mapped.unread is None
    mapped = segments(tmp_path, [*incident(1, " ", OFFENSE), "0037" + short[4:37]])
    with pytest.raises(Unread, match="line 3"):
        served(tmp_path, mapped)
