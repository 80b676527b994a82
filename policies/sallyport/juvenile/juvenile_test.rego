package sallyport.juvenile_test

import data.sallyport.example_test

juvenile(changes, adult_at) if {
	data.sallyport.juvenile.is_juvenile(object.union(example_test.fact, changes), adult_at)
}

test_by_the_owners_mark if {
	not juvenile({}, 18)
	juvenile({"juvenile": true}, 18)
	juvenile({"juvenile": null}, 18)
	juvenile({"juvenile": "no"}, 18)
	data.sallyport.juvenile.is_juvenile({}, 18)
}

test_by_age_at_the_offense if {
	juvenile({"age_at_offense": 17}, 18)
	not juvenile({"age_at_offense": 18}, 18)
	juvenile({"age_at_offense": 16}, 17)
	not juvenile({"age_at_offense": 17}, 17)
	juvenile({"age_at_offense": 0}, 18)
}

test_an_age_that_is_no_number_makes_one if {
	every age in ["40", null, true, [40]] {
		juvenile({"age_at_offense": age}, 18)
	}
}

test_either_makes_one if {
	juvenile({"juvenile": true, "age_at_offense": 40}, 18)
	juvenile({"juvenile": false, "age_at_offense": 12}, 18)
}

seen(question, changes) if {
	data.sallyport.juvenile.may_be_seen(object.union(example_test.fact, changes)) with input as question
}

test_by_law_enforcement_that_investigates if {
	seen(example_test.asked, {})
	not seen(example_test.searching(example_test.asked, {"purpose": "traffic_stop"}), {})
	not seen({}, {})
}

test_a_warrant_and_a_missing_child_are_found_on_the_road_and_at_the_border if {
	every purpose in ["traffic_stop", "border_inspection"] {
		question := example_test.searching(example_test.asked, {"purpose": purpose})
		seen(question, {"record_type": "warrant"})
		seen(question, {"record_type": "missing_person"})
		not seen(question, {"record_type": "arrest"})
		not seen(question, {"record_type": "person"})
	}
	every purpose in ["employment", "licensing", "audit", "civil_immigration", "firearms", "exercise"] {
		question := example_test.searching(example_test.asked, {"purpose": purpose})
		not seen(question, {"record_type": "warrant"})
		not seen(question, {"record_type": "missing_person"})
	}
}

must_be_found(question, record_type) if {
	data.sallyport.juvenile.must_be_found({"record_type": record_type}) with input as question
}

test_what_must_be_found_for_what if {
	found := {record_type: purposes |
		some record_type, _ in data.sallyport.vocabulary.record_types
		purposes := {purpose |
			some purpose, _ in data.sallyport.vocabulary.purposes
			must_be_found(example_test.searching(example_test.asked, {"purpose": purpose}), record_type)
		}
		count(purposes) > 0
	}
	looked_for := {
		"border_inspection", "criminal_investigation", "missing_person", "officer_safety", "traffic_stop",
		"warrant_service",
	}
	found == {"warrant": looked_for, "missing_person": looked_for, "person": {"missing_person"}}
	not must_be_found({}, "missing_person")
	not data.sallyport.juvenile.must_be_found({}) with input as example_test.asked
}

test_not_outside_law_enforcement if {
	stop := example_test.searching(example_test.asked, {"purpose": "traffic_stop"})
	fact := object.union(example_test.fact, {"record_type": "warrant"})
	not data.sallyport.juvenile.may_be_seen(fact) with input as stop with data.agencies.CA9990000.law_enforcement as false
	not data.sallyport.juvenile.may_be_seen(fact) with input as example_test.asked with data.agencies.CA9990000.law_enforcement as false
}

test_the_road_is_criminal_justice if {
	stop := example_test.searching(example_test.asked, {"purpose": "licensing"})
	fact := object.union(example_test.fact, {"record_type": "warrant"})
	not data.sallyport.juvenile.may_be_seen(fact) with input as stop with data.law.federal.juveniles_found as {"warrant": ["licensing"]}
}

# What is found goes by its own list, and not by which purposes investigate.
test_a_warrant_is_found_for_the_listed_purposes_alone if {
	facts := {"criminal_justice": true, "investigates": false}
	found := {purpose |
		some purpose, _ in data.sallyport.vocabulary.purposes
		warrant_found(example_test.searching(example_test.asked, {"purpose": purpose}), {purpose: facts})
	}
	found == {
		"border_inspection", "criminal_investigation", "missing_person", "officer_safety", "traffic_stop",
		"warrant_service",
	}
}

warrant_found(question, purposes) if {
	fact := object.union(example_test.fact, {"record_type": "warrant"})
	data.sallyport.juvenile.may_be_seen(fact) with input as question with data.sallyport.vocabulary.purposes as purposes
}
