package law.intelligence_test

import data.sallyport.example_test

codes(question) := found if {
	denied := data.law.federal.deny with input as question
	found := {reason.code | some reason in denied}
}

hidden(question) := found if {
	entries := data.law.federal.hide with input as question
	found := {entry[1] | some entry in entries}
}

never(question) := found if found := data.law.federal.never with input as question

wanted := example_test.searching(example_test.asked, {"record_types": ["intelligence"]})

certified := example_test.asked_by(wanted, {"attributes": ["cfr28_part23", "sworn"]})

test_need_and_right if codes(certified) == set()

test_no_right if codes(wanted) == {"intelligence.right_to_know"}

test_no_right_outside_law_enforcement if {
	denied := data.law.federal.deny with input as certified with data.agencies.CA9990000.law_enforcement as false
	{reason.code | some reason in denied} == {"intelligence.right_to_know"}
}

test_no_need if {
	need := {"intelligence.need_to_know"}
	codes(example_test.searching(certified, {"purpose": "traffic_stop"})) == need
	codes(example_test.searching(certified, {"reference": {"type": "cad_call"}})) == need
	codes(example_test.searching(certified, {"reference": {"number": null}})) == need
	codes(example_test.searching(certified, {"reference": {"number": ""}})) == need
	codes(example_test.asked_by(certified, {"unit_function": "patrol"})) == need
}

test_missing_input_is_neither if {
	codes({"search": {"record_types": ["intelligence"]}}) == {"intelligence.need_to_know", "intelligence.right_to_know"}
}

test_nothing_is_needed_for_other_record_types if codes(example_test.asked) == set()

intelligence(question, changes) := example_test.finding(question, object.union(example_test.intelligence, changes))

without(fact) := object.union(certified, {"facts": [object.remove(
	object.union(example_test.fact, example_test.intelligence),
	[fact],
)]})

test_intelligence_is_shown_to_the_entitled if {
	hidden(intelligence(certified, {})) == set()
	hidden(intelligence(certified, {"record_type": "person"})) == set()
}

test_no_sign_of_it_to_others if {
	hidden(intelligence(example_test.asked, {})) == {"intelligence.not_shown"}
	hidden(intelligence(example_test.asked, {"record_type": "person"})) == {"intelligence.not_shown"}
	hidden(intelligence(example_test.asked, {"intelligence": false})) == {"intelligence.not_shown"}
	hidden(intelligence(example_test.asked, {"assessment": true})) == {"intelligence.not_shown"}
}

test_no_sign_of_it_to_those_with_the_right_and_without_the_need if {
	stop := example_test.searching(certified, {"purpose": "traffic_stop"})
	hidden(intelligence(stop, {})) == {"intelligence.not_shown"}
	"intelligence" in never(stop)
}

test_a_missing_fact_counts_as_intelligence if {
	"intelligence.not_shown" in hidden(object.union(example_test.asked, {"facts": [object.remove(example_test.fact, ["intelligence"])]}))
	hidden(example_test.finding(example_test.asked, {})) == set()
}

test_only_on_reasonable_suspicion if {
	every value in [false, null, "yes", 1] {
		hidden(intelligence(certified, {"reasonable_suspicion": value})) == {"intelligence.reasonable_suspicion"}
	}
	hidden(without("reasonable_suspicion")) == {"intelligence.reasonable_suspicion"}
}

test_only_without_views_that_are_not_tied_to_a_crime if {
	hidden(intelligence(certified, {"protected_activity": "tied_to_crime"})) == set()
	every value in ["not_tied", "political", "", null, false, ["none"]] {
		hidden(intelligence(certified, {"protected_activity": value})) == {"intelligence.protected_activity"}
	}
	hidden(without("protected_activity")) == {"intelligence.protected_activity"}
	hidden(intelligence(danger, {"assessment": true, "protected_activity": "religious"})) == {"intelligence.protected_activity"}
}

test_only_with_its_label_of_confidence if {
	every label in data.sallyport.vocabulary.confidence {
		hidden(intelligence(certified, {"confidence": label})) == set()
	}
	hidden(intelligence(certified, {"confidence": "hearsay"})) == {"intelligence.labels"}
	hidden(intelligence(certified, {"confidence": null})) == {"intelligence.labels"}
	hidden(without("confidence")) == {"intelligence.labels"}
}

test_only_if_validated_within_five_years if {
	every day in ["2021-11-24", "2026-11-23", "2024-02-29"] {
		hidden(intelligence(certified, {"validated_on": day})) == set()
	}
	every day in ["2021-11-23", "2021-11-22", "1999-01-01", "2026-11-24", "2027-01-01"] {
		hidden(intelligence(certified, {"validated_on": day})) == {"intelligence.validation"}
	}
}

test_a_day_that_is_none_validates_nothing if {
	every day in [null, 20251124, "24.11.2025", "2025-11-24T00:00:00Z", "", {"on": "2025-11-24"}] {
		hidden(intelligence(certified, {"validated_on": day})) == {"intelligence.validation"}
	}
	hidden(without("validated_on")) == {"intelligence.validation"}
	hidden(object.remove(intelligence(certified, {}), ["now"])) == {"intelligence.validation"}
}

test_only_agencies_that_agreed_to_equal_rules if {
	denied := data.law.federal.deny with input as certified with data.agencies.CA9990000.follows as []
	{reason.code | some reason in denied} == {"intelligence.right_to_know"}
	seen := data.law.federal.hide with input as intelligence(certified, {}) with data.agencies.CA9990000.follows as ["cfr28_part20"]
	seen == {[0, "intelligence.not_shown"]}
}

danger := example_test.asked_by(
	example_test.searching(wanted, {"purpose": "officer_safety", "reason_code": "imminent_danger"}),
	{"unit_function": "patrol", "attributes": []},
)

test_an_assessment_goes_to_whoever_is_in_danger if {
	codes(danger) == set()
	hidden(intelligence(danger, {"assessment": true})) == set()
	not "intelligence" in never(danger)
}

test_the_assessment_alone if {
	every value in [false, null, "yes"] {
		hidden(intelligence(danger, {"assessment": value})) == {"intelligence.not_shown"}
	}
	hidden(intelligence(danger, {})) == {"intelligence.not_shown"}
	hidden(intelligence(danger, {"assessment": true, "confidence": null})) == {"intelligence.labels"}
}

withheld(question) := found if found := data.law.federal.withhold with input as question

test_the_class_of_other_records_stays_out_in_danger if {
	withheld(example_test.finding(danger, {})) == {[0, "intelligence", "intelligence.assessment_alone"]}
	withheld(intelligence(danger, {"assessment": true})) == set()
	withheld(example_test.finding(certified, {})) == set()
	withheld(example_test.finding(example_test.searching(certified, {"reason_code": "imminent_danger"}), {})) == set()
	withheld(example_test.finding(example_test.asked, {})) == set()
}

test_danger_is_a_reason_a_crime_and_a_government if {
	both := {"intelligence.need_to_know", "intelligence.right_to_know"}
	codes(example_test.searching(danger, {"reason_code": "robbery"})) == both
	codes(example_test.searching(danger, {"reason_code": null})) == both
	codes(example_test.searching(danger, {"purpose": "licensing"})) == both
	private := data.law.federal.deny with input as danger with data.agencies.CA9990000.government as false
	{reason.code | some reason in private} == both
	"intelligence" in never(example_test.searching(danger, {"reason_code": "robbery"}))
}

test_the_class_too if {
	"intelligence" in never(example_test.asked)
	"intelligence" in never({})
	not "intelligence" in never(certified)
}

test_need_to_know_is_of_units_that_investigate_or_gather_intelligence_alone if {
	needing := {"investigation", "intelligence"}
	every unit_function in data.sallyport.vocabulary.unit_functions {
		refused := {"intelligence.need_to_know" | not unit_function in needing}
		codes(example_test.asked_by(certified, {"unit_function": unit_function})) == refused
	}
}
