package law.criminal_history_test

import data.sallyport.example_test

codes(question) := found if {
	denied := data.law.federal.deny with input as question
	found := {reason.code | some reason in denied}
}

hidden(question) := found if {
	entries := data.law.federal.hide with input as question
	found := {entry[1] | some entry in entries}
}

arrests := example_test.searching(example_test.asked, {"record_types": ["person", "arrest"]})

test_with_code_agency_and_certificate if codes(arrests) == set()

test_nothing_is_needed_for_other_record_types if {
	codes(example_test.searching(example_test.asked, {"iii_purpose_code": null})) == set()
}

test_no_code if codes(example_test.searching(arrests, {"iii_purpose_code": null})) == {"chri.purpose_code_required"}

test_a_code_that_is_off if {
	every code in ["H", "I", "V", "X", "S"] {
		codes(example_test.searching(arrests, {"iii_purpose_code": code})) == {"chri.purpose_code_required"}
	}
}

test_a_code_that_is_switched_on_by_data if {
	check := {"iii_purpose_code": "I", "purpose": "licensing"}
	codes(example_test.searching(arrests, check)) == {"chri.purpose_code_required"}
	denied := data.law.federal.deny with input as example_test.searching(arrests, check)
		with data.law.federal.iii_purpose_codes.I.enabled as true
	denied == set()
}

test_an_unknown_code if codes(example_test.searching(arrests, {"iii_purpose_code": "Q"})) == {"chri.purpose_code_required"}

test_a_code_for_another_purpose if {
	codes(example_test.searching(arrests, {"purpose": "employment"})) == {"chri.purpose_code_required"}
	codes(example_test.searching(arrests, {"purpose": "employment", "iii_purpose_code": "J"})) == set()
}

test_the_code_for_courts_is_not_for_police if {
	codes(example_test.searching(arrests, {"iii_purpose_code": "D"})) == {"chri.purpose_code_required"}
}

test_missing_code if {
	search := object.remove(arrests.search, ["iii_purpose_code"])
	question := object.union(object.remove(arrests, ["search"]), {"search": search})
	codes(question) == {"chri.purpose_code_required"}
}

test_not_a_criminal_justice_agency if {
	denied := data.law.federal.deny with input as arrests with data.agencies.CA9990000.criminal_justice as false
	{reason.code | some reason in denied} == {"chri.not_criminal_justice_agency"}
}

test_an_unknown_agency if {
	codes(example_test.asked_by(arrests, {"ori": "XX0000000"})) == {"chri.not_criminal_justice_agency"}
}

test_not_certified if codes(example_test.asked_by(arrests, {"attributes": ["sworn"]})) == {"chri.officer_not_certified"}

test_missing_attributes if {
	asker := object.remove(arrests.asker, ["attributes"])
	question := object.union(object.remove(arrests, ["asker"]), {"asker": asker})
	codes(question) == {"chri.officer_not_certified"}
}

test_an_arrest_is_shown_to_the_entitled if {
	hidden(example_test.finding(example_test.asked, {"record_type": "arrest"})) == set()
	hidden(example_test.finding(example_test.asked, {"criminal_history": true})) == set()
}

without_code := example_test.searching(example_test.asked, {"iii_purpose_code": null})

test_not_even_its_existence_without_a_code if {
	hidden(example_test.finding(without_code, {"record_type": "arrest"})) == {"chri.not_confirmed"}
	hidden(example_test.finding(without_code, {"criminal_history": true})) == {"chri.not_confirmed"}
	hidden(example_test.finding(without_code, {})) == set()
}

test_a_missing_fact_counts_as_criminal_history if {
	fact := object.remove(example_test.fact, ["criminal_history"])
	hidden(object.union(without_code, {"facts": [fact]})) == {"chri.not_confirmed"}
}

test_a_warrant_is_found_without_a_code if {
	wanted := {"record_type": "warrant", "criminal_history": true}
	hidden(example_test.finding(without_code, wanted)) == set()
}

never(question) := found if found := data.law.federal.never with input as question

test_the_class_needs_entitlement_too if {
	not "criminal_history" in never(example_test.asked)
	"criminal_history" in never(without_code)
	"criminal_history" in never(example_test.asked_by(example_test.asked, {"attributes": []}))
	"criminal_history" in never({})
}
