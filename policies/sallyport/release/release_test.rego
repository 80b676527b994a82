package sallyport.release_test

import data.sallyport.example_test
import data.sallyport.vocabulary

fact := example_test.fact

found := example_test.found

actions(question) := result.actions if result := data.sallyport.release.decision with input as question with data.agreements as data.sallyport.example.agreements with data.local.never_classes as [] with data.local.hidden_types as [] with data.local.limits as {"max_matches": 100}

action(question) := actions(question)[0]

hidden(question, rule) if {
	result := action(question)
	object.remove(result, ["rules"]) == {
		"show": "none",
		"classes": {},
		"handling": {"keep_days": 0, "onward_sharing": "none"},
		"confirm": false,
		"hidden_by_value": {},
		"only_with": [],
	}
	rule in result.rules
}

shown(question) if action(question).show == "record"

for_purpose(purpose, changes) := example_test.finding(example_test.searching(found, {"purpose": purpose}), changes)

test_a_plain_record_is_shown if {
	result := action(found)
	result.show == "record"
	result.handling == {"keep_days": 30, "onward_sharing": "none", "caveat": "Confirm with the owner before acting."}
	result.rules == ["mou-2026-01"]
	result.classes.identity == "give"
	result.classes.ssn == "mask"
	not "victim" in object.keys(result.classes)
	not "immigration_status" in object.keys(result.classes)
}

# A Texas agreement that lists more for civil immigration than the status.
test_an_agreement_opens_no_more_than_the_status if {
	agreements := data.sallyport.example.agreements
	grants := [object.union(grant, {"record_types": ["person", "incident", "warrant", "case"], "classes": object.union(grant.classes, {"incident": "give", "order": "give"})}) |
		some grant in agreements.TX9990000.USBPX9900["mou-2026-02"].shares.TX9990000
	]
	more := object.union(agreements, {"TX9990000": {"USBPX9900": {"mou-2026-02": {"shares": {"TX9990000": grants}}}}})
	asked := example_test.searching(object.union(example_test.texas_asked_by_border, {"granularity": "record"}), {"purpose": "civil_immigration"})
	facts := [object.union(fact, {"record_type": kind}) | some kind in ["person", "incident", "warrant", "case"]]
	result := data.sallyport.release.decision with input as object.union(asked, {"facts": facts})
		with data.agreements as more
		with data.local.never_classes as []
		with data.local.hidden_types as []
		with data.local.limits as {"max_matches": 100}
	[acted.show | some acted in result.actions] == ["record", "none", "none", "none"]
	object.keys(result.actions[0].classes) == {"identity", "identifier", "immigration_status", "handling"}
	[acted.only_with | some acted in result.actions] == [["immigration_status"], [], [], []]
	every acted in array.slice(result.actions, 1, 4) {
		acted.rules == ["immigration_status.no_other_records"]
	}
}

# Whatever its mapping says, a record with such a value is no hit: the gateway leaves it out.
test_what_a_value_says_of_a_record_counts_too if {
	action(found).hidden_by_value == {"scr:WarrantCategoryCode": ["Arrest", "Deportation"]}
	with_law := data.sallyport.release.decision with input as found
		with data.agreements as data.sallyport.example.agreements
		with data.law.federal.hide_values as {"nc:X": ["y"]}
		with data.local.never_classes as []
		with data.local.hidden_types as []
		with data.local.limits as {"max_matches": 100}
	with_law.actions[0].hidden_by_value == {"nc:X": ["y"]}
}

# What a record has to give something of, each its own.
test_what_the_law_wants_held_is_asked_of_its_own_record_alone if {
	two := object.union(found, {"facts": [found.facts[0], found.facts[0]]})
	some_needed := data.sallyport.release.decision with input as two
		with data.agreements as data.sallyport.example.agreements
		with data.law.federal.only_with as {[1, "identity"], [1, "medical"], [0, "photo"]}
		with data.local.never_classes as []
		with data.local.hidden_types as []
		with data.local.limits as {"max_matches": 100}
	[{needed | some needed in acted.only_with} | some acted in some_needed.actions] == [{"photo"}, {"identity", "medical"}]
	action(found).only_with == []
}

test_nothing_found_gives_no_action if {
	actions(object.union(found, {"facts": []})) == []
	actions({}) == []
}

test_each_fact_has_its_action_in_order if {
	question := object.union(found, {"facts": [
		fact,
		object.union(fact, {"dissemination": "RED"}),
		object.union(fact, {"dissemination": "YELLOW"}),
		fact,
	]})
	[result.show | some result in actions(question)] == ["record", "none", "pointer", "record"]
}

test_what_is_left_out_of_one_record_stays_in_another if {
	stale := object.union(fact, {"record_type": "warrant", "stale": true})
	fresh := object.union(fact, {"record_type": "warrant"})
	of_both := actions(object.union(found, {"facts": [stale, fresh]}))
	of_both[0].rules == ["mou-2026-01", "stale.status"]
	of_both[1].rules == ["mou-2026-01"]
	not "order_status" in object.keys(of_both[0].classes)
	of_both[1].classes.order_status == "give"
}

# One test a level: each decides once for every record type, and a test has its time.
levelled(level) := [example_test.finding(question, labels) |
	entitled := example_test.asked_by(
		object.union(found, {"self": "USBPX9900", "asker": {"ori": "USBPX9900"}}),
		{"attributes": ["chri_certified", "cfr28_part23"]},
	)
	inspection := example_test.searching(entitled, {"purpose": "border_inspection"})
	some record_type, about in vocabulary.record_types
	question := {true: inspection, false: entitled}["civil" in about.treated_as]
	labels := object.union(
		example_test.intelligence,
		{"intelligence": "intelligence" in about.treated_as, "record_type": record_type, "dissemination": level},
	)
]

test_green_is_a_record_for_every_record_type if {
	count(levelled("GREEN")) == count(vocabulary.record_types)
	every question in levelled("GREEN") {
		action(question).show == "record"
	}
}

test_yellow_is_a_pointer_for_every_record_type if {
	count(levelled("YELLOW")) > 0
	every question in levelled("YELLOW") {
		action(question).show == "pointer"
	}
}

test_red_is_hidden_for_every_record_type if {
	count(levelled("RED")) > 0
	every question in levelled("RED") {
		hidden(question, "dissemination.red")
	}
}

test_a_missing_or_unknown_dissemination_hides if {
	hidden(object.union(found, {"facts": [object.remove(fact, ["dissemination"])]}), "dissemination.red")
	hidden(example_test.finding(found, {"dissemination": "BLUE"}), "dissemination.red")
}

test_each_missing_fact_hides if {
	every name, _ in fact {
		action(object.union(found, {"facts": [object.remove(fact, [name])]})).show == "none"
	}
}

test_each_unknown_fact_hides if {
	every name, _ in fact {
		action(example_test.finding(found, {name: "whatever"})).show == "none"
		action(example_test.finding(found, {name: null})).show == "none"
	}
	hidden(example_test.finding(found, {"stale": 1}), "release.unknown_fact")
	entitled := example_test.asked_by(found, {"ori": "TX9990000", "attributes": ["cfr28_part23"]})
	shown(example_test.finding(entitled, example_test.intelligence))
	hidden(example_test.finding(entitled, object.union(example_test.intelligence, {"intelligence": "yes"})), "release.unknown_fact")
}

test_a_record_type_that_is_agreed_and_that_nobody_knows_is_hidden if {
	own := example_test.finding(example_test.asked_by(found, {"ori": "TX9990000"}), {"record_type": "gossip"})
	result := data.sallyport.release.decision with input as own with data.local.own.record_types as ["person", "gossip"]
	result.actions[0].show == "none"
	"release.unknown_fact" in result.actions[0].rules
}

test_an_empty_fact_hides if hidden(object.union(found, {"facts": [{}]}), "release.unknown_fact")

test_record_types_that_are_not_agreed_are_hidden if {
	certified := example_test.asked_by(found, {"attributes": ["cfr28_part23"]})
	hidden(example_test.finding(certified, {"record_type": "intelligence", "intelligence": true}), "release.unknown_fact")
}

test_expunged_is_hidden_from_everybody if {
	every question in [found, example_test.asked_by(found, {"ori": "TX9990000"}), object.union(found, {"self": "CA9990000"})] {
		hidden(example_test.finding(question, {"disclosure": "expunged"}), "disclosure.expunged")
	}
	hidden(example_test.finding(found, {"disclosure": "whatever"}), "disclosure.expunged")
}

test_sealed_in_texas_is_hidden if {
	hidden(example_test.finding(found, {"disclosure": "sealed"}), "disclosure.sealed")
	hidden(example_test.finding(example_test.asked_by(found, {"ori": "TX9990000"}), {"disclosure": "sealed"}), "disclosure.sealed")
}

under_order(question, changes) := object.union(
	example_test.finding(question, {"disclosure": "sealed", "released_under": ["rel_1"]}),
	{"releases": [object.union(example_test.release, object.union({"basis": "court_order", "asker": "CA9990000"}, changes))]},
)

test_sealed_in_texas_is_seen_by_whom_an_order_names if {
	shown(under_order(found, {}))
	every basis in ["judicial_warrant", "consent", "waiver", "law_enforcement_discretion"] {
		hidden(under_order(found, {"basis": basis}), "disclosure.sealed")
	}
	hidden(under_order(found, {"asker": "NM9990000"}), "disclosure.sealed")
	hidden(under_order(found, {"id": "rel_2"}), "disclosure.sealed")
	hidden(under_order(found, {"until": "2026-11-23T20:46:10Z"}), "disclosure.sealed")
	hidden(object.union(under_order(found, {}), {"releases": []}), "disclosure.sealed")
	hidden(object.union(under_order(found, {}), {"self": "NM9990000"}), "disclosure.sealed")
	hidden(object.union(under_order(found, {}), {"self": "USBPX9900"}), "disclosure.sealed")
}

test_of_a_sealed_record_the_classes_that_the_order_names if {
	object.keys(action(under_order(found, {})).classes) - {"identity", "contact", "release_date"} == set()
	"identity" in object.keys(action(under_order(found, {"classes": ["identity"]})).classes)
	object.keys(action(under_order(found, {"classes": ["identity"]})).classes) == {"identity"}
	object.keys(action(under_order(found, {"classes": []})).classes) == set()
	"disclosure.sealed_classes" in action(under_order(found, {"classes": ["identity"]})).rules
	nondisclosed := object.union(under_order(found, {}), {"facts": [object.union(example_test.fact, {"disclosure": "nondisclosure", "released_under": ["rel_1"]})]})
	"photo" in object.keys(action(nondisclosed).classes)
	own := object.union(found, {"self": "CA9990000"})
	"photo" in object.keys(action(example_test.finding(own, {"disclosure": "sealed"})).classes)

	# The audience sees all of it also where no paper opens anything there.
	audience := action(example_test.finding(own, {"disclosure": "sealed"})) with data.sallyport.law.sealed_opened as {"california": {"court_order"}}
	"photo" in object.keys(audience.classes)
}

test_sealed_in_california_has_its_audience if {
	own := object.union(found, {"self": "CA9990000"})
	shown(example_test.finding(own, {"disclosure": "sealed"}))
	texas := example_test.asked_by(own, {"ori": "TX9990000"})
	hidden(example_test.finding(texas, {"disclosure": "sealed"}), "disclosure.sealed")
}

test_nondisclosure_is_seen_by_criminal_justice_alone if {
	shown(example_test.finding(found, {"disclosure": "nondisclosure"}))
	own := example_test.asked_by(found, {"ori": "TX9990000"})
	every purpose in ["employment", "licensing", "exercise", "curiosity"] {
		question := example_test.searching(own, {"purpose": purpose})
		result := action(example_test.finding(question, {"disclosure": "nondisclosure"}))
		result.show == "none"
	}
	licensing := example_test.searching(own, {"purpose": "licensing"})
	hidden(example_test.finding(licensing, {"disclosure": "nondisclosure"}), "disclosure.nondisclosure")
	shown(example_test.finding(licensing, {"age_at_offense": 30}))
	other := data.sallyport.release.decision with input as example_test.finding(found, {"disclosure": "nondisclosure"}) with data.agreements as data.sallyport.example.agreements with data.local.never_classes as [] with data.local.hidden_types as [] with data.local.limits as {"max_matches": 100}
		with data.agencies.CA9990000.criminal_justice as false
	other.actions[0].show == "none"
}

test_juveniles_answer_alike_for_employment_and_licensing if {
	own := example_test.asked_by(found, {"ori": "TX9990000"})
	shown(example_test.finding(own, {"juvenile": true}))
	every purpose in ["employment", "licensing"] {
		hidden(example_test.finding(example_test.searching(own, {"purpose": purpose}), {"juvenile": true}), "tx.juvenile")
	}
}

test_a_stale_warrant_does_not_say_that_it_is_active if {
	fresh := action(example_test.finding(found, {"record_type": "warrant"}))
	fresh.classes.order_status == "give"
	fresh.confirm == true
	stale := action(example_test.finding(found, {"record_type": "warrant", "stale": true}))
	stale.show == "record"
	not "order_status" in object.keys(stale.classes)
	stale.classes.order == "give"
	"stale.status" in stale.rules
}

test_staleness_leaves_other_records_alone if {
	person := action(example_test.finding(found, {"stale": true}))
	person.classes.order_status == "give"
	person.confirm == false
}

test_addresses_of_drivers_in_california if {
	from_there := {"source_kind": "motor_vehicle_department"}
	question := object.union(found, {"self": "CA9990000", "asker": {"ori": "TX9990000"}})
	result := action(example_test.finding(question, from_there))
	result.show == "record"
	not "contact" in object.keys(result.classes)
	result.classes.photo == "give"
	action(example_test.finding(question, {})).classes.contact == "give"
}

test_what_was_agreed_no_more_is_hidden if {
	later := object.union(found, {"now": "2029-01-01T00:00:00.00Z"})
	hidden(later, "release.unknown_fact")
	hidden(example_test.asked_by(found, {"ori": "XX0000000"}), "release.unknown_fact")
}

test_missing_search_hides if action(object.remove(found, ["search"])).show == "none"

test_local_rules_hide if {
	question := example_test.finding(found, {"record_type": "caution"})
	result := data.sallyport.release.decision with input as question with data.agreements as data.sallyport.example.agreements with data.local.never_classes as [] with data.local.limits as {"max_matches": 100} with data.local.hidden_types as ["caution"]
	result.actions[0].show == "none"
}

test_new_mexico_and_the_border_release_too if {
	bureau := object.union(found, {"self": "NM9990000", "asker": {"ori": "TX9990000"}})
	action(bureau).rules == ["mou-2026-04"]
	border := object.union(found, {"self": "USBPX9900", "asker": {"ori": "TX9990000"}})
	action(example_test.finding(border, {"victim_applicant": false})).rules == ["mou-2026-02"]
	hidden(border, "immigration_victims.1367")
}

test_an_owner_that_nobody_knows_gives_nothing if {
	hidden(object.union(found, {"self": "ZZ0000000"}), "release.unknown_owner")
}

test_a_fact_by_a_name_that_nobody_knows_hides if {
	hidden(example_test.finding(found, {"plate_readr": true}), "release.unknown_fact")
	hidden(example_test.finding(found, {"": false}), "release.unknown_fact")
	shown(example_test.finding(found, {"reproductive_care": false, "age_at_offense": 30}))
}

given_by(changes) := object.union(object.union(example_test.fact, {"received_from": "NM9990000", "onward_sharing": "none"}), changes)

onward(question, changes) := object.union(question, {"facts": [given_by(changes)]})

test_what_another_agency_gave_is_not_passed_on if {
	hidden(onward(found, {}), "onward.third_agency")
	every rule in ["none", "same_agency", "press", null] {
		hidden(onward(found, {"onward_sharing": rule}), "onward.third_agency")
	}
	unsaid := object.remove(given_by({}), ["onward_sharing"])
	hidden(object.union(found, {"facts": [unsaid]}), "onward.third_agency")
	hidden(onward(found, {"received_from": null}), "onward.third_agency")
	hidden(onward(found, {"received_from": true}), "onward.third_agency")
}

test_an_agencys_own_records_are_from_nobody if {
	shown(onward(found, {"received_from": ""}))
}

test_what_another_agency_gave_goes_back_to_it_and_to_own_officers if {
	shown(onward(example_test.asked_by(found, {"ori": "NM9990000"}), {}))
	shown(onward(example_test.asked_by(found, {"ori": "TX9990000"}), {}))
}

test_what_may_be_passed_on_goes_to_criminal_justice if {
	passed := {"onward_sharing": "criminal_justice"}
	shown(onward(found, passed))
	own_licensing := example_test.searching(onward(found, passed), {"purpose": "exercise"})
	hidden(own_licensing, "onward.third_agency")
}

test_pointer_count_and_nothing_are_agreed_by_class if {
	own := example_test.asked_by(found, {"ori": "TX9990000"})
	result := data.sallyport.release.decision with input as own
		with data.local.own.classes as {"photo": "count", "medical": "pointer", "ssn": "nothing", "identity": "give"}
	classes := result.actions[0].classes
	[classes.photo, classes.medical, classes.identity] == ["count", "pointer", "give"]
	not "ssn" in object.keys(classes)
}

from_motor_vehicles := {"source_kind": "motor_vehicle_department"}

test_the_laws_words_stand_after_what_was_agreed if {
	condition := data.law.federal.redisclosure_caveat
	of_both := actions(object.union(found, {"facts": [object.union(fact, from_motor_vehicles), fact]}))
	of_both[0].handling == {
		"keep_days": 30,
		"onward_sharing": "none",
		"caveat": concat(" ", ["Confirm with the owner before acting.", condition]),
	}
	of_both[1].handling == {"keep_days": 30, "onward_sharing": "none", "caveat": "Confirm with the owner before acting."}
	own := example_test.asked_by(found, {"ori": "TX9990000"})
	every agreed in [{}, {"caveat": null}] {
		handling := object.union({"keep_days": 5, "onward_sharing": "none"}, agreed)
		result := data.sallyport.release.decision with input as example_test.finding(own, from_motor_vehicles)
			with data.local.own as object.union(object.remove(data.local.own, ["handling"]), {"handling": handling})
		result.actions[0].handling == {"keep_days": 5, "onward_sharing": "none", "caveat": condition}
	}
}

test_without_the_laws_part_of_what_to_leave_out_nothing_is_decided if {
	count(decided(found, {"texas": set()}).actions) == 1
	decided(found, {}).actions == []
}

decided(question, owner_withhold) := result if {
	result := data.sallyport.release.decision with input as question
		with data.agreements as data.sallyport.example.agreements
		with data.sallyport.law.owner_withhold as owner_withhold
		with data.local.never_classes as []
		with data.local.hidden_types as []
}

# As many as an input can hold: what is said of each stays with it.
test_each_of_many_has_its_own_action if {
	facts := [object.union(fact, {"dissemination": ["GREEN", "YELLOW", "RED"][n % 3]}) | some n in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]
	result := decided(object.union(found, {"facts": facts}), {"texas": {[4, "contact", "test.four"], [4, "photo", "test.too"], [7, "contact", "test.four"]}})
	[one.show | some one in result.actions] == [["record", "pointer", "none"][n % 3] | some n in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]
	{place: array.slice(one.rules, 1, 9) | some place, one in result.actions; one.show == "pointer"} == {
		1: [], 4: ["test.four", "test.too"], 7: ["test.four"], 10: [],
	}
	{place | some place, one in result.actions; one.show != "none"; not one.classes.contact} == {4, 7}
}
