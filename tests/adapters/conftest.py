"""The demo's files, generated once, and small sources made in place."""

import importlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import adapters
from adapters import MappedSource
from demo.people import AGENCIES, Manifest, generate

ROOT = Path(__file__).resolve().parents[2]
Make = Callable[..., MappedSource]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """Four agencies' folders, each with its sources and mappings, as gateways have them."""
    out = tmp_path_factory.mktemp("agencies")
    manifest = generate(out, people=300)
    for ori in AGENCIES:
        shutil.copytree(ROOT / "demo" / "agencies" / ori / "mappings", out / ori / "mappings")
    return out, manifest


@pytest.fixture
def small(tmp_path: Path) -> Make:
    """Make a source of some bytes and the text of a mapping; the mapping's file is `m.yaml`."""

    def make(mapping: str, data: bytes = b"", **files: bytes) -> MappedSource:
        (tmp_path / "data").write_bytes(data)
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        path = tmp_path / "m.yaml"
        path.write_text(mapping, encoding="utf-8")
        return adapters.load(path)

    return make


EXAMPLE = ROOT / "docs" / "examples" / "ncic_text"


@pytest.fixture(scope="session")
def example_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the documentation's example of another package's format, into a folder of its own."""
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(EXAMPLE, folder / "package")  # building writes into it
    options = ("--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    where = ("--target", str(folder / "site"), str(folder / "package"))
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", *options, *where],
        check=True,
        capture_output=True,
    )
    return folder / "site"


@pytest.fixture(scope="module")
def example_package(example_site: Path) -> Iterator[None]:
    """Have that package for the tests of one file."""
    sys.path.append(str(example_site))
    importlib.invalidate_caches()
    yield
    sys.path.remove(str(example_site))
    sys.modules.pop("sallyport_ncic_text", None)
    importlib.invalidate_caches()
