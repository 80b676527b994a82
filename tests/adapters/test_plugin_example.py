"""The documentation's example of a format from another package, installed and used for real."""

import json
import os
import shutil
import subprocess
import sys
import tracemalloc
from collections import Counter
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

from adapters import registry
from adapters.rows import BadRow, Reader, Row
from gateway.cli import setup
from gateway.model import SetAside
from tests.adapters.conftest import EXAMPLE, Make
from tests.adapters.small_mapping import mapping

SUMS = {"rows": 5, "new": 2, "changed": 0, "unchanged": 0, "set_aside": 3}


def sallyport(site: Path | None, *words: object) -> subprocess.CompletedProcess[str]:
    """Run the command as an administrator does, with the package installed or without."""
    path = os.pathsep.join([*([str(site)] if site else []), os.environ["PYTHONPATH"]])
    environment = {**os.environ, "COLUMNS": "200", "PYTHONPATH": path}
    command = [sys.executable, "-m", "gateway.cli", *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "gateway"
    setup.init_home(path, ori="TX9990000", name="Calloway", url="http://127.0.0.1:8443")
    shutil.copy(EXAMPLE / "wanted.yaml", path / "mappings")
    shutil.copy(EXAMPLE / "wanted.txt", path / "sources")
    return path


def test_it_is_one_file_and_one_line_of_registration(example_site: Path) -> None:
    [found] = distributions(path=[str(example_site)])
    assert found.name == "sallyport-ncic-text"
    [point] = found.entry_points
    assert (point.group, point.name) == (registry.GROUP, "ncic_text")
    assert [p.name for p in EXAMPLE.glob("*.py")] == ["sallyport_ncic_text.py"]


def test_its_messages_are_imported_like_any(home: Path, example_site: Path) -> None:
    done = sallyport(example_site, "import", "--json", "--home", home)
    assert done.returncode == 0, done.stderr
    [sums] = json.loads(done.stdout)
    assert {key: sums[key] for key in SUMS} == SUMS
    listed = sallyport(example_site, "source", "set-aside", "wanted", "--json", "--home", home)
    codes = Counter(row["code"] for row in json.loads(listed.stdout))
    assert codes == {"date.none": 1, "ncic_text.field": 1, "ncic_text.unknown": 1}


def test_without_the_package_its_absence_is_said(home: Path) -> None:
    done = sallyport(None, "import", "--home", home)
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert "wanted.yaml:4: " in said
    assert "ncic_text: there is no such format; there are:" in said


def test_its_mapping_is_checked_and_drafted(home: Path, example_site: Path) -> None:
    file = home / "mappings" / "wanted.yaml"
    checked = sallyport(example_site, "mapping", "check", file, "--policies", "policies")
    assert checked.returncode == 0, checked.stdout
    assert "nothing is wrong" in checked.stdout
    drafted = sallyport(
        example_site, "mapping", "draft", home / "sources" / "wanted.txt", "--format", "ncic_text"
    )
    assert drafted.returncode == 0, drafted.stderr
    assert 'name: "SURNAME, GIVEN MIDDLE SUFFIX"' in drafted.stdout


# -- its reader, part by part ------------------------------------------------------------------


def read(tmp_path: Path, data: bytes, **spec: Any) -> list[Row | BadRow]:
    path = tmp_path / "data"
    path.write_bytes(data)
    reader: Reader = registry.open_format(path, {"type": "ncic_text", "path": "data", **spec})
    return list(reader.rows())


@pytest.mark.usefixtures("example_package")
def test_a_message_is_its_head_and_its_fields(tmp_path: Path) -> None:
    [row] = read(
        tmp_path, b"QW.TX9990000.NAM/CRUZ, ANA . SEX/F.DOB/1970/01/01.MIS/.\n", more=["MIS"]
    )
    assert isinstance(row, Row)
    found = {k: v for k, v in row.values.items() if v}
    assert " ".join(found) == "KEY ORI DOB NAM SEX"
    assert list(found.values()) == ["QW", "TX9990000", "1970/01/01", "CRUZ, ANA", "F"]


@pytest.mark.usefixtures("example_package")
@pytest.mark.parametrize(
    ("text", "code", "column", "value"),
    [
        (b"NOTHING HERE", "none", None, None),
        (b"A.B.C.NAM/X", "head", None, None),
        (b"NAM/X..SEX/M", "field", None, ""),
        (b"NAM/ST. JOHN", "field", None, "JOHN"),
        (b"NAM/X.ZZZ/9", "unknown", "ZZZ", "9"),
        (b"NAM/X.KEY/9", "unknown", "KEY", "9"),
        (b"NAM/X.NAM/Y", "repeated", "NAM", "Y"),
        (b"NAM/GARC\xcdA", "encoding", None, None),
        (b"NAM/" + b"X" * 20_000, "long", None, None),
    ],
)
def test_what_is_not_understood_sets_the_message_aside(
    tmp_path: Path, text: bytes, code: str, column: str | None, value: str | None
) -> None:
    good = b"NAM/DOE,ROWENA"
    before, bad, after = read(tmp_path, b"\n".join([good, text, good]))
    assert isinstance(before, Row)
    assert isinstance(after, Row)
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.code, bad.column, bad.value) == (2, f"ncic_text.{code}", column, value)
    assert bad.raw
    assert value is None or value not in bad.text or not value


@pytest.mark.usefixtures("example_package")
def test_what_is_repeated_is_a_part_of_its_own(small: Make) -> None:
    fields = 'to: "person/sp:PersonMark", for: smt, column: VALUE'
    form = "{type: ncic_text, path: data, repeated: [SMT]}"
    source = small(
        mapping(fields, form=form, key='"{OCA}"'), b"OCA/1.SMT/SC L ARM.SMT/.SMT/TAT NECK\n"
    )
    [record] = source.rows()
    assert not isinstance(record, SetAside)
    assert record.message["nc:Person"] == {"sp:PersonMark": ["SC L ARM", "TAT NECK"]}


@pytest.mark.usefixtures("example_package")
@pytest.mark.parametrize("messages", ["lines", "blocks"])
@pytest.mark.parametrize("piece", [b"X" * 2**16, b"NAM/X\n" * 2**13, b"A." * 2**15])
def test_a_message_without_end_is_read_in_bounded_memory(
    tmp_path: Path, messages: str, piece: bytes
) -> None:
    (tmp_path / "data").write_bytes(piece * 40)
    spec = {"type": "ncic_text", "path": "data", "messages": messages}
    reader = registry.open_format(tmp_path / "data", spec)
    tracemalloc.start()
    number = 0
    for row in reader.rows():
        number += 1
        assert len(row.raw) <= 2**16
        if number == 1_000:
            break
    assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    tracemalloc.stop()
    assert number == (1_000 if b"\n" in piece and messages == "lines" else 1)
