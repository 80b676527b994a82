package law.california_test

import data.sallyport.example_test

codes(question) := found if {
	denied := data.law.california.deny with input as question
	found := {reason.code | some reason in denied}
}

hidden(question) := found if {
	entries := data.law.california.hide with input as question
	found := {entry[1] | some entry in entries}
}

border := example_test.california_asked_by_border

removal := example_test.asked_by(border, {"unit": "Removal", "unit_function": "civil_enforcement"})

civil := example_test.searching(border, {"purpose": "civil_immigration"})

test_a_crime_asked_by_investigators if codes(border) == set()

test_civil_immigration_is_refused_by_purpose if codes(civil) == {"ca.values_act.purpose"}

test_civil_immigration_is_refused_by_function if {
	codes(removal) == {"ca.values_act.function"}
}

test_both if {
	codes(example_test.searching(removal, {"purpose": "civil_immigration"})) == {"ca.values_act.purpose", "ca.values_act.function"}
}

test_the_citation_is_told if {
	denied := data.law.california.deny with input as civil
	some reason in denied
	reason.citation == "Cal. Gov. Code 7284.6(a)(1)"
}

test_a_local_officer_who_does_it_is_refused_too if {
	question := example_test.asked_by(border, {"ori": "TX9990000", "unit_function": "civil_enforcement"})
	codes(question) == {"ca.values_act.function"}
}

test_unknown_or_missing_function_is_refused if {
	codes(example_test.asked_by(border, {"unit_function": "wizardry"})) == {"ca.values_act.function"}
	asker := object.remove(border.asker, ["unit_function"])
	codes(object.union(object.remove(border, ["asker"]), {"asker": asker})) == {"ca.values_act.function"}
}

test_missing_input_is_refused if {
	codes({}) == {"ca.values_act.purpose", "ca.values_act.function", "ca.abortion"}
}

test_criminal_history_of_one_person_is_permitted if {
	asked := example_test.searching(removal, {"purpose": "civil_immigration", "record_types": ["arrest"]})
	codes(asked) == set()
}

test_only_criminal_history_and_only_of_a_person if {
	more := example_test.searching(civil, {"record_types": ["arrest", "person"]})
	codes(more) == {"ca.values_act.purpose"}
	vehicle := example_test.searching(civil, {"record_types": ["arrest"], "subject": {"kind": "vehicle"}})
	codes(vehicle) == {"ca.values_act.purpose"}
	nothing := example_test.searching(civil, {"record_types": []})
	codes(nothing) == {"ca.values_act.purpose"}
}

task_force := example_test.searching(
	example_test.asked_by(removal, {"unit": "Freight Theft Task Force"}),
	{"reference": {"type": "case", "number": "26-007700"}},
)

test_a_task_force_is_permitted if codes(task_force) == set()

test_a_task_force_is_bound_to_its_case_unit_agency_term_and_purpose if {
	function := {"ca.values_act.function"}
	codes(example_test.searching(task_force, {"reference": {"number": "26-000001"}})) == function
	codes(example_test.asked_by(task_force, {"unit": "Removal"})) == function
	codes(example_test.asked_by(task_force, {"ori": "TX9990000"})) == function
	codes(object.union(task_force, {"now": "2027-07-01T00:00:00.00Z"})) == function
	codes(object.remove(task_force, ["now"])) == function
	"ca.values_act.function" in codes(example_test.searching(task_force, {"purpose": "civil_immigration"}))
}

test_a_task_force_for_immigration_is_not_permitted if {
	forces := [{"agency": "USBPX9900", "unit": "Removal", "primary_purpose": "civil_immigration", "cases": ["26-004417"], "until": "2027-06-30T00:00:00Z"}]
	denied := data.law.california.deny with input as removal with data.law.california.task_forces as forces
	{reason.code | some reason in denied} == {"ca.values_act.function"}
}

asking(question) := found if {
	denied := data.law.california.deny_asking with input as question
	found := {reason.code | some reason in denied}
}

test_its_own_officers_do_not_ask_for_it if {
	asking(example_test.asking) == set()
	asking(example_test.searching(example_test.asking, {"purpose": "civil_immigration"})) == {"ca.values_act.own_use"}
	asking({}) == {"ca.values_act.own_use"}
}

test_no_inquiry_into_status if data.law.california.untold == {"alien_registration"} with input as example_test.asking

test_no_address_for_immigration_enforcement if {
	by_unit := data.law.california.never with input as removal
	by_unit == {"contact", "location"}
	by_purpose := data.law.california.never with input as civil
	by_purpose == {"contact", "location"}
	for_a_crime := data.law.california.never with input as border
	for_a_crime == set()
	unsaid := data.law.california.never with input as {}
	unsaid == {"contact", "location"}
}

test_abortion if {
	inquiry := {"reason_code": "abortion"}
	codes(example_test.searching(border, inquiry)) == {"ca.abortion"}
	codes(example_test.searching(example_test.asked_by(border, {"ori": "CA9990000"}), inquiry)) == set()
	codes(example_test.searching(border, {"reason_code": null})) == {"ca.abortion"}
}

juvenile := {"juvenile": true}

test_juveniles_not_to_federal_agencies if {
	hidden(example_test.finding(border, juvenile)) == {"ca.juvenile_federal"}
	hidden(example_test.finding(border, {})) == set()
	hidden(example_test.finding(example_test.asked_by(border, {"ori": "TX9990000"}), juvenile)) == set()
	hidden(example_test.finding(example_test.asked_by(border, {"ori": "XX0000000"}), juvenile)) == {"ca.juvenile_federal"}
	hidden({"facts": [{}]}) == {"ca.juvenile_federal"}
}

test_sealed_for_californian_investigators if {
	own := example_test.asked_by(border, {"ori": "CA9990000"})
	data.law.california.sealed_may_be_seen with input as own
	not data.law.california.sealed_may_be_seen with input as border
	not data.law.california.sealed_may_be_seen with input as example_test.searching(own, {"purpose": "employment"})
	not data.law.california.sealed_may_be_seen with input as {}
}

test_addresses_from_the_motor_vehicle_department if {
	from_there := data.law.california.withhold with input as example_test.finding(border, {"source_kind": "motor_vehicle_department"})
	from_there == {[0, "contact", "ca.dmv_address"]}
	own := data.law.california.withhold with input as example_test.finding(border, {})
	own == set()
	unsaid := data.law.california.withhold with input as {"facts": [{}]}
	unsaid == {[0, "contact", "ca.dmv_address"]}
}
