package sallyport.answer_test

import data.sallyport.example_test
import data.sallyport.vocabulary

asked := example_test.asked

decision(question) := under(data.sallyport.example.agreements, question)

under(agreements, question) := found if found := data.sallyport.answer.decision with input as question with data.agreements as agreements with data.local.never_classes as [] with data.local.hidden_types as [] with data.local.limits as {"max_matches": 100}

codes(question) := example_test.codes(decision(question))

test_as_agreed if {
	decision(asked) == {
		"allow": true,
		"reasons": [],
		"granularity": "record",
		"record_types": ["person", "warrant"],
		"terms": ["name", "birth_date"],
		"classes_never_shared": ["immigration_status", "intelligence", "juvenile", "medical", "release_date", "victim"],
		"freshness_minutes": {"missing_person": 10080, "vehicle": 10080, "warrant": 10080},
		"obligations": [
			{"type": "delete_after", "days": 30},
			{"type": "onward_sharing", "rule": "none"},
			{"type": "caveat", "text": "Confirm with the owner before acting."},
		],
		"rules": ["mou-2026-01"],
	}
}

# What the refusal of California offers to a unit of civil enforcement can be had.
test_a_removal_unit_may_have_the_criminal_history_of_one_person if {
	removal := example_test.asked_by(example_test.california_asked_by_border, {"unit": "Removal", "unit_function": "civil_enforcement"})
	codes(removal) == {"ca.values_act.function"}
	history := example_test.searching(removal, {"record_types": ["arrest"]})
	decision(history).allow == true
	codes(example_test.searching(history, {"purpose": "civil_immigration"})) & {"chri.purpose_code_required"} == {"chri.purpose_code_required"}
}

test_missing_input_is_refused if {
	decision({}).allow == false
	codes({}) & {"purpose.unknown", "officer.role"} == {"purpose.unknown", "officer.role"}
}

test_each_missing_part_is_refused if {
	every part in ["now", "self", "asker", "search"] {
		decision(object.remove(asked, [part])).allow == false
	}
}

test_each_missing_claim_is_refused if {
	every claim in ["ori", "unit_function", "roles", "assurance"] {
		asker := object.remove(asked.asker, [claim])
		decision(object.union(object.remove(asked, ["asker"]), {"asker": asker})).allow == false
	}
}

test_each_missing_word_is_refused if {
	every word in ["purpose", "reference", "subject", "record_types", "granularity", "max_matches"] {
		search := object.remove(asked.search, [word])
		decision(object.union(object.remove(asked, ["search"]), {"search": search})).allow == false
	}
}

test_a_refusal_gives_nothing if {
	result := decision(example_test.asked_by(asked, {"roles": []}))
	result == {
		"allow": false,
		"reasons": result.reasons,
		"granularity": "hit",
		"record_types": [],
		"terms": [],
		"classes_never_shared": [],
		"freshness_minutes": {},
		"obligations": [],
		"rules": ["officer.role"],
	}
}

test_the_askers_claims_are_looked_at_again if {
	codes(example_test.asked_by(asked, {"assurance": 1})) == {"officer.assurance"}
	codes(example_test.asked_by(asked, {"unit_function": "licensing"})) == {"purpose.function"}
	codes(example_test.searching(asked, {"purpose": "curiosity"})) & {"purpose.unknown"} == {"purpose.unknown"}
}

test_strangers_are_refused if {
	codes(example_test.asked_by(asked, {"ori": "XX0000000"})) == {"agency.asker_unknown", "agreement.none"}
}

test_expired_is_refused if {
	question := object.union(asked, {"self": "NM9990000", "asker": {"ori": "USBPX9900"}})
	codes(question) == {"agreement.expired"}
}

test_california_refuses_whatever_the_askers_door_says if {
	civil := example_test.searching(
		example_test.asked_by(example_test.california_asked_by_border, {"unit_function": "civil_enforcement"}),
		{"purpose": "civil_immigration"},
	)
	codes(civil) == {"agreement.purpose_not_covered", "ca.values_act.purpose", "ca.values_act.function"}
	disguised := example_test.asked_by(example_test.california_asked_by_border, {"unit_function": "civil_enforcement"})
	codes(disguised) == {"ca.values_act.function"}
	decision(example_test.california_asked_by_border).allow
}

test_texas_answers_on_status_alone if {
	civil := example_test.searching(
		example_test.asked_by(example_test.texas_asked_by_border, {"unit_function": "civil_enforcement"}),
		{"purpose": "civil_immigration", "record_types": ["person", "arrest"], "iii_purpose_code": null},
	)
	codes(civil) == {"chri.purpose_code_required"}
	persons := example_test.searching(civil, {"record_types": ["person"]})
	result := decision(persons)
	result.allow
	object.keys(vocabulary.classes) - {c | some c in result.classes_never_shared} == {"identity", "identifier", "immigration_status", "handling"}
}

test_a_pointer_where_a_pointer_is_agreed if {
	bureau := object.union(asked, {"self": "NM9990000"})
	result := decision(bureau)
	result.allow
	result.granularity == "pointer"
	some reason in result.reasons
	reason.code == "agreement.pointer_only"
	reason.citation == "MOU-2026-07 s.4"
	result.rules == ["mou-2026-07", "agreement.pointer_only"]
}

# What the bureau gives is lowered in the agreement; the answer says how far, each by a code of its own.
test_what_is_agreed_at_most_has_a_code_of_its_own if {
	bureau := object.union(asked, {"self": "NM9990000"})
	every granularity in ["hit", "count"] {
		grant := object.union(
			data.sallyport.example.agreements.CA9990000.NM9990000["mou-2026-07"].shares.NM9990000[0],
			{"granularity": granularity},
		)
		agreements := object.union(
			data.sallyport.example.agreements,
			{"CA9990000": {"NM9990000": {"mou-2026-07": {"shares": {"NM9990000": [grant]}}}}},
		)
		result := under(agreements, bureau)
		result.allow == true
		result.granularity == granularity
		result.rules == ["mou-2026-07", sprintf("agreement.%v_only", [granularity])]
		result.reasons[0].citation == "MOU-2026-07 s.4"
	}
}

test_less_is_given_when_less_is_asked if {
	bureau := object.union(asked, {"self": "NM9990000"})
	every granularity in ["hit", "count", "pointer"] {
		result := decision(example_test.searching(bureau, {"granularity": granularity}))
		result.granularity == granularity
		result.reasons == []
	}
}

test_record_types_that_are_not_agreed_are_left_out_and_said if {
	certified := example_test.asked_by(asked, {"attributes": ["cfr28_part23"]})
	result := decision(example_test.searching(certified, {"record_types": ["person", "intelligence"]}))
	result.record_types == ["person"]
	example_test.codes(result) == {"agreement.record_types_not_covered"}
	none := decision(example_test.searching(certified, {"record_types": ["intelligence"]}))
	none.allow == false
	example_test.codes(none) == {"agreement.record_types_not_covered"}
}

test_unknown_terms_are_not_searched_by if {
	question := example_test.searching(asked, {"subject": {"terms": ["name", "shoe_size"]}})
	decision(question).terms == ["name"]
}

test_its_own_officers if {
	own := example_test.asked_by(asked, {"ori": "TX9990000"})
	result := decision(own)
	result.allow
	result.rules == ["own-records"]
	result.classes_never_shared == ["intelligence"]
}

test_classes_never_shared_follow_law_and_agreement if {
	result := decision(object.union(asked, {"self": "NM9990000"}))
	{"ssn", "immigration_status", "victim", "medical"} - {c | some c in result.classes_never_shared} == set()
}

test_local_rules_narrow if {
	result := data.sallyport.answer.decision with input as asked with data.agreements as data.sallyport.example.agreements with data.local.hidden_types as [] with data.local.limits as {"max_matches": 100} with data.local.never_classes as ["photo"]
	"photo" in result.classes_never_shared
}

test_a_jurisdiction_without_its_law_is_refused if {
	result := data.sallyport.answer.decision with input as asked with data.agreements as data.sallyport.example.agreements with data.local.never_classes as [] with data.local.hidden_types as [] with data.local.limits as {"max_matches": 100} with data.agencies.TX9990000.jurisdiction as "atlantis"
	result.allow == false
	example_test.codes(result) == {"answer.undecided"}
}

test_the_reasons_do_not_depend_on_records if {
	with_facts := object.union(asked, {"facts": [{"juvenile": true}]})
	decision(with_facts) == decision(asked)
}

test_terms_of_classes_never_shared_are_not_searched_by if {
	terms := ["name", "birth_date", "alien_registration", "ssn", "shoe_size"]
	question := example_test.searching(asked, {"subject": {"kind": "person", "terms": terms}})
	decision(question).terms == ["name", "birth_date"]
	own := example_test.asked_by(question, {"ori": "TX9990000"})
	decision(own).terms == ["name", "birth_date", "alien_registration", "ssn"]
	withheld := data.sallyport.answer.decision with input as question with data.agreements as data.sallyport.example.agreements with data.local.never_classes as ["ssn"] with data.local.hidden_types as [] with data.local.limits as {"max_matches": 100}
	withheld.terms == ["name", "birth_date"]
}

test_a_record_is_fetched_by_its_id_under_each_agreement if {
	question := example_test.searching(example_test.texas_asked_by_border, {
		"purpose": "civil_immigration",
		"record_types": ["person"],
		"subject": {"kind": "record", "terms": ["record_id"]},
		"reference": {"type": "case", "number": "26-1"},
	})
	agent := example_test.asked_by(question, {"unit_function": "civil_enforcement"})
	decision(agent).terms == ["record_id"]
}

test_an_agencys_own_warrants_grow_stale_too if {
	own := example_test.asked_by(asked, {"ori": "TX9990000"})
	decision(own).freshness_minutes.warrant == 10080
}

test_terms_are_searched_by_only_where_their_class_is_given if {
	own := example_test.asked_by(
		example_test.searching(asked, {"subject": {"terms": ["name", "ssn", "driver_license", "fbi"]}}),
		{"ori": "TX9990000"},
	)
	every action in ["mask", "pointer", "count", "nothing"] {
		result := decision(own) with data.local.own.classes as {
			"identity": "give",
			"ssn": "give",
			"identifier": action,
			"criminal_history": action,
		}
		result.terms == ["name", "ssn"]
	}
	result := decision(own) with data.local.own.classes as {
		"identity": "give",
		"ssn": "nothing",
		"identifier": "give",
		"criminal_history": "give",
	}
	result.terms == ["name", "driver_license", "fbi"]
	"ssn" in result.classes_never_shared
	not "identifier" in result.classes_never_shared
}

# 28 CFR 20.21(c)(2): what is found by an FBI number is known to have one.
test_no_search_by_an_fbi_number_without_entitlement_to_criminal_history if {
	subject := {"kind": "person", "terms": ["name", "fbi", "state", "driver_license"]}
	question := example_test.searching(asked, {"subject": subject, "record_types": ["person"]})
	decision(question).terms == ["name", "fbi", "state", "driver_license"]
	without := example_test.searching(question, {"iii_purpose_code": null})
	decision(without).allow
	decision(without).terms == ["name", "driver_license"]
	uncertified := example_test.asked_by(question, {"attributes": ["sworn"]})
	decision(uncertified).terms == ["name", "driver_license"]
}

test_a_line_of_the_law_that_is_missing_refuses if {
	denials := data.sallyport.answer.decision with input as asked
		with data.agreements as data.sallyport.example.agreements with data.local.never_classes as [] with data.local.hidden_types as [] with data.local.limits as {"max_matches": 100}
		with data.sallyport.law.owner_deny as {}
	denials.allow == false
	example_test.codes(denials) == {"answer.undecided"}
	result := data.sallyport.answer.decision with input as asked
		with data.agreements as data.sallyport.example.agreements with data.local.never_classes as [] with data.local.hidden_types as [] with data.local.limits as {"max_matches": 100}
		with data.sallyport.law.owner_never as {}
	result.allow == false
	example_test.codes(result) == {"answer.undecided"}
}
