"""The lexical rules, at their edges. The reference checker's word on the same stands elsewhere."""

from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.niem.lexical import ALSO_TAKEN, BUILT_IN, collapse, is_name, is_writable, xml_name
from gateway.niem.values import SimpleTypes

CASES = {
    "date": (
        "2024-02-29 2000-02-29 1980-12-31Z 2026-11-23+05:30 -0004-02-29 12026-01-01",
        (
            "2023-02-29 1900-02-29 2024-2-9 2024-13-01 2024-00-10 2024-01-32 0000-01-01 02024-01-01"
            " 2024-01-01+14:30 2024-01-01T00:00:00 20240101 2024-W01-1 \uff12024-01-01"
        ),
    ),
    "dateTime": (
        "2026-11-23T20:46:10 2026-11-23T20:46:10.123Z 2026-11-23T24:00:00-07:00",
        (
            "2026-11-23 2026-11-23T20:46 2026-11-23T24:00:01 2026-11-23T20:46:60"
            " 2026-02-30T00:00:00 2026-11-23t20:46:10 2026-11-23T20:46:10. T10:00:00"
        ),
    ),
    "time": ("10:00:00 23:59:59.5Z", "10:00 25:00:00 10:00:00+99:00"),
    "gYear": ("2019 1999Z -0044 12026", "19 02019 0000 2019-05 +2019"),
    "gYearMonth": ("2019-05 2019-12Z", "2019 2019-13 0000-01"),
    "gMonthDay": ("--02-29 --12-31", "--02-30 --13-01 --1-1 --01-00"),
    "gMonth": ("--05", "05 --13 --05--"),
    "gDay": ("---31", "---32 31"),
    "duration": ("P1Y PT5M -P1DT2H PT1.5S PT5M.7S PT5.S", "P PT P1S 1Y P1Y1Y PT PT.S P1.5Y"),
    "integer": ("0 -1 +1 007", "1.0 1e3 x 1_0 \uff11"),
    "positiveInteger": ("1", "0 -1"),
    "unsignedByte": ("0 255", "256 -1"),
    "decimal": ("1 1. .5 -1.50", ". 1e3 1,5 INF NaN"),
    "double": ("1 1e3 -.5E-7 INF -INF NaN", "+INF inf nan 1e"),
    "boolean": ("true false 1 0", "TRUE yes 2"),
    "anyURI": (
        "https://owner.example/i?q#f urn:x a/b:c //h:8/p http://[::1]/x #f é {}",
        "http://[ http://h:port/ :a 1:2 %zz #a#b a[b]",
    ),
    "base64Binary": ("YWJj YQ==", "YQ= YR== Y=== YW.Jj é"),
    "hexBinary": ("00fF", "0 0g"),
    "language": ("en en-US", "1 en_US"),
    "IDREFS": ("M1", "1 a:b"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_kind_takes_what_it_is_and_nothing_else(name: str) -> None:
    _, accepts = BUILT_IN[name]
    good, bad = CASES[name]
    assert [text for text in good.split() if not accepts(text)] == []
    assert [text for text in [*bad.split(), "", " "] if accepts(text)] == _blank(name)


def _blank(name: str) -> list[str]:
    """Blank is a value of those kinds that may be of length nothing."""
    return ["", " "] if name in {"anyURI", "base64Binary", "hexBinary"} else []


@settings(deadline=None)  # the machine may be busy
@given(st.dates())
def test_every_day_is_a_date(day: date) -> None:
    assert BUILT_IN["date"][1](day.isoformat())


@settings(deadline=None)  # the machine may be busy
@given(st.datetimes())
def test_every_moment_is_a_date_and_time(moment: datetime) -> None:
    assert BUILT_IN["dateTime"][1](moment.isoformat())


@settings(deadline=None)  # the machine may be busy
@given(st.integers())
def test_every_integer_is_one(number: int) -> None:
    assert BUILT_IN["integer"][1](str(number))
    assert BUILT_IN["int"][1](str(number)) == (-(2**31) <= number < 2**31)


@settings(deadline=None)  # the machine may be busy
@given(st.text())
def test_no_text_makes_a_check_raise(text: str) -> None:
    for name, (_, accepts) in BUILT_IN.items():
        assert accepts(text) in {True, False}
        assert ALSO_TAKEN.get(name, accepts)(text) in {accepts(text), True}


ENDS = (("", ""), ("http://", "%"), ("", "x"))


@pytest.mark.timeout(20)
def test_long_hostile_texts_cost_no_more_than_their_length() -> None:
    for text in (
        "a:" * 50_000,
        "/" * 100_000,
        "%20" * 30_000,
        "a@" * 50_000,
        "9" * 100_000,
        " " * 100_000 + "x",
    ):
        for accepts in (*(check for _, check in BUILT_IN.values()), *ALSO_TAKEN.values()):
            accepts(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("anyURI", "a/\u00a0b"),
        ("anyURI", "#a[b]"),
        ("anyURI", "//h:2147483647"),
        ("double", "1e"),
        ("double", "-.5E+ "),
        ("dateTime", "2026-11-23T20:46:10Z "),
        ("dateTime", "2026-11-23T20:46:10-07:00\n"),
        ("time", " 10:00:00"),
        ("gMonthDay", "\t--02-29"),
        ("gMonth", " --05"),
        ("gDay", "\n---31"),
        ("base64Binary", "YW.Jj"),
        ("base64Binary", "é"),
        ("IDREFS", "北1 Z"),
        ("IDREFS", " "),
    ],
)
def test_what_only_the_checker_takes_is_told_apart(name: str, text: str) -> None:
    assert ALSO_TAKEN[name](text)
    assert not BUILT_IN[name][1](text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("anyURI", "//h:2147483648"),
        ("anyURI", "//h:"),
        ("double", "INF "),
        ("dateTime", "2026-11-23T20:46:10 "),
        ("time", "10:00:00 "),
        ("base64Binary", "Y.Q="),
        ("IDREFS", "a:b"),
    ],
)
def test_what_even_the_checker_refuses_is_refused(name: str, text: str) -> None:
    assert not ALSO_TAKEN[name](text)
    assert not BUILT_IN[name][1](text)


def test_white_space_and_names() -> None:
    assert [n for n in (" P1\n", "北", "a\u0e33", "é\u0301") if not xml_name(n)] == []
    assert [n for n in ("", "1", "a:b", "a b", "\u00a0a", "a\u2160") if xml_name(n)] == []
    assert collapse("\t a \r\n b ") == "a b"
    assert collapse("\u00a0a") == "\u00a0a"
    assert [n for n in ("P1", "_x", "é", "a.b-c") if not is_name(n)] == []
    assert [n for n in ("", "1", "a:b", "a b", "北", "-a") if is_name(n)] == []
    assert is_writable("a\tb\u2028\U0001f600")
    assert not any(map(is_writable, ("\x00", "\x1b", "\ud800", "\ufffe")))


def test_derived_types_add_up() -> None:
    types = SimpleTypes(
        {
            "x:Digits": {"base": "xs:string", "pattern": ["\\d{2}", "Z"], "maxLength": "2"},
            "x:Percent": {"base": "xs:decimal", "minInclusive": "0", "maxExclusive": "100"},
            "x:Fine": {"base": "x:Percent", "totalDigits": "3", "fractionDigits": "1"},
            "x:Word": {"base": "xs:token", "enum": ["GO ON", "STOP"]},
            "x:Text": {"base": "xs:string", "enum": ["GO", "STOP"]},
            "x:Number": {"base": "xs:integer", "enum": ["1", "2"]},
            "x:Either": {"union": ["x:Word", "x:Number"]},
            "x:Mixed": {"union": ["x:Word", "x:Percent"]},
            "x:Many": {"list": "x:Percent"},
            "x:Hash": {"base": "xs:hexBinary", "length": "2"},
        }
    )
    takes = {
        "x:Digits": (["12", "Z"], ["1", "123", "Z ", "AB"]),
        "x:Percent": (["0", "99.999", " 5 "], ["-0.1", "100", "x"]),
        "x:Fine": (["99.5", "0.50"], ["99.55", "0.55", "100"]),
        "x:Word": (["STOP", " GO  ON "], ["stop", "GO", ""]),
        "x:Text": (["STOP"], [" STOP", "GO "]),
        "x:Number": (["1", "02", "+1"], ["3", "1.0", "x"]),
        "x:Either": (["STOP", "01"], ["3", "GO"]),
        "x:Mixed": (["STOP", "50"], ["101"]),
        "x:Many": (["1 2", "5"], ["1 x", "1,2", "1\u00a02"]),
        "x:Hash": (["00FF"], ["00", "00FF00"]),
    }
    spaced = SimpleTypes({"x:Hour": {"base": "xs:time"}, "x:Any": {"union": ["x:Hour", "xs:int"]}})
    for name in ("x:Hour", "x:Any"):
        assert (spaced[name].accepts(" 10:00:00"), spaced[name].conforms(" 10:00:00")) == (
            False,
            True,
        )
    for name, (good, bad) in takes.items():
        assert all(types[name].conforms(t) for t in good), name
        assert [t for t in good if not types[name].accepts(t)] == [], name
        assert [t for t in bad if types[name].accepts(t)] == [], name
    assert types["x:Either"].codes == frozenset({"GO ON", "STOP", "1", "2"})
    assert types["x:Mixed"].codes is None
    assert (types["x:Many"].numeric, types["x:Word"].numeric) == (True, False)
