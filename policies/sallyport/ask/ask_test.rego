package sallyport.ask_test

import data.sallyport.example_test

asking := example_test.asking

decision(question) := found if found := data.sallyport.ask.decision with input as question with data.agreements as data.sallyport.example.agreements with data.local.never_classes as [] with data.local.hidden_types as [] with data.local.limits as {"max_matches": 100} with data.local.kept_from_others as [] with data.local.everyone_purposes as ["criminal_investigation"]

peer(question, owner) := decision(question).agencies[owner]

naming(owners) := object.union(asking, {"agencies": owners})

all_four := {"TX9990000", "CA9990000", "NM9990000", "USBPX9900"}

test_an_agency_with_an_agreement_is_asked if {
	decision(asking).allow
	decision(asking).rules == ["officer.may_ask"]
	peer(asking, "TX9990000") == {
		"allow": true,
		"reasons": [],
		"granularity": "record",
		"terms": ["name", "birth_date"],
		"record_types": ["person", "warrant"],
		"kept": [],
		"agreement": example_test.agreed,
		"rules": ["mou-2026-01"],
	}
}

test_what_stays_here_is_told_to_nobody_else if {
	result := data.sallyport.ask.decision with input as naming(["TX9990000", "CA9990000"])
		with data.agreements as data.sallyport.example.agreements
		with data.local.limits as {"max_matches": 100}
		with data.local.kept_from_others as ["reason"]
	others := {owner: result.agencies[owner].kept | some owner in ["TX9990000", "CA9990000"]}
	others[asking.self] == []
	others == object.union({"TX9990000": ["reason"], "CA9990000": ["reason"]}, {asking.self: []})
}

test_missing_input_is_refused if {
	result := decision({})
	result.allow == false
	result.agencies == {}
	"purpose.unknown" in example_test.codes(result)
	"ask.nobody" in example_test.codes(result)
}

test_each_missing_part_is_refused if {
	every part in ["now", "self", "officer", "search", "agencies"] {
		result := decision(object.remove(asking, [part]))
		allowed := [owner | some owner, entry in result.agencies; entry.allow]
		allowed == []
	}
}

test_the_officer_may_not_ask_at_all if {
	result := decision(object.union(asking, {"officer": {"roles": []}}))
	result.allow == false
	result.agencies == {}
	example_test.codes(result) == {"officer.role"}
	result.rules == ["officer.role"]
}

test_an_unknown_agency_is_refused if {
	result := decision(naming(["XX0000000", "TX9990000"]))
	result.allow
	object.remove(result.agencies.XX0000000, ["reasons"]) == {
		"allow": false,
		"granularity": "hit",
		"terms": [],
		"record_types": [],
		"rules": ["agency.unknown"],
	}
	example_test.codes(result.agencies.XX0000000) == {"agency.unknown"}
	result.agencies.TX9990000.allow
}

test_an_expired_agreement_is_refused if {
	question := object.union(asking, {"self": "NM9990000", "agencies": ["USBPX9900"]})
	example_test.codes(peer(question, "USBPX9900")) == {"agreement.expired"}
}

test_no_agreement_is_refused if {
	result := data.sallyport.ask.decision with input as asking with data.agreements as {} with data.local.limits as {"max_matches": 100} with data.local.kept_from_others as []
	example_test.codes(result.agencies.TX9990000) == {"agreement.none"}
}

test_its_own_records_are_asked_too if peer(naming(["CA9990000"]), "CA9990000").rules == ["own-records"]

test_the_law_of_the_one_who_is_asked if {
	removal := object.union(asking, {
		"self": "USBPX9900",
		"agencies": ["CA9990000", "TX9990000"],
		"officer": {"unit_function": "civil_enforcement"},
	})
	example_test.codes(peer(removal, "CA9990000")) == {"ca.values_act.function"}
	peer(removal, "TX9990000").allow
	civil := example_test.searching(removal, {"purpose": "civil_immigration"})
	refused := peer(civil, "CA9990000")
	example_test.codes(refused) == {"agreement.purpose_not_covered", "ca.values_act.purpose", "ca.values_act.function"}
	some reason in refused.reasons
	reason.citation == "Cal. Gov. Code 7284.6(a)(1)"
	peer(example_test.searching(civil, {"record_types": ["person"]}), "TX9990000").allow
}

test_the_law_of_the_one_who_asks if {
	question := object.union(
		example_test.searching(asking, {"purpose": "civil_immigration"}),
		{"officer": {"unit_function": "civil_enforcement"}},
	)
	"ca.values_act.own_use" in example_test.codes(peer(question, "TX9990000"))
}

test_criminal_history_needs_its_code_at_the_first_door if {
	question := example_test.searching(asking, {"record_types": ["arrest"], "iii_purpose_code": null})
	example_test.codes(peer(question, "TX9990000")) == {"chri.purpose_code_required"}
}

test_record_types_that_the_agreement_does_not_cover if {
	none := example_test.searching(
		object.union(asking, {"officer": {"attributes": ["cfr28_part23"]}}),
		{"record_types": ["intelligence"]},
	)
	example_test.codes(peer(none, "TX9990000")) == {"agreement.record_types_not_covered"}
	some_of_them := example_test.searching(
		object.union(asking, {"officer": {"attributes": ["cfr28_part23"]}}),
		{"record_types": ["intelligence", "person"]},
	)
	peer(some_of_them, "TX9990000").allow
}

test_a_jurisdiction_without_its_law_is_refused if {
	entry := peer(asking, "TX9990000") with data.agencies.TX9990000.jurisdiction as "atlantis"
	example_test.codes(entry) == {"law.unknown"}
	own := peer(asking, "TX9990000") with data.agencies.CA9990000.jurisdiction as "atlantis"
	example_test.codes(own) == {"law.unknown"}
	unnamed := peer(asking, "TX9990000") with data.sallyport.law.jurisdictions as {"california"}
	example_test.codes(unnamed) == {"law.unknown"}
}

test_left_out_the_routing_data_choose if {
	object.keys(decision(naming(null)).agencies) == all_four
	stop := example_test.searching(naming(null), {"purpose": "traffic_stop"})
	object.keys(decision(stop).agencies) == {"CA9990000", "TX9990000"}
}

test_nobody_is_routed_to if {
	result := decision(naming(null)) with data.routing as {}
	example_test.codes(result) == {"ask.nobody"}
	nobody := decision(naming(null)) with data.routing as {"california": {"otherwise": [], "purposes": {}}}
	example_test.codes(nobody) == {"ask.nobody"}
	odd := decision(naming(null)) with data.routing as {"california": {"otherwise": "TX9990000", "purposes": {}}}
	example_test.codes(odd) == {"ask.nobody"}
	example_test.codes(decision(naming([]))) == {"ask.nobody"}
}

test_everyone_is_all_with_an_agreement if {
	everyone := data.sallyport.ask.decision with input as naming(["*"])
		with data.agreements as data.sallyport.example.agreements with data.local.never_classes as [] with data.local.hidden_types as [] with data.local.limits as {"max_matches": 100} with data.local.kept_from_others as []
		with data.local.everyone_purposes as ["criminal_investigation"]
	object.keys(everyone.agencies) == all_four
	alone := data.sallyport.ask.decision with input as naming(["*"])
		with data.agreements as {}
		with data.local.everyone_purposes as ["criminal_investigation"]
	object.keys(alone.agencies) == {"CA9990000"}
}

test_everyone_is_limited if {
	stop := example_test.searching(naming(["*"]), {"purpose": "traffic_stop"})
	"ask.everyone" in example_test.codes(decision(stop))
	"ask.everyone" in example_test.codes(decision(naming(["*", "TX9990000"])))
}

test_agencies_of_another_kind_are_refused if {
	every owners in ["TX9990000", 5, {"TX9990000": true}] {
		decision(naming(owners)).allow == false
		"ask.everyone" in example_test.codes(decision(naming(owners)))
	}
}

sensitive := {"subject": {"terms": ["name", "ssn", "alien_registration", "shoe_size"]}}

test_the_question_is_minimised if {
	question := example_test.searching(asking, sensitive)
	peer(question, "TX9990000").terms == ["name", "ssn"]
	bureau := object.union(question, {"self": "NM9990000"})
	peer(bureau, "TX9990000").terms == ["name"]
	texas := object.union(question, {"self": "TX9990000", "agencies": ["CA9990000"]})
	peer(texas, "CA9990000").terms == ["name", "ssn", "alien_registration"]
}

test_its_own_agency_is_told_what_is_known if {
	question := example_test.searching(naming(["CA9990000"]), sensitive)
	peer(question, "CA9990000").terms == ["name", "ssn", "alien_registration"]
}
