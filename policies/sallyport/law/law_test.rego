package sallyport.law_test

import data.sallyport.example_test

places := {"california", "federal", "new_mexico", "texas"}

asked_of_all := object.union(example_test.asking, {"agencies": [ori | some ori, _ in data.agencies]})

test_each_place_has_all_of_its_lines if {
	object.keys(data.sallyport.law.owner_deny) == places with input as asked_of_all
	object.keys(data.sallyport.law.asking_denials) == places with input as asked_of_all
	object.keys(data.sallyport.law.untold) == places with input as asked_of_all
	object.keys(data.sallyport.law.owner_never) == places with input as asked_of_all
	object.keys(data.sallyport.law.guaranteed) == places with input as asked_of_all
	object.keys(data.sallyport.law.owner_hide) == places with input as asked_of_all
	object.keys(data.sallyport.law.owner_withhold) == places with input as asked_of_all
	object.keys(data.sallyport.law.receiver_obligations) == places with input as asked_of_all
	object.keys(data.sallyport.law.bars) == places
	object.keys(data.sallyport.law.asking_bars) == places
	object.keys(data.sallyport.law.never_held) == places
	data.sallyport.law.jurisdictions == places
}

concerned(question) := found if found := data.sallyport.law.concerned with input as question

test_whose_law_matters if {
	concerned(example_test.asking) == {"california", "texas"}
	concerned(example_test.california_asked_by_border) == {"california", "federal"}
	concerned(asked_of_all) == places
	concerned({}) == set()
}

test_a_place_that_is_not_concerned_is_not_evaluated if {
	not data.sallyport.law.owner_deny.california with input as example_test.asked_by(example_test.asked, {"ori": "TX9990000"})
	data.sallyport.law.owner_deny.california == set() with input as example_test.asked
}

test_a_place_whose_law_is_not_written_down_gives_nothing if {
	not data.sallyport.law.denials("atlantis") with input as example_test.asked
	not data.sallyport.law.never("atlantis") with input as example_test.asked
	not data.sallyport.law.hide("atlantis") with input as example_test.found
	not data.sallyport.law.withhold("atlantis") with input as example_test.found
	not data.sallyport.law.obligations("atlantis") with input as example_test.answered
}

exigent := object.union(
	example_test.searching(example_test.answered, {"iii_purpose_code": "X", "record_types": ["arrest"]}),
	{"answer": {"status": "answered"}},
)

test_the_law_of_the_union_holds_everywhere if {
	every place in places {
		data.sallyport.law.obligations(place) == {{"type": "fingerprints_within", "days": 15}} with input as exigent
	}
}
