package law.immigration_test

import data.sallyport.example_test

codes(question) := found if {
	denied := data.law.federal.deny with input as question
	found := {reason.code | some reason in denied}
}

hidden(question) := found if {
	entries := data.law.federal.hide with input as question
	found := {entry[1] | some entry in entries}
}

never(question) := found if found := data.law.federal.never with input as question

by_border := example_test.texas_asked_by_border

inspection := example_test.searching(by_border, {"purpose": "border_inspection"})

civil := example_test.searching(by_border, {"purpose": "civil_immigration"})

civil_warrants := {"record_types": ["person", "civil_warrant"]}

test_civil_warrants_for_those_who_may_act if codes(example_test.searching(inspection, civil_warrants)) == set()

test_civil_warrants_not_for_a_sheriff if {
	codes(example_test.searching(example_test.border_asked_by_texas, civil_warrants)) == {"civil_warrant.may_not_act"}
}

test_civil_warrants_not_for_another_purpose if {
	codes(example_test.searching(by_border, civil_warrants)) == {"civil_warrant.may_not_act"}
}

test_civil_warrants_not_for_unknown_agencies if {
	codes({"search": civil_warrants}) == {"civil_warrant.may_not_act"}
}

test_other_record_types_need_nothing if codes(example_test.border_asked_by_texas) == set()

not_a_victim(changes) := object.union({"victim_applicant": false}, changes)

test_a_civil_warrant_is_never_a_hit_for_others if {
	civil_warrant := not_a_victim({"record_type": "civil_warrant"})
	hidden(example_test.finding(example_test.border_asked_by_texas, civil_warrant)) == {"civil_warrant.not_shown"}
	hidden(example_test.finding(by_border, civil_warrant)) == {"civil_warrant.not_shown"}
	hidden(example_test.finding(inspection, civil_warrant)) == set()
	hidden(example_test.finding(civil, civil_warrant)) == set()
}

by_value(question) := found if found := data.law.federal.hide_values with input as question

administrative := {"scr:WarrantCategoryCode": ["Arrest", "Deportation"]}

test_a_civil_warrant_is_none_whatever_type_it_has if {
	by_value(example_test.border_asked_by_texas) == administrative
	by_value(by_border) == administrative
	by_value({}) == administrative
	by_value(inspection) == {}
	by_value(civil) == {}
	by_value(example_test.searching(example_test.asked, {"purpose": "civil_immigration"})) == administrative
}

test_values_of_another_kind_hide_nothing_here if {
	others := data.law.federal.hide_values with input as by_border
		with data.sallyport.vocabulary.treated_as_by_value as {"nc:X": {"y": "wanted"}, "nc:Z": {"y": "wanted", "z": "civil"}}
	others == {"nc:Z": ["z"]}
}

test_status_not_to_a_sheriff if "immigration_status" in never(example_test.asked)

test_status_not_for_a_crime if "immigration_status" in never(by_border)

test_status_not_to_nobody if "immigration_status" in never({})

test_status_to_the_authority if {
	not "immigration_status" in never(inspection)
	not "immigration_status" in never(civil)
}

test_the_authority_verifies_a_status_for_a_government if {
	verifying := example_test.searching(example_test.border_asked_by_texas, {"purpose": "employment"})
	not "immigration_status" in never(verifying)
	not "immigration_status" in never(example_test.border_asked_by_texas)
	"immigration_status" in never(example_test.searching(verifying, {"purpose": "traffic_stop"}))
	private := data.law.federal.never with input as verifying with data.agencies.TX9990000.government as false
	"immigration_status" in private
	between_states := example_test.searching(example_test.asked, {"purpose": "employment"})
	"immigration_status" in never(between_states)
}

test_status_to_its_own_officers if {
	own := object.union(example_test.asked, {"self": "USBPX9900", "asker": {"ori": "USBPX9900"}})
	not "immigration_status" in never(own)
}

test_for_civil_enforcement_the_status_alone if {
	left_out := never(civil)
	every element_class in ["contact", "location", "order", "order_status", "incident", "photo", "safety", "vehicle"] {
		element_class in left_out
	}
	not "identity" in left_out
}

needs(question) := found if found := data.law.federal.only_with with input as question

test_for_civil_enforcement_only_who_has_a_status if {
	two := object.union(civil, {"facts": [{}, {}]})
	needs(two) == {[0, "immigration_status"], [1, "immigration_status"]}
}

test_no_status_is_needed_for_another_purpose_nor_by_its_own if {
	facts := {"facts": [{}, {}]}
	needs(object.union(by_border, facts)) == set()
	needs(object.union(civil, {"self": "USBPX9900", "facts": [{}]})) == set()
	needs(civil) == set()
}

# What the owner's own law lets it give beside the status, of the records that it says it of.
test_what_the_owners_law_gives_goes_beside_the_status if {
	two := object.union(civil, {"facts": [{"record_type": "incident"}, {"record_type": "incident"}]})
	own := {"texas": {"classes": {"photo", "contact"}, "records": {[1, "photo"]}}}
	left_out := data.law.federal.never with input as two with data.sallyport.law.owner_permits as own
	never(two) - left_out == {"photo", "contact"}
	hides := data.law.federal.hide with input as two with data.sallyport.law.owner_permits as own
	{entry | some entry in hides; entry[1] in other_records} == {[0, "immigration_status.no_other_records"]}
	needed := data.law.federal.only_with with input as two with data.sallyport.law.owner_permits as own
	needed == {[0, "immigration_status"]}
	withheld_of := data.law.federal.withhold with input as two with data.sallyport.law.owner_permits as own
	of_each := [{entry[1] | some entry in withheld_of; entry[0] == place; entry[2] == "immigration_status.warrant"} | some place in [0, 1]]
	of_each[0] - of_each[1] == {"photo"}
	of_each[1] - of_each[0] == set()
	none := data.law.federal.never with input as two with data.sallyport.law.owner_permits as {"california": own.texas}
	none == never(two)
}

test_for_crimes_the_rest_as_well if not "contact" in never(by_border)

test_own_officers_are_not_limited_to_the_status if {
	own := object.union(civil, {"self": "USBPX9900"})
	not "contact" in never(own)
}

test_a_status_has_no_criminal_history_with_it if {
	data.law.federal.status_classes == ["identity", "identifier", "immigration_status", "handling"]
	classes := data.sallyport.vocabulary.classes
	never(civil) & object.keys(classes) == object.keys(classes) - {"identity", "identifier", "immigration_status", "handling"}
}

other_records := {"immigration_status.no_other_records"}

test_for_civil_enforcement_no_sign_of_other_records if {
	told := {"person", "civil_warrant", "crossing", "travel_document"}
	every record_type in object.keys(data.sallyport.vocabulary.record_types) - told {
		other_records - hidden(example_test.finding(civil, {"record_type": record_type})) == set()
	}
	every record_type in told {
		other_records & hidden(example_test.finding(civil, {"record_type": record_type})) == set()
	}
	other_records - hidden(example_test.finding(civil, {"record_type": "unknown"})) == set()
	other_records - hidden(object.union(civil, {"facts": [{}]})) == set()
}

test_other_records_for_another_purpose_to_its_own_and_by_a_warrant if {
	incident := {"record_type": "incident"}
	other_records & hidden(example_test.finding(by_border, incident)) == set()
	other_records & hidden(example_test.finding({}, incident)) == set()
	own := object.union(civil, {"self": "USBPX9900"})
	other_records & hidden(example_test.finding(own, incident)) == set()
	warranted := object.union(
		example_test.searching(civil, {"warrant": example_test.warrant}),
		{"releases": [example_test.release]},
	)
	hidden(example_test.finding(warranted, object.union(incident, {"released_under": ["rel_1"]}))) == set()
	hidden(example_test.finding(warranted, incident)) == other_records
	needs(example_test.finding(warranted, object.union(incident, {"released_under": ["rel_1"]}))) == set()
	needs(example_test.finding(warranted, incident)) == {[0, "immigration_status"]}
}

test_a_judicial_warrant_gives_what_it_names if {
	warranted := object.union(
		example_test.searching(civil, {"warrant": example_test.warrant}),
		{"releases": [example_test.release]},
	)
	left_out := never(warranted)
	not "contact" in left_out
	not "release_date" in left_out
	"photo" in left_out
}

of_record(question, rule) := found if {
	entries := data.law.federal.withhold with input as question
	found := {[entry[0], entry[1]] | some entry in entries; entry[2] == rule}
}

every_class := object.keys(data.sallyport.vocabulary.classes)

with_status := {"identity", "identifier", "immigration_status", "handling"}

test_a_judicial_warrant_lends_nothing_to_records_that_it_does_not_name if {
	question := object.union(
		example_test.searching(civil, {"warrant": example_test.warrant}),
		{"releases": [example_test.release], "facts": [
			object.union(example_test.fact, {"released_under": ["rel_1"]}),
			object.union(example_test.fact, {"record_type": "incident", "released_under": ["rel_1"]}),
			example_test.fact,
		]},
	)
	named := {"identity", "contact", "release_date"}
	first := {[0, element_class] | some element_class in (every_class - (named | with_status))}
	second := {[1, element_class] | some element_class in (every_class - named)}
	third := {[2, element_class] | some element_class in (every_class - with_status)}
	of_record(question, "immigration_status.warrant") == (first | second) | third
	of_record(object.union(question, {"self": "USBPX9900"}), "immigration_status.warrant") == set()
	of_record(example_test.searching(question, {"purpose": "criminal_investigation"}), "immigration_status.warrant") == set()
}

test_1367_gives_the_classes_that_the_release_names if {
	named := {"identity", "contact", "release_date"}
	all_but := {[0, element_class] | some element_class in (every_class - named)}
	rule := "immigration_victims.classes"
	waived := disclosed("waiver", "TX9990000", "employment")
	of_record(waived, rule) == all_but
	of_record(disclosed("law_enforcement_discretion", "TX9990000", "criminal_investigation"), rule) == all_but
	of_record(disclosed("law_enforcement_discretion", "TX9990000", "employment"), rule) == {[0, element_class] | some element_class in every_class}
	no_applicant := object.union(waived, {"facts": [object.union(example_test.fact, {"victim_applicant": false, "released_under": ["rel_1"]})]})
	of_record(no_applicant, rule) == set()
	of_record(object.union(waived, {"self": "CA9990000"}), rule) == set()
	of_record(example_test.asked_by(waived, {"ori": "USBPX9900"}), rule) == set()
}

test_1367_keeps_victims_of_an_authority if {
	"victim" in never(example_test.border_asked_by_texas)
	"victim" in never({})
	not "victim" in never(example_test.asked)
	own := object.union(example_test.asked, {"self": "USBPX9900", "asker": {"ori": "USBPX9900"}})
	not "victim" in never(own)
}

about_a_victim(question) := example_test.finding(question, {"victim_applicant": true})

test_1367_hides_applicants if {
	hidden(about_a_victim(example_test.border_asked_by_texas)) == {"immigration_victims.1367"}
	hidden(example_test.finding(example_test.border_asked_by_texas, {"victim_applicant": false})) == set()
	hidden(example_test.finding(example_test.border_asked_by_texas, {"victim_applicant": null})) == {"immigration_victims.1367"}
	hidden(example_test.finding(example_test.border_asked_by_texas, {})) == {"immigration_victims.1367"}
}

test_1367_binds_the_authority_and_its_own_officers_see if {
	hidden(about_a_victim(example_test.asked)) == set()
	own := object.union(example_test.asked, {"self": "USBPX9900", "asker": {"ori": "USBPX9900"}})
	hidden(about_a_victim(own)) == set()
	"immigration_victims.1367" in hidden({"facts": [example_test.fact]})
}

disclosed(basis, asker, purpose) := object.union(
	example_test.searching(example_test.border_asked_by_texas, {"purpose": purpose}),
	{
		"releases": [object.union(example_test.release, {"basis": basis, "asker": asker})],
		"facts": [object.union(example_test.fact, {"victim_applicant": true, "released_under": ["rel_1"]})],
	},
)

test_1367_discretion_is_for_law_enforcement if {
	hidden(disclosed("law_enforcement_discretion", "TX9990000", "criminal_investigation")) == set()
	kept := {"immigration_victims.1367"}
	hidden(disclosed("law_enforcement_discretion", "TX9990000", "employment")) == kept
	hidden(disclosed("law_enforcement_discretion", "CA9990000", "criminal_investigation")) == kept
	hidden(disclosed("court_order", "TX9990000", "criminal_investigation")) == kept
	others := data.law.federal.hide with input as disclosed("law_enforcement_discretion", "TX9990000", "criminal_investigation")
		with data.agencies.TX9990000.law_enforcement as false
	{entry[1] | some entry in others} == kept
}

test_1367_waiver_is_for_whom_it_names if {
	hidden(disclosed("waiver", "TX9990000", "employment")) == set()
	hidden(disclosed("waiver", "CA9990000", "employment")) == {"immigration_victims.1367"}
	unnamed := object.union(disclosed("waiver", "TX9990000", "employment"), {"facts": [{"released_under": ["rel_2"]}]})
	"immigration_victims.1367" in hidden(unnamed)
	over := object.union(disclosed("waiver", "TX9990000", "employment"), {"now": "2026-12-24T00:00:00.00Z"})
	"immigration_victims.1367" in hidden(over)
}

test_a_civil_warrant_is_not_for_police_whatever_they_say_it_is_for if {
	police := example_test.searching(example_test.asked, {"purpose": "civil_immigration", "record_types": ["civil_warrant"]})
	codes(police) == {"civil_warrant.may_not_act"}
	hidden(example_test.finding(police, {"record_type": "civil_warrant"})) == {"civil_warrant.not_shown"}
	"immigration_status" in never(police)
}

purposes := object.keys(data.sallyport.vocabulary.purposes)

test_an_authority_may_act_on_civil_warrants_for_its_own_two_purposes_alone if {
	acting := {"civil_immigration", "border_inspection"}
	every purpose in purposes {
		seen := {"civil_warrant.may_not_act" | not purpose in acting}
		codes(example_test.searching(by_border, object.union(civil_warrants, {"purpose": purpose}))) == seen
	}
}

test_a_status_is_verified_for_what_1373_is_for_alone if {
	verified := {"criminal_investigation", "employment", "firearms", "licensing"}
	every purpose in purposes {
		left_out := {"immigration_status" | not purpose in verified}
		never(example_test.searching(example_test.border_asked_by_texas, {"purpose": purpose})) & {"immigration_status"} == left_out
	}
}
