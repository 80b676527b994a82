"""A set from a folder: what it holds, what it may not be, and the copies that are kept."""

import os
from pathlib import Path

import pytest

from gateway.errors import PolicyRejected
from gateway.policy.kept import KeptSets
from gateway.policy.sets import PolicySet, from_canonical, load_set, make_set

REGO = "package a\nx := 1\n"


def folder(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_rego", ".rego").replace("_yaml", ".yaml")
        path = Path(str(path).replace("_json", ".json").replace("_yml", ".yml"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def rejected(root: Path, where: str | None, **limits: int) -> None:
    with pytest.raises(PolicyRejected) as caught:
        load_set(root, **limits)
    assert caught.value.where == where


def test_data_stand_under_the_path_of_their_folder(tmp_path: Path) -> None:
    folder(
        tmp_path,
        a__x_rego=REGO,
        data_json='{"top": 1}',
        law__texas__data_yaml="limit: 3\nsince: 2026-01-01\n",
        law__data_yml="other: [yes, 'no']\n",
    )
    (tmp_path / "README.md").write_text("not a part")
    (tmp_path / "law" / "notes.json").write_text("{not a part")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.rego").write_text("not a part")
    found = load_set(tmp_path)
    assert dict(found.modules) == {"a/x.rego": REGO}
    assert found.data == {
        "top": 1,
        "law": {"texas": {"limit": 3, "since": "2026-01-01"}, "other": [True, "no"]},
    }


def test_the_revision_is_of_the_content_alone(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", x_rego=REGO, a__data_json='{"b": 1, "c": [2]}')
    two = folder(tmp_path / "two", x_rego=REGO, a__data_yaml="c: [2]\nb: 1\n")
    three = folder(tmp_path / "three", x_rego=REGO, a__data_yaml="c: [2]\nb: 2\n")
    assert load_set(one).revision == load_set(two).revision
    assert load_set(one).revision != load_set(three).revision
    assert load_set(one).revision.startswith("sha-256:")


def test_tests_are_told_from_rules() -> None:
    found = make_set({"x.rego": REGO, "x_test.rego": REGO}, {})
    assert list(found.rules) == ["x.rego"]
    assert list(found.tests) == ["x_test.rego"]


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("data.json", "{", "data.json:1"),
        ("data.json", '{"a":\n1,\n}', "data.json:2"),
        ("data.json", "[1]", "data.json:1"),
        ("data.json", "[" * 100_000, "data.json:1"),
        ("data.yaml", "a: 1\nb: [\n", "data.yaml:3"),
        ("data.yaml", "a: &x [1]\nb: *x\n", "data.yaml:2"),
        ("data.yaml", "a: 1\na: 2\n", "data.yaml:2"),
        ("data.yaml", "a:\n  " + "[" * 100_000, "data.yaml:2"),
        ("data.yaml", "a: 1\nb:\n" + "- " * 100_000, "data.yaml:3"),
        ("data.yaml", "1: 2\n", "data.yaml:1"),
        ("data.yaml", "a: !!python/object:os.system x\n", "data.yaml:1"),
        ("data.yaml", "a: 1\n---\nb: 1\n", "data.yaml:2"),
        ("data.yaml", "", "data.yaml:1"),
        ("b/data.json", '{"same": 1}', "b/data.yaml"),
    ],
)
def test_bad_data_are_refused_with_file_and_line(
    tmp_path: Path, name: str, text: str, where: str
) -> None:
    folder(tmp_path, x_rego=REGO, b__data_yaml="same: 2\n")
    (tmp_path / name).write_text(text)
    rejected(tmp_path, where)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: 1\n\tb: 2\n", "indent with spaces"),
        ("a: 1\n\tb\n", "indent with spaces"),
        ("a: 1\na: 2\n", "the key stands twice: keep one of them"),
        ("no: 2\n", "a key that is no text: put it in quotes"),
        ("a: [1\nb: 2\n", "look at the indentation, brackets and quotes"),
        ("a: b: c\n", "look at the indentation, brackets and quotes"),
        ('a: "x\n', "close its quotes and brackets"),
    ],
)
def test_data_that_are_no_yaml_are_refused_with_what_to_do(
    tmp_path: Path, text: str, why: str
) -> None:
    folder(tmp_path, x_rego=REGO, data_yaml=text)
    with pytest.raises(PolicyRejected) as caught:
        load_set(tmp_path)
    assert caught.value.detail.startswith("not YAML: ")
    assert why in caught.value.detail


def test_the_same_key_in_two_files_is_refused(tmp_path: Path) -> None:
    folder(tmp_path, x_rego=REGO, data_json='{"a": {"b": 1}}', a__data_json='{"b": 2}')
    rejected(tmp_path, "a/data.json")


def test_no_link_leads_out(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    folder(outside, y_rego=REGO)
    inside = folder(tmp_path / "inside", x_rego=REGO)
    (inside / "link.rego").symlink_to(outside / "y.rego")
    rejected(inside, "link.rego")
    (inside / "link.rego").unlink()
    (inside / "sub").symlink_to(outside)
    rejected(inside, "sub")


def test_a_pipe_is_no_file_and_does_not_block(tmp_path: Path) -> None:
    folder(tmp_path, x_rego=REGO)
    os.mkfifo(tmp_path / "y.rego")
    rejected(tmp_path, "y.rego")


def test_size_and_number_are_bounded(tmp_path: Path) -> None:
    folder(tmp_path, x_rego=REGO, y_rego=REGO)
    rejected(tmp_path, "y.rego", max_files=1)
    rejected(tmp_path, "y.rego", max_bytes=len(REGO) + 1)
    rejected(tmp_path, "x.rego", max_bytes=3)


def test_no_folder_and_no_rego_are_refused(tmp_path: Path) -> None:
    rejected(tmp_path / "missing", "missing")
    (tmp_path / "empty").mkdir()
    rejected(tmp_path / "empty", "empty")


def test_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.rego").write_bytes(b"package \xff")
    rejected(tmp_path, "x.rego")


def test_data_that_json_cannot_hold_are_refused(tmp_path: Path) -> None:
    folder(tmp_path, x_rego=REGO, data_yaml="a: 123456789012345678901234567890\n")
    with pytest.raises(PolicyRejected):
        load_set(tmp_path)


# -- kept copies ------------------------------------------------------------------------------

ONE, TWO = make_set({"x.rego": REGO}, {"n": 1}), make_set({"x.rego": REGO}, {"n": 2})


def kept_file(data: Path, policy_set: PolicySet) -> Path:
    return data / "policy_sets" / policy_set.digest / "set.json"


def test_kept_sets_come_back_by_revision(tmp_path: Path) -> None:
    kept = KeptSets(tmp_path)
    assert kept.active() is None
    kept.keep(ONE)
    kept.keep(TWO)
    again = KeptSets(tmp_path)
    assert again.active() == TWO
    assert again.get(ONE.revision) == ONE
    assert [p.name for p in (tmp_path / "policy_sets").rglob(".*")] == []


def test_a_copy_that_was_changed_does_not_count(tmp_path: Path) -> None:
    kept = KeptSets(tmp_path)
    kept.keep(ONE)
    kept_file(tmp_path, ONE).write_bytes(TWO.canonical)
    with pytest.raises(PolicyRejected):
        kept.get(ONE.revision)
    assert kept.active() is None


@pytest.mark.parametrize("revision", ["", "sha-256:", "../../etc/passwd", "sha-256:" + "0" * 64])
def test_what_is_not_kept_is_not_found(tmp_path: Path, revision: str) -> None:
    with pytest.raises(PolicyRejected):
        KeptSets(tmp_path).get(revision)


def test_a_set_vetted_less_strictly_is_vetted_again(tmp_path: Path) -> None:
    kept = KeptSets(tmp_path)
    kept.keep(ONE)
    assert kept.strictly_vetted()
    (tmp_path / "policy_sets" / "active").write_text(f"{ONE.digest} 0\n")
    assert not kept.strictly_vetted()
    assert kept.active() == ONE


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"format":2}'])
def test_other_bytes_are_no_set(raw: bytes) -> None:
    with pytest.raises(PolicyRejected):
        from_canonical(raw)
