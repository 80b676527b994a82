package sallyport.context_test

import data.sallyport.example_test

unusual(facts) := found if found := data.sallyport.context.unusual with input as {"facts": facts}

changed(changes) := object.union(example_test.fact, changes)

test_rules_on_unusual_records_pass_over_ordinary_ones if {
	unusual([
		example_test.fact,
		changed({"record_type": "warrant"}),
		changed({"stale": true}),
		changed({"dissemination": "RED"}),
	]) == {}
}

test_whatever_else_a_record_says_is_unusual if {
	others := {
		"disclosure": ["sealed", "expunged", "nondisclosure", null],
		"juvenile": [true, null, "no"],
		"source_kind": ["motor_vehicle_department", "plate_reader", null],
		"intelligence": [true, null],
		"criminal_history": [true, null],
		"released_under": [["rel_1"], []],
		"": [false],
	}
	every name, values in others {
		every value in values {
			fact := changed({name: value})
			unusual([example_test.fact, fact]) == {1: fact}
		}
	}
}

test_what_a_record_does_not_say_is_unusual if {
	every name in ["disclosure", "juvenile", "source_kind", "intelligence", "criminal_history"] {
		fact := object.remove(example_test.fact, [name])
		unusual([fact]) == {0: fact}
	}
	silent := object.remove(example_test.fact, object.keys(example_test.fact))
	unusual([silent]) == {0: silent}
}

asks_for(record_types) := found if found := data.sallyport.context.asks_for with input as {"search": {"record_types": record_types}}

test_what_is_asked_for if {
	asks_for(["arrest", "booking", "person"]) == {"criminal_history"}
	asks_for(["intelligence", "civil_warrant", "warrant"]) == {"intelligence", "civil", "wanted"}
	asks_for(["person", "gossip"]) == set()
}

test_record_types_that_are_no_list_ask_for_nothing if {
	every odd in ["arrest", 5, null, {"a": "arrest"}] {
		asks_for(odd) == set()
	}
}
