"""The demo's mappings read the demo's files whole: every row a record, or one of the dirty ones."""

import json
import shutil
from pathlib import Path

import pytest

import adapters
from demo.people import TRUTH, Manifest, generate
from gateway.model import Record, SetAside

ROOT = Path(__file__).resolve().parents[2]
AGENCIES = ROOT / "demo" / "agencies"
MAPPINGS = sorted(AGENCIES.glob("*/mappings/*.yaml"))


def named(path: Path) -> str:
    return f"{path.parts[-3]}-{path.stem}"


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    out = tmp_path_factory.mktemp("homes")
    manifest = generate(out, people=200)
    for ori in manifest.agencies:
        if (AGENCIES / ori / "mappings").is_dir():
            shutil.copytree(AGENCIES / ori / "mappings", out / ori / "mappings")
    return out, manifest


def translated(out: Path, mapping: Path) -> tuple[list[Record], list[SetAside]]:
    source = adapters.load(out / mapping.relative_to(AGENCIES))
    rows = list(source.rows())
    assert source.as_of() is not None
    records = [r for r in rows if isinstance(r, Record)]
    return records, [r for r in rows if isinstance(r, SetAside)]


@pytest.mark.parametrize("ori", ["TX9990000", "CA9990000", "NM9990000", "USBPX9900"])
def test_every_file_has_a_mapping(homes: tuple[Path, Manifest], ori: str) -> None:
    text = "".join(m.read_text(encoding="utf-8") for m in MAPPINGS if m.parts[-3] == ori)
    for f in homes[1].files:
        if f.path.startswith(ori):
            assert Path(f.path).name in text, f.path


@pytest.mark.parametrize("ori", ["TX9990000", "CA9990000", "NM9990000", "USBPX9900"])
def test_all_rows_but_the_dirty_ones_become_records(homes: tuple[Path, Manifest], ori: str) -> None:
    out, manifest = homes
    dirty = sum(f.dirty for f in manifest.files if f.path.startswith(ori))
    records: list[Record] = []
    aside: list[SetAside] = []
    for mapping in (m for m in MAPPINGS if m.parts[-3] == ori):
        good, bad = translated(out, mapping)
        records += good
        # Those of a joined file are told in each source that it is joined to.
        aside += [a for a in bad if ", joined as " not in a.text]
    assert len(aside) == dirty, [(a.source, a.line, a.column, a.text) for a in aside]
    assert all(a.line >= 1 and a.text and a.raw for a in aside)
    lines = (out / TRUTH).read_text(encoding="utf-8").splitlines()
    truth = {
        (t["record_type"], t["record_id"]) for t in map(json.loads, lines) if t.get("ori") == ori
    }
    assert truth <= {(r.record_type, r.record_id) for r in records}


@pytest.mark.parametrize("mapping", MAPPINGS, ids=named)
def test_flags_become_handling_facts(homes: tuple[Path, Manifest], mapping: Path) -> None:
    records, _ = translated(homes[0], mapping)
    assert records
    levels = {dict(r.handling.facts)["dissemination"] for r in records}
    assert levels <= {"GREEN", "YELLOW", "RED"}
    wanted = {"dissemination", "disclosure", "juvenile", "source_kind", "intelligence"}
    assert all(wanted <= set(dict(r.handling.facts)) for r in records)
