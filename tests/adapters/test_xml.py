"""XML of any vocabulary: paths, references, hostile files, memory."""

import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import xmlstream
from adapters.rows import BadRow, Row
from adapters.xmlsource import XmlReader
from gateway.errors import Misconfigured
from tests.soak import count

FUZZ = settings(
    max_examples=count(120, 20_000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
ROOT = Path(__file__).parent
NS = {"a": "urn:a", "b": ["urn:b", "urn:b2"], "s": "urn:structures"}
HEAD = '<r xmlns="urn:a" xmlns:q="urn:b" xmlns:z="urn:b2" xmlns:n="urn:structures">'


def spec(columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "xml", "namespaces": NS, "record": "a:x", "columns": columns, **more}


def read(path: Path, body: str | bytes, said: dict[str, Any]) -> list[Row | BadRow]:
    data = body if isinstance(body, bytes) else f"{HEAD}{body}</r>".encode()
    path.write_bytes(data)
    return list(XmlReader(path, said).rows())


def values(rows: list[Row | BadRow]) -> list[object]:
    return [r.values if isinstance(r, Row) else (r.line, r.code, r.column, r.value) for r in rows]


@pytest.mark.parametrize(
    ("path", "body", "found"),
    [
        ("a:v", "<v> 1 </v>", "1"),
        ("b:v", "<q:v>1</q:v>", "1"),
        ("b:v", "<z:v>1</z:v>", "1"),
        ("v", '<v xmlns="">1</v>', "1"),
        ("*:v", "<z:v>1</z:v>", "1"),
        ("*/a:v", "<q:y><v>1</v></q:y>", "1"),
        ("a:v", "<q:v>1</q:v>", ""),
        ("@k", "", "7"),
        ("@b:k", "", "8"),
        ("@*:k", "", "7"),
        ("a:y/@k", '<y k="9"/>', "9"),
        ("a:y[2]/a:v", "<y><v>1</v></y><y><v>2</v></y>", "2"),
        ("a:y[@k=F]/a:v", '<y k="M"><v>1</v></y><y k="F"><v>2</v></y>', "2"),
        ("a:y[a:t='x/y']/a:v", "<y><t>x</t><v>1</v></y><y><t>x/y</t><v>2</v></y>", "2"),
        ("a:y[a:t!=x]/a:v", "<y><t>x</t><v>1</v></y><y><v>2</v></y>", "2"),
        ("a:y[a:t][a:u]/a:v", "<y><t/><v>1</v></y><y><t/><u/><v>2</v></y>", "2"),
        ("a:y/name()", "<y/>", "y"),
        ("/a:r/b:of/a:v", "", "top"),
        ("/a:r/a:x/a:v", "<v>1</v>", "1"),
        ("/a:other/a:v", "<v>1</v>", ""),
        ("a:v", "<v>1<!-- 2 -->3</v>", "13"),
        ("a:v", "<v><![CDATA[<&>]]></v>", "<&>"),
        ("a:v", "<v>&lt;&#xe9;</v>", "<é"),
        ("a:v", "<v>1</v><v> 1</v>", "1"),
    ],
)
def test_paths(tmp_path: Path, path: str, body: str, found: str) -> None:
    whole = f'<q:of><v>top</v></q:of><x k="7" q:k="8">{body}</x>'
    assert values(read(tmp_path / "f", whole, spec({"C": path}))) == [{"C": found}]


def test_several_values_are_said_joined_or_the_first_counts(tmp_path: Path) -> None:
    body = "<x><v>1</v><v>2</v></x><x><v>1|2</v><v>3</v></x>"
    plain, joined, first = (
        values(read(tmp_path / "f", body, spec({"C": c})))
        for c in ("a:v", {"path": "a:v", "join": "|"}, {"path": "a:v", "first": True})
    )
    assert plain == [(1, "xml.several", "C", "2"), (1, "xml.several", "C", "3")]
    assert joined == [{"C": "1|2"}, (1, "xml.join", "C", "1|2")]
    assert first == [{"C": "1"}, {"C": "1|2"}]


def test_of_several_paths_the_first_that_is_there_counts(tmp_path: Path) -> None:
    body = "<x><u/><v>2</v></x><x><u>1</u><v>2</v></x>"
    rows = read(tmp_path / "f", body, spec({"C": ["a:u", "a:v"]}))
    assert values(rows) == [{"C": "1"}, {"C": "2"}][::-1]


def test_an_element_that_holds_elements_is_no_text(tmp_path: Path) -> None:
    rows = read(tmp_path / "f", "<x><v><w>1</w></v></x>", spec({"C": "a:v", "D": "a:v/a:w"}))
    assert values(rows) == [(1, "xml.not_text", "C", "v")]
    (bad,) = rows
    assert isinstance(bad, BadRow)
    # What could be read of it is there for a person to correct.
    assert bad.row is not None
    assert bad.row.values == {"C": "", "D": "1"}


def test_records_are_told_by_what_stands_around_them(tmp_path: Path) -> None:
    body = "<y><x><v>1</v></x></y><x><v>2</v><x><v>3</v></x></x>"
    column = {"C": "a:v"}
    assert values(read(tmp_path / "f", body, spec(column))) == [{"C": "1"}, {"C": "2"}]
    assert values(read(tmp_path / "f", body, spec(column, record="a:y/a:x"))) == [{"C": "1"}]
    assert values(read(tmp_path / "f", body, spec(column, record="/a:r/a:x"))) == [{"C": "2"}]
    both = spec(column | {"KIND": "name()"}, record=["a:y/a:x", "/a:r/a:x"])
    assert len(read(tmp_path / "f", body, both)) == 2


# -- references ---------------------------------------------------------------------------------

PERSON = '<p n:id="P1"><v>ANA</v></p>'


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (f'<x><of n:ref="P1"/>{PERSON}</x>', {"C": "ANA"}),
        (f'{PERSON}<x><of n:ref="P1"/></x>', {"C": "ANA"}),
        (f'<x><of n:ref="P1"/></x><q:z><y n:id="Y">{PERSON}</y></q:z>', {"C": "ANA"}),
        (f'<x><of n:uri="#P1"/>{PERSON}</x>', {"C": "ANA"}),
        ('<x><of n:uri="#P1"/><p n:uri="#P1"><v>ANA</v></p></x>', {"C": "ANA"}),
        (f'<x><of n:ref="R"/><y n:id="R" n:ref="P1"/>{PERSON}</x>', {"C": "ANA"}),
        ('<x><of n:uri="https://a.example/7"/></x>', {"C": ""}),
        ('<x><of ref="P1"/></x>', {"C": ""}),
        (f'<x><of n:ref="P1"/></x><x>{PERSON}</x>', (1, "xml.reference", "C", "P1")),
        ('<x><of n:ref="P1"/></x>', (1, "xml.reference", "C", "P1")),
        (f'<x><of n:ref="P1"/>{PERSON}{PERSON}</x>', (1, "xml.reference_several", "C", "P1")),
        (f'{PERSON}{PERSON}<x><of n:ref="P1"/></x>', (1, "xml.reference_several", "C", "P1")),
        (
            '<x><of n:ref="A"/><y n:id="A" n:ref="B"/><y n:id="B" n:ref="A"/></x>',
            (1, "xml.reference_loop", "C", None),
        ),
    ],
)
def test_a_reference_is_followed_within_the_row_or_outside_of_all_rows(
    tmp_path: Path, body: str, found: object
) -> None:
    assert values(read(tmp_path / "f", body, spec({"C": "a:of/a:v"})))[0] == found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        # Both say the same: in blanks, ids and comments they may differ.
        (f'<x><of n:ref="P1" n:id="O"><v n:id="V"> ANA<!-- --></v></of>{PERSON}</x>', "ANA"),
        (f'<x><of n:ref="P1"><w>1</w></of>{PERSON}</x>', "ANA"),
        (f'<x><of n:uri="#P1"><w>1</w></of>{PERSON}</x>', "ANA"),
        ('<x><of n:uri="#P1"><w>1</w></of><p n:uri="#P1"><v>ANA</v></p></x>', "ANA"),
        ('<x><of n:ref="P1"><v>ANA</v></of><p n:id="P1"/></x>', "ANA"),
        (f'<x><of n:ref="P1"><v>EVA</v></of>{PERSON}</x>', "xml.reference_differs"),
        (f'{PERSON}<x><of n:ref="P1"><v>EVA</v></of></x>', "xml.reference_differs"),
        (f'<x><of n:ref="P1"><v k="1">ANA</v></of>{PERSON}</x>', "xml.reference_differs"),
        (f'<x><of n:ref="P1"><v>ANA</v><v>EVA</v></of>{PERSON}</x>', "xml.reference_differs"),
        (
            f'<x><of n:ref="R"><v>EVA</v></of><y n:id="R" n:ref="P1"/>{PERSON}</x>',
            "xml.reference_differs",
        ),
        (
            '<x><of n:uri="#P1"><v>EVA</v></of><p n:uri="#P1"><v>ANA</v></p></x>',
            "xml.reference_differs",
        ),
        # What an object says that is not there is not known.
        ('<x><of n:ref="P1"><v>EVA</v></of></x>', "xml.reference"),
        # An element with content is no object by its `ref`, as it may be by its `uri`.
        ('<x><of n:ref="P1"/><y n:ref="P1"><v>EVA</v></y></x>', "xml.reference"),
        (f'{PERSON}<x><of n:ref="P1"/><y n:uri="#P1"><v>EVA</v></y></x>', "ANA"),
    ],
)
def test_what_an_element_says_itself_counts_where_its_object_does_not_say_otherwise(
    tmp_path: Path, body: str, found: str
) -> None:
    (row,) = read(tmp_path / "f", body, spec({"C": {"path": "a:of/a:v", "first": True}, "K": "@k"}))
    if isinstance(row, Row):
        assert row.values == {"C": found, "K": ""}
    else:
        assert (row.line, row.code, row.column) == (1, found, "C")
        assert row.row is not None
        assert row.row.values == {"C": "", "K": ""}


def test_a_text_beside_a_reference_is_not_chosen_over_another(tmp_path: Path) -> None:
    body = '<x><v n:ref="V">{}</v><w n:id="V" k="7">ANA</w></x>'
    said = spec({"C": "a:v", "K": "a:v/@k"})
    assert values(read(tmp_path / "f", body.format("ANA"), said)) == [{"C": "ANA", "K": "7"}]
    (bad,) = read(tmp_path / "f", "\n\n" + body.format("EVA"), said)
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.code, bad.value) == (3, "xml.reference_differs", "EVA")
    assert "line 3: v refers to an object" in bad.text


def test_a_text_may_have_a_uri_of_its_own(tmp_path: Path) -> None:
    body = '<x><v n:uri="#V">ANA</v><w n:uri="#V"/></x>'
    rows = read(tmp_path / "f", body, spec({"C": "a:v", "D": "a:w"}))
    assert values(rows) == [{"C": "ANA", "D": "ANA"}]
    other = body.replace("</x>", '<y n:uri="#V">EVA</y></x>')
    (bad,) = read(tmp_path / "f", other, spec({"C": "a:v"}))
    assert isinstance(bad, BadRow)
    assert bad.code == "xml.reference_differs"


def test_what_only_looks_like_a_reference_is_told_how_to_be_read(tmp_path: Path) -> None:
    body = '<x><v n:ref="B-7">ANA</v></x>'
    (bad,) = read(tmp_path / "f", body, spec({"C": "a:v"}))
    assert isinstance(bad, BadRow)
    assert "say under `references` which" in bad.text
    said = spec({"C": "a:v"}, references={"ref": "s:uri"})
    assert values(read(tmp_path / "f", body, said)) == [{"C": "ANA"}]


@pytest.mark.parametrize(
    ("between", "kept"),
    [
        ("\n><v>2</v>", "\n><v>2</v>"),
        ("<v>2</v>x <y>9</y>", "<v>2</v>x <y>9</y>"),
        ("\n><v>2</v><w>SM", "\n><v>2</v><w>SM"),
        ("\n<!-- 2 --><y>2</y>\n", None),
        ("</g><g> 2 ", None),  # an element's own text, before all others
    ],
)
def test_what_is_left_of_a_record_without_its_tags_is_set_aside(
    tmp_path: Path, between: str, kept: str | None
) -> None:
    """It is well-formed XML, and no row; but no record disappears unsaid."""
    after = "</w>" if between.count("<w>") else ""
    body = f"<g>2 <x><v>1</v></x>{between}<x><v>3</v></x>\n{after}</g>"
    found = read(tmp_path / "f", body, spec({"V": "a:v"}))
    assert values([r for r in found if isinstance(r, Row)]) == [{"V": "1"}, {"V": "3"}]
    aside = [(r.raw, r.code, r.keyless) for r in found if isinstance(r, BadRow)]
    assert [(re.sub(" xmlns[^>]*", "", r), c, k) for r, c, k in aside] == (
        [] if kept is None else [(kept, "xml.text", True)]
    )


def test_any_child_is_one_of_the_element_or_of_its_object(tmp_path: Path) -> None:
    body = f'<x><of n:ref="P1"><w>1</w></of>{PERSON}</x>'
    column = {"path": "a:of/*", "join": " "}
    assert values(read(tmp_path / "f", body, spec({"C": column}))) == [{"C": "1 ANA"}]


def test_a_long_way_of_references_ends(tmp_path: Path) -> None:
    chain = "".join(f'<y n:id="Y{n}" n:ref="Y{n + 1}"/>' for n in range(20_000))
    (bad,) = read(tmp_path / "f", f'<x><of n:ref="Y0"/>{chain}</x>', spec({"C": "a:of/a:v"}))
    assert isinstance(bad, BadRow)
    assert bad.code == "xml.reference_far"
    every = '<of n:uri="#P"><w>1</w></of>' * 200
    (bad,) = read(tmp_path / "f", f"<x>{every}</x>", spec({"C": "a:of/a:v"}))
    assert isinstance(bad, BadRow)
    assert bad.code == "xml.reference_several"


def test_references_stay_within_a_message_that_is_stated(tmp_path: Path) -> None:
    one = f'<m>{PERSON}<x><of n:ref="P1"/></x></m>'
    two = '<m><p n:id="P1"><v>EVA</v></p><x><of n:ref="P1"/></x></m><m><x><of n:ref="P1"/></x></m>'
    rows = read(tmp_path / "f", one + two + "<x/>", spec({"C": "a:of/a:v"}, message="a:m"))
    assert values(rows) == [
        {"C": "ANA"},
        {"C": "EVA"},
        (1, "xml.reference", "C", "P1"),
        (1, "xml.outside", None, None),
    ]


def test_which_attributes_refer_can_be_stated(tmp_path: Path) -> None:
    body = '<x><of person="P1"/><p key="P1"><v>ANA</v></p></x>'
    rows = read(
        tmp_path / "f", body, spec({"C": "a:of/a:v"}, references={"id": "key", "ref": "@person"})
    )
    assert values(rows) == [{"C": "ANA"}]


def test_associations_are_found_from_the_object_that_they_link(tmp_path: Path) -> None:
    car = '<c n:id="{0}"><v>{0}</v></c>'
    link = '<l><who n:ref="{}"/><what n:ref="{}"/></l>'
    body = f"<m><x n:id='P1'/><x n:id='P2'/><x n:id='P3'/>{car.format('V1')}{car.format('V2')}"
    body += f"{link.format('P1', 'V1')}{link.format('P1', 'V2')}{link.format('P2', 'V2')}</m>"
    path = "^a:l[a:who]/a:what/a:v"
    rows = read(tmp_path / "f", body, spec({"C": {"path": path, "join": " "}}, message="a:m"))
    assert values(rows) == [{"C": "V1 V2"}, {"C": "V2"}, {"C": ""}]


def test_lexs_roles_and_associations() -> None:
    said = {
        "type": "xml",
        "namespaces": {
            "lexs": "http://usdoj.gov/leisp/lexs/3.1",
            "d": "http://usdoj.gov/leisp/lexs/digest/3.1",
            "nc": "http://niem.gov/niem/niem-core/2.0",
        },
        "record": "lexs:DataItemPackage",
        "columns": {
            "ID": "lexs:PackageMetadata/lexs:DataItemID",
            "ORI": "/*/*/lexs:PDMessageMetadata/lexs:MessageOriginMetadata/lexs:ORI",
        },
        "parts": {
            "person": {
                "each": [
                    "lexs:Digest/d:Associations/d:IncidentSubjectPersonAssociation",
                    "lexs:Digest/d:Associations/d:IncidentVictimPersonAssociation",
                ],
                "columns": {
                    "ROLE": "name()",
                    "SURNAME": [
                        "nc:PersonReference/nc:PersonName/nc:PersonSurName",
                        "nc:PersonReference/nc:RoleOfPersonReference/nc:PersonName/nc:PersonSurName",
                    ],
                    "VIN": "nc:PersonReference/nc:RoleOfPersonReference/"
                    "^d:PersonVehicleAssociation/nc:VehicleReference/nc:VehicleIdentification/"
                    "nc:IdentificationID",
                },
            }
        },
    }
    one, two = XmlReader(ROOT / "xml" / "lexs.xml", said).rows()
    assert isinstance(one, Row)
    assert one.values == {"ID": "2026-000117", "ORI": "ZZ0990001"}
    assert one.groups["person"] == [
        {
            "person.ROLE": "IncidentSubjectPersonAssociation",
            "person.SURNAME": "Quillfeather",
            "person.VIN": "1ZZFICT10N0000001",
        },
        {
            "person.ROLE": "IncidentVictimPersonAssociation",
            "person.SURNAME": "Núñez-Thornapple",
            "person.VIN": "",
        },
    ]
    # The second package refers to a person of the first: never taken from another row.
    assert isinstance(two, BadRow)
    assert (two.code, two.column, two.value, two.line) == (
        "xml.reference",
        "person.SURNAME",
        "P1",
        58,
    )


# -- hostile ------------------------------------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"   \n", "no XML"),
        (b"ID,NAME\n1,2\n", "no XML"),
        (f'<!DOCTYPE r [<!ENTITY e0 "ha">{LAUGHS}]>{HEAD}&e9;</r>'.encode(), "document type"),
        (b'<?xml version="1.0"?>\n<!-- x --><!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>', "type"),
        (b"<!--><x --><!DOCTYPE r><r/>", "document type"),
        ('<!DOCTYPE r [<!ENTITY e "x">]><r/>'.encode("utf-16"), "document type"),
        (b'<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-DOCTYPE r+AD4-<r/>', "encoding"),
        (b'<?xml version="1.0" encoding="no-such"?><r/>', "encoding"),
        ("<r/>".encode("utf-32"), "UTF-32"),
        (b"\0\0\0\0", "no XML"),
        (b"<!--" + b"x" * 200_000 + b"--><r/>", "no XML"),
        (b'<r xmlns="urn:other"><x/></r>', "is the namespace right"),
    ],
)
def test_what_cannot_be_begun_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "f.xml"
    path.write_bytes(data)
    with pytest.raises(Misconfigured, match=rf"^f\.xml: .*{words}"):
        XmlReader(path, spec({"C": "a:v"})).columns()


@pytest.mark.parametrize(
    ("rest", "line"),
    [
        (b"<x>\n<v>2", 4),
        (b"<x><v>2</w></x>", 3),
        (b"<x><v>\xff</v></x>", 3),
        (b"<x><v>\0</v></x>", 3),
        (b"<x><v>&laugh;</v></x>", 3),
        (b"<y>" * 300, 3),
        (b"<x a='1' a='2'/>", 3),
        (b"<x><v>2</v></x></r><r/>", 3),
    ],
)
def test_what_was_read_before_the_damage_counts(tmp_path: Path, rest: bytes, line: int) -> None:
    data = HEAD.encode() + b"\n<x><v>1</v></x>\n" + rest
    rows = read(tmp_path / "f", data, spec({"C": "a:v"}))
    assert values(rows)[0] == {"C": "1"}
    bad = rows[-1]
    assert isinstance(bad, BadRow)
    assert (bad.code, bad.line) == ("xml.damaged", line)
    assert "was not read" in bad.text


def test_names_that_lxml_would_not_make_are_read(tmp_path: Path) -> None:
    data = b'<r xmlns:o="urn:}o"><o:x><v>1</v></o:x><x><v>2</v><o:v o:w="3"/></x></r>'
    said = spec({"C": "v", "D": "*:v/name()", "E": "*:v/@*:w"}, record="x")
    assert values(read(tmp_path / "f", data, said)) == [{"C": "2", "D": "v", "E": "3"}]


def test_a_prefix_that_is_not_declared_stops_nothing_and_is_said(tmp_path: Path) -> None:
    body = "\n<x><nobody:v>1</nobody:v></x><x><v>2</v></x>"
    assert values(read(tmp_path / "f", body, spec({"C": "a:v"}))) == [
        {"C": ""},
        {"C": "2"},
        (2, "xml.namespaces", None, None),
    ]


def test_encodings_of_xml(tmp_path: Path) -> None:
    for name in ("utf-8", "utf-16", "windows-1252", "iso-8859-1", "iso-8859-15"):
        text = f'<?xml version="1.0" encoding="{name}"?>{HEAD}<x><v>MUÑOZ</v></x></r>'
        assert values(read(tmp_path / "f", text.encode(name), spec({"C": "a:v"}))) == [
            {"C": "MUÑOZ"}
        ]


def test_a_record_that_is_too_large_is_set_aside_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xmlstream, "MAX_SIGNS", 20_000)
    many = "<y/>" * 100_000
    body = f'<x k="7"><v>1</v>{many}</x><x><v>2</v></x>{many}<x><v>3</v></x>'
    rows = read(tmp_path / "f", body, spec({"C": "a:v"}))
    assert values(rows) == [(1, "xml.too_large", None, None), {"C": "2"}, {"C": "3"}]
    assert rows[0].raw.endswith('k="7">')


def test_a_large_file_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "f"
    with path.open("w", encoding="utf-8") as file:
        file.write(HEAD)
        for n in range(20_000):
            file.write(f"<y><z>{'.' * 200}</z></y>\n<x><v>{n}</v><w>{'.' * 400}</w></x>\n")
        file.write("</r>")
    reader = XmlReader(path, spec({"C": "a:v"}))
    before = peak_kb()
    tracemalloc.start()
    found = sum(1 for r in reader.rows() if isinstance(r, Row) and r.values["C"])
    traced = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == 20_000
    assert traced < 2**21
    assert peak_kb() - before < 20_000  # libxml2's own, which Python does not trace
    hint = reader.total_hint()
    assert hint is not None
    assert abs(hint - 20_000) < 1_000


def peak_kb() -> int:
    """Give the memory that this process has in use, in kilobytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(x for x in status.splitlines() if x.startswith("VmRSS")).split()[1])


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (spec({"C": "x:v"}), "declares no such prefix; there are: a, b, s"),
        (spec({"C": "a:v["}), "brackets"),
        (spec({"C": "a:v//b:w"}), "this is no path"),
        (spec({"C": "@a:v/b:w"}), "no step"),
        (spec({"C": "a:v[a:w=1]x"}), "after its brackets"),
        (spec({"C": "a:é v"}), "no step"),
        (spec({"C": {"path": "a:v", "join": "|", "first": True}}), "exclude"),
        (spec({"C": "a:v"}, record="a:x[1]"), "names of elements"),
        (spec({"C": "a:v"}, parts={"p": {"each": "@a:v", "columns": {"C": "a:v"}}}), "no step"),
        (spec({"C": "a:v"}, parts={"p": {"each": "a:v", "columns": {"C": "/a:v"}}}), "record"),
        (spec({"C": "a:v"}, references={"ref": "a:b/c"}), "no attribute"),
        (spec({"C": "a:v"}, namespaces={"a": "urn:}"}), "no namespace"),
    ],
)
def test_what_is_wrong_in_a_mapping_is_said(
    tmp_path: Path, said: dict[str, Any], words: str
) -> None:
    with pytest.raises(Misconfigured, match=words):
        XmlReader(tmp_path / "f", said)


PIECES = st.sampled_from(
    [
        *(b"<x>", b"</x>", b"<x/>", b"<v>1</v>", b"<v>", b"</v>", b'<of n:ref="P1"/>'),
        *(b'<p n:id="P1"><v>2</v></p>', b'<of n:ref="', b"<!--", b"-->", b"<![CDATA[", b"]]>"),
        *(b"&amp;", b"&e;", b"\0", b"\xff", b"\n", b"<m>", b"</m>", b"</r>", b"<?", b"?>", b"<y "),
    ]
)
SAID = (
    spec({"C": "a:v", "D": "a:of/a:v", "E": "^a:m/name()"}),
    spec({"C": {"path": "a:v", "join": "|"}}, message="a:m"),
    spec({"C": "a:v"}, parts={"p": {"each": "a:of", "columns": {"D": "a:v"}}}),
)


@FUZZ
@given(
    body=st.lists(PIECES, max_size=40).map(b"".join) | st.binary(max_size=300),
    said=st.sampled_from(SAID),
)
def test_whatever_stands_in_an_xml_file_is_read_or_said(
    tmp_path: Path, body: bytes, said: dict[str, Any]
) -> None:
    rows = read(tmp_path / "f", HEAD.encode() + body + b"</r>", said)
    damaged = [r for r in rows if isinstance(r, BadRow) and r.code == "xml.damaged"]
    assert all("reading went on" in r.text for r in damaged if r is not rows[-1])
    if not damaged:
        # Each outermost record of a file without damage is a row or set aside.
        outer = body.count(b"<x>") + body.count(b"<x/>")
        assert bool(rows) == bool(outer) or b"<!" in body or b"<?" in body or b"<y" in body
    assert all(r.line >= 1 for r in rows)


DAMAGED = "".join(
    f'<x k="{n}"><v>{n}</v><of n:ref="P"/><p n:id="P"><v>1</v></p></x>\n' for n in range(8)
)


@FUZZ
@given(data=st.data())
def test_a_damaged_file_gives_every_record_before_the_damage(
    tmp_path: Path, data: st.DataObject
) -> None:
    whole = f"{HEAD}\n{DAMAGED}</r>".encode()
    at = data.draw(st.integers(len(HEAD), len(whole) - 1))
    junk = data.draw(st.binary(min_size=1, max_size=6))
    broken = whole[:at] + junk + whole[at + data.draw(st.integers(0, 4)) :]
    rows = read(tmp_path / "f", broken, spec({"C": "a:v", "D": "a:of/a:v"}))
    before = broken[:at].count(b"</x>")
    assert values(rows)[:before] == [{"C": str(n), "D": "1"} for n in range(before)]
    if len(rows) < 8:
        said = any(isinstance(row, BadRow) for row in rows)
        assert said or b"<!" in junk or b"<?" in junk or junk.strip(b"\n ")
