package data.sallyport.law.texas_test

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

hidden(question) := found if {
	entries := data.law.texas.hide with input as question
	found := {entry[1] | some entry in entries}
}

test_juveniles_to_criminal_justice if {
	hidden(example_test.finding(example_test.asked, {"juvenile": true})) == set()
}

test_juveniles_not_to_others if {
	hidden(example_test.finding(example_test.asked_by(example_test.asked, {"ori": "XX0000000"}), {"juvenile": true})) == {"tx.juvenile"}
	hidden({"facts": [{}]}) == {"tx.juvenile"}
	hidden(example_test.finding({}, {})) == set()
}

test_nothing_else_is_refused if {
	count(data.law.texas.deny) == 0
	count(data.law.texas.deny_asking) == 0
	count(data.law.texas.untold) == 0
	count(data.law.texas.never) == 0
}
