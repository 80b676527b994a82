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
	every code in [null, "D", "Q"] {
		codes(example_test.searching(example_test.asked, {"iii_purpose_code": code})) == set()
	}
}

test_no_code if codes(example_test.searching(arrests, {"iii_purpose_code": null})) == {"chri.purpose_code_required"}

told(question) := found if {
	denied := data.law.federal.deny with input as question
	found := {reason.text | some reason in denied; reason.code == "chri.purpose_code_required"}
}

# Who is told to give a code has one to give.
test_a_code_is_asked_for_only_where_one_goes_with_the_purpose if {
	usable := {purpose |
		some about in data.law.federal.iii_purpose_codes
		about.enabled
		some purpose in about.purposes
	}
	every purpose, _ in data.sallyport.vocabulary.purposes {
		texts := told(example_test.searching(arrests, {"purpose": purpose, "iii_purpose_code": null}))
		count(texts) == 1
		every text in texts {
			to_give := {true | contains(text, "Give it")}
			to_give == {true | purpose in usable}
		}
	}
	told(object.union(object.remove(arrests, ["search"]), {"search": {"record_types": ["arrest"]}})) == told(example_test.searching(arrests, {"purpose": "civil_immigration"}))
}

off(code) := object.union(data.law.federal.iii_purpose_codes, {code: {"enabled": false}})

denied_with(codes_in_use, question) := found if {
	denied := data.law.federal.deny with input as question with data.law.federal.iii_purpose_codes as codes_in_use
	found := {reason.code | some reason in denied}
}

test_a_code_that_is_off if {
	every code in ["C", "I", "J", "X"] {
		"chri.purpose_code_required" in denied_with(off(code), example_test.searching(arrests, {"iii_purpose_code": code}))
	}
	licensing := example_test.searching(arrests, {"iii_purpose_code": "I", "purpose": "licensing"})
	denied_with(off("I"), licensing) == {"chri.purpose_code_required"}
}

test_a_code_that_is_off_where_another_is_in_use_for_the_purpose if {
	asked := example_test.searching(arrests, {"iii_purpose_code": "I"})
	usable := {"exigent": false, "purposes": ["criminal_investigation"], "recipients": ["criminal_justice"]}
	others := object.remove(data.law.federal.iii_purpose_codes, ["I"])
	denied_with(object.union(others, {"I": object.union(usable, {"enabled": false})}), asked) == {"chri.purpose_code_required"}
	denied_with(object.union(others, {"I": object.union(usable, {"enabled": true})}), asked) == set()
}

test_a_code_that_is_switched_on_by_data if {
	check := {"iii_purpose_code": "I", "purpose": "licensing"}
	denied := data.law.federal.deny with input as example_test.searching(arrests, check)
		with data.law.federal.iii_purpose_codes.I.enabled as true
	denied == set()
}

exigent_with(changes) := object.union(object.remove(data.law.federal.iii_purpose_codes, ["X"]), {"X": object.union(
	{
		"title": "Exigent checks of caregivers",
		"enabled": true,
		"exigent": true,
		"purposes": ["missing_person"],
		"recipients": ["criminal_justice", "child_protection"],
	},
	changes,
)})

caregiver := example_test.searching(arrests, {"iii_purpose_code": "X", "purpose": "missing_person"})

test_an_exigent_code_that_is_enabled_counts_with_its_days if {
	denied_with(exigent_with({"fingerprints_days": 15}), caregiver) == set()
	denied_with(exigent_with({"fingerprints_days": 1}), caregiver) == set()
	owed := data.law.federal.obligations with input as object.union(caregiver, {"answer": {"status": "answered"}})
		with data.law.federal.iii_purpose_codes as exigent_with({"fingerprints_days": 15})
	owed == {{"type": "fingerprints_within", "days": 15}}
}

test_an_exigent_code_without_its_days_counts_for_nothing if {
	every changes in [{}, {"fingerprints_days": 0}, {"fingerprints_days": -1}, {"fingerprints_days": "15"}, {"fingerprints_days": null}] {
		denied_with(exigent_with(changes), caregiver) == {"chri.purpose_code_required"}
	}
	unsaid := object.remove(exigent_with({}).X, ["exigent"])
	denied_with(object.union(object.remove(exigent_with({}), ["X"]), {"X": unsaid}), caregiver) == {"chri.purpose_code_required"}
	denied_with(exigent_with({"exigent": false}), caregiver) == set()
	hidden_from := data.law.federal.hide with input as example_test.finding(caregiver, {"record_type": "arrest"})
		with data.law.federal.iii_purpose_codes as exigent_with({})
	hidden_from == {[0, "chri.not_confirmed"]}
}

test_an_unknown_code if codes(example_test.searching(arrests, {"iii_purpose_code": "Q"})) == {"chri.purpose_code_required"}

test_a_code_for_another_purpose if {
	codes(example_test.searching(arrests, {"purpose": "employment"})) == {"chri.purpose_code_required"}
	codes(example_test.searching(arrests, {"purpose": "employment", "iii_purpose_code": "J"})) == set()
}

test_the_code_for_courts_is_not_for_police if {
	police := example_test.searching(arrests, {"iii_purpose_code": "D"})
	codes(police) == {"chri.purpose_code_required", "chri.code_not_for_agency"}
	for_a_case := example_test.searching(police, {"purpose": "court_case"})
	codes(for_a_case) == {"chri.code_not_for_agency"}
}

a_court := {
	"type": "court",
	"jurisdiction": "california",
	"government": true,
	"law_enforcement": false,
	"criminal_justice": false,
	"receives_criminal_history_as": ["court"],
}

test_the_code_for_courts_is_for_courts_and_their_cases if {
	case := example_test.searching(arrests, {"iii_purpose_code": "D", "purpose": "court_case"})
	denied := data.law.federal.deny with input as case with data.agencies.CA9990000 as a_court
	denied == set()
	seen := data.law.federal.hide with input as example_test.finding(case, {"record_type": "arrest"})
		with data.agencies.CA9990000 as a_court
	seen == set()
	with_c := data.law.federal.deny with input as example_test.searching(case, {"iii_purpose_code": "C"})
		with data.agencies.CA9990000 as a_court
	{reason.code | some reason in with_c} == {"chri.purpose_code_required", "chri.code_not_for_agency"}
	investigating := data.law.federal.deny with input as example_test.searching(case, {"purpose": "criminal_investigation"})
		with data.agencies.CA9990000 as a_court
	{reason.code | some reason in investigating} == {"chri.purpose_code_required"}
}

test_a_contractor_with_a_security_addendum if {
	contractor := {"criminal_justice": false, "receives_criminal_history_as": ["contractor"]}
	denied := data.law.federal.deny with input as arrests with data.agencies.CA9990000 as contractor
	denied == set()
	hiring := example_test.searching(arrests, {"purpose": "employment", "iii_purpose_code": "J"})
	refused := data.law.federal.deny with input as hiring with data.agencies.CA9990000 as contractor
	{reason.code | some reason in refused} == {"chri.code_not_for_agency"}
	unnamed := data.law.federal.deny with input as arrests
		with data.agencies.CA9990000 as object.union(contractor, {"receives_criminal_history_as": []})
	{reason.code | some reason in unnamed} == {"chri.not_criminal_justice_agency"}
}

test_an_agency_that_may_not_use_the_code_is_shown_nothing if {
	contractor := {"criminal_justice": false, "receives_criminal_history_as": ["licensing"]}
	seen := data.law.federal.hide with input as example_test.finding(example_test.asked, {"record_type": "arrest"})
		with data.agencies.CA9990000 as contractor
	seen == {[0, "chri.not_confirmed"]}
}

duties(question) := found if found := data.law.federal.obligations with input as question

exigent := object.union(
	example_test.searching(arrests, {"iii_purpose_code": "X"}),
	{"answer": {"status": "answered"}},
)

test_an_exigent_check_obliges_to_fingerprints if {
	duties(exigent) == {{"type": "fingerprints_within", "days": 15}}
}

test_nothing_else_obliges_to_fingerprints if {
	duties(example_test.searching(exigent, {"iii_purpose_code": "C"})) == set()
	duties(example_test.searching(exigent, {"iii_purpose_code": null})) == set()
	duties(example_test.searching(exigent, {"record_types": ["person"]})) == set()
	duties(object.union(exigent, {"answer": {"status": "refused"}})) == set()
	duties({}) == set()
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

test_the_texts_are_citations if {
	denied := data.law.federal.deny with input as {"search": {"record_types": ["arrest"]}}
	{reason.citation | some reason in denied} == {"28 CFR 20.33", "28 CFR 20.33(a)", "CJIS Security Policy AT-3"}
}

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

test_not_even_its_existence_with_a_code_for_another_purpose if {
	hiring := example_test.searching(example_test.asked, {"purpose": "employment"})
	hidden(example_test.finding(hiring, {"record_type": "arrest"})) == {"chri.not_confirmed"}
	"criminal_history" in never(hiring)
}

test_a_missing_fact_counts_as_criminal_history if {
	fact := object.remove(example_test.fact, ["criminal_history"])
	hidden(object.union(without_code, {"facts": [fact]})) == {"chri.not_confirmed"}
}

test_an_arrest_in_an_incident_report_is_criminal_history if {
	hidden(example_test.finding(without_code, {"record_type": "incident", "criminal_history": true})) == {"chri.not_confirmed"}
	hidden(example_test.finding(without_code, {"record_type": "incident"})) == set()
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

fits(code, purpose) if {
	data.law.federal.purpose_code_fits with input as example_test.searching(arrests, {"iii_purpose_code": code, "purpose": purpose})
}

# Codes that are off go with what an administrator names once counsel has agreed.
in_use := {
	"A": {"audit"},
	"C": {"border_inspection", "criminal_investigation", "missing_person", "officer_safety", "traffic_stop", "warrant_service"},
	"D": {"court_case"},
	"F": {"firearms"},
	"J": {"employment"},
}

test_a_code_in_use_goes_with_its_own_purposes_alone if {
	every code, purposes in in_use {
		{purpose | some purpose, _ in data.sallyport.vocabulary.purposes; fits(code, purpose)} == purposes
	}
}

test_licensing_and_employment_outside_criminal_justice_share_a_code if {
	on := object.union(data.law.federal.iii_purpose_codes, {"I": {"enabled": true}})
	every purpose in ["employment", "licensing"] {
		denied_with(on, example_test.searching(arrests, {"iii_purpose_code": "I", "purpose": purpose})) == set()
	}
}

# Whom a code is for, in use or not.
users := {
	"A": {"criminal_justice"},
	"C": {"criminal_justice", "contractor"},
	"D": {"court"},
	"F": {"criminal_justice"},
	"H": {"housing"},
	"I": {"criminal_justice", "licensing"},
	"J": {"criminal_justice"},
	"S": {"national_security"},
	"V": {"visa"},
	"X": {"criminal_justice", "child_protection"},
}

kinds := {kind | some named in users; some kind in named}

used_by(code, kind) := {reason.code | some reason in denied} if {
	on := {code: object.union(data.law.federal.iii_purpose_codes[code], {"enabled": true, "purposes": ["audit"]})}
	question := example_test.searching(arrests, {"iii_purpose_code": code, "purpose": "audit"})
	denied := data.law.federal.deny with input as question
		with data.law.federal.iii_purpose_codes as on
		with data.agencies.CA9990000 as {"criminal_justice": false, "receives_criminal_history_as": [kind]}
}

test_a_code_is_for_the_kinds_of_agencies_that_it_names if {
	every code, named in users {
		every kind in named {
			used_by(code, kind) == set()
		}
	}
}

test_a_code_is_for_no_other_kind if {
	every code, named in users {
		every kind in kinds - named {
			used_by(code, kind) == {"chri.code_not_for_agency"}
		}
	}
}

without_days(code) if {
	on := {code: object.union(object.remove(data.law.federal.iii_purpose_codes[code], ["fingerprints_days"]), {"enabled": true, "purposes": ["audit"]})}
	question := example_test.searching(arrests, {"iii_purpose_code": code, "purpose": "audit"})
	data.law.federal.purpose_code_fits with input as question with data.law.federal.iii_purpose_codes as on
}

test_only_a_check_of_caregivers_has_to_name_days_for_fingerprints if {
	every code in object.keys(users) - {"X"} {
		without_days(code)
	}
	not without_days("X")
}
