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

test_motor_vehicle_records_not_for_civil_enforcement if {
	civil := example_test.searching(example_test.texas_asked_by_border, {"purpose": "civil_immigration"})
	hidden(example_test.finding(civil, from_motor_vehicles)) == {"dppa.permitted_use"}
	hidden(example_test.finding(civil, {})) == set()
}

test_motor_vehicle_records_not_outside_government if {
	question := example_test.finding(example_test.asked, from_motor_vehicles)
	entries := data.law.federal.hide with input as question with data.agencies.CA9990000.government as false
	entries == {[0, "dppa.permitted_use"]}
}

test_the_source_counts_not_the_class if {
	licensing := example_test.searching(example_test.asked, {"purpose": "licensing"})
	withheld(example_test.finding(licensing, {})) == set()
	withheld(example_test.finding(licensing, from_motor_vehicles)) == {"medical", "photo", "ssn"}
}

test_a_missing_or_unknown_source_counts_as_motor_vehicle if {
	fact := object.remove(example_test.fact, ["source_kind"])
	hidden({"facts": [fact]}) & {"dppa.permitted_use"} == {"dppa.permitted_use"}
	withheld({"facts": [fact]}) == {"medical", "photo", "ssn"}
	hidden(example_test.finding({}, {"source_kind": "street"})) & {"dppa.permitted_use"} == {"dppa.permitted_use"}
}

juvenile := {"juvenile": true}

test_juveniles_for_law_enforcement_that_investigates if {
	every purpose in ["criminal_investigation", "missing_person", "warrant_service", "officer_safety"] {
		question := example_test.searching(example_test.asked, {"purpose": purpose})
		hidden(example_test.finding(question, juvenile)) == set()
	}
}

test_juveniles_not_for_the_rest if {
	every purpose in ["employment", "licensing", "firearms", "civil_immigration", "traffic_stop", "audit", "exercise", "curiosity"] {
		question := example_test.searching(example_test.asked, {"purpose": purpose})
		"juvenile.not_shown" in hidden(example_test.finding(question, juvenile))
	}
}

test_juveniles_not_outside_law_enforcement if {
	question := example_test.finding(example_test.asked, juvenile)
	entries := data.law.federal.hide with input as question with data.agencies.CA9990000.law_enforcement as false
	entries == {[0, "juvenile.not_shown"]}
}

test_a_juvenile_warrant_is_found_on_the_road if {
	stop := example_test.searching(example_test.asked, {"purpose": "traffic_stop"})
	hidden(example_test.finding(stop, {"juvenile": true, "record_type": "warrant"})) == set()
	hidden(example_test.finding(stop, juvenile)) == {"juvenile.not_shown"}
}

test_a_missing_fact_counts_as_a_juvenile if {
	fact := object.remove(example_test.fact, ["juvenile"])
	hiring := example_test.searching(example_test.asked, {"purpose": "employment"})
	"juvenile.not_shown" in hidden(object.union(hiring, {"facts": [fact]}))
}
