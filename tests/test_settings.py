"""A gateway does not start on a setting that is not safe."""

from pathlib import Path

import pytest

from gateway.errors import Misconfigured
from gateway.settings import load

GOOD = {
    "ori": "ZZ9990000",
    "name": "An agency",
    "base_url": "http://127.0.0.1:8443",
    "host": "127.0.0.1",
    "port": 8443,
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir(mode=0o700)
    return made


def write(home: Path, **more: object) -> Path:
    values = {k: v for k, v in {**GOOD, **more}.items() if v is not None}
    lines = [f'{k} = "{v}"' if isinstance(v, str) else f"{k} = {v}" for k, v in values.items()]
    (home / "sallyport.toml").write_text("\n".join(lines).replace("True", "true") + "\n")
    return home


def test_good_ones_load_and_are_frozen(home: Path) -> None:
    settings = load(write(home))
    assert settings.port == 8443
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc]  # the point


def test_the_environment_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALLYPORT_PORT", "9000")
    assert load(write(home)).port == 9000


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"host": "0.0.0.0"}, "https"),  # noqa: S104 - the point
        ({"base_url": "http://gateway.agency.example"}, "https"),
        ({"base_url": "ftp://gateway.agency.example"}, "http"),
        ({"base_url": "https://u:secret@gateway.agency.example"}, "password"),
        ({"opa_url": "http://opa.agency.example:8181"}, "https"),
        ({"opa_url": "https://opa.agency.example:8181"}, "opa_token_file"),
        ({"ori": "short"}, "ori"),
        ({"token_seconds": 86_400}, "token_seconds"),
        ({"port": 0}, "port"),
        ({"no_such_setting": "x"}, "no_such_setting"),
        ({"name": None}, "name"),
    ],
)
def test_wrong_ones_stop_the_start(home: Path, wrong: dict[str, object], word: str) -> None:
    with pytest.raises(Misconfigured) as found:
        load(write(home, **wrong))
    assert word in found.value.detail
    assert "secret" not in found.value.detail


def test_a_folder_that_others_may_read(home: Path) -> None:
    write(home).chmod(0o750)
    with pytest.raises(Misconfigured, match="0700"):
        load(home)


def test_no_file_and_broken_file(home: Path) -> None:
    with pytest.raises(Misconfigured, match="sallyport init"):
        load(home)
    (home / "sallyport.toml").write_text("ori = ")
    with pytest.raises(Misconfigured):
        load(home)
