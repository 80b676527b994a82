"""COBOL records: parts, redefinitions, framing, and what is set aside."""

import tracemalloc
from pathlib import Path

import pytest

from adapters.cobol_layout import MAX_RECORD
from adapters.rows import BadRow, Row
from gateway.errors import Misconfigured
from tests.adapters.cobol_bytes import copybook, described, packed, reader, rows, seen, text, zoned

PLAIN = copybook("01 R.", "   05 A PIC X(2).", "   05 B PIC 9(2).")
ALIASES = copybook(
    "01 R.",
    "   05 KEY-NO PIC 9(3).",
    "   05 CHARGE OCCURS 3.",
    "      10 CODE-NO PIC X(2).",
    "      10 COUNTS PIC 9 OCCURS 2.",
    "   05 NAMES PIC 9.",
    "   05 ALIAS PIC X(3) OCCURS 0 TO 4 DEPENDING ON NAMES.",
    "   05 LAST-ONE PIC X(2).",
)
KINDS = copybook(
    "01 R.",
    "   05 KIND PIC X.",
    "   05 BODY PIC X(4).",
    "   05 CAR REDEFINES BODY.",
    "      10 MODEL-YEAR PIC 9(4).",
    "   05 GUN REDEFINES BODY.",
    "      10 CALIBER PIC 9(3) COMP-3.",
    "      10 MAKE PIC X(2).",
    "   05 AFTER-IT PIC X.",
)
VARIANTS = {
    "CAR": {"column": "KIND", "is": ["C"]},
    "GUN": [{"column": "KIND", "not": ["C"]}, {"column": "KIND", "blank": False}],
}
TWO = copybook(
    "01 HEAD.",
    "   05 HEAD-KIND PIC X.",
    "   05 MADE-ON PIC 9(8).",
    "01 PERSON.",
    "   05 PERSON-KIND PIC X.",
    "   05 SURNAME PIC X(4).",
)
TWO_KINDS = {
    "HEAD": {"column": "HEAD-KIND", "is": ["H"]},
    "PERSON": {"column": "PERSON-KIND", "is": ["P"]},
}


def aliases(*names: str, charges: str = "AB12CD00  00", key: int = 7) -> bytes:
    return (
        zoned(key, 3) + text(charges, 12) + zoned(len(names), 1) + text("".join(names), 0)
    ) + text("ZZ", 2)


def groups(found: Row | BadRow) -> dict[str, list[dict[str, str]]]:
    assert isinstance(found, Row), found
    return found.groups


def test_parts_and_parts_of_parts(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, ALIASES, described([aliases("ANN", "EVE")]), record="rdw")
    assert row.values == {"KEY-NO": "007", "NAMES": "2", "LAST-ONE": "ZZ"}  # type: ignore[union-attr]  # the test fails if it is none
    found = groups(row)
    assert found["alias"] == [
        {"alias.ALIAS": "ANN", "alias.OCCURS": "1"},
        {"alias.ALIAS": "EVE", "alias.OCCURS": "2"},
    ]
    assert [(c["charge.CODE-NO"], c["charge.OCCURS"]) for c in found["charge"]] == [
        ("AB", "1"),
        ("CD", "2"),
    ]
    assert found["counts"] == [
        {"counts.CODE-NO": "AB", "counts.COUNTS": "1", "counts.OCCURS": "1"},
        {"counts.CODE-NO": "AB", "counts.COUNTS": "2", "counts.OCCURS": "2"},
    ]


def test_what_stands_behind_a_varying_part_moves_or_stays(tmp_path: Path) -> None:
    none = described([aliases()])
    assert rows(tmp_path, ALIASES, none, record="rdw")[0].values["LAST-ONE"] == "ZZ"  # type: ignore[union-attr]  # as above
    stays = aliases("ANN")[:-2] + text("", 9) + text("YY", 2)
    (row,) = rows(tmp_path, ALIASES, stays, depending="stays")
    assert isinstance(row, Row)
    assert row.values["LAST-ONE"] == "YY"
    assert len(row.groups["alias"]) == 1


@pytest.mark.parametrize("count", [b"\xf5", b"\xc1\xc2", b"\x40"])
def test_a_number_of_parts_that_cannot_be(tmp_path: Path, count: bytes) -> None:
    good = aliases()
    data = good[:15] + count + good[16:]
    (row,) = rows(tmp_path, ALIASES, described([data]), record="rdw")
    assert isinstance(row, BadRow)
    assert row.code in {"cobol.count", "cobol.truncated"}


def test_a_varying_part_within_a_part(tmp_path: Path) -> None:
    book = copybook(
        "01 R.",
        "   05 N PIC 9.",
        "   05 OUTER-PART OCCURS 1 TO 3 DEPENDING ON N.",
        "      10 M PIC 9.",
        "      10 INNER-PART OCCURS 0 TO 5 DEPENDING ON M.",
        "         15 X PIC X.",
        "      10 BEHIND PIC X.",
        "   05 LAST-ONE PIC X.",
    )
    (row,) = rows(tmp_path, book, described([text("22ABx0y!", 8)]), record="rdw")
    assert [tuple(r.values()) for r in groups(row)["outer_part"]] == [
        ("2", "x", "1"),
        ("0", "y", "2"),
    ]
    assert [r["inner_part.X"] for r in groups(row)["inner_part"]] == ["A", "B"]
    assert row.values["LAST-ONE"] == "!"  # type: ignore[union-attr]  # as above
    (short,) = rows(tmp_path, book, described([text("22ABx3y!", 8)]), record="rdw")
    assert seen([short]) == [(1, "cobol.truncated", None)]


def test_the_layout_that_is_meant_is_chosen_by_its_condition(tmp_path: Path) -> None:
    car, gun = text("C1999!", 6), text("G", 1) + packed(38, 3) + text("SW?", 3)
    found = rows(tmp_path, KINDS, car + gun, variants=VARIANTS)
    blank = {"BODY": "1999", "MODEL-YEAR": "", "CALIBER": "", "MAKE": ""}
    assert seen(found[:1]) == [blank | {"KIND": "C", "MODEL-YEAR": "1999", "AFTER-IT": "!"}]
    (second,) = (r for r in found[1:] if isinstance(r, Row))
    assert (second.values["CALIBER"], second.values["MAKE"]) == ("038", "SW")
    assert second.values["MODEL-YEAR"] == ""
    # Where the layout is meant, what can't be read sets the row aside.
    (bad,) = rows(tmp_path, KINDS, text("C19X9!", 6), variants=VARIANTS)
    assert seen([bad]) == [(1, "cobol.digits", "MODEL-YEAR")]


def test_without_conditions_a_layout_that_may_be_meant_is_read_if_it_can_be(tmp_path: Path) -> None:
    made = reader(tmp_path, KINDS, text("CABCD!", 6))
    (row,) = made.rows()
    assert isinstance(row, Row)
    assert (row.values["MODEL-YEAR"], row.values["BODY"]) == ("", "ABCD")
    # A mapping that uses the column must be able to rely on it.
    made.select({"MODEL-YEAR"})
    (bad,) = made.rows()
    assert isinstance(bad, BadRow)
    assert bad.code == "cobol.digits"
    assert "variants" in bad.text


def test_columns_that_nobody_uses_set_no_row_aside(tmp_path: Path) -> None:
    made = reader(tmp_path, PLAIN, text("OK??", 4))
    assert seen(made.rows()) == [(1, "cobol.digits", "B")]
    made.select({"A"})
    assert seen(made.rows()) == [{"A": "OK"}]


def test_parts_that_nobody_uses_are_passed_over_but_keep_their_place(tmp_path: Path) -> None:
    made = reader(tmp_path, ALIASES, described([aliases("ANN", "EVE")]), record="rdw")
    made.select({"LAST-ONE", "alias.OCCURS"})
    (row,) = made.rows()
    assert isinstance(row, Row)
    assert row.values["LAST-ONE"] == "ZZ"
    assert row.groups == {"alias": [{"alias.OCCURS": "1"}, {"alias.OCCURS": "2"}]}
    made.select({"counts.COUNTS"})
    assert [r["counts.COUNTS"] for r in groups(next(made.rows()))["counts"]] == ["1", "2"]


def test_several_layouts_of_whole_records(tmp_path: Path) -> None:
    data = described([text("H20261123", 9), text("PDIAZ", 5), text("Q????", 5)])
    found = rows(tmp_path, TWO, data, record="rdw", variants=TWO_KINDS)
    nothing = dict.fromkeys(("HEAD-KIND", "MADE-ON", "PERSON-KIND", "SURNAME"), "")
    assert seen(found) == [
        nothing | {"HEAD-KIND": "H", "MADE-ON": "20261123"},
        nothing | {"PERSON-KIND": "P", "SURNAME": "DIAZ"},
        (3, "cobol.variant", None),
    ]


KEYED = copybook(
    "01 A.",
    "   05 A-NO PIC X(2).",
    "   05 A-TYPE PIC 9(3) COMP-3.",
    "   05 A-REST PIC X(2).",
    "01 B.",
    "   05 B-NO PIC X(2).",
    "   05 B-TYPE PIC 9(3) COMP-3.",
)
KEYED_KINDS = {
    "A": {"column": "A-TYPE", "is": ["001"]},
    "B": {"column": "B-TYPE", "is": ["002"]},
}
NOT_KEYED = {"A": KEYED_KINDS["A"], "B": {"column": "A-TYPE", "not": ["001", "009"]}}


@pytest.mark.parametrize("kinds", [KEYED_KINDS, NOT_KEYED])
@pytest.mark.parametrize(
    ("damaged", "code"),
    [
        (text("W1", 2) + b"\x0a\x1f" + text("ZZ", 2), "cobol.digits"),
        (text("W1", 2), "cobol.truncated"),
        (text("W", 1), "cobol.truncated"),
    ],
)
def test_a_record_whose_layout_cannot_be_told_may_be_any(
    tmp_path: Path, damaged: bytes, code: str, kinds: dict[str, object]
) -> None:
    other = text("W3", 2) + packed(9, 3) + text("ZZ", 2)
    made = reader(tmp_path, KEYED, described([damaged, other]), record="rdw", variants=kinds)
    found = list(made.rows())
    assert seen(found) == [(1, code, "A-TYPE"), (2, "cobol.variant", None)]
    assert [r.no_record for r in found if isinstance(r, BadRow)] == [False, True]


def test_a_layout_without_a_condition_is_not_taken_for_a_damaged_other_one(
    tmp_path: Path,
) -> None:
    torn = text("W1", 2) + b"\x0a\x1f"
    whole, long, short = (text("W2", 2) + packed(n, 3) for n in (2, 1, 3))
    made = reader(
        tmp_path,
        KEYED,
        described([torn, torn + text("ZZ", 2), whole, long + text("ZZ", 2), short]),
        record="rdw",
        variants={"A": KEYED_KINDS["A"]},
    )
    made.select({"A-NO", "B-NO"})
    found = list(made.rows())
    assert seen(found[:2]) == [(1, "cobol.digits", "A-TYPE"), (2, "cobol.digits", "A-TYPE")]
    assert [r.keys(("B-NO",)) for r in found[:2] if isinstance(r, BadRow)] == [[], []]
    assert all("say under `variants`" in r.text for r in found[:2] if isinstance(r, BadRow))
    assert [r.values["B-NO"] for r in (found[2], found[4]) if isinstance(r, Row)] == ["W2", "W2"]
    # A condition of its own that can be read says that it is meant all the same.
    kinds = {"A": KEYED_KINDS["A"], "B": {"column": "B-NO", "is": ["W1"]}}
    (row, _) = rows(tmp_path, KEYED, described([torn, torn[:1]]), record="rdw", variants=kinds)
    assert isinstance(row, BadRow)
    assert (row.code, row.column) == ("cobol.digits", "B-TYPE")
    # A record that is too short for the other layout's type is none of it.
    book = copybook("01 A.", "   05 F PIC X(4).", "   05 T PIC X.", "01 B.", "   05 V PIC X(2).")
    kinds = {"A": {"column": "T", "is": ["A"]}}
    (row,) = rows(tmp_path, book, described([text("W1", 2)]), record="rdw", variants=kinds)
    assert isinstance(row, Row)
    assert row.values["V"] == "W1"


@pytest.mark.parametrize("times", ["", " OCCURS 2"])
def test_no_condition_holds_that_asks_for_a_column_before_it_that_cannot_be_read(
    tmp_path: Path, times: str
) -> None:
    book = copybook(
        "01 R.",
        f"   05 ENTRY-OF{times}.",
        "      10 KIND-NO PIC 9(3) COMP-3.",
        "      10 ONE PIC X(2).",
        "      10 OTHER REDEFINES ONE PIC X(2).",
    )
    variants = {
        "ONE": {"column": "KIND-NO", "is": ["001"]},
        "OTHER": {"column": "KIND-NO", "not": ["001"]},
    }
    torn, whole = b"\x0a\x1f" + text("W1", 2), packed(2, 3) + text("W2", 2)
    (bad,) = rows(tmp_path, book, torn + (whole if times else b""), variants=variants)
    assert isinstance(bad, BadRow)
    assert (bad.code, bad.row, bad.placed) == ("cobol.digits", None, ({},))


def test_a_redefinition_is_not_left_blank_where_what_tells_it_cannot_be_read(
    tmp_path: Path,
) -> None:
    book = copybook(
        "01 R.",
        "   05 ID PIC X(2).",
        "   05 BODY.",
        "      10 KIND-NO PIC 9(3) COMP-3.",
        "      10 SEAL PIC X.",
        "   05 OTHER REDEFINES BODY.",
        "      10 MAKE PIC X(3).",
    )
    variants = {
        "BODY": {"column": "KIND-NO", "is": ["001"]},
        "OTHER": {"column": "KIND-NO", "is": ["002"]},
    }
    sealed = text("W1", 2) + packed(1, 3) + text("S", 1)
    bad = text("W1", 2) + b"\x0a\x1f" + text("S", 1)
    none = text("W1", 2) + packed(3, 3) + text("S", 1)
    data = described([sealed, bad, none, sealed[:3], sealed[:2]])
    made = reader(tmp_path, book, data, record="rdw", variants=variants)
    made.select({"ID", "SEAL"})
    found = list(made.rows())
    assert seen(found)[1:] == [
        (2, "cobol.digits", "KIND-NO"),
        {"ID": "W1", "SEAL": ""},
        (4, "cobol.truncated", "KIND-NO"),
        {"ID": "W1", "SEAL": ""},
    ]
    assert [r.keys(("ID",)) for r in found if isinstance(r, BadRow)] == [[("W1",)]] * 2


@pytest.mark.parametrize(
    ("variants", "said"),
    [
        ({"AFTER-IT": {"column": "KIND", "is": ["C"]}}, "no other layout"),
        ({"CAR": {"column": "KYND", "is": ["C"]}}, "no such column"),
    ],
)
def test_conditions_of_nothing_are_refused(
    tmp_path: Path, variants: dict[str, object], said: str
) -> None:
    with pytest.raises(Misconfigured, match=said):
        reader(tmp_path, KINDS, b"", variants=variants)


# -- framing ------------------------------------------------------------------------------------


def test_records_of_one_length(tmp_path: Path) -> None:
    good = {"A": "AB", "B": "12"}
    found = rows(tmp_path, PLAIN, text("AB12AB12AB", 10))
    assert seen(found) == [good, good, (3, "cobol.truncated", None)]
    assert found[2].raw == "AB"
    assert seen(rows(tmp_path, PLAIN, text("AB12..AB12..", 12), length=6)) == [good, good]
    assert reader(tmp_path, PLAIN, text("AB12" * 3 + "A", 13)).total_hint() == 4


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ({}, b"\x00\x08\x00\x00"),
        ({"rdw_counts_itself": False}, b"\x00\x04\x00\x00"),
        ({"rdw_order": "little"}, b"\x08\x00\x00\x00"),
        ({"rdw_order": "little", "rdw_counts_itself": False}, b"\x00\x00\x04\x00"),
    ],
)
def test_lengths_before_records(tmp_path: Path, spec: dict[str, object], word: bytes) -> None:
    made = reader(tmp_path, PLAIN, (word + text("AB12", 4)) * 2, record="rdw", **spec)
    assert seen(made.rows()) == [{"A": "AB", "B": "12"}] * 2
    assert made.total_hint() == 2


def test_records_that_are_longer_or_shorter_than_the_layout(tmp_path: Path) -> None:
    data = described([text("AB1", 3), text("AB12", 4), text("AB123", 5)])
    found = rows(tmp_path, PLAIN, data, record="rdw")
    assert seen(found) == [
        (1, "cobol.truncated", None),
        {"A": "AB", "B": "12"},
        (3, "cobol.length", None),
    ]
    assert [r.raw for r in found] == ["AB1", "AB12", "AB123"]


@pytest.mark.parametrize(
    "word", [b"\x00\x00\x00\x00", b"\x00\x08\x01\x00", b"\x00", b"\x00\x04\0\0"]
)
def test_where_no_record_follows_a_wrong_length_the_rest_is_set_aside(
    tmp_path: Path, word: bytes
) -> None:
    data = described([text("AB12", 4)]) + word + b"x" * 300_000 * (len(word) == 4)
    found = rows(tmp_path, PLAIN, data, record="rdw")
    assert seen(found) == [{"A": "AB", "B": "12"}, (2, "cobol.rdw", None)]
    assert isinstance(found[1], BadRow)
    assert found[1].rest, "an import takes nothing for gone by it"
    assert found[1].value == f"bytes 9 to {len(data)} of the file"
    assert found[1].raw.encode("cp037") == data[8 : 8 + 2**16]


@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize("after", [1, 2, 5])
@pytest.mark.parametrize(
    "between",
    [b"\0\0\0\0junk", b"\xff", b"\0\x08\x01\0AB12", b"\x7f\xff\0\0AB12", b"\0\1\0", b"j" * 600_000],
)
def test_after_a_wrong_length_reading_goes_on_at_the_next_record(
    tmp_path: Path, between: bytes, after: int, order: str
) -> None:
    good = described([text("AB12", 4)], order)
    data = good + between + good * after
    found = rows(tmp_path, PLAIN, data, record="rdw", rdw_order=order)
    row = {"A": "AB", "B": "12"}
    assert seen(found) == [row, (2, "cobol.rdw", None), *[row] * after]
    assert isinstance(found[1], BadRow)
    assert not found[1].rest
    assert found[1].raw.encode("cp037") == between[: 2**16]
    assert found[1].value == f"bytes 9 to {8 + len(between)} of the file"


def test_a_file_that_ends_within_a_record(tmp_path: Path) -> None:
    found = rows(tmp_path, PLAIN, described([text("AB12", 4)] * 2)[:-1], record="rdw")
    assert seen(found) == [{"A": "AB", "B": "12"}, (2, "cobol.truncated", None)]


def test_in_a_file_with_blocks_a_wrong_length_costs_one_block(tmp_path: Path) -> None:
    good, bad = described([text("AB12", 4)]), b"\0\0\0\0junk"
    blocks = [good + good, good + bad, good]
    data = b"".join((len(b) + 4).to_bytes(2, "big") + b"\0\0" + b for b in blocks)
    found = rows(tmp_path, PLAIN, data, record="rdw", blocks=True)
    assert [r.code if isinstance(r, BadRow) else "" for r in found] == [
        *("", "", "", "cobol.rdw", ""),
    ]
    extended = (len(good) + 4 | 1 << 31).to_bytes(4, "big") + good
    assert len(rows(tmp_path, PLAIN, extended, record="rdw", blocks=True)) == 1
    (lost,) = rows(tmp_path, PLAIN, b"\0\1\0\0" + good, record="rdw", blocks=True)
    assert seen([lost]) == [(1, "cobol.bdw", None)]
    # After a block's wrong length, the next block is looked for.
    found = rows(tmp_path, PLAIN, b"\0\1\0\0" + good + data, record="rdw", blocks=True)
    assert [r.code if isinstance(r, BadRow) else "" for r in found] == [
        *("cobol.bdw", "", "", "", "cobol.rdw", ""),
    ]


def test_lines(tmp_path: Path) -> None:
    data = b"AB12\r\nA\n\nAB1234\nAB12"
    found = rows(tmp_path, PLAIN, data, record="lines", encoding="ascii")
    good = {"A": "AB", "B": "12"}
    assert seen(found) == [good, {"A": "A", "B": ""}, (3, "row.width", None), good]


@pytest.mark.parametrize(
    "spec",
    [
        {"length": 3},
        {"length": MAX_RECORD + 1},
        {"record": "rdw", "length": 9},
        {"record": "lines"},
        {"encoding": "utf-8"},
        {"encoding": "no-such"},
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, spec: dict[str, object]) -> None:
    with pytest.raises(Misconfigured):
        reader(tmp_path, PLAIN, b"", **spec)


def test_a_large_file_is_read_in_little_memory(tmp_path: Path) -> None:
    made = reader(tmp_path, PLAIN, text("AB12", 4) * 200_000 + b"\0" * 7)
    tracemalloc.start()
    total = sum(1 for _ in made.rows())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 200_002
    assert peak < 2**21
