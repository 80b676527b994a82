"""The mark of a name: alike for one name however it is written, and for no other."""

import subprocess
import sys

import pytest

from gateway.model import JudicialWarrant, WarrantDocument
from gateway.names import mark
from gateway.policy import warrant_input

NAME = "MARISOL QUEZADA BRANNOCK"


@pytest.mark.parametrize(
    "written",
    [
        "Quezada-Brannock, Marisol",
        "  marisol   quezada brannock ",
        "MARISÓL QUEZADA. BRANNOCK",
    ],
)
def test_one_name_has_one_mark(written: str) -> None:
    assert mark(written) == mark(NAME)


@pytest.mark.parametrize(
    "other",
    [
        "MARISOL QUEZADA",
        "MARISOL QUEZADA BRANNOCK JR",
        "MARISOL DE LA QUEZADA BRANNOCK",
        "MARYSOL QUEZADA BRANNOCK",
        "SOMEBODY ELSE ENTIRELY",
        "",
        "—",
    ],
)
def test_another_name_has_another(other: str) -> None:
    assert mark(other) != mark(NAME)


@pytest.mark.parametrize(
    ("name", "written"), [("Aung San", "San, Aung"), ("Mac Jones", "JONES, MAC")]
)
def test_a_word_that_is_joined_with_the_next_elsewhere_has_no_order_either(
    name: str, written: str
) -> None:
    assert mark(name) == mark(written)


def test_long_names_that_differ_at_their_end_differ() -> None:
    name = "ALDERBROOK " * 20
    assert mark(name + "A") != mark(name + "B")


def test_a_name_in_another_script_and_its_latin_letters_are_one() -> None:
    assert mark("Юрий Щебетенко") == mark("Yuriy Shchebetenko")


def test_no_letters_have_no_mark() -> None:
    assert mark("— . '") is None
    paper = WarrantDocument("sha-256:" + "4" * 64)
    assert warrant_input(JudicialWarrant("A court", "1", "—", paper))["person"] is None


def test_a_mark_tells_nothing_outside_its_process() -> None:
    code = f"from gateway.names import mark; print(mark({NAME!r}))"
    runs = [subprocess.check_output([sys.executable, "-c", code], text=True) for _ in range(2)]
    assert runs[0] != runs[1]
    assert all(len(r.strip()) == 64 for r in runs)
