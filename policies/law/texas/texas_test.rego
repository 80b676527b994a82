package law.texas_test

import data.sallyport.example_test

test_status_is_guaranteed_to_the_authority if {
	given := data.law.texas.guaranteed with input as example_test.texas_asked_by_border
	given == {"immigration_status"}
}

test_status_is_not_guaranteed_to_others if {
	given := data.law.texas.guaranteed with input as example_test.asked
	given == set()
	unsaid := data.law.texas.guaranteed with input as {}
	unsaid == set()
}

test_local_rules_cannot_limit_status if {
	civil := example_test.searching(example_test.texas_asked_by_border, {"purpose": "civil_immigration"})
	narrowed := data.sallyport.law.never("texas") with input as civil with data.local.never_classes as ["immigration_status", "identity"]
	not "immigration_status" in narrowed
	"identity" in narrowed
}

test_a_court_opens_sealed_records_and_nothing_else_does if {
	data.law.texas.sealed_opened == {"court_order"} with input as example_test.asked
	data.law.texas.sealed_opened == {"court_order"} with input as {}
	data.sallyport.law.sealed_opened == {"texas": {"court_order"}} with input as example_test.asked
	data.sallyport.law.sealed_opened == {} with input as example_test.california_asked_by_border
}

hidden(question) := found if {
	entries := data.law.texas.hide with input as question
	found := {entry[1] | some entry in entries}
}

asked_for(purpose) := example_test.searching(example_test.asked, {"purpose": purpose})

test_juveniles_to_those_who_investigate if {
	every purpose in ["criminal_investigation", "missing_person", "warrant_service", "officer_safety"] {
		hidden(example_test.finding(asked_for(purpose), {"juvenile": true})) == set()
	}
}

test_no_sign_of_juveniles_to_the_rest if {
	every purpose in ["employment", "licensing", "firearms", "traffic_stop", "civil_immigration", "exercise", "curiosity"] {
		hidden(example_test.finding(asked_for(purpose), {"juvenile": true})) == {"tx.juvenile"}
		hidden(example_test.finding(asked_for(purpose), {})) == set()
	}
}

test_missing_children_and_juveniles_warrants_are_found_at_a_stop if {
	every purpose in ["traffic_stop", "border_inspection", "missing_person", "criminal_investigation"] {
		every record_type in ["missing_person", "warrant"] {
			hidden(example_test.finding(asked_for(purpose), {"juvenile": true, "record_type": record_type})) == set()
		}
	}
	every purpose in ["employment", "licensing", "firearms", "exercise", "curiosity"] {
		every record_type in ["missing_person", "warrant", "person"] {
			hidden(example_test.finding(asked_for(purpose), {"juvenile": true, "record_type": record_type})) == {"tx.juvenile"}
		}
	}
	hidden(example_test.finding(asked_for("traffic_stop"), {"juvenile": true, "record_type": "person"})) == {"tx.juvenile"}
	civilians := data.law.texas.hide with input as example_test.finding(asked_for("traffic_stop"), {"juvenile": true, "record_type": "missing_person"})
		with data.agencies.CA9990000.criminal_justice as false
	civilians == {[0, "tx.juvenile"]}
}

test_juveniles_not_outside_criminal_justice if {
	hidden(example_test.finding(example_test.asked_by(example_test.asked, {"ori": "XX0000000"}), {"juvenile": true})) == {"tx.juvenile"}
	hidden({"facts": [{}]}) == {"tx.juvenile"}
	hidden(example_test.finding({}, {})) == set()
	civilians := data.law.texas.hide with input as example_test.finding(example_test.asked, {"juvenile": true})
		with data.agencies.CA9990000.criminal_justice as false
	civilians == {[0, "tx.juvenile"]}
}

test_seventeen_is_an_adult_here if {
	hidden(example_test.finding(asked_for("licensing"), {"age_at_offense": 16})) == {"tx.juvenile"}
	hidden(example_test.finding(asked_for("licensing"), {"age_at_offense": 17})) == set()
}
