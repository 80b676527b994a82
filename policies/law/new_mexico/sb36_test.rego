package law.sb36_test

import data.sallyport.example_test

bureau := object.union(example_test.asked, {"self": "NM9990000"})

sensitive := {"ssn", "immigration_status", "victim", "medical"}

test_sensitive_classes_are_never_given if {
	left_out := data.law.new_mexico.never with input as bureau
	left_out == sensitive
	unsaid := data.law.new_mexico.never with input as {}
	unsaid == sensitive
}

test_its_own_officers_see_them if {
	own := data.law.new_mexico.never with input as example_test.asked_by(bureau, {"ori": "NM9990000"})
	own == set()
}

test_sensitive_terms_are_not_told if data.law.new_mexico.untold == {"ssn", "alien_registration"}

test_nothing_else_is_refused if {
	count(data.law.new_mexico.deny) == 0
	count(data.law.new_mexico.deny_asking) == 0
}
