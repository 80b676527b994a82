package law.sb36_test

import data.sallyport.example_test

bureau := object.union(example_test.asked, {"self": "NM9990000"})

sensitive := {"ssn", "immigration_status", "victim", "medical"}

never(question) := found if found := data.law.new_mexico.never with input as question

withheld(question) := found if found := data.law.new_mexico.withhold with input as question

test_sensitive_classes_are_never_given if {
	never(bureau) == sensitive
	never({}) == sensitive
}

test_its_own_officers_see_them if {
	never(example_test.asked_by(bureau, {"ori": "NM9990000"})) == set()
}

test_sensitive_terms_are_not_told if data.law.new_mexico.untold == {"ssn", "alien_registration"}

released(changes) := object.union(bureau, {
	"releases": [object.union(example_test.release, object.union({"basis": "court_order", "asker": "CA9990000", "classes": ["ssn", "photo"]}, changes))],
	"facts": [
		object.union(example_test.fact, {"released_under": ["rel_1"]}),
		example_test.fact,
	],
})

test_an_order_or_consent_releases_what_it_names if {
	every basis in ["court_order", "consent"] {
		never(released({"basis": basis})) == sensitive - {"ssn"}
	}
	every basis in ["judicial_warrant", "waiver", "law_enforcement_discretion", "friendship"] {
		never(released({"basis": basis})) == sensitive
	}
	never(released({"asker": "TX9990000"})) == sensitive
	never(released({"until": "2026-11-23T20:46:10Z"})) == sensitive
}

test_a_warrant_counts_for_a_question_that_shows_it if {
	warranted := example_test.searching(released({"basis": "judicial_warrant"}), {"warrant": example_test.warrant})
	never(warranted) == sensitive - {"ssn"}
	withheld(warranted) == {[1, "ssn", "nm.sb36.records"]}
	another := example_test.searching(warranted, {"warrant": {"number": "another"}})
	never(another) == sensitive
}

test_only_of_the_records_that_it_names if {
	withheld(released({})) == {[1, "ssn", "nm.sb36.records"]}
	withheld(released({"classes": ["photo"]})) == set()
	other := object.union(released({}), {"facts": [object.union(example_test.fact, {"released_under": ["rel_2"]})]})
	withheld(other) == {[0, "ssn", "nm.sb36.records"]}
	odd := object.union(released({}), {"facts": [object.union(example_test.fact, {"released_under": "rel_1"})]})
	withheld(odd) == {[0, "ssn", "nm.sb36.records"]}
	withheld(example_test.asked_by(released({"asker": "NM9990000"}), {"ori": "NM9990000"})) == set()
}

test_one_release_does_not_lend_its_class_to_the_record_of_another if {
	second := object.union(example_test.release, {"id": "rel_2", "basis": "consent", "asker": "CA9990000", "classes": ["medical"]})
	first := released({})
	question := object.union(first, {
		"releases": array.concat(first.releases, [second]),
		"facts": [object.union(example_test.fact, {"released_under": ["rel_2"]})],
	})
	withheld(question) == {[0, "ssn", "nm.sb36.records"]}
}

test_what_a_waiver_names_an_order_for_others_does_not_open if {
	first := released({})
	waiver := object.union(example_test.release, {"id": "rel_2", "basis": "waiver", "asker": "CA9990000", "classes": ["ssn"]})
	question := object.union(first, {
		"releases": array.concat(first.releases, [waiver]),
		"facts": [object.union(example_test.fact, {"released_under": ["rel_2"]})],
	})
	withheld(question) == {[0, "ssn", "nm.sb36.records"]}
}

hidden(question) := found if {
	entries := data.law.new_mexico.hide with input as question
	found := {entry[1] | some entry in entries}
}

test_juveniles_for_those_who_investigate_alone if {
	hidden(example_test.finding(bureau, {"juvenile": true})) == set()
	hiring := example_test.searching(bureau, {"purpose": "employment"})
	hidden(example_test.finding(hiring, {"juvenile": true})) == {"nm.juvenile"}
	hidden(example_test.finding(hiring, {"age_at_offense": 17})) == {"nm.juvenile"}
	hidden(example_test.finding(hiring, {"age_at_offense": 18})) == set()
	hidden(example_test.finding(hiring, {})) == set()
	hidden({"facts": [{}]}) == {"nm.juvenile"}
}
