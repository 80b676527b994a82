"""`sallyport policy`: what an administrator sees of checking, testing, showing and applying."""

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from gateway.cli import admin_client
from gateway.cli.policy import app
from gateway.errors import PolicyRejected
from gateway.policy.kept import KeptSets
from gateway.policy.sets import load_set
from tests.policy.made import SMALL, write_set

TEST = "sallyport/ask/ask_test.rego"
RUN = CliRunner()


def home(tmp_path: Path) -> Path:
    write_set(tmp_path / "policies", {})
    (tmp_path / "data").mkdir()
    return tmp_path


def test_check_accepts_a_good_set() -> None:
    done = RUN.invoke(app, ["check", str(SMALL), "--json"])
    assert done.exit_code == 0, done.output
    found = orjson.loads(done.stdout)
    assert found["revision"] == load_set(SMALL).revision
    assert found["tests"] == 3


def test_check_rejects_a_bad_one_with_file_and_line(tmp_path: Path) -> None:
    write_set(tmp_path, {"x.rego": "package x\ny := [\n"})
    done = RUN.invoke(app, ["check", str(tmp_path)])
    assert done.exit_code != 0
    assert isinstance(done.exception, PolicyRejected)
    assert done.exception.where is not None
    assert done.exception.where.startswith("x.rego:")


def test_test_shows_each_and_fails_if_one_does(tmp_path: Path) -> None:
    assert RUN.invoke(app, ["test", str(SMALL)]).exit_code == 0
    bad = "package sallyport.ask_test\nimport rego.v1\ntest_good if true\ntest_bad if false\n"
    write_set(tmp_path, {TEST: bad})
    done = RUN.invoke(app, ["test", str(tmp_path), "--json"])
    assert done.exit_code == 1
    assert [t["passed"] for t in orjson.loads(done.stdout)["tests"]] == [True, False]


def test_show_tells_the_set_in_force_from_the_folder(tmp_path: Path) -> None:
    where = home(tmp_path)
    before = orjson.loads(RUN.invoke(app, ["show", "--home", str(where), "--json"]).stdout)
    assert before["in_force"] is None
    active = load_set(where / "policies")
    KeptSets(where / "data").keep(active)
    now = orjson.loads(RUN.invoke(app, ["show", "--home", str(where), "--json"]).stdout)
    assert (now["in_force"], now["same"]) == (active.revision, True)
    (where / "policies" / "bad.rego").symlink_to("/nowhere")
    edited = orjson.loads(RUN.invoke(app, ["show", "--home", str(where), "--json"]).stdout)
    assert edited["same"] is False
    assert edited["folder_trouble"].startswith("bad.rego")


def test_apply_asks_the_running_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def call(home: Path, method: str, path: str) -> dict[str, object]:
        asked.append((home, method, path))
        return {"revision": "sha-256:1", "before": "sha-256:0", "changed": True}

    monkeypatch.setattr(admin_client, "call", call)
    done = RUN.invoke(app, ["apply", "--home", str(tmp_path)])
    assert done.exit_code == 0
    assert asked == [(tmp_path, "POST", "/v1/admin/policy/apply")]
    assert "In force" in done.stdout


def test_opa_config_writes_the_bundle_and_prints_the_command(tmp_path: Path) -> None:
    where = home(tmp_path)
    none = RUN.invoke(app, ["opa-config", "--home", str(where)])
    assert isinstance(none.exception, PolicyRejected)
    KeptSets(where / "data").keep(load_set(where / "policies"))
    done = RUN.invoke(app, ["opa-config", "--home", str(where), "--addr", "127.0.0.1:9"])
    bundle = where / "data" / "opa" / "bundle.tar.gz"
    assert bundle.exists()
    assert done.stdout.strip().endswith(f"--watch --bundle {bundle}")
    assert "--addr 127.0.0.1:9" in done.stdout
