"""What an element is, it is wherever it stands: a person in a thing keeps a person's classes."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import niem
from gateway.errors import PolicyRejected
from gateway.niem.release import release
from gateway.policy.element_tree import ElementTree, Wherever, compile_elements
from gateway.policy.elements import compile_plan, keep
from gateway.policy.engine import Limits
from gateway.policy.sets import load_set
from gateway.policy.vet import vet
from gateway.policy.vocabulary import Vocabulary, read_vocabulary
from tests.policy.made import write_set
from tests.soak import count

POLICIES = Path(__file__).parents[2] / "policies"
PERSON = {
    "nc:PersonName": {"nc:PersonSurName": "QUILLFEATHER"},
    "nc:PersonSSNIdentification": {"nc:IdentificationID": "999-00-4417"},
    "nc:PersonResidenceAddress": {"nc:AddressFullText": "1 MADE UP ST"},
    "nc:PersonBirthLocation": {"nc:LocationDescriptionText": "NOWHERE"},
    "nc:PersonUSCitizenIndicator": False,
    "nc:PersonReligionText": "NONE SUCH",
    "nc:PersonMedicationRequiredText": "insulin",
    "nc:PersonDigitalImage": {"nc:BinaryID": "7"},
    "hs:AlienIdentification": {"nc:IdentificationID": "A000000001"},
    "j:PersonParoleeIndicator": True,
}
CLASS_OF = {
    "nc:PersonName": "identity",
    "nc:PersonSSNIdentification": "ssn",
    "nc:PersonResidenceAddress": "contact",
    "nc:PersonBirthLocation": "immigration_status",
    "nc:PersonUSCitizenIndicator": "immigration_status",
    "nc:PersonReligionText": None,
    "nc:PersonMedicationRequiredText": "medical",
    "nc:PersonDigitalImage": "photo",
    "hs:AlienIdentification": None,
    "j:PersonParoleeIndicator": "criminal_history",
}
PLACES = {
    "nc:Person": (),
    "nc:Vehicle/nc:ItemOwner/nc:EntityPerson": ("identity",),
    "nc:Item/nc:ItemOwner/nc:EntityPerson": ("incident",),
    "nc:Incident/j:IncidentStolenItem/nc:ItemOwner/nc:EntityPerson": ("incident",),
    "nc:Incident/j:IncidentSubject/nc:EntityPerson": ("incident",),
    "nc:Incident/j:IncidentVictim/nc:EntityPerson": ("victim",),
    "nc:Incident/j:IncidentWitness": ("victim",),
    "j:Firearm/nc:ItemOwner/nc:EntityPerson": ("incident",),
    "nc:PersonAssociation/nc:Person": ("incident",),
    "nc:ActivityPersonAssociation/nc:Person": ("incident",),
    "nc:PersonConveyanceAssociation/nc:Person": ("vehicle",),
    "j:Warrant/j:CourtOrderRequestEntity/nc:EntityPerson": ("order",),
    "j:Warrant/j:CourtOrderDesignatedSubject/nc:EntityPerson": ("order",),
    "j:Warrant/j:CourtOrderIssuingJudicialOfficial": ("order",),
    # Whom an order protects is a victim; whom it binds is told with the order.
    "j:ProtectionOrder/j:ProtectionOrderRestrictedPerson": ("victim",),
    "j:ProtectionOrderProtectedPersonAssociation/nc:Person": ("victim",),
    "j:ProtectionOrderPetitionerPersonAssociation/nc:Person": ("victim",),
    "j:ProtectionOrderRespondentPersonAssociation/nc:Person": ("order",),
    "j:ItemSeizure/j:ItemSeizurePossessingPerson": ("incident",),
    "nc:Case/j:CaseDefendantParty/nc:EntityPerson": ("incident", "criminal_history"),
    "j:Arrest/j:ArrestSubject/nc:EntityPerson": ("criminal_history",),
    "j:Arrest/j:ArrestOfficial": ("criminal_history",),
    "j:Detention/nc:SupervisionPerson": ("criminal_history",),
    "j:Subject/nc:EntityPerson": ("incident",),
    "j:MissingPerson": (),
    "j:Witness": ("victim",),
    "j:EnforcementOfficial": ("incident",),
    "im:Alien": ("immigration_status",),
    # A person in a number of a person in a person.
    "nc:Person/nc:PersonSSNIdentification/nc:IdentificationPerson": ("ssn",),
}


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    return read_vocabulary(load_set(POLICIES).data)


@pytest.fixture(scope="module")
def tree(words: Vocabulary) -> ElementTree:
    return compile_elements(words.elements, words.wherever)


def at(path: str, value: Any) -> Any:
    for key in reversed(path.split("/")):
        value = {key: value}
    return value


def below(message: Any, path: str) -> Any:
    for key in path.split("/"):
        message = message.get(key, {})
    return message


@pytest.mark.parametrize("place", PLACES)
def test_a_person_keeps_its_classes_in_whatever_it_stands(tree: ElementTree, place: str) -> None:
    """Whatever all the other classes are, only both of an element's own let it out."""
    message = at(place, PERSON)
    message["@context"] = niem.context_for(message)
    assert niem.validate(message) == []
    every = {c for c in CLASS_OF.values() if c} | {c for cs in PLACES.values() for c in cs}
    for key, own in CLASS_OF.items():
        needed = {*PLACES[place], *([own] if own else [])}
        for left_out in [None, *sorted(needed)]:
            given = {c: "give" for c in every if c != left_out}
            kept = keep(compile_plan(tree, given.items()), message)
            there = below(kept.message if kept else {}, place)
            assert (key in there) == (own is not None and left_out is None), (key, left_out)


def test_the_strictest_action_counts(tree: ElementTree) -> None:
    place = "nc:Vehicle/nc:ItemOwner/nc:EntityPerson"
    message = at(place, PERSON)
    for owner, number in [("mask", "give"), ("give", "mask"), ("mask", "mask")]:
        kept = keep(compile_plan(tree, [("identity", owner), ("ssn", number)]), message)
        assert kept is not None
        shown = below(kept.message, place)["nc:PersonSSNIdentification"]["nc:IdentificationID"]
        assert shown == "****4417"
    told = keep(compile_plan(tree, [("identity", "give"), ("ssn", "count")]), message)
    assert told is not None
    assert told.held == (("ssn", 1),)
    assert "4417" not in str(told.message)


def test_a_reference_to_a_person_stays_where_its_whole_is_given(tree: ElementTree) -> None:
    message = at("nc:PersonAssociation/nc:Person", [{"@id": "#P1"}, {"@id": "#P2"}])
    kept = keep(compile_plan(tree, [("incident", "give")]), message)
    assert kept is not None
    assert kept.message == message
    assert keep(compile_plan(tree, [("identity", "give")]), message) is None


def test_what_an_office_adds_goes_with_what_it_stands_in(tree: ElementTree) -> None:
    badge = {"j:EnforcementOfficialBadgeIdentification": {"nc:IdentificationID": "77"}}
    arrest = at("j:Arrest/j:ArrestOfficial", badge)
    kept = keep(compile_plan(tree, [("criminal_history", "give")]), arrest)
    assert kept is not None
    assert kept.message == arrest
    assert keep(compile_plan(tree, [("incident", "give"), ("identity", "give")]), arrest) is None


def test_an_event_in_an_event_keeps_its_classes(tree: ElementTree) -> None:
    assert set(tree.classes("j:Arrest/j:Booking/j:Arrest/j:ArrestSubject")) == {"criminal_history"}
    inside = "j:Arrest/j:ArrestWarrant/scr:WarrantCategoryCode"
    assert set(tree.classes(inside)) == {"criminal_history", "immigration_status"}
    assert set(tree.classes("nc:Item/nc:ItemImage/nc:BinaryID")) == {"incident", "photo"}
    phone = "nc:Organization/nc:OrganizationPrimaryContactInformation/nc:ContactTelephoneNumber"
    assert set(tree.classes(phone)) == {"incident", "contact"}
    assert tree.classes("nc:Vehicle/nc:VehicleColorPrimaryText") == ()
    assert tree.classes("nc:Incident/j:IncidentSubject/nc:EntityPerson/nc:PersonReligionText") == ()
    assert tree.classes("nc:Incident/j:IncidentSubject/nc:EntityPerson") == ("incident",)


def of_type(kind: str) -> Iterator[str]:
    """The elements of a type and of those derived from it, told by the schema alone."""
    for name in release().names():
        element = release().element(name)
        if element is not None and kind in release().lineage(element.type):
            yield name


def test_wherever_a_person_can_stand_no_key_has_another_class(
    words: Vocabulary, tree: ElementTree
) -> None:
    """All persons that the schema lets stand up to three steps below a path with a class."""
    listed = {
        p.removeprefix("nc:Person/"): c
        for p, c in words.elements.items()
        if p.startswith("nc:Person/")
    }
    persons = set(of_type("nc:PersonType"))
    person = dict.fromkeys(niem.keys_of("nc:PersonType"), "X")
    all_given = compile_plan(tree, [(c, "give") for c in words.classes])
    without = {
        own: compile_plan(tree, [(c, "give") for c in words.classes if c != own])
        for own in set(listed.values())
    }
    seen = 0
    paths = random.Random(7).sample(sorted(words.elements), count(15, len(words.elements)))
    for path in [*paths, *(p.removesuffix("/nc:EntityPerson") for p in PLACES)]:
        for place in places(path, persons):
            message = at(place, person)
            kept = keep(all_given, message)
            if kept is None:
                assert not tree.classes(place)
                continue
            seen += 1
            assert below(kept.message, place).keys() == listed.keys(), place
            own = random.Random(place).choice(sorted(without))
            kept = keep(without[own], message)
            left = below(kept.message, place).keys() if kept else set()
            assert left <= {k for k, c in listed.items() if c != own}, (place, own)
    assert seen > 100


def places(path: str, wanted: set[str], depth: int = 3) -> Iterator[str]:
    """Give one place for each wanted element below a path, the nearest."""
    found: set[str] = set()
    met: set[str | None] = set()
    waiting = [(path, release().element(path.rpartition("/")[2]), 0)]
    for here, element, steps in waiting:
        if element is None or steps == depth or element.type in met:
            continue
        met.add(element.type)
        for key, child in element.shape.children.items():
            if child.element is None or child.element.abstract:
                continue
            waiting.append((f"{here}/{key}", child.element, steps + 1))
            if key in wanted and key not in found:
                found.add(key)
                yield f"{here}/{key}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{types: {'nc:NoSuchType': 'nc:Person'}}", "nc:NoSuchType is not a type of NIEM 6.0"),
        ("{types: {'nc:PersonType': 'nc:Incident'}}", "'nc:Incident' is not of the type"),
        ("{types: {'nc:PersonType': 'nc:Vehicle'}}", "'nc:Vehicle' has no class in the elements"),
        ("{keys: ['nc:Person/nc:PersonReligionText']}", "has no class in the elements"),
        ("{keys_of: 'nc:Person'}", "a list of texts is wanted"),
        ("{offices: ['nc:NoSuchType']}", "nc:NoSuchType is not a type of NIEM 6.0"),
        ("{of: []}", "an object of types, keys_of, keys and offices is wanted"),
        ("[]", "an object of types, keys_of, keys and offices is wanted"),
    ],
)
def test_what_holds_anywhere_is_held_against_the_standard(
    tmp_path: Path, text: str, reason: str
) -> None:
    candidate = load_set(write_set(tmp_path / "set", small_with(f"wherever: {text}")))
    with pytest.raises(PolicyRejected, match=reason):
        vet(candidate, "TX9990000", Limits())


def test_a_set_that_does_not_say_what_holds_anywhere_is_refused(tmp_path: Path) -> None:
    candidate = load_set(write_set(tmp_path / "set", small_with("")))
    with pytest.raises(PolicyRejected, match="wherever: it is missing"):
        vet(candidate, "TX9990000", Limits())


def small_with(line: str) -> dict[str, str]:
    path = "sallyport/vocabulary/data.yaml"
    text = (Path(__file__).parent / "small" / path).read_text()
    head, _, _ = text.partition("wherever:")
    return {path: f"{head}{line}\n"}


def test_the_smallest_tree() -> None:
    tree = compile_elements({}, Wherever())
    assert tree.classes("nc:Person") == ()
    assert keep(compile_plan(tree, [("identity", "give")]), {"nc:Person": PERSON}) is None
