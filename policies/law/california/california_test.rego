package law.california_test

import data.sallyport.example_test

codes(question) := found if {
	denied := data.law.california.deny with input as question with data.law.california.public_record_types as []
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
	every odd in [[], {"a": "arrest"}, "arrest", null] {
		codes(example_test.searching(civil, {"record_types": odd})) == {"ca.values_act.purpose"}
	}
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
	codes(object.union(task_force, {"now": "2027-06-29T23:59:59.99Z"})) == set()
	codes(object.union(task_force, {"now": "2027-06-30T00:00:00.00Z"})) == function
	codes(object.remove(task_force, ["now"])) == function
	"ca.values_act.function" in codes(example_test.searching(task_force, {"purpose": "civil_immigration"}))
}

test_a_task_force_for_immigration_is_not_permitted if {
	forces := [{"agency": "USBPX9900", "unit": "Removal", "primary_purpose": "civil_immigration", "cases": ["26-004417"], "until": "2027-06-30T00:00:00Z"}]
	denied := data.law.california.deny with input as removal with data.law.california.task_forces as forces
	{reason.code | some reason in denied} == {"ca.values_act.function"}
}

force_for(purpose) if {
	forces := [{"agency": "USBPX9900", "unit": "Removal", "primary_purpose": purpose, "cases": ["26-004417"], "until": "2027-06-30T00:00:00Z"}]
	data.law.california.in_a_task_force with input as removal with data.law.california.task_forces as forces
}

# What else a task force may be for is for counsel to say.
test_a_task_force_is_for_the_investigation_of_crimes if {
	{purpose | some purpose, _ in data.sallyport.vocabulary.purposes; force_for(purpose)} == {"criminal_investigation"}
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

never(question) := found if {
	found := data.law.california.never with input as question
		with data.law.california.public_record_types as []
		with data.law.california.status_kept as ["immigration_status"]
}

all_classes := object.keys(data.sallyport.vocabulary.classes)

kept := {"contact", "location", "release_date", "immigration_status"}

test_no_address_or_release_date_for_immigration_enforcement if {
	never(border) == kept
	history := example_test.searching(removal, {"purpose": "civil_immigration", "record_types": ["arrest"]})
	never(history) == kept
	never(task_force) == kept
	never(civil) == all_classes
	never(removal) == all_classes
	never({}) == all_classes
}

inspecting(asker) := example_test.searching(asker, {"purpose": "border_inspection"})

test_an_authority_gets_none_of_it_whatever_purpose_it_states if {
	every purpose in ["border_inspection", "criminal_investigation", "missing_person", "traffic_stop"] {
		asked := example_test.searching(border, {"purpose": purpose})
		codes(asked) == set()
		never(asked) == kept
		hidden(example_test.finding(asked, {})) == set()
		withheld(example_test.finding(asked, {})) == {[0, element_class] | some element_class in kept}
	}
}

test_an_inspection_is_no_other_work_whoever_states_it if {
	never(sheriff) == set()
	withheld(example_test.finding(sheriff, {})) == set()
	never(inspecting(sheriff)) == kept
	never(example_test.asked_by(sheriff, {"ori": "XX0000000"})) == kept
	never(object.union(object.remove(sheriff, ["search"]), {"search": object.remove(sheriff.search, ["purpose"])})) == all_classes
}

# Which other purpose asks after entry and stay is for counsel to say.
test_the_purposes_that_are_no_other_work if {
	limited := {purpose | some purpose, _ in data.sallyport.vocabulary.purposes; kept - never(example_test.searching(sheriff, {"purpose": purpose})) == set()}
	limited == {"civil_immigration", "border_inspection"}
}

test_a_unit_of_that_enforcement_does_no_other_work_wherever_it_is if {
	local := example_test.asked_by(sheriff, {"unit_function": "civil_enforcement"})
	codes(example_test.searching(local, {"record_types": ["arrest"]})) == set()
	never(example_test.searching(local, {"record_types": ["arrest"]})) == kept
}

test_a_criminal_history_for_no_stated_work_is_no_other_work if {
	history := example_test.searching(sheriff, {"record_types": ["arrest"]})
	never(history) == set()
	never(example_test.searching(history, {"purpose": "civil_immigration"})) == kept
	unstated := object.union(object.remove(history, ["search"]), {"search": object.remove(history.search, ["purpose"])})
	never(unstated) == kept
}

test_a_warrant_gives_status_where_it_names_it if {
	question := example_test.searching(object.union(border, {"releases": [object.union(example_test.release, {"classes": ["immigration_status"]})]}), {"warrant": example_test.warrant})
	never(question) == kept - {"immigration_status"}
	withheld(object.union(question, {"facts": [named]})) == {[0, element_class] | some element_class in (kept - {"immigration_status"})}
}

test_what_an_agency_is_stands_in_the_directory if {
	every said in [true, "no"] {
		left_out := data.law.california.never with input as sheriff
			with data.agencies.TX9990000.immigration_authority as said
			with data.law.california.status_kept as ["immigration_status"]
		left_out == kept
	}
}

test_status_where_counsel_wants_it_exchanged if {
	without := data.law.california.never with input as border with data.law.california.status_kept as []
	without == kept - {"immigration_status"}
	entries := data.law.california.withhold with input as example_test.finding(border, {}) with data.law.california.status_kept as []
	{entry[1] | some entry in entries} == kept - {"immigration_status"}
}

held(ori) := found if {
	listed := data.law.california.held with input as {"self": ori}
		with data.law.california.status_kept as ["immigration_status"]
	found := {element_class | some element_class in listed}
}

test_the_list_of_agencies_says_so if {
	held("USBPX9900") == kept
	held("TX9990000") == set()
	held("XX0000000") == kept
	without := data.law.california.held with input as {} with data.law.california.status_kept as []
	without == ["contact", "location", "release_date"]
}

# The whole decisions, under an agreement that shares all of it.
shared_with_border(purposes, record_types) := object.union(data.sallyport.example.agreements, {"CA9990000": {"USBPX9900": {"mou-2026-03": {"shares": {"CA9990000": [{
	"purposes": purposes,
	"record_types": record_types,
	"granularity": "record",
	"freshness_minutes": {},
	"handling": {"keep_days": 30, "onward_sharing": "none"},
	"classes": {element_class: "give" | some element_class, _ in data.sallyport.vocabulary.classes},
}]}}}}})

inspector := example_test.asked_by(inspecting(border), {"unit_function": "border_patrol"})

at_the_door(question, purposes) := decision if {
	papers := shared_with_border(purposes, ["person", "warrant"])
	decision := data.sallyport.answer.decision with input as question
		with data.agreements as papers
		with data.law.california.status_kept as ["immigration_status"]
		with data.law.california.public_record_types as []
		with data.local.never_classes as []
		with data.local.hidden_types as []
		with data.local.limits as {"max_matches": 100}
}

of_the_records(question, purposes) := decision if {
	papers := shared_with_border(purposes, ["person", "warrant"])
	decision := data.sallyport.release.decision with input as question
		with data.agreements as papers
		with data.law.california.status_kept as ["immigration_status"]
		with data.law.california.public_record_types as []
		with data.local.never_classes as []
		with data.local.hidden_types as []
		with data.local.limits as {"max_matches": 100}
}

test_the_decisions_on_an_inspection if {
	door := at_the_door(inspector, ["border_inspection"])
	door.allow == true
	kept - {element_class | some element_class in door.classes_never_shared} == set()
	of_records := of_the_records(example_test.finding(inspector, {"record_type": "warrant"}), ["border_inspection"])
	some action in of_records.actions
	action.show == "record"
	action.classes.identity == "give"
	action.classes.order == "give"
	kept & object.keys(action.classes) == set()
}

test_the_decisions_on_a_crime if {
	of_records := of_the_records(example_test.finding(border, {"record_type": "warrant"}), ["criminal_investigation"])
	some action in of_records.actions
	action.show == "record"
	kept & object.keys(action.classes) == set()
	{"identity", "order", "order_status"} - object.keys(action.classes) == set()
}

test_what_is_public_may_be_had if {
	codes(civil) == {"ca.values_act.purpose"}
	denied := data.law.california.deny with input as civil with data.law.california.public_record_types as ["person", "warrant"]
	denied == set()
	left_out := data.law.california.never with input as civil with data.law.california.public_record_types as ["person", "warrant"]
	left_out == set()
	more := data.law.california.deny with input as civil with data.law.california.public_record_types as ["person"]
	{reason.code | some reason in more} == {"ca.values_act.purpose"}
	one := data.law.california.deny with input as example_test.searching(civil, {"record_types": ["person"]})
		with data.law.california.public_record_types as ["person"]
	one == set()
	every odd in [[], {"a": "person"}, "person"] {
		none := data.law.california.deny with input as example_test.searching(civil, {"record_types": odd})
			with data.law.california.public_record_types as ["person", "warrant"]
		{reason.code | some reason in none} == {"ca.values_act.purpose"}
	}
}

# -- a judicial warrant

holding := example_test.searching(removal, {"warrant": example_test.warrant})

released := object.union(holding, {"releases": [example_test.release]})

named := object.union(example_test.fact, {"released_under": ["rel_1"]})

test_a_warrant_alone_is_a_claim if codes(holding) == {"ca.values_act.function"}

test_a_warrant_that_a_person_released_on if {
	codes(released) == set()
	codes(example_test.searching(released, {"purpose": "civil_immigration"})) == set()
}

test_a_boolean_is_no_warrant if {
	every claim in [true, "yes", {}, {"court": true, "number": true, "person": true, "document": true}, null] {
		question := object.union(removal, {"search": {"warrant": claim}, "releases": [example_test.release]})
		codes(question) == {"ca.values_act.function"}
	}
}

changed(changes) := object.union(holding, {"releases": [object.union(example_test.release, changes)]})

test_the_release_is_for_this_warrant_this_agency_and_this_time if {
	every part in ["court", "number", "person", "document"] {
		codes(changed({"warrant": {part: "another"}})) == {"ca.values_act.function"}
		codes(example_test.searching(released, {"warrant": {part: "another"}})) == {"ca.values_act.function"}
	}
	codes(changed({"asker": "TX9990000"})) == {"ca.values_act.function"}
	codes(changed({"basis": "consent"})) == {"ca.values_act.function"}
	codes(changed({"until": "2026-11-23T20:46:10Z"})) == {"ca.values_act.function"}
	codes(changed({"until": "2026-11-23T20:46:11Z"})) == set()
}

test_of_the_person_that_it_names_alone if {
	question := object.union(released, {"facts": [named, example_test.fact]})
	entries := data.law.california.hide with input as question
	entries == {[1, "ca.values_act.named_person"]}
	hidden(object.union(released, {"facts": [object.union(named, {"released_under": ["rel_2"]})]})) == {"ca.values_act.named_person"}
	hidden(object.union(holding, {"facts": [named]})) == {"ca.values_act.named_person"}
}

test_the_classes_that_it_names_alone if {
	never(released) == all_classes - {"identity", "contact", "release_date"}
	never(changed({"classes": ["identity"]})) == all_classes - {"identity"}
}

withheld(question) := found if {
	entries := data.law.california.withhold with input as question
		with data.law.california.status_kept as ["immigration_status"]
	found := {[entry[0], entry[1]] | some entry in entries; entry[2] == "ca.values_act.classes_of_record"}
}

warranted_classes := {"identity", "contact", "release_date"}

other_release := object.union(example_test.release, {"id": "rel_2", "classes": ["photo", "identity"]})

test_the_classes_of_one_release_are_not_lent_to_the_record_of_another if {
	question := object.union(released, {
		"releases": [example_test.release, other_release],
		"facts": [named, object.union(example_test.fact, {"released_under": ["rel_2"]}), example_test.fact],
	})
	first := {[0, element_class] | some element_class in (all_classes - warranted_classes)}
	second := {[1, element_class] | some element_class in (all_classes - {"photo", "identity"})}
	withheld(question) == (first | second) | {[2, element_class] | some element_class in all_classes}
}

test_a_warrant_lends_no_addresses_to_other_records_of_a_task_force if {
	question := object.union(task_force, {
		"search": object.union(task_force.search, {"warrant": example_test.warrant}),
		"releases": [example_test.release],
		"facts": [named, example_test.fact],
	})
	never(question) == {"location", "immigration_status"}
	withheld(question) == {[0, "location"], [0, "immigration_status"]} | {[1, element_class] | some element_class in kept}
}

sheriff := example_test.asked_by(border, {"ori": "TX9990000"})

test_a_warrant_limits_nothing_that_needs_none if {
	question := object.union(sheriff, {"releases": [object.union(example_test.release, {"asker": "TX9990000"})], "search": {"warrant": example_test.warrant}})
	never(question) == set()
	hidden(object.union(question, {"facts": [example_test.fact]})) == set()
	withheld(object.union(question, {"facts": [example_test.fact]})) == set()
}

test_at_the_first_door_a_warrant_is_shown if {
	agent := object.union(
		example_test.searching(example_test.asking, {"warrant": example_test.warrant}),
		{"self": "USBPX9900", "officer": {"unit": "Removal", "unit_function": "civil_enforcement"}},
	)
	codes(agent) == set()
	every part in ["court", "number", "person", "document"] {
		codes(example_test.searching(agent, {"warrant": {part: null}})) == {"ca.values_act.function"}
	}
	"ca.values_act.function" in codes(object.union(agent, {"asker": removal.asker}))
}

# -- notifications

notice := example_test.searching(civil, {"reason_code": "release_notification"})

notified(question) := found if {
	denied := data.law.california.deny with input as question with data.law.california.notifications.enabled as true
	found := {reason.code | some reason in denied}
}

test_notifications_are_off if {
	denied := data.law.california.deny with input as notice with data.law.california.notifications.enabled as false
	{reason.code | some reason in denied} == {"ca.values_act.purpose"}
}

test_a_notification_once_it_is_on if {
	notified(notice) == set()
	notified(example_test.asked_by(notice, {"unit_function": "civil_enforcement"})) == set()
	notified(example_test.searching(notice, {"reason_code": "robbery"})) == {"ca.values_act.purpose"}
	notified(example_test.searching(notice, {"subject": {"kind": "vehicle"}})) == {"ca.values_act.purpose"}
	notified(example_test.asked_by(notice, {"ori": "TX9990000"})) == {"ca.values_act.purpose"}
}

test_a_notification_is_of_qualifying_convictions_and_the_date_alone if {
	question := object.union(notice, {"facts": [
		object.union(example_test.fact, {"qualifying_conviction": true}),
		object.union(example_test.fact, {"qualifying_conviction": false}),
		object.union(example_test.fact, {"qualifying_conviction": "yes"}),
		example_test.fact,
	]})
	entries := data.law.california.hide with input as question with data.law.california.notifications.enabled as true
	entries == {[place, "ca.values_act.named_person"] | some place in [1, 2, 3]}
	left_out := data.law.california.never with input as question with data.law.california.notifications.enabled as true
	left_out == all_classes - {"identity", "release_date", "handling"}
	of_records := data.law.california.withhold with input as question with data.law.california.notifications.enabled as true
	of_first := {entry[1] | some entry in of_records; entry[0] == 0}
	of_first == all_classes - {"identity", "release_date", "handling"}
	of_others := {entry[1] | some entry in of_records; entry[0] == 3}
	of_others == all_classes
}

# Federal rules that keep everything but the status leave it what this law lets it give.
test_a_notification_is_given_for_civil_enforcement_too if {
	question := object.union(notice, {"facts": [
		object.union(example_test.fact, {"record_type": "booking", "qualifying_conviction": true}),
		object.union(example_test.fact, {"record_type": "booking"}),
	]})
	kept := data.law.federal.never with input as question with data.law.california.notifications.enabled as true
	not "release_date" in kept
	"contact" in kept
	hides := data.law.federal.hide with input as question with data.law.california.notifications.enabled as true
	some_hidden := {entry[0] | some entry in hides; entry[1] == "immigration_status.no_other_records"}
	some_hidden == {1}
	off := data.law.california.permits with input as question with data.law.california.notifications.enabled as false
	off == {"classes": set(), "records": set()}
	on := data.law.california.permits with input as question with data.law.california.notifications.enabled as true
	on.classes == {"identity", "release_date", "handling"}
	on.records == {[0, element_class] | some element_class in on.classes}
}

test_what_is_public_is_given_for_civil_enforcement_too if {
	question := object.union(example_test.searching(civil, {"record_types": ["booking"]}), {"facts": [
		object.union(example_test.fact, {"record_type": "booking"}),
		object.union(example_test.fact, {"record_type": "booking"}),
	]})
	on := data.law.california.permits with input as question with data.law.california.public_record_types as ["booking"]
	on == {"classes": all_classes, "records": {[place, element_class] | some place in [0, 1]; some element_class in all_classes}}
	off := data.law.california.permits with input as question with data.law.california.public_record_types as ["warrant"]
	off == {"classes": set(), "records": set()}
	hides := data.law.federal.hide with input as question with data.law.california.public_record_types as ["booking"]
	{entry | some entry in hides; entry[1] == "immigration_status.no_other_records"} == set()
}

test_a_conviction_is_no_reason_without_a_notification if {
	convicted := object.union(example_test.fact, {"qualifying_conviction": true})
	hidden(object.union(removal, {"facts": [convicted]})) == {"ca.values_act.named_person"}
	withheld(object.union(removal, {"facts": [convicted]})) == {[0, element_class] | some element_class in all_classes}
}

test_what_needs_no_exception_hides_nothing if {
	every question in [border, task_force] {
		hidden(example_test.finding(question, {})) == set()
	}
}

test_no_hold_requests_are_asked_for if {
	asking(example_test.searching(example_test.asking, {"record_types": ["civil_warrant"]})) == {"ca.values_act.holds"}
	asking(example_test.searching(example_test.asking, {"record_types": ["warrant"]})) == set()
}

test_the_list_of_agencies_leaves_it_out if data.law.california.bars == {"civil_immigration"}

test_abortion if {
	inquiry := {"reason_code": "abortion"}
	codes(example_test.searching(border, inquiry)) == {"ca.abortion"}
	codes(example_test.searching(border, {"reason_code": "reproductive_care"})) == {"ca.abortion"}
	codes(example_test.searching(example_test.asked_by(border, {"ori": "CA9990000"}), inquiry)) == set()
	codes(example_test.searching(border, {"reason_code": null})) == {"ca.abortion"}
}

test_records_of_a_lawful_abortion_stay_in_the_state if {
	every mark in [true, "yes", null] {
		hidden(example_test.finding(border, {"reproductive_care": mark})) == {"ca.abortion_record"}
	}
	hidden(example_test.finding(border, {"reproductive_care": false})) == set()
	own := example_test.asked_by(border, {"ori": "CA9990000"})
	hidden(example_test.finding(own, {"reproductive_care": true})) == set()
}

test_plate_readers_records_stay_in_the_state if {
	read := {"source_kind": "plate_reader"}
	hidden(example_test.finding(border, read)) == {"ca.plate_readers"}
	hidden(example_test.finding(example_test.asked_by(border, {"ori": "TX9990000"}), read)) == {"ca.plate_readers"}
	hidden(example_test.finding(example_test.asked_by(border, {"ori": "CA9990000"}), read)) == set()
	hidden(example_test.finding(border, {"source_kind": "street"})) == {"ca.plate_readers"}
	hidden(example_test.finding(border, {"source_kind": "motor_vehicle_department"})) == set()
	hidden(example_test.finding(border, {"source_kind": "own"})) == set()
}

juvenile := {"juvenile": true}

test_juveniles_for_those_who_investigate if {
	texas := example_test.asked_by(border, {"ori": "TX9990000"})
	hidden(example_test.finding(texas, juvenile)) == set()
	hidden(example_test.finding(example_test.searching(texas, {"purpose": "employment"}), juvenile)) == {"ca.juvenile"}
	hidden(example_test.finding(example_test.searching(texas, {"purpose": "employment"}), {"age_at_offense": 17})) == {"ca.juvenile"}
	hidden(example_test.finding(example_test.searching(texas, {"purpose": "employment"}), {"age_at_offense": 18})) == set()
}

test_juveniles_not_to_federal_agencies if {
	hidden(example_test.finding(border, juvenile)) == {"ca.juvenile_federal"}
	hidden(example_test.finding(border, {"age_at_offense": 17})) == {"ca.juvenile_federal"}
	hidden(example_test.finding(border, {"age_at_offense": 18})) == set()
	hidden(example_test.finding(border, {})) == set()
	hidden(example_test.finding(example_test.asked_by(border, {"ori": "XX0000000"}), juvenile)) == {"ca.juvenile_federal", "ca.juvenile"}
}

of_juvenile(record_type) := object.union(juvenile, {"record_type": record_type})

test_missing_children_and_juveniles_warrants_are_found_by_federal_agencies_too if {
	every purpose in ["missing_person", "border_inspection", "traffic_stop", "criminal_investigation"] {
		asked := example_test.searching(border, {"purpose": purpose})
		hidden(example_test.finding(asked, of_juvenile("missing_person"))) == set()
		hidden(example_test.finding(asked, of_juvenile("warrant"))) == set()
		"ca.juvenile_federal" in hidden(example_test.finding(asked, of_juvenile("arrest")))
	}
	hidden(example_test.finding(example_test.searching(border, {"purpose": "missing_person"}), juvenile)) == set()
	inspected := example_test.searching(border, {"purpose": "border_inspection"})
	"ca.juvenile_federal" in hidden(example_test.finding(inspected, juvenile))
	every purpose in ["employment", "licensing", "firearms", "audit", "curiosity"] {
		asked := example_test.searching(border, {"purpose": purpose})
		{"ca.juvenile_federal", "ca.juvenile"} - hidden(example_test.finding(asked, of_juvenile("missing_person"))) == set()
	}
	other := example_test.asked_by(border, {"ori": "XX0000000"})
	"ca.juvenile_federal" in hidden(example_test.finding(other, of_juvenile("missing_person")))
	"ca.juvenile_federal" in hidden({"facts": [{"record_type": "missing_person"}]})
}

test_on_an_order_of_the_juvenile_court if {
	order := object.union(example_test.release, {"basis": "court_order"})
	ordered := object.union(border, {"releases": [order], "facts": [object.union(named, juvenile)]})
	hidden(ordered) == set()
	hidden(object.union(ordered, {"releases": [example_test.release]})) == {"ca.juvenile_federal"}
	hidden(object.union(ordered, {"facts": [object.union(example_test.fact, juvenile)]})) == {"ca.juvenile_federal"}
}

by_order(question) := found if {
	entries := data.law.california.withhold with input as question
	found := {entry[1] | some entry in entries; entry[2] == "ca.juvenile_order"}
}

test_an_order_gives_the_classes_that_it_names if {
	order := object.union(example_test.release, {"basis": "court_order"})
	ordered := object.union(border, {"releases": [order], "facts": [object.union(named, juvenile)]})
	by_order(ordered) == all_classes - warranted_classes
	by_order(example_test.asked_by(ordered, {"ori": "TX9990000"})) == set()
	by_order(object.union(ordered, {"facts": [object.union(named, {"juvenile": false})]})) == set()
	sought := object.union(of_juvenile("missing_person"), {"released_under": ["rel_1"]})
	by_order(example_test.searching(object.union(ordered, {"facts": [object.union(example_test.fact, sought)]}), {"purpose": "missing_person"})) == set()
}

test_an_empty_fact_is_hidden if {
	hidden({"facts": [{}]}) == {"ca.juvenile_federal", "ca.juvenile", "ca.plate_readers", "ca.values_act.named_person"}
}

test_sealed_for_californian_investigators if {
	own := example_test.asked_by(border, {"ori": "CA9990000"})
	data.law.california.sealed_may_be_seen with input as own
	not data.law.california.sealed_may_be_seen with input as border
	not data.law.california.sealed_may_be_seen with input as example_test.searching(own, {"purpose": "employment"})
	not data.law.california.sealed_may_be_seen with input as {}
	not data.law.california.sealed_may_be_seen with input as own with data.agencies.CA9990000.criminal_justice as false
}

test_addresses_from_the_motor_vehicle_department if {
	from_there := data.law.california.withhold with input as example_test.finding(sheriff, {"source_kind": "motor_vehicle_department"})
	from_there == {[0, "contact", "ca.dmv_address"]}
	own := data.law.california.withhold with input as example_test.finding(sheriff, {})
	own == set()
	read := data.law.california.withhold with input as example_test.finding(sheriff, {"source_kind": "plate_reader"})
	read == set()
	unsaid := data.law.california.withhold with input as {"facts": [{}]}
	[0, "contact", "ca.dmv_address"] in unsaid
	unusual := data.law.california.withhold with input as example_test.finding(sheriff, {"age_at_offense": 30})
	unusual == set()
}
