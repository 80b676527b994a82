"""`docs/jurisdiction.md` adds a fifth jurisdiction: its files are taken from the page and run."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.errors import PolicyRejected
from gateway.policy.agreements import with_examples
from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.engine import Limits
from gateway.policy.jurisdictions import unfinished
from gateway.policy.places import located
from gateway.policy.sets import PolicySet, load_set, make_set
from gateway.policy.vet import Known, look_through, vet
from tools.rules_table import rules

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "jurisdiction.md"
FILE = re.compile(
    r"^`([a-zA-Z0-9_/]+\.(?:rego|yaml))`\n\n```(?:rego|yaml)\n(.*?)^```$", re.DOTALL | re.MULTILINE
)
WASHINGTON, SHERIFF, BORDER = "WA9990000", "TX9990000", "USBPX9900"


def of_the_page() -> dict[str, str]:
    return dict(FILE.findall(PAGE.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped set, with the page's files added: none of it is edited."""
    made = tmp_path_factory.mktemp("five") / "policies"
    shutil.copytree(ROOT / "policies", made)
    for name, text in of_the_page().items():
        target = made / name
        assert not target.exists()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return made


@pytest.fixture(scope="module")
def five(folder: Path) -> PolicySet:
    """Add papers between Tamarack Sound and the other two, such as the examples have."""
    found = with_examples(load_set(folder))
    data = orjson.loads(orjson.dumps(found.data))
    agreed = data["agreements"]
    for other in (SHERIFF, BORDER):
        paper = next(iter(agreed[SHERIFF][BORDER].values()))
        text = orjson.dumps(paper).decode().replace(BORDER if other == SHERIFF else SHERIFF, "X")
        text = text.replace(other, "Y").replace('"X"', f'"{WASHINGTON}"').replace("Y", other)
        first, second = sorted((other, WASHINGTON))
        agreed.setdefault(first, {})[second] = {"mou-wa": orjson.loads(text) | {"id": "mou-wa"}}
    return make_set(found.modules, data)


def test_the_page_holds_its_files() -> None:
    folder = "law/washington"
    assert set(of_the_page()) == {
        *(f"{folder}/{f}" for f in ("washington.rego", "lines.rego", "data.yaml")),
        f"{folder}/washington_test.rego",
        f"agencies/{WASHINGTON}/data.yaml",
    }


@pytest.mark.parametrize("ori", [WASHINGTON, SHERIFF])
def test_the_set_passes_vetting_there_and_elsewhere(folder: Path, ori: str) -> None:
    assert vet(load_set(folder), ori, Limits(case_ms=100))["tests"] > 0


@pytest.mark.opa
def test_its_tests_pass_in_opa_and_it_is_written_as_the_rest(
    opa_program: Path, folder: Path
) -> None:
    done = subprocess.run(
        [opa_program, "test", "--bundle", folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2_000:]
    for words in (("fmt", "--list", "--fail"), ("check", "--strict")):
        target = folder / "law" / "washington" if words[0] == "fmt" else folder
        done = subprocess.run(
            [opa_program, *words, target], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_its_rules_are_in_the_table(folder: Path) -> None:
    found = {r.id for r in rules(folder) if r.where.startswith("law/washington/")}
    assert found == {
        *("wa.civil_immigration", "wa.named_person", "wa.birthplace"),
        *("wa.no_inquiry", "wa.juvenile", "wa.kept_from_authorities", "wa.kept_of_record"),
    }


def asked(purpose: str, function: str, *, asker: str, digest: str) -> dict[str, Any]:
    return {
        "v": 1,
        "now": "2026-11-23T20:46:10.00Z",
        "self": WASHINGTON,
        "asker": {
            "ori": asker,
            "unit": "Unit",
            "unit_function": function,
            "roles": ["officer"],
            "assurance": 2,
            "logged_on_hours": 3,
            "attributes": ["sworn"],
        },
        "agreement": digest,
        "search": {
            "purpose": purpose,
            "iii_purpose_code": None,
            "reference": {"type": "case", "number": "26-1"},
            "reason_code": "robbery",
            "subject": {"kind": "person", "terms": ["name", "birth_date"]},
            "record_types": ["person"],
            "granularity": "record",
            "max_matches": 10,
        },
    }


def digest_of(policy_set: PolicySet, other: str) -> str:
    first, second = sorted((other, WASHINGTON))
    return str(policy_set.data["agreements"][first][second]["mou-wa"]["digest"])


async def decide(policy_set: PolicySet, purpose: str, function: str) -> Any:
    engine = EmbeddedEngine()
    await engine.activate(policy_set)
    case = asked(purpose, function, asker=BORDER, digest=digest_of(policy_set, BORDER))
    return (await engine.decide("answer", orjson.dumps(case))).outcome


async def test_an_agency_there_answers_by_its_law(five: PolicySet) -> None:
    crime = await decide(five, "criminal_investigation", "investigation")
    assert crime["allow"] is True, crime
    for purpose, function in (
        ("criminal_investigation", "civil_enforcement"),
        ("civil_immigration", "civil_enforcement"),
    ):
        refused = await decide(five, purpose, function)
        assert "wa.civil_immigration" in {r["code"] for r in refused["reasons"]}


async def test_without_the_folder_it_gives_nothing(five: PolicySet) -> None:
    modules = {p: t for p, t in five.modules.items() if not p.startswith("law/washington/")}
    bare = make_set(modules, five.data)
    refused = await decide(bare, "criminal_investigation", "investigation")
    assert refused["allow"] is False
    assert [r["code"] for r in refused["reasons"]] == ["answer.undecided"]


async def test_a_line_that_is_missing_closes(five: PolicySet) -> None:
    lines = five.modules["law/washington/lines.rego"]
    for name in ("owner_deny", "owner_never"):
        without = re.sub(rf"^{name}\[.*$", "", lines, flags=re.MULTILINE)
        assert without != lines
        cut = make_set({**five.modules, "law/washington/lines.rego": without}, five.data)
        assert (await decide(cut, "criminal_investigation", "investigation"))["allow"] is False


# -- mistakes of whoever adds one ---------------------------------------------------------------

LAW = "law/washington"
RULES, LINES, TESTS, DATA = (
    f"{LAW}/{f}" for f in ("washington.rego", "lines.rego", "washington_test.rego", "data.yaml")
)
AGENCY = f"agencies/{WASHINGTON}/data.yaml"


def changed(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(made: Path) -> None:
        text = (made / name).read_text()
        assert old in text
        (made / name).write_text(text.replace(old, new, 1))

    return change


def removed(name: str) -> Callable[[Path], None]:
    return lambda made: (made / name).unlink()


def without_law(made: Path) -> None:
    """Only lines that say nothing, and no test."""
    for name in (RULES, TESTS, DATA):
        (made / name).unlink()
    text = (made / LINES).read_text()
    (made / LINES).write_text(re.sub(r":= data\.law\.washington\.\w+( if \S+)?", ":= set()", text))


def twice(made: Path) -> None:
    shutil.copytree(made / LAW, made / "law" / "washington2", ignore=lambda *_: {"data.yaml"})
    for name in ("washington.rego", "washington_test.rego"):
        (made / "law" / "washington2" / name).unlink()


def read_by_another(made: Path) -> None:
    (made / LINES).unlink()
    with (made / "law/texas/texas.rego").open("a") as file:
        file.write("\nas_there if data.law.washington.other_matter\n")


MISTAKES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "no lines": (removed(LINES), f"{RULES}:1", "lines.rego is missing"),
    "no tests": (removed(TESTS), f"{LINES}:1", "has no test"),
    "no law": (without_law, f"{LINES}:1", "has no test"),
    "folder misnamed": (
        lambda made: (made / LAW).rename(made / "law" / "washingtn"),
        "law/washingtn/lines.rego:4",
        "a line of 'washington' in the folder of 'washingtn'",
    ),
    "claimed twice": (twice, "law/washington2/lines.rego:4", "move the line to law/washington/"),
    "not claimed": (
        changed(LINES, 'jurisdictions contains "washington"\n', ""),
        f"{LINES}:1",
        'the line `jurisdictions contains "washington"` is missing',
    ),
    "a line left out": (
        changed(LINES, 'bars["washington"] := {"civil_immigration"}\n', ""),
        f"{LINES}:1",
        'the line `bars["washington"]` is missing',
    ),
    "a line of another place": (
        changed(LINES, 'owner_deny["washington"]', 'owner_deny["texas"]'),
        f"{LINES}:7",
        "a line of 'texas' in the folder of 'washington'",
    ),
    "a word in a line": (
        changed(LINES, '{"civil_immigration"}', '{"civil_imigration"}'),
        f"{LINES}:12",
        "'civil_immigration' is one",
    ),
    "no id": (changed(RULES, "#   id: wa.civil_immigration\n", ""), f"{RULES}:10", "no custom.id"),
    "no title": (
        changed(RULES, "# title: Its officers do not tell them in a question\n", ""),
        f"{RULES}:109",
        "`untold` has no title",
    ),
    "no citation": (
        changed(RULES, "#   citation: RCW 13.50.050\n", ""),
        f"{RULES}:117",
        "`hide` has no custom.citation",
    ),
    "not said whether counsel has to confirm": (
        changed(RULES, "#   confirm_by_counsel: true\nnever", "never"),
        f"{RULES}:51",
        "`never` has no custom.confirm_by_counsel",
    ),
    "an id that is not the rule's": (
        changed(RULES, "id: wa.juvenile", "id: wa.juveniles"),
        f"{RULES}:118",
        "the id 'wa.juvenile', which no METADATA of the set has",
    ),
    "no rule has it": (
        changed(RULES, "# METADATA\n# title: Juvenile", "# A note\n# title: Juvenile"),
        f"{RULES}:118",
        "`hide` has no title",
    ),
    "a key of the data": (
        changed(DATA, "adult_at:", "adult_att:"),
        f"{DATA}:2",
        "no rule reads 'adult_att': a misspelt name, or left over?; 'adult_at' is read",
    ),
    "a limit of the agency's own": (
        changed("local/data.yaml", "never_classes:", "never_clases:"),
        "local/data.yaml:3",
        "'never_classes' is read",
    ),
    "an agency's place": (
        changed(AGENCY, "jurisdiction: washington", "jurisdiction: washingtn"),
        f"{AGENCY}:3",
        "there is no folder law/washingtn",
    ),
    "an agency of two places": (
        changed(AGENCY, "jurisdiction: washington", "jurisdiction: [washington]"),
        f"{AGENCY}:3",
        "'washington' has one",
    ),
    "lines of a place whose law another reads": (
        read_by_another,
        f"{RULES}:1",
        "lines.rego is missing",
    ),
    "an agency of no place": (
        changed(AGENCY, "jurisdiction: washington\n", ""),
        f"{AGENCY}:1",
        "WA9990000 has no `jurisdiction`",
    ),
    "a place that agencies still name": (
        lambda made: shutil.rmtree(made / LAW),
        f"{AGENCY}:3",
        "the law of 'washington' is not written down",
    ),
    "a route": (
        changed("routing/data.yaml", "texas:", "texass:"),
        "routing/data.yaml:3",
        "'texas' has one",
    ),
}


@pytest.fixture(scope="module")
def seen(folder: Path) -> Known:
    return look_through(load_set(folder).modules.items())


def mistakes(made: Path, seen: Known) -> list[tuple[str | None, str]]:
    candidate = load_set(made)
    new = look_through(m for m in candidate.modules.items() if m not in seen)
    modules = [{**seen, **new}[m] for m in candidate.modules.items()]
    trees = [m.tree for m in modules if m.tree is not None]
    found = [
        located(PolicyRejected(m.reason, where=m.where), made)
        for m in unfinished(candidate, trees, [m.look for m in modules])
    ]
    return [(f.where, f.detail) for f in found]


def test_the_page_makes_none(folder: Path, seen: Known) -> None:
    assert mistakes(folder, seen) == []


def shares_rules(made: Path) -> None:
    """What several places have in common stands in a folder of its own, which is no place."""
    (made / "law/common").mkdir()
    (made / "law/common/common.rego").write_text(
        "package law.common\n\nown if input.asker.ori == input.self\n"
    )
    (made / "law/common/common_test.rego").write_text(
        "package law.common_test\n\n"
        'test_own if data.law.common.own with input as {"self": "A", "asker": {"ori": "A"}}\n'
    )
    text = (made / RULES).read_text()
    own = "own_records if input.asker.ori == input.self"
    assert own in text
    (made / RULES).write_text(text.replace(own, "own_records if data.law.common.own"))


def splits_files(made: Path) -> None:
    """Another definition of a rule, and a line, in other files than the first."""
    (made / LAW / "more").mkdir()
    (made / LAW / "more" / "hide.rego").write_text(
        "package law.washington\n\n"
        "# METADATA\n# title: More\n# custom:\n#   id: wa.more\n#   citation: RCW 1\n"
        "#   confirm_by_counsel: true\n"
        'hide contains [place, "wa.juvenile"] if {\n\tsome place, fact in input.facts\n'
        "\tfact.juvenile == true\n}\n"
    )
    text = (made / LINES).read_text()
    line = 'asking_bars["washington"] := set()\n'
    assert line in text
    (made / LINES).write_text(text.replace(line, "") + '\nnumbered["one"] := 1\n')
    (made / LAW / "more_lines.rego").write_text(f"package sallyport.law\n\n{line}")


def two_places(made: Path) -> None:
    """Texas alone has its `sealed_opened`, and beside it there is only the federal law."""
    others = ("california", "new_mexico", "washington")
    for place in others:
        shutil.rmtree(made / "law" / place)
    for facts in (made / "agencies").glob("*/data.yaml"):
        if any(f"jurisdiction: {place}" in facts.read_text() for place in others):
            shutil.rmtree(facts.parent)
    (made / "routing/data.yaml").write_text("texas: {otherwise: [TX9990000]}\n")


@pytest.mark.parametrize("change", [shares_rules, splits_files, two_places])
def test_what_is_no_mistake(
    folder: Path, seen: Known, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    made = tmp_path / "policies"
    shutil.copytree(folder, made)
    change(made)
    assert mistakes(made, seen) == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_place(
    folder: Path, seen: Known, tmp_path: Path, mistake: str
) -> None:
    spoil, where, said = MISTAKES[mistake]
    made = tmp_path / "policies"
    shutil.copytree(folder, made)
    spoil(made)
    first = mistakes(made, seen)[0]
    assert first[0] == where
    assert said in first[1]


def test_vetting_refuses_a_place_without_law(folder: Path, tmp_path: Path) -> None:
    made = tmp_path / "policies"
    shutil.copytree(folder, made)
    without_law(made)
    with pytest.raises(PolicyRejected, match="law/washington has no test"):
        vet(load_set(made), SHERIFF, Limits(case_ms=500))
