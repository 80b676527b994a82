"""XML after damage: what is whole is read, what is not is set aside, and nothing is made up."""

from pathlib import Path
from random import Random

import pytest

from adapters.rows import BadRow, Row
from adapters.xmlsource import XmlReader
from tests.soak import count

SPEC = {
    "type": "xml",
    "namespaces": {"a": "urn:a"},
    "record": "a:x",
    "columns": {"ID": "@id", "NAME": "a:v"},
}
HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n<r xmlns="urn:a">\n<batch no="1">\n'
TAIL = b"</batch>\n</r>\n"


def record(number: int) -> bytes:
    return f'<x id="{number}">\n  <v>N{number} &amp; &#xe9;</v>\n</x>\n'.encode()


def read(path: Path, data: bytes, **more: object) -> list[Row | BadRow]:
    path.write_bytes(data)
    return list(XmlReader(path, {**SPEC, **more}).rows())


def ids(rows: list[Row | BadRow]) -> list[str]:
    return [r.values["ID"] if isinstance(r, Row) else r.code for r in rows]


HURT = {
    "a bare ampersand": b'<x id="2">\n  <v>A & B</v>\n</x>\n',
    "a bare bracket": b'<x id="2">\n  <v>A < B</v>\n</x>\n',
    "a wrong end": b'<x id="2">\n  <v>A</w>\n</x>\n',
    "no end": b'<x id="2">\n  <v>A</v>\n',
    "half an end": b'<x id="2">\n  <v>A</v>\n</\n',
    "a lost quote": b'<x id="2>\n  <v>A</v>\n</x>\n',
    "a control character": b'<x id="2">\n  <v>\x01</v>\n</x>\n',
    "bytes that are no UTF-8": b'<x id="2">\n  <v>\xff\xfe</v>\n</x>\n',
    "an unknown entity": b'<x id="2">\n  <v>&who;</v>\n</x>\n',
    "an attribute twice": b'<x id="2" id="3">\n  <v>A</v>\n</x>\n',
    "noughts": b'<x id="2">\n  <v>' + b"\0" * 70_000 + b"</v>\n</x>\n",
}


@pytest.mark.parametrize("kind", HURT)
def test_the_records_around_a_damaged_one_are_read(tmp_path: Path, kind: str) -> None:
    before = HEAD + record(0) + record(1)
    data = before + HURT[kind] + record(3) + record(4) + TAIL
    rows = read(tmp_path / "f", data)
    assert ids(rows) == ["0", "1", "xml.damaged", "3", "4"]
    damaged = rows[2]
    assert isinstance(damaged, BadRow)
    assert damaged.raw == HURT[kind][: 2**16].decode("utf-8", "replace")
    assert "reading went on at the next record" in damaged.text
    assert not damaged.rest
    first = len(before)
    # A lost quote is closed by the next record's.
    where = f"bytes {first + 1} to {first + len(HURT[kind])} of the file"
    assert damaged.value is not None
    assert damaged.value.endswith(where)
    # Lines stay those of the file.
    assert [r.line for r in rows if isinstance(r, Row)] == [
        data[: data.index(b'<x id="%d">' % n)].count(b"\n") + 1 for n in (0, 1, 3, 4)
    ]


def test_line_and_column_are_those_of_the_file_after_going_on_too(tmp_path: Path) -> None:
    wrong = b'<x id="2"><v>A & B</v></x>'
    data = HEAD + record(0) + wrong + record(3) + b"  " + wrong + record(4) + wrong + TAIL
    rows = read(tmp_path / "f", data)
    assert ids(rows) == ["0", "xml.damaged", "3", "xml.damaged", "4", "xml.damaged"]
    places = []
    at = data.index(wrong)
    while at >= 0:
        sign = at + wrong.index(b"&") + 1
        line = data[:sign].count(b"\n") + 1
        places.append(f"line {line}, column {sign - data.rfind(chr(10).encode(), 0, sign)}; ")
        at = data.find(wrong, at + 1)
    said = [str(r.value) for r in rows if isinstance(r, BadRow)]
    assert [s.partition("bytes")[0] for s in said] == places


@pytest.mark.parametrize(
    "hurt",
    [
        b'<x id="2"><v>A & B</v></x></batch><batch no="2">',
        b"& <!-- withdrawn: ",
        b"<!-- -- withdrawn: ",
        b'<x id="2"><!-- a -- b --></x>',
        b"<![CDATA[ ]]> & ",
        b'<x id="2"><v><![CDATA[ ]]> & </v></x>',
        b"]]> ",
        b"<? &",
    ],
)
def test_where_it_is_not_certain_what_follows_the_rest_is_set_aside(
    tmp_path: Path, hurt: bytes
) -> None:
    data = HEAD + record(0) + record(1) + hurt + record(3) + b"-->" + record(4) + TAIL
    rows = read(tmp_path / "f", data)
    assert ids(rows) == ["0", "1", "xml.damaged"]
    damaged = rows[2]
    assert isinstance(damaged, BadRow)
    assert damaged.rest, "an import takes nothing for gone by it"
    assert damaged.text.startswith("the file is damaged here, and what follows was not read: ")
    assert str(damaged.value).endswith(f"to {len(data)} of the file")
    assert damaged.raw.encode().rstrip().endswith(b"</r>")


def test_what_columns_take_from_around_the_records_is_not_lost_unseen(tmp_path: Path) -> None:
    data = HEAD + b"<by>US</by>" + record(0) + b'<x id="2"><v>&</v></x>' + record(3) + TAIL
    columns = {"ID": "@id", "BY": "/a:r/a:batch/a:by"}
    rows = read(tmp_path / "f", data, columns=columns)
    assert [r.values if isinstance(r, Row) else r.code for r in rows] == [
        {"ID": "0", "BY": "US"},
        "xml.damaged",
    ]
    assert isinstance(rows[1], BadRow)
    assert rows[1].rest


def test_a_record_within_a_record_is_not_taken_for_the_next(tmp_path: Path) -> None:
    nested = b'<x id="1"><v>A</v><x id="9"/></x>'
    data = HEAD + nested + b'<x id="2"><v>B</v><x id="8"/><v>&</v></x>' + record(3) + TAIL
    assert ids(read(tmp_path / "f", data)) == ["1", "xml.damaged", "3"]


def too_deep(number: int, levels: int = 300, within: bytes = b"") -> bytes:
    inner = b"<y>" * levels + within + b"</y>" * levels
    return b'<x id="%d">\n<!-- <x id="7"/> --><v>%s</v></x>\n' % (number, inner)


@pytest.mark.parametrize("levels", [254, 300, 9_000])
def test_a_record_that_is_nested_too_deep_is_set_aside_alone(tmp_path: Path, levels: int) -> None:
    # A comment and records within it hide nothing: it is known where it ends.
    deep = too_deep(2, levels, b'<x id="9"/><!-- & -->')
    data = HEAD + record(1) + deep + record(3) + deep + record(4) + TAIL
    rows = read(tmp_path / "f", data)
    assert ids(rows) == ["1", "xml.damaged", "3", "xml.damaged", "4"]
    for row in rows:
        if isinstance(row, BadRow):
            assert not row.rest
            assert row.raw == deep.decode()
            assert "elements are nested more than 256 deep" in row.text
            assert "reading went on at the next record" in row.text
    first = len(HEAD + record(1))
    assert str(rows[1].value if isinstance(rows[1], BadRow) else "").endswith(  # its bytes alone
        f"bytes {first + 1} to {first + len(deep)} of the file"
    )


def test_what_is_as_deep_as_can_be_read_is_read(tmp_path: Path) -> None:
    around = HEAD.count(b"<") - HEAD.count(b"<?") + 2
    data = HEAD + record(1) + too_deep(2, 256 - around) + record(3) + TAIL
    assert ids(read(tmp_path / "f", data))[::2] == ["1", "3"]
    assert "xml.damaged" not in ids(read(tmp_path / "f", data))
    data = HEAD + record(1) + too_deep(2, 257 - around) + record(3) + TAIL
    assert ids(read(tmp_path / "f", data)) == ["1", "xml.damaged", "3"]


@pytest.mark.parametrize(
    "deep",
    [
        too_deep(2, 20_000),
        too_deep(2, 300, b"&"),
        too_deep(2).replace(b"</x>\n", b""),
        b"<z>" * 300 + b"</z>" * 300,
    ],
    ids=["deeper than is looked through", "damaged as well", "without an end", "no record"],
)
def test_where_the_end_of_what_is_too_deep_is_not_known_the_rest_is_set_aside(
    tmp_path: Path, deep: bytes
) -> None:
    rows = read(tmp_path / "f", HEAD + record(1) + deep + record(3) + TAIL)
    assert ids(rows) == ["1", "xml.damaged"]
    assert isinstance(rows[1], BadRow)
    assert rows[1].rest


def test_what_stands_between_two_damages_of_different_kinds_is_not_lost(tmp_path: Path) -> None:
    """One stops at the depth, the other at the bare ampersand."""
    bare = b'<x id="5"><v>A & B</v></x>\n'
    data = HEAD + record(1) + too_deep(2) + record(3) + record(4) + bare + record(6) + TAIL
    rows = read(tmp_path / "f", data)
    assert ids(rows) == ["1", "xml.damaged", "3", "4", "xml.damaged", "6"]


def test_messages_go_on_at_the_next_message(tmp_path: Path) -> None:
    message = b"<m>%s</m>\n"
    data = (
        HEAD
        + message % record(1)
        + message % (record(2) + b'<x id="3"><v>&</v></x>' + record(4))
        + message % record(5)
        + TAIL
    )
    rows = read(tmp_path / "f", data, message="a:m")
    assert ids(rows) == ["1", "xml.damaged", "5"]
    # The whole message is set aside: what its records refer to may be in what is damaged.
    assert isinstance(rows[1], BadRow)
    assert 'id="2"' in rows[1].raw
    assert 'id="4"' in rows[1].raw


def test_a_file_that_is_cut_off_says_which_bytes_were_not_read(tmp_path: Path) -> None:
    data = HEAD + record(0) + record(1)[:-6]
    rows = read(tmp_path / "f", data)
    assert ids(rows) == ["0", "xml.damaged"]
    assert isinstance(rows[1], BadRow)
    assert rows[1].rest
    assert rows[1].raw == record(1)[:-6].decode()


def test_a_file_full_of_damage_ends(tmp_path: Path) -> None:
    pairs = b"".join(record(n) + b'<x id="bad"><v>&</v></x>\n' for n in range(300))
    rows = read(tmp_path / "f", HEAD + pairs + TAIL)
    assert ids(rows)[-1] == "xml.damaged"
    assert sum(isinstance(r, Row) for r in rows) == 100
    assert isinstance(rows[-1], BadRow)
    assert rows[-1].rest
    assert rows[-1].raw.endswith("</r>\n")


WITHDRAWN = b'<!-- withdrawn:\n<x id="withdrawn"><v>W</v></x>\n-->\n'
SIGNS = (b"<", b">", b"&", b'"', b"\0", b"\xff", b"/", b"</x>", b"<x>", b"</v>", b"--", b"]]>", b"")


def test_damage_makes_up_no_record(tmp_path: Path) -> None:
    """One change anywhere but in a comment's own signs: all rows read are rows that stand there."""
    chance = Random(17)
    read_at_all = changed = 0
    for _ in range(count(300, 10_000)):
        pieces = [record(n) for n in range(12)]
        for place in sorted(chance.sample(range(12), 3), reverse=True):
            pieces.insert(place, WITHDRAWN)
        body = b"".join(pieces)
        data = HEAD + body + TAIL
        at = chance.randrange(len(HEAD), len(HEAD) + len(body))
        end = at + chance.randrange(3)
        hurt = data[:at] + chance.choice(SIGNS) + data[end:]
        if hurt.count(b"<!--") != 3 or hurt.count(b"-->") != 3:
            continue
        rows = read(tmp_path / "f", hurt)
        good = {r.values["ID"]: r.values["NAME"] for r in rows if isinstance(r, Row)}
        true = {str(n): f"N{n} & é" for n in range(12)}
        wrong = {k: v for k, v in good.items() if true.get(k) != v}
        # A change that leaves the file well-formed changes at most the record that it is in.
        assert len(wrong) <= 1
        assert "withdrawn" not in good
        changed += bool(wrong)
        read_at_all += len(good)
        if any(isinstance(r, BadRow) for r in rows):
            before = {
                str(n) for n in range(12) if 0 <= data.index(b'<x id="%d"' % n) + 40 < at - 60
            }
            assert before <= good.keys() | wrong.keys()
    assert read_at_all > count(300, 10_000) * 5
    assert changed
