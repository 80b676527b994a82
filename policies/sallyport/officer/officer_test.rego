package sallyport.officer_test

import data.sallyport.example_test

asking := example_test.asking

codes(question) := found if {
	denied := data.sallyport.officer.deny with input as question
	found := {reason.code | some reason in denied}
}

without(question, part, key) := object.union(
	object.remove(question, [part]),
	{part: object.remove(question[part], [key])},
)

changed(key, value) := object.union(asking, {"search": {key: value}})

as_officer(key, value) := object.union(asking, {"officer": {key: value}})

test_an_officer_may_ask if codes(asking) == set()

test_the_second_door_decides_the_same_from_claims if codes(example_test.asked) == set()

test_unknown_purpose_is_refused if "purpose.unknown" in codes(changed("purpose", "curiosity"))

test_missing_purpose_is_refused if "purpose.unknown" in codes(without(asking, "search", "purpose"))

test_unknown_granularity_is_refused if codes(changed("granularity", "everything")) == {"search.unknown_word"}

test_unknown_subject_is_refused if codes(changed("subject", {"kind": "house"})) == {"search.unknown_word"}

test_unknown_record_type_is_refused if {
	codes(changed("record_types", ["person", "gossip"])) == {"search.unknown_word"}
}

test_no_record_type_is_refused if codes(changed("record_types", [])) == {"search.unknown_word"}

test_words_that_are_no_list_are_refused if {
	every odd in ["person", {"a": "person"}, 5, null] {
		codes(changed("record_types", odd)) == {"search.unknown_word"}
		codes(changed("subject", {"terms": odd})) == {"search.unknown_word"}
	}
}

test_missing_words_are_refused if {
	every key in ["granularity", "subject", "record_types"] {
		codes(without(asking, "search", key)) == {"search.unknown_word"}
	}
}

test_unknown_asking_agency_is_refused if {
	codes(object.union(asking, {"self": "XX0000000"})) == {"agency.asker_unknown"}
}

test_missing_asking_agency_is_refused if {
	codes(object.remove(asking, ["self"])) == {"agency.asker_unknown"}
}

test_a_role_that_does_not_fit_is_refused if {
	every roles in [[], ["auditor"], ["administrator"], ["king"], "officer", {"a": "officer"}, null] {
		codes(as_officer("roles", roles)) == {"officer.role"}
	}
}

test_missing_roles_are_refused if codes(without(asking, "officer", "roles")) == {"officer.role"}

test_a_supervisor_may_ask if codes(as_officer("roles", ["supervisor"])) == set()

test_an_auditor_asks_to_audit if {
	question := object.union(changed("purpose", "audit"), {"officer": {"roles": ["auditor"]}})
	codes(question) == set()
	codes(changed("purpose", "audit")) == {"officer.role"}
}

test_a_weak_log_on_is_refused if codes(as_officer("assurance", 1)) == {"officer.assurance"}

test_a_weak_log_on_will_do_for_an_exercise if {
	codes(object.union(as_officer("assurance", 1), {"search": {"purpose": "exercise"}})) == set()
}

test_missing_assurance_is_refused if {
	codes(without(asking, "officer", "assurance")) == {"officer.assurance"}
}

test_a_log_on_holds_for_a_shift if {
	every hours in [0, 1, 12] {
		codes(as_officer("logged_on_hours", hours)) == set()
	}
	every hours in [-1, 13, 24, 200000] {
		codes(as_officer("logged_on_hours", hours)) == {"officer.log_on"}
	}
}

test_the_second_door_looks_at_the_log_on_itself if {
	every hours in [-1, 13] {
		codes(example_test.asked_by(example_test.asked, {"logged_on_hours": hours})) == {"officer.log_on"}
	}
	asked := object.union(
		object.remove(example_test.asked, ["asker"]),
		{"asker": object.remove(example_test.asked.asker, ["logged_on_hours"])},
	)
	codes(asked) == {"officer.log_on"}
}

test_a_missing_log_on_is_refused if {
	codes(without(asking, "officer", "logged_on_hours")) == {"officer.log_on"}
	every odd in [null, "3", "", [3], {"hours": 3}, true] {
		codes(as_officer("logged_on_hours", odd)) == {"officer.log_on"}
	}
}

test_how_long_a_log_on_holds_is_data if {
	late := as_officer("logged_on_hours", 13)
	still := data.sallyport.officer.deny with input as late with data.sallyport.vocabulary.log_on_hours as 13
	still == set()
	every odd in [null, "13", [13], {"hours": 13}] {
		denied := data.sallyport.officer.deny with input as late with data.sallyport.vocabulary.log_on_hours as odd
		{reason.code | some reason in denied} == {"officer.log_on"}
	}
}

test_null_officer_is_refused if {
	codes(object.union(asking, {"officer": null})) & {"officer.role", "officer.assurance"} == {"officer.role", "officer.assurance"}
}

test_another_units_purpose_is_refused if {
	codes(as_officer("unit_function", "personnel")) == {"purpose.function"}
	codes(as_officer("unit_function", "wizardry")) == {"purpose.function"}
}

test_missing_function_is_refused if {
	codes(without(asking, "officer", "unit_function")) == {"purpose.function"}
}

no_reference := object.union(
	object.remove(asking, ["search"]),
	{"search": object.remove(asking.search, ["reference"])},
)

test_missing_reference_is_refused if codes(no_reference) == {"reference.required"}

test_null_reference_is_refused if {
	codes(changed("reference", null)) == {"reference.required"}
}

test_number_is_needed_unless_pending if {
	stop := {"purpose": "traffic_stop", "reference": {"type": "pending", "number": null}}
	codes(object.union(asking, {"search": stop})) == set()
	every number in [null, ""] {
		unnumbered := object.union(stop, {"reference": {"type": "case", "number": number}})
		codes(object.union(asking, {"search": unnumbered})) == {"reference.required"}
	}
	codes(changed("reference", {"type": "pending", "number": null})) == {"reference.required"}
	codes(changed("reference", {"type": "case", "number": null})) == {"reference.required"}
	codes(changed("reference", {"type": "case", "number": ""})) == {"reference.required"}
	codes(changed("reference", {"type": "hunch"})) == {"reference.required"}
}

test_the_types_of_reference_that_go_are_named if {
	texts(no_reference) == {"This purpose needs the matter that it belongs to. Give a reference of a type that it takes: case, cad_call, citation, warrant."}
	stop := object.union(no_reference, {"search": {"purpose": "warrant_service"}})
	texts(stop) == {"This purpose needs the matter that it belongs to. Give a reference of a type that it takes: warrant, case."}
	texts({}) == {"This purpose needs the matter that it belongs to. Give a reference of a type that it takes: none is known."}
}

texts(question) := found if {
	denied := data.sallyport.officer.deny with input as question
	found := {reason.text | some reason in denied; reason.code == "reference.required"}
}

test_a_purpose_without_a_reference if {
	inspection := {"self": "USBPX9900", "search": {"purpose": "border_inspection", "reference": null}}
	codes(object.union(asking, inspection)) == set()
	odd := object.union(inspection, {"search": {"reference": {"type": "hunch", "number": "1"}}})
	codes(object.union(asking, odd)) == {"reference.required"}
}

test_a_purpose_is_for_its_kind_of_agency if {
	inspection := {"purpose": "border_inspection", "reference": null}
	codes(object.union(asking, {"search": inspection})) == {"purpose.agency"}
	asked := object.union(example_test.asked, {"search": inspection})
	codes(asked) == {"purpose.agency"}
	unknown := object.union(asked, {"asker": {"ori": "XX0000000"}})
	codes(unknown) == {"agency.asker_unknown", "purpose.agency"}
}

test_all_is_refused_without_input if {
	codes({}) == {
		"purpose.unknown", "search.unknown_word", "agency.asker_unknown", "officer.role", "officer.log_on",
		"officer.assurance", "purpose.agency", "purpose.function", "reference.required",
	}
}
