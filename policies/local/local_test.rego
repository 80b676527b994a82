package local_test

import data.sallyport.example_test

codes(question) := found if {
	denied := data.local.deny with input as question with data.local.limits.max_matches as 100
	found := {reason.code | some reason in denied}
}

test_as_many_matches_as_the_limit if codes(example_test.searching(example_test.asked, {"max_matches": 100})) == set()

test_more_matches_than_the_limit if {
	codes(example_test.searching(example_test.asked, {"max_matches": 101})) == {"local.max_matches"}
}

test_missing_number_of_matches if codes({}) == {"local.max_matches"}

test_missing_limit if {
	denied := data.local.deny with input as example_test.asked with data.local.limits as {}
	count(denied) == 1
}

test_a_limit_that_is_no_number if {
	denied := data.local.deny with input as example_test.asked with data.local.limits as {"max_matches": "100"}
	count(denied) == 1
}

test_classes_the_agency_never_gives if {
	nothing := data.local.never with input as example_test.asked with data.local.never_classes as []
	nothing == set()
	narrowed := data.local.never with input as example_test.asked with data.local.never_classes as ["photo"]
	narrowed == {"photo"}
	unsaid := data.local.never with input as {} with data.local.never_classes as ["photo"]
	unsaid == {"photo"}
	own := example_test.asked_by(example_test.asked, {"ori": "TX9990000"})
	to_its_own := data.local.never with input as own with data.local.never_classes as ["photo"]
	to_its_own == set()
}

found := example_test.finding(example_test.asked, {"record_type": "caution"})

test_record_types_that_are_not_given_out if {
	shown := data.local.hide with input as found with data.local.hidden_types as []
	shown == set()
	hidden := data.local.hide with input as found with data.local.hidden_types as ["caution"]
	hidden == {[0, "local.hidden_type"]}
	own := example_test.asked_by(found, {"ori": "TX9990000"})
	to_its_own := data.local.hide with input as own with data.local.hidden_types as ["caution"]
	to_its_own == set()
}

test_what_of_a_question_stays_here if {
	nothing := data.local.kept with data.local.kept_from_others as []
	nothing == set()
	reason := data.local.kept with data.local.kept_from_others as ["reason"]
	reason == {"reason"}
}

test_the_lists_are_there if {
	is_array(data.local.kept_from_others)
	is_array(data.local.never_classes)
	is_array(data.local.hidden_types)
	is_array(data.local.everyone_purposes)
	is_number(data.local.limits.max_matches)
}
