package sallyport.agencies_test

import data.sallyport.example_test

listing(ori) := result.agencies if {
	result := data.sallyport.agencies.decision with input as {"v": 1, "now": example_test.now, "self": ori, "officer": example_test.officer} with data.agreements as data.sallyport.example.agreements
}

oris(ori) := {entry.ori | some entry in listing(ori)}

test_all_with_an_agreement_in_force_and_itself if {
	oris("CA9990000") == {"CA9990000", "TX9990000", "NM9990000", "USBPX9900"}
	oris("USBPX9900") == {"USBPX9900", "TX9990000", "CA9990000"}
}

test_what_one_may_ask if {
	some entry in listing("USBPX9900")
	entry.ori == "TX9990000"
	entry.jurisdiction == "texas"
	some purpose in entry.purposes
	purpose == {
		"purpose": "civil_immigration",
		"record_types": ["person"],
		"granularity": "record",
		"freshness_minutes": {},
		"classes": ["handling", "identifier", "identity", "immigration_status"],
	}
}

test_pointers_are_said_to_be_pointers if {
	some entry in listing("CA9990000")
	entry.ori == "NM9990000"
	every purpose in entry.purposes {
		purpose.granularity == "pointer"
	}
}

test_nobody_without_input if {
	result := data.sallyport.agencies.decision with input as {} with data.agreements as data.sallyport.example.agreements
	result == {"agencies": []}
}

test_without_the_time_only_itself if {
	result := data.sallyport.agencies.decision with input as {"self": "CA9990000"} with data.agreements as data.sallyport.example.agreements
	[entry.ori | some entry in result.agencies] == ["CA9990000"]
}

purposes(ori, owner) := {purpose.purpose: purpose |
	some entry in listing(ori)
	entry.ori == owner
	some purpose in entry.purposes
}

test_a_purpose_that_a_place_bars_is_left_out if {
	own := purposes("CA9990000", "CA9990000")
	not "civil_immigration" in object.keys(own)
	"criminal_investigation" in object.keys(own)
	elsewhere := purposes("TX9990000", "TX9990000")
	"civil_immigration" in object.keys(elsewhere)
	moved := data.sallyport.agencies.decision with input as {"now": example_test.now, "self": "USBPX9900"}
		with data.agencies.TX9990000.jurisdiction as "california" with data.agreements as data.sallyport.example.agreements
	listed := {purpose.purpose | some entry in moved.agencies; entry.ori == "TX9990000"; some purpose in entry.purposes}
	not "civil_immigration" in listed
	"criminal_investigation" in listed
}

test_a_purpose_of_another_kind_of_agency_is_left_out if {
	own := object.keys(purposes("TX9990000", "TX9990000"))
	{"border_inspection", "court_case"} & own == set()
	"border_inspection" in object.keys(purposes("USBPX9900", "USBPX9900"))
}

test_record_types_that_an_agency_may_not_have_are_left_out if {
	own := purposes("TX9990000", "TX9990000")
	{"arrest", "intelligence", "warrant"} - {kind | some kind in own.criminal_investigation.record_types} == set()
	{"arrest", "intelligence", "civil_warrant"} & {kind | some kind in own.traffic_stop.record_types} == {"arrest"}
	{"intelligence", "civil_warrant"} & {kind | some kind in own.licensing.record_types} == set()
	border := purposes("USBPX9900", "USBPX9900")
	"civil_warrant" in {kind | some kind in border.civil_immigration.record_types}
	not "civil_warrant" in {kind | some kind in border.criminal_investigation.record_types}
}

test_for_civil_immigration_other_agencies_list_what_tells_a_status if {
	agreements := data.sallyport.example.agreements
	grants := [object.union(grant, {"record_types": ["person", "incident", "warrant", "case", "crossing"]}) |
		some grant in agreements.TX9990000.USBPX9900["mou-2026-02"].shares.TX9990000
	]
	more := object.union(agreements, {"TX9990000": {"USBPX9900": {"mou-2026-02": {"shares": {"TX9990000": grants}}}}})
	result := data.sallyport.agencies.decision with input as {"now": example_test.now, "self": "USBPX9900"} with data.agreements as more
	kinds := {purpose.purpose: {kind | some kind in purpose.record_types} |
		some entry in result.agencies
		entry.ori == "TX9990000"
		some purpose in entry.purposes
	}
	kinds.civil_immigration == {"person", "crossing"}
	kinds.border_inspection == {"person", "incident", "warrant", "case", "crossing"}
	"incident" in {kind | some kind in purposes("USBPX9900", "USBPX9900").civil_immigration.record_types}
}

as_if(agency) := {kind |
	result := data.sallyport.agencies.decision with input as {"now": example_test.now, "self": "TX9990000"}
		with data.agencies.TX9990000 as object.union(data.agencies.TX9990000, agency)
	some entry in result.agencies
	entry.ori == "TX9990000"
	some purpose in entry.purposes
	purpose.purpose == "criminal_investigation"
	some kind in purpose.record_types
}

test_what_an_agency_is_decides_what_it_may_have if {
	not "arrest" in as_if({"criminal_justice": false})
	not "intelligence" in as_if({"law_enforcement": false})
	not "intelligence" in as_if({"follows": []})
	"person" in as_if({"criminal_justice": false, "law_enforcement": false, "follows": []})
	{"arrest", "intelligence"} - as_if({}) == set()
	as_if({"jurisdiction": "atlantis"}) == set()
}

classes(ori, owner, purpose) := {element_class |
	some element_class in purposes(ori, owner)[purpose].classes
}

test_classes_that_are_never_given_are_left_out if {
	classes("USBPX9900", "TX9990000", "civil_immigration") == {"handling", "identifier", "identity", "immigration_status"}
	"contact" in classes("CA9990000", "TX9990000", "criminal_investigation")
	not "immigration_status" in classes("CA9990000", "TX9990000", "criminal_investigation")
}

never(ori, owner, purpose) := {element_class |
	some element_class in data.sallyport.agencies.never_given(owner, purpose) with input as {"self": ori}
}

test_what_the_law_never_gives if {
	never("CA9990000", "TX9990000", "criminal_investigation") == {"immigration_status"}
	never("TX9990000", "USBPX9900", "criminal_investigation") == set()
	never("TX9990000", "CA9990000", "criminal_investigation") == {"immigration_status"}
	{"contact", "location", "release_date"} - never("USBPX9900", "CA9990000", "border_inspection") == set()
	never("USBPX9900", "TX9990000", "criminal_investigation") == {"immigration_status"}
	never("USBPX9900", "TX9990000", "border_inspection") == set()
	never("CA9990000", "NM9990000", "criminal_investigation") == {"ssn", "immigration_status", "victim", "medical"}
	object.keys(data.sallyport.vocabulary.classes) - never("USBPX9900", "TX9990000", "civil_immigration") == {
		"identity", "identifier", "immigration_status", "handling",
	}
	every ori in ["CA9990000", "NM9990000"] {
		never(ori, ori, "civil_immigration") == set()
	}
}

test_a_purpose_that_the_askers_place_bars_is_left_out if {
	moved := data.sallyport.agencies.decision with input as {"now": example_test.now, "self": "USBPX9900"}
		with data.agencies.USBPX9900.jurisdiction as "california" with data.agreements as data.sallyport.example.agreements
	listed := {purpose.purpose | some entry in moved.agencies; entry.ori == "TX9990000"; some purpose in entry.purposes}
	not "civil_immigration" in listed
	"criminal_investigation" in listed
}

own_if(changes) := {purpose.purpose: purpose |
	result := data.sallyport.agencies.decision with input as {"now": example_test.now, "self": "TX9990000"}
		with data.local.own as object.union(data.local.own, changes)
		with data.agreements as {}
	some entry in result.agencies
	some purpose in entry.purposes
}

test_a_purpose_without_a_record_type_is_left_out if {
	object.keys(own_if({"record_types": ["intelligence"]})) == {"criminal_investigation"}
	own_if({"record_types": ["civil_warrant"]}) == {}
}

test_an_agency_for_one_purpose_alone_is_listed if {
	object.keys(own_if({"purposes": ["traffic_stop"]})) == {"traffic_stop"}
}

test_only_what_is_given_or_masked_is_listed if {
	classes_of := {"classes": {"identity": "give", "ssn": "mask", "photo": "pointer", "medical": "count", "victim": "nothing"}}

	# A union of objects would keep the other classes.
	result := data.sallyport.agencies.decision with input as {"now": example_test.now, "self": "TX9990000"}
		with data.local.own as object.union(object.remove(data.local.own, ["classes"]), classes_of)
		with data.agreements as {}
	every purpose in result.agencies[0].purposes {
		{element_class | some element_class in purpose.classes} == {"identity", "ssn"}
	}
}

types(ori) := found if found := data.sallyport.agencies.types with input as {"self": ori}

test_criminal_history_is_listed_for_the_purposes_of_codes_in_use if {
	police := types("TX9990000")
	"arrest" in police.criminal_investigation
	not "arrest" in police.civil_immigration
	off := data.sallyport.agencies.types with input as {"self": "TX9990000"} with data.law.federal.iii_purpose_codes.I.enabled as false
	not "arrest" in off.licensing
	on := data.sallyport.agencies.types with input as {"self": "TX9990000"} with data.law.federal.iii_purpose_codes.I.enabled as true
	"arrest" in on.licensing
	not "arrest" in on.civil_immigration
}

test_civil_warrants_are_listed_for_the_immigration_authority if {
	"civil_warrant" in types("USBPX9900").civil_immigration
	not "civil_warrant" in types("USBPX9900").licensing
	every record_types in types("TX9990000") {
		not "civil_warrant" in record_types
	}
}
