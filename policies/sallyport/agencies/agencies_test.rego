package sallyport.agencies_test

import data.sallyport.example_test

listing(ori) := result.agencies if {
	result := data.sallyport.agencies.decision with input as {"v": 1, "now": example_test.now, "self": ori, "officer": example_test.officer}
}

oris(ori) := {entry.ori | some entry in listing(ori)}

test_all_with_an_agreement_in_force_and_itself if {
	oris("CA9990000") == {"CA9990000", "TX9990000", "NM9990000", "USBPX9900"}
	oris("USBPX9900") == {"USBPX9900", "TX9990000", "CA9990000"}
}

test_what_one_may_ask if {
	some entry in listing("USBPX9900")
	entry.ori == "TX9990000"
	entry.jurisdiction == "texas"
	some purpose in entry.purposes
	purpose == {
		"purpose": "civil_immigration",
		"record_types": ["person"],
		"granularity": "record",
		"freshness_minutes": {},
		"classes": ["handling", "identifier", "identity", "immigration_status"],
	}
}

test_pointers_are_said_to_be_pointers if {
	some entry in listing("CA9990000")
	entry.ori == "NM9990000"
	every purpose in entry.purposes {
		purpose.granularity == "pointer"
	}
}

test_nobody_without_input if {
	result := data.sallyport.agencies.decision with input as {}
	result == {"agencies": []}
}

test_without_the_time_only_itself if {
	result := data.sallyport.agencies.decision with input as {"self": "CA9990000"}
	[entry.ori | some entry in result.agencies] == ["CA9990000"]
}
