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

test_intelligence_is_shown_to_the_entitled if {
	hidden(example_test.finding(certified, {"record_type": "intelligence", "intelligence": true})) == set()
}

test_no_sign_of_it_to_others if {
	hidden(example_test.finding(example_test.asked, {"intelligence": true})) == {"intelligence.not_shown"}
	hidden(example_test.finding(example_test.asked, {"record_type": "intelligence"})) == {"intelligence.not_shown"}
}

test_a_missing_fact_counts_as_intelligence if {
	fact := object.remove(example_test.fact, ["intelligence"])
	hidden(object.union(example_test.asked, {"facts": [fact]})) == {"intelligence.not_shown"}
}

test_the_class_too if {
	"intelligence" in never(example_test.asked)
	"intelligence" in never({})
	not "intelligence" in never(certified)
}
