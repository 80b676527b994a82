"""tools/opa.sh takes only the pinned OPA: what it does with a good, a damaged and a missing one."""

import hashlib
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools" / "opa.sh"
VERSION = "1.22.2"
HASH = re.search(r"^module_hash=(\S+)$", SCRIPT.read_text(), re.MULTILINE)
NO_GO = "/nonexistent/go"


def program(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return path


def a_go(folder: Path, *, module_hash: str, builds: str) -> Path:
    """A stand-in for Go: it downloads a module of this hash and builds this program."""
    body = f"""
case "$1 $2" in
"mod download") printf '{{\\n\\t"Sum": "{module_hash}",\\n\\t"Dir": "{folder}"\\n}}\\n';;
"env GOVERSION") echo go9.9;;
"env GOOS") echo plan9;;
"env GOARCH") echo mips;;
"build -C")
  while [ "$1" != -o ]; do shift; done
  printf '#!/bin/sh\\n{builds}\\n' >"$2"
  chmod 700 "$2";;
esac"""
    return program(folder / "go", body)


def run(cache: Path, go: str | Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"SALLYPORT_CACHE": str(cache), "GO": str(go)}
    return subprocess.run(
        ["bash", str(SCRIPT)], env=env, capture_output=True, text=True, check=False
    )


def put(cache: Path, *, digest: str | None = None, version: str = VERSION) -> bytes:
    opa = program(cache / "opa", f"echo Version: {version}")
    right = hashlib.sha256(opa.read_bytes()).hexdigest()
    (cache / "opa.sha256").write_text(f"{digest or right}  opa\n")
    return opa.read_bytes()


@pytest.fixture
def pinned_hash() -> str:
    assert HASH
    return HASH[1]


def test_with_the_right_one_there_is_nothing_to_do(tmp_path: Path) -> None:
    put(tmp_path)
    done = run(tmp_path, NO_GO)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("wrong", [{"digest": "0" * 64}, {"version": "1.0.0"}])
def test_a_damaged_or_another_one_is_not_used(tmp_path: Path, wrong: dict[str, str]) -> None:
    put(tmp_path, **wrong)
    done = run(tmp_path, NO_GO)
    assert done.returncode == 3
    assert "getting it anew" in done.stderr
    assert "can't be had here" in done.stderr


def test_without_go_it_says_so_and_ends_with_three(tmp_path: Path) -> None:
    done = run(tmp_path, NO_GO)
    assert done.returncode == 3
    assert "Install Go" in done.stderr


def test_another_module_hash_is_refused(tmp_path: Path) -> None:
    go = a_go(tmp_path, module_hash="h1:other", builds=f"echo Version: {VERSION}")
    done = run(tmp_path / "cache", go)
    assert done.returncode == 1
    assert "do not use it" in done.stderr
    assert not (tmp_path / "cache" / "opa").exists()


def test_a_build_of_another_version_is_refused(tmp_path: Path, pinned_hash: str) -> None:
    go = a_go(tmp_path, module_hash=pinned_hash, builds="echo Version: 9.9.9")
    done = run(tmp_path / "cache", go)
    assert done.returncode == 1
    assert not (tmp_path / "cache" / "opa").exists()


def test_a_good_build_is_kept_with_its_digest(tmp_path: Path, pinned_hash: str) -> None:
    go = a_go(tmp_path, module_hash=pinned_hash, builds=f"echo Version: {VERSION}")
    cache = tmp_path / "cache"
    assert run(cache, go).returncode == 0
    made = hashlib.sha256((cache / "opa").read_bytes()).hexdigest()
    assert (cache / "opa.sha256").read_text() == f"{made}  opa  # go9.9 plan9/mips\n"
    assert sorted(p.name for p in cache.iterdir()) == ["opa", "opa.sha256"]
    assert run(cache, NO_GO).returncode == 0


def test_every_listed_digest_is_one() -> None:
    lines = (ROOT / "tools" / "opa.digests").read_text().splitlines()
    listed = [line for line in lines if not line.startswith("#")]
    assert listed
    for line in listed:
        assert re.fullmatch(r"go\d[\d.]+ \w+/\w+ [0-9a-f]{64}", line)
