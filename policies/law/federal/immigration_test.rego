package law.immigration_test

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

by_border := example_test.texas_asked_by_border

inspection := example_test.searching(by_border, {"purpose": "border_inspection"})

civil := example_test.searching(by_border, {"purpose": "civil_immigration"})

civil_warrants := {"record_types": ["person", "civil_warrant"]}

test_civil_warrants_for_those_who_may_act if codes(example_test.searching(inspection, civil_warrants)) == set()

test_civil_warrants_not_for_a_sheriff if {
	codes(example_test.searching(example_test.border_asked_by_texas, civil_warrants)) == {"civil_warrant.may_not_act"}
}

test_civil_warrants_not_for_another_purpose if {
	codes(example_test.searching(by_border, civil_warrants)) == {"civil_warrant.may_not_act"}
}

test_civil_warrants_not_for_unknown_agencies if {
	codes({"search": civil_warrants}) == {"civil_warrant.may_not_act"}
}

test_other_record_types_need_nothing if codes(example_test.border_asked_by_texas) == set()

test_a_civil_warrant_is_never_a_hit_for_others if {
	civil_warrant := {"record_type": "civil_warrant"}
	hidden(example_test.finding(example_test.border_asked_by_texas, civil_warrant)) == {"civil_warrant.not_shown"}
	hidden(example_test.finding(by_border, civil_warrant)) == {"civil_warrant.not_shown"}
	hidden(example_test.finding(inspection, civil_warrant)) == set()
}

test_status_not_to_a_sheriff if "immigration_status" in never(example_test.asked)

test_status_not_for_a_crime if "immigration_status" in never(by_border)

test_status_not_to_nobody if "immigration_status" in never({})

test_status_to_the_authority if {
	not "immigration_status" in never(inspection)
	not "immigration_status" in never(civil)
}

test_status_to_its_own_officers if {
	own := object.union(example_test.asked, {"self": "USBPX9900", "asker": {"ori": "USBPX9900"}})
	not "immigration_status" in never(own)
}

test_for_civil_enforcement_the_status_alone if {
	left_out := never(civil)
	every element_class in ["contact", "location", "order", "order_status", "incident", "photo", "safety", "vehicle"] {
		element_class in left_out
	}
	not "identity" in left_out
}

test_for_crimes_the_rest_as_well if not "contact" in never(by_border)

test_own_officers_are_not_limited_to_the_status if {
	own := object.union(civil, {"self": "USBPX9900"})
	not "contact" in never(own)
}

test_1367_keeps_victims_of_an_authority if {
	"victim" in never(example_test.border_asked_by_texas)
	"victim" in never({})
	not "victim" in never(example_test.asked)
}
