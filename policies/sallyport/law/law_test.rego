package sallyport.law_test

import data.sallyport.example_test

places := data.sallyport.law.jurisdictions

asked_of_all := object.union(example_test.asking, {"agencies": [ori | some ori, _ in data.agencies]})

# Calloway County, moved there, decides on its own.
there := {"now": example_test.now, "self": "TX9990000", "asker": {"ori": "TX9990000"}}

all_lines_of(place) if {
	data.sallyport.law.owner_deny[place] with input as there with data.agencies.TX9990000.jurisdiction as place
	data.sallyport.law.asking_denials[place] with input as there with data.agencies.TX9990000.jurisdiction as place
	data.sallyport.law.untold[place] with input as there with data.agencies.TX9990000.jurisdiction as place
	data.sallyport.law.owner_never[place] with input as there with data.agencies.TX9990000.jurisdiction as place
	data.sallyport.law.guaranteed[place] with input as there with data.agencies.TX9990000.jurisdiction as place
	data.sallyport.law.owner_hide[place] with input as there with data.agencies.TX9990000.jurisdiction as place
	data.sallyport.law.owner_withhold[place] with input as there with data.agencies.TX9990000.jurisdiction as place
	data.sallyport.law.owner_permits[place] with input as there with data.agencies.TX9990000.jurisdiction as place
	data.sallyport.law.receiver_obligations[place] with input as there with data.agencies.TX9990000.jurisdiction as place
	data.sallyport.law.bars[place]
	data.sallyport.law.asking_bars[place]
	data.sallyport.law.never_held[place]
}

test_each_place_has_all_of_its_lines if {
	{"california", "federal", "new_mexico", "texas"} - places == set()
	every place in places {
		all_lines_of(place)
	}
	not all_lines_of("atlantis")
}

answering(question) := found if found := data.sallyport.law.answering with input as question

asking(question) := found if found := data.sallyport.law.asking with input as question

test_whose_law_matters if {
	answering(example_test.asking) == {"texas"}
	asking(example_test.asking) == {"california"}
	answering(example_test.california_asked_by_border) == {"california"}
	asking(example_test.california_asked_by_border) == {"federal"}
	answering(asked_of_all) == {agency.jurisdiction | some agency in data.agencies}
	answering({}) == set()
	asking({}) == set()
}

test_a_place_that_is_not_concerned_is_not_evaluated if {
	not data.sallyport.law.owner_deny.california with input as example_test.asked
	data.sallyport.law.owner_deny.california == set() with input as example_test.california_asked_by_border
	not data.sallyport.law.owner_never.california with input as example_test.asked
	not data.sallyport.law.owner_hide.california with input as example_test.found
	not data.sallyport.law.owner_withhold.california with input as example_test.found
	not data.sallyport.law.owner_permits.california with input as example_test.found
	not data.sallyport.law.owner_never.new_mexico with input as example_test.asked
	not data.sallyport.law.owner_hide.new_mexico with input as example_test.found
	not data.sallyport.law.owner_withhold.new_mexico with input as example_test.found
	not data.sallyport.law.owner_hide.texas with input as example_test.california_asked_by_border
	not data.sallyport.law.guaranteed.texas with input as example_test.california_asked_by_border
	not data.sallyport.law.untold.california with input as example_test.california_asked_by_border
	not data.sallyport.law.untold.new_mexico with input as example_test.asking
	not data.sallyport.law.asking_denials.california with input as example_test.california_asked_by_border
	data.sallyport.law.asking_denials.california == set() with input as example_test.asked
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

test_california_does_not_unseal_another_places_records if {
	data.sallyport.law.sealed_seen == set() with input as example_test.asked
	own := example_test.asked_by(example_test.california_asked_by_border, {"ori": "CA9990000"})
	data.sallyport.law.sealed_seen == {"california"} with input as own
}

test_who_answers_is_never_who_is_named_in_an_answer_to_be if {
	answering(object.union(example_test.asked, {"agencies": ["CA9990000"]})) == {"texas"}
}
