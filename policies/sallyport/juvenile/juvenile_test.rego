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

test_a_warrant_is_found_on_the_road_and_at_the_border if {
	every purpose in ["traffic_stop", "border_inspection"] {
		seen(example_test.searching(example_test.asked, {"purpose": purpose}), {"record_type": "warrant"})
		not seen(example_test.searching(example_test.asked, {"purpose": purpose}), {"record_type": "arrest"})
	}
	not seen(example_test.searching(example_test.asked, {"purpose": "employment"}), {"record_type": "warrant"})
	not seen(example_test.searching(example_test.asked, {"purpose": "audit"}), {"record_type": "warrant"})
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
	not data.sallyport.juvenile.may_be_seen(fact) with input as stop with data.law.federal.juvenile_warrant_purposes as ["licensing"]
}

test_no_other_purpose_finds_a_warrant_by_itself if {
	facts := {"criminal_justice": true, "investigates": false}
	every purpose in object.keys(data.sallyport.vocabulary.purposes) - {"traffic_stop", "border_inspection"} {
		question := example_test.searching(example_test.asked, {"purpose": purpose})
		not warrant_found(question, {purpose: facts})
	}
}

warrant_found(question, purposes) if {
	fact := object.union(example_test.fact, {"record_type": "warrant"})
	data.sallyport.juvenile.may_be_seen(fact) with input as question with data.sallyport.vocabulary.purposes as purposes
}
