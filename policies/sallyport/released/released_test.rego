package sallyport.released_test

import data.sallyport.example_test

question := object.union(
	example_test.searching(example_test.california_asked_by_border, {"warrant": example_test.warrant}),
	{"releases": [example_test.release]},
)

changed(changes) := object.union(question, {"releases": [object.union(example_test.release, changes)]})

in_force(asked) := found if {
	entries := data.sallyport.released.in_force with input as asked
	found := object.keys(entries)
}

test_in_force if in_force(question) == {"rel_1"}

test_not_for_others_not_afterwards_not_for_no_reason if {
	in_force(changed({"asker": "TX9990000"})) == set()
	in_force(changed({"until": "2026-11-23T20:46:10.12Z"})) == set()
	in_force(changed({"until": "2026-11-23T20:46:10.13Z"})) == {"rel_1"}
	in_force(changed({"basis": "friendship"})) == set()
	in_force(object.remove(question, ["releases"])) == set()
	in_force(object.remove(question, ["now"])) == set()
	in_force({}) == set()
}

test_each_part_has_to_be_there if {
	every part in ["asker", "basis", "until"] {
		cut := object.union(question, {"releases": [object.remove(example_test.release, [part])]})
		in_force(cut) == set()
	}
}

warranted(asked) if data.sallyport.released.warranted with input as asked

test_a_warrant_that_was_released_on if warranted(question)

test_another_warrant_or_another_ground if {
	every part in ["court", "number", "person", "document"] {
		not warranted(changed({"warrant": {part: "another"}}))
	}
	not warranted(changed({"basis": "court_order"}))
	not warranted(object.union(question, {"releases": []}))
}

test_a_warrant_is_texts if {
	every part in ["court", "number", "person", "document"] {
		both := object.union(changed({"warrant": {part: true}}), {"search": {"warrant": {part: true}}})
		not warranted(both)
	}
}

test_each_part_of_a_warrant_has_to_be_there if {
	every part in ["court", "number", "person", "document"] {
		paper := object.remove(example_test.warrant, [part])
		search := object.union(object.remove(question.search, ["warrant"]), {"warrant": paper})
		release := object.union(object.remove(example_test.release, ["warrant"]), {"warrant": paper})
		asked := object.union(object.remove(question, ["search"]), {"search": search})
		not warranted(asked)
		not warranted(object.union(asked, {"releases": [release]}))
		not warranted(object.union(question, {"releases": [release]}))
	}
}

shown := object.union(
	example_test.searching(example_test.asking, {"warrant": example_test.warrant}),
	{"self": "USBPX9900"},
)

test_at_the_first_door_it_is_shown if {
	warranted(shown)
	not warranted(example_test.asking)
	not warranted(object.union(shown, {"asker": {"ori": "USBPX9900"}}))
	not warranted(object.remove(shown, ["officer"]))
}

test_its_classes if {
	given := data.sallyport.released.warrant_classes with input as question
	given == {"identity", "contact", "release_date"}
	other := data.sallyport.released.warrant_classes with input as changed({"warrant": {"number": "another"}})
	other == set()
}

names(fact) if data.sallyport.released.warrant_names(fact) with input as question

test_the_records_that_it_names if {
	names({"released_under": ["rel_1"]})
	names({"released_under": ["rel_0", "rel_1"]})
	not names({"released_under": ["rel_2"]})
	not names({"released_under": "rel_1"})
	not names({"released_under": []})
	not names({})
}

named(fact, bases) if data.sallyport.released.names(fact, bases) with input as question

test_the_records_that_any_ground_names if {
	named({"released_under": ["rel_1"]}, ["judicial_warrant"])
	named({"released_under": ["rel_1"]}, ["consent", "judicial_warrant"])
	not named({"released_under": ["rel_1"]}, ["consent"])
	not named({"released_under": ["rel_2"]}, ["judicial_warrant"])
	not named({"released_under": "rel_1"}, ["judicial_warrant"])
	not named({}, ["judicial_warrant"])
}

counting(asked) := object.keys(found) if found := data.sallyport.released.counting with input as asked

test_a_warrant_counts_where_it_is_shown_and_other_papers_always if {
	counting(question) == {"rel_1"}
	counting(example_test.searching(question, {"warrant": {"number": "another"}})) == set()
	counting(changed({"basis": "consent"})) == {"rel_1"}
	counting(example_test.searching(changed({"basis": "consent"}), {"warrant": {"number": "another"}})) == {"rel_1"}
	counting(changed({"asker": "TX9990000"})) == set()
}

beyond(fact, bases) := found if found := data.sallyport.released.beyond(fact, bases) with input as question

test_what_no_release_of_the_record_gives if {
	every_class := object.keys(data.sallyport.vocabulary.classes)
	beyond({"released_under": ["rel_1"]}, ["judicial_warrant"]) == every_class - {"identity", "contact", "release_date"}
	beyond({"released_under": ["rel_1"]}, ["consent"]) == every_class
	beyond({"released_under": ["rel_2"]}, ["judicial_warrant"]) == every_class
	beyond({"released_under": "rel_1"}, ["judicial_warrant"]) == every_class
	beyond({}, ["judicial_warrant"]) == every_class
}
