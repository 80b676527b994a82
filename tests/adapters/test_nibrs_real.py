"""Real NIBRS submissions, read whole: what becomes of every segment, and what has no word."""

from collections import Counter
from pathlib import Path

import pytest

import adapters
from adapters import MappedSource
from gateway import niem
from gateway.model import Record, SetAside
from tests.conftest import ROOT, SHARED

FOLDER = SHARED / "data" / "nibrs"
MAPPING = ROOT / "demo" / "agencies" / "NM9990000" / "mappings" / "nibrs.yaml"
FILES = sorted(FOLDER.glob("*.txt")) if FOLDER.is_dir() else []

# What makes no record, by file: a reason for each, none of it unread.
ASIDE = {
    "VTUCR0001_20200420_NIBRS_010.txt": {
        "nibrs.deletion": 408,
        "nibrs.superseded": 7,
        "nibrs.zero_report": 18,
    }
}
# Codes that the standard has no word for, or that no list knows, by file.
KEPT = {
    "VTUCR0001_20200420_NIBRS_010.txt": {
        "nc:ActivityLocation/j:LocationCategoryCode": 60,
        "j:ItemCategoryNIBRSPropertyCategoryCode": 3,
        "j:VictimAggravatedAssaultHomicideFactorCode[1]": 9,
    }
}


def source(file: Path, tmp_path: Path) -> MappedSource:
    text = MAPPING.read_text(encoding="utf-8").replace("../sources/nibrs.txt", str(file))
    path = tmp_path / "nibrs.yaml"
    path.write_text(text, encoding="utf-8")
    return adapters.load(path)


@pytest.mark.shared
def test_the_files_are_there() -> None:
    assert len(FILES) == 5


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_every_segment_is_in_a_record_or_has_a_reason(file: Path, tmp_path: Path) -> None:
    read = source(file, tmp_path)
    out = list(read.rows())
    reasons = Counter(r.code for r in out if isinstance(r, SetAside))
    segments = sum(1 for x in file.read_bytes().splitlines() if x.strip())
    assert read.tally.read == segments
    assert read.tally.translated + read.tally.aside == segments
    assert dict(reasons) == ASIDE.get(file.name, {})
    assert dict(read.kept_raw()) == KEPT.get(file.name, {})
    assert all(niem.findings(r.message) == [] for r in out if isinstance(r, Record))


@pytest.mark.parametrize("file", [f for f in FILES if f.name.startswith("VT")], ids=["whole"])
def test_no_segment_of_the_large_file_fails_to_translate(file: Path, tmp_path: Path) -> None:
    """What is set aside takes reports back, or says that there are none."""
    read = source(file, tmp_path)
    records = [r for r in read.rows() if isinstance(r, Record)]
    assert Counter(r.record_type for r in records) == {"incident": 1041, "arrest": 321}
    # Those with an offender or arrestee under 18.
    young = Counter(r.record_type for r in records if r.handling.as_dict()["juvenile"])
    assert young == {"incident": 58, "arrest": 12}
    assert read.tally.translated == 6_083
