package law.records_test

import data.sallyport.example_test

codes(question) := found if {
	denied := data.law.federal.deny with input as question
	found := {reason.code | some reason in denied}
}

hidden(question) := found if {
	entries := data.law.federal.hide with input as question
	found := {entry[1] | some entry in entries}
}

from_motor_vehicles := {"source_kind": "motor_vehicle_department"}

withheld(question) := found if {
	entries := data.law.federal.withhold with input as question
	found := {entry[1] | some entry in entries}
}

test_motor_vehicle_records_for_a_permitted_use if {
	question := example_test.finding(example_test.asked, from_motor_vehicles)
	hidden(question) == set()
	withheld(question) == set()
}

test_functions_of_government_are_permitted if {
	functions := [
		"traffic_stop", "warrant_service", "missing_person", "officer_safety", "border_inspection",
		"firearms", "audit", "court_case",
	]
	every purpose in functions {
		question := example_test.searching(example_test.asked, {"purpose": purpose})
		hidden(example_test.finding(question, from_motor_vehicles)) == set()
	}
}

test_other_purposes_are_not if {
	every purpose in ["civil_immigration", "employment", "licensing", "exercise", "curiosity"] {
		question := example_test.searching(example_test.asked, {"purpose": purpose})
		hidden(example_test.finding(question, from_motor_vehicles)) == {"dppa.permitted_use"}
		hidden(example_test.finding(question, {})) == set()
		hidden(example_test.finding(question, {"source_kind": "plate_reader"})) == set()
	}
}

test_motor_vehicle_records_not_outside_government if {
	question := example_test.finding(example_test.asked, from_motor_vehicles)
	entries := data.law.federal.hide with input as question with data.agencies.CA9990000.government as false
	entries == {[0, "dppa.permitted_use"]}
}

test_the_source_counts_not_the_class if {
	licensing := example_test.searching(example_test.asked, {"purpose": "licensing"})
	withheld(example_test.finding(licensing, {})) == set()
	withheld(example_test.finding(licensing, {"age_at_offense": 30})) == set()
	withheld(example_test.finding(licensing, from_motor_vehicles)) == {"medical", "photo", "ssn"}
}

test_a_missing_or_unknown_source_counts_as_motor_vehicle if {
	fact := object.remove(example_test.fact, ["source_kind"])
	hidden({"facts": [fact]}) & {"dppa.permitted_use"} == {"dppa.permitted_use"}
	{"medical", "photo", "ssn"} - withheld({"facts": [fact]}) == set()
	hidden(example_test.finding({}, {"source_kind": "street"})) & {"dppa.permitted_use"} == {"dppa.permitted_use"}
}

test_highly_restricted_only_to_law_enforcement_for_crimes if {
	withheld(example_test.finding(example_test.asked, {"source_kind": "plate_reader"})) == set()
	others := data.law.federal.withhold with input as example_test.finding(example_test.asked, from_motor_vehicles)
		with data.agencies.CA9990000.law_enforcement as false
	others == {[0, element_class, "dppa.highly_restricted"] | some element_class in ["medical", "photo", "ssn"]}
}

highly_restricted_for(changes, purpose) := {entry[1] | some entry in entries; entry[2] == "dppa.highly_restricted"} if {
	question := example_test.searching(example_test.asked, {"purpose": purpose})
	agency := object.union(data.agencies.CA9990000, changes)
	entries := data.law.federal.withhold with input as example_test.finding(question, from_motor_vehicles)
		with data.agencies.CA9990000 as agency
}

test_highly_restricted_to_a_court_for_its_cases if {
	court := {"type": "court", "government": true, "law_enforcement": false}
	freed := {purpose |
		some purpose, _ in data.sallyport.vocabulary.purposes
		highly_restricted_for(court, purpose) == set()
	}
	freed == {"court_case"}
	every odd in [{"government": false}, {"government": null}, {"type": "licensing"}, {"type": null}] {
		highly_restricted_for(object.union(court, odd), "court_case") == {"medical", "photo", "ssn"}
	}
}

test_a_court_that_is_in_no_directory_gets_none_of_it if {
	question := example_test.searching(example_test.asked_by(example_test.asked, {"ori": "XX0000000"}), {"purpose": "court_case"})
	withheld(example_test.finding(question, from_motor_vehicles)) == {"medical", "photo", "ssn"}
}

# The border's own records: federal law.
border(purpose) := example_test.searching(example_test.border_asked_by_texas, {"purpose": purpose})

juvenile := {"juvenile": true, "victim_applicant": false}

test_federal_juveniles_for_law_enforcement_that_investigates if {
	every purpose in ["criminal_investigation", "missing_person", "warrant_service", "officer_safety"] {
		hidden(example_test.finding(border(purpose), juvenile)) == set()
	}
}

test_federal_juveniles_not_for_the_rest if {
	every purpose in ["employment", "licensing", "firearms", "civil_immigration", "traffic_stop", "audit", "exercise", "curiosity"] {
		hidden(example_test.finding(border(purpose), juvenile)) == {"juvenile.not_shown"}
	}
}

test_a_position_in_the_agency if {
	hiring := example_test.searching(border("employment"), {"iii_purpose_code": "J"})
	hidden(example_test.finding(hiring, juvenile)) == set()
	hidden(example_test.finding(example_test.searching(hiring, {"purpose": "licensing"}), juvenile)) == {"juvenile.not_shown"}
	civilians := data.law.federal.hide with input as example_test.finding(hiring, juvenile)
		with data.agencies.TX9990000.law_enforcement as false
	civilians == {[0, "juvenile.not_shown"]}
}

test_the_states_records_have_the_states_law if {
	hidden(example_test.finding(example_test.searching(example_test.asked, {"purpose": "licensing"}), {"juvenile": true})) == set()
}

test_a_missing_fact_counts_as_a_juvenile if {
	fact := object.remove(object.union(example_test.fact, {"victim_applicant": false}), ["juvenile"])
	hidden(object.union(border("employment"), {"facts": [fact]})) == {"juvenile.not_shown"}
}

test_by_age_at_the_offense if {
	young := {"victim_applicant": false, "age_at_offense": 17}
	hidden(example_test.finding(border("licensing"), young)) == {"juvenile.not_shown"}
	hidden(example_test.finding(border("licensing"), object.union(young, {"age_at_offense": 18}))) == set()
}

provider(changes) := object.union(
	object.union(example_test.asked, {
		"releases": [object.union(example_test.release, {"basis": "consent", "asker": "CA9990000"})],
		"facts": [object.union(example_test.fact, {"released_under": ["rel_1"]})],
	}),
	changes,
)

kept_by_provider(question) := found if {
	entries := data.law.federal.hide with input as question with data.agencies.TX9990000.victim_services as true
	found := {entry[1] | some entry in entries}
}

test_a_victim_service_provider_gives_what_was_consented_to if kept_by_provider(provider({})) == set()

test_a_victim_service_provider_gives_nothing_else if {
	kept := {"victims.provider"}
	kept_by_provider(provider({"facts": [example_test.fact]})) == kept
	kept_by_provider(provider({"releases": []})) == kept
	kept_by_provider(object.remove(provider({}), ["releases"])) == kept
	kept_by_provider(provider({"releases": [object.union(example_test.release, {"asker": "CA9990000"})]})) == kept
	kept_by_provider(provider({"now": "2027-01-01T00:00:00.00Z"})) == kept
	kept_by_provider(example_test.asked_by(provider({"releases": []}), {"ori": "TX9990000"})) == set()
}

classes_of_provider(question) := found if {
	entries := data.law.federal.withhold with input as question with data.agencies.TX9990000.victim_services as true
	found := {[entry[0], entry[1]] | some entry in entries; entry[2] == "victims.consented_classes"}
}

every_class := object.keys(data.sallyport.vocabulary.classes)

test_a_victim_service_provider_gives_the_classes_consented_to if {
	two := provider({"facts": [object.union(example_test.fact, {"released_under": ["rel_1"]}), example_test.fact]})
	consented := {"identity", "contact", "release_date"}
	first := {[0, element_class] | some element_class in (every_class - consented)}
	classes_of_provider(two) == first | {[1, element_class] | some element_class in every_class}
	classes_of_provider(example_test.asked_by(two, {"ori": "TX9990000"})) == set()
	police := data.law.federal.withhold with input as two with data.agencies.TX9990000.victim_services as false
	police == set()
}

test_police_reports_do_not_hide_their_victims if {
	hidden(provider({"releases": []})) == set()
	not_one := data.law.federal.hide with input as provider({"releases": []}) with data.agencies.TX9990000.victim_services as false
	not_one == set()
	odd := data.law.federal.hide with input as provider({"releases": []}) with data.agencies.TX9990000.victim_services as "yes"
	odd == {[0, "victims.provider"]}
}

caveats(question) := found if found := data.law.federal.caveats with input as question

test_motor_vehicle_records_go_with_their_condition if {
	condition := data.law.federal.redisclosure_caveat
	contains(condition, "18 USC 2721(b)")
	contains(condition, "five years")
	ordinary := example_test.fact
	from_there := object.union(example_test.fact, from_motor_vehicles)
	plates := object.union(example_test.fact, {"source_kind": "plate_reader"})
	caveats(object.union(example_test.asked, {"facts": [ordinary, from_there, plates, {}]})) == {[1, condition], [3, condition]}
	caveats({}) == set()
}

# Received from New Mexico, which lets it be passed on for criminal justice.
passed_on(purpose, asker) := example_test.finding(
	example_test.asked_by(example_test.searching(example_test.asked, {"purpose": purpose}), {"ori": asker}),
	object.union(from_motor_vehicles, {"received_from": "NM9990000", "onward_sharing": "criminal_justice"}),
)

test_what_was_received_is_passed_on_only_for_a_permitted_use if {
	hidden(passed_on("criminal_investigation", "CA9990000")) == set()
	every asker in ["CA9990000", "NM9990000", "TX9990000"] {
		hidden(passed_on("civil_immigration", asker)) == {"dppa.permitted_use"}
		hidden(passed_on("exercise", asker)) == {"dppa.permitted_use"}
	}
	private := data.law.federal.hide with input as passed_on("criminal_investigation", "CA9990000")
		with data.agencies.CA9990000.government as false
	private == {[0, "dppa.permitted_use"]}
}
