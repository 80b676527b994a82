package sallyport.agreement_test

import data.sallyport.example_test

asked := example_test.asked

between(question, owner, asker) := result if {
	result := data.sallyport.agreement.between(owner, asker) with input as question with data.agreements as data.sallyport.example.agreements
}

refused(question, owner, asker) := between(question, owner, asker).refused.code

# One agreement between Calloway County and Port Serena, changed as the test needs it.
with_one(question, changes) := result if {
	result := data.sallyport.agreement.between("TX9990000", "CA9990000") with input as question with data.agreements as {"CA9990000": {"TX9990000": {"made": made(changes)}}}
}

made(changes) := object.union(
	{
		"id": "made",
		"version": 1,
		"digest": example_test.agreed,
		"citation": "Made s.1",
		"status": "in_force",
		"limited": false,
		"limits": {"hours": null, "cases": null, "roster": null},
		"valid": {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"},
		"shares": {"TX9990000": [{"purposes": ["criminal_investigation"], "record_types": ["vehicle"]}]},
	},
	changes,
)

limited(limits) := {"limited": true, "limits": limits}

test_an_agreement_gives_its_grant if {
	deal := between(asked, "TX9990000", "CA9990000")
	deal.paper.id == "mou-2026-01"
	"person" in deal.grant.record_types
}

test_either_order_of_the_parties if {
	between(asked, "CA9990000", "TX9990000").paper.id == "mou-2026-01"
	between(asked, "NM9990000", "TX9990000").paper.id == "mou-2026-04"
}

test_no_agreement if refused(asked, "TX9990000", "XX0000000") == "agreement.none"

test_no_agreement_with_nobody if refused(asked, "TX9990000", null) == "agreement.none"

test_nothing_is_agreed_where_there_are_no_agreements if {
	result := data.sallyport.agreement.between("TX9990000", "CA9990000") with input as asked with data.agreements as {}
	result.refused.code == "agreement.none"
}

test_expired if {
	refused(asked, "NM9990000", "USBPX9900") == "agreement.expired"
	before := object.union(asked, {"now": "2026-10-31T23:59:59.99Z"})
	between(before, "NM9990000", "USBPX9900").paper.id == "mou-2024-11"
	at_the_end := object.union(asked, {"now": "2026-11-01T00:00:00.00Z"})
	refused(at_the_end, "NM9990000", "USBPX9900") == "agreement.expired"
}

test_expired_tells_its_paper if {
	between(asked, "NM9990000", "USBPX9900").refused.citation == "MOU-2024-11 s.1"
}

test_not_begun if {
	early := object.union(asked, {"now": "2025-12-31T23:59:59.99Z"})
	refused(early, "TX9990000", "CA9990000") == "agreement.expired"
	begins := object.union(asked, {"now": "2026-01-01T00:00:00.00Z"})
	between(begins, "TX9990000", "CA9990000").grant
}

test_without_the_time_nothing_is_in_force if {
	refused(object.remove(asked, ["now"]), "TX9990000", "CA9990000") == "agreement.expired"
}

test_suspended if with_one(asked, {"status": "suspended"}).refused.code == "agreement.suspended"

test_suspended_without_its_grants if {
	with_one(asked, {"status": "suspended", "shares": {}}).refused == {
		"code": "agreement.suspended",
		"text": "The agreement with that agency is suspended. Ask your administrator.",
		"citation": "Made s.1",
	}
}

test_revoked if with_one(asked, {"status": "revoked"}).refused.code == "agreement.revoked"

test_suspended_and_over_is_over if {
	over := {"status": "suspended", "valid": {"from": "2025-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}}
	with_one(asked, over).refused.code == "agreement.expired"
}

test_revoked_and_over_is_over if {
	over := {"status": "revoked", "valid": {"from": "2025-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}}
	with_one(asked, over).refused.code == "agreement.expired"
}

test_without_status_it_is_not_in_force if {
	result := data.sallyport.agreement.between("TX9990000", "CA9990000") with input as asked with data.agreements as {"CA9990000": {"TX9990000": {"made": object.remove(made({}), ["status"])}}}
	result.refused.code == "agreement.expired"
}

test_without_a_word_on_limits_it_gives_nothing if {
	result := data.sallyport.agreement.between("TX9990000", "CA9990000") with input as asked with data.agreements as {"CA9990000": {"TX9990000": {"made": object.remove(made({}), ["limited"])}}}
	result.refused.code == "agreement.outside_limits"
}

test_purpose_not_covered if {
	civil := example_test.searching(asked, {"purpose": "civil_immigration"})
	refused(civil, "CA9990000", "USBPX9900") == "agreement.purpose_not_covered"
	between(civil, "TX9990000", "USBPX9900").grant
}

test_what_the_other_shares_is_not_what_this_one_shares if {
	result := data.sallyport.agreement.between("CA9990000", "TX9990000") with input as asked with data.agreements as {"CA9990000": {"TX9990000": {"made": made({})}}}
	result.refused.code == "agreement.purpose_not_covered"
}

test_missing_purpose_is_not_covered if {
	question := object.union(object.remove(asked, ["search"]), {"search": object.remove(asked.search, ["purpose"])})
	refused(question, "TX9990000", "CA9990000") == "agreement.purpose_not_covered"
}

test_own_records if {
	between(asked, "TX9990000", "TX9990000").paper.id == "own-records"
	curious := example_test.searching(asked, {"purpose": "curiosity"})
	refused(curious, "TX9990000", "TX9990000") == "agreement.purpose_not_covered"
}

test_an_agreement_with_itself_opens_nothing_of_its_own if {
	with_itself := made({"shares": {"TX9990000": [{"purposes": ["curiosity"], "record_types": ["vehicle"]}]}})
	curious := example_test.searching(asked, {"purpose": "curiosity"})
	result := data.sallyport.agreement.between("TX9990000", "TX9990000") with input as curious
		with data.agreements as {"TX9990000": {"TX9990000": {"made": with_itself}}}
	result.refused.code == "agreement.purpose_not_covered"
}

# -- the text that was named --------------------------------------------------------------------

test_another_text_than_was_named if {
	other := object.union(asked, {"agreement": "sha-256:bbbb"})
	refused(other, "TX9990000", "CA9990000") == "agreement.differs"
}

test_no_text_was_named if {
	refused(object.union(asked, {"agreement": null}), "TX9990000", "CA9990000") == "agreement.differs"
	refused(object.remove(asked, ["agreement"]), "TX9990000", "CA9990000") == "agreement.differs"
}

test_the_first_door_names_it if {
	result := data.sallyport.agreement.between("TX9990000", "CA9990000") with input as example_test.asking with data.agreements as {"CA9990000": {"TX9990000": {"made": made({})}}}
	result.paper.digest == example_test.agreed
}

test_the_named_one_of_two if {
	papers := {"CA9990000": {"TX9990000": {
		"made-1": made({"id": "made-1", "digest": "sha-256:bbbb"}),
		"made-2": made({"id": "made-2"}),
	}}}
	result := data.sallyport.agreement.between("TX9990000", "CA9990000") with input as asked with data.agreements as papers
	result.paper.id == "made-2"
}

# -- limits -------------------------------------------------------------------------------------

# Monday to Friday from 08:00 to 18:00, seven hours behind UTC. Asked on Monday at 13:46:10 there.
hours := {
	"days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
	"from_ns": 28800000000000,
	"to_ns": 64800000000000,
	"offset_ns": -25200000000000,
}

in_hours(changes, moment) if {
	limits := limited({"hours": object.union(hours, changes), "cases": null, "roster": null})
	with_one(object.union(asked, {"now": moment}), limits).grant
}

test_within_the_hours if {
	in_hours({}, asked.now)
	in_hours({}, "2026-11-23T15:00:00.00Z")
	in_hours({}, "2026-11-24T00:59:59.99Z")
}

test_outside_the_hours if {
	every moment in ["2026-11-24T14:59:59.99Z", "2026-11-24T01:00:00.00Z", "2026-11-22T20:00:00.00Z"] {
		question := object.union(asked, {"now": moment})
		limits := limited({"hours": hours, "cases": null, "roster": null})
		with_one(question, limits).refused.code == "agreement.outside_limits"
	}
}

night := {"from_ns": 64800000000000, "to_ns": 28800000000000}

test_over_midnight if {
	in_hours(night, "2026-11-24T05:00:00.00Z")
	in_hours(night, "2026-11-24T12:00:00.00Z")
	not in_hours(night, asked.now)
	in_hours(night, "2026-11-24T01:00:00.00Z")
	not in_hours(night, "2026-11-24T00:59:59.99Z")
	in_hours(night, "2026-11-24T14:59:59.99Z")
	not in_hours(night, "2026-11-24T15:00:00.00Z")
}

# Monday to Friday: from Monday evening until Saturday morning, not from Sunday's night on.
test_a_night_is_of_the_day_that_it_began_on if {
	not in_hours(night, "2026-11-23T07:00:00.00Z")
	not in_hours(night, "2026-11-23T14:59:59.99Z")
	in_hours(night, "2026-11-24T07:00:00.00Z")
	in_hours(night, "2026-11-28T06:59:59.99Z")
	in_hours(night, "2026-11-28T14:59:59.99Z")
	not in_hours(night, "2026-11-28T15:00:00.00Z")
	not in_hours(night, "2026-11-29T01:00:00.00Z")
	not in_hours(night, "2026-11-29T10:00:00.00Z")
}

test_hours_that_end_where_they_begin_are_none if {
	every moment in ["2026-11-24T14:59:59.99Z", "2026-11-24T15:00:00.00Z", asked.now] {
		not in_hours({"to_ns": hours.from_ns}, moment)
	}
}

test_hours_that_say_too_little if {
	limits := limited({"hours": {"days": ["monday"]}, "cases": null, "roster": null})
	with_one(asked, limits).refused.code == "agreement.outside_limits"
}

cases := limited({"hours": null, "cases": ["26-004417"], "roster": null})

test_a_case_of_the_agreement if with_one(asked, cases).grant

test_another_case if {
	other := example_test.searching(asked, {"reference": {"type": "case", "number": "26-000001"}})
	with_one(other, cases).refused.code == "agreement.outside_limits"
	citation := example_test.searching(asked, {"reference": {"type": "citation", "number": "26-004417"}})
	with_one(citation, cases).refused.code == "agreement.outside_limits"
	with_one(example_test.searching(asked, {"reference": null}), cases).refused.code == "agreement.outside_limits"
}

# Each agreement is for its own cases, whatever another between the two is for.
test_a_case_of_another_agreement if {
	papers := {
		"one": made(object.union(cases, {"id": "one"})),
		"two": made(object.union(limited({"hours": null, "cases": ["26-000001"], "roster": null}), {"id": "two"})),
	}
	other := example_test.searching(asked, {"reference": {"type": "case", "number": "26-000001"}})
	deal := data.sallyport.agreement.between("TX9990000", "CA9990000") with input as other with data.agreements as {"CA9990000": {"TX9990000": papers}}
	deal.paper.id == "two"
}

roster := limited({"hours": null, "cases": null, "roster": {"CA9990000": {"units": ["Robbery"]}, "TX9990000": {"units": ["CID"]}}})

test_a_unit_of_the_roster if with_one(asked, roster).grant

test_a_unit_that_is_not_on_the_roster if {
	other := example_test.asked_by(asked, {"unit": "CID"})
	with_one(other, roster).refused.code == "agreement.outside_limits"
}

test_the_unit_of_an_agency_that_is_not_on_the_roster if {
	short := limited({"hours": null, "cases": null, "roster": {"TX9990000": {"units": ["Robbery"]}}})
	with_one(asked, short).refused.code == "agreement.outside_limits"
}

test_limits_that_are_not_written_down_are_not_kept_within if {
	paper := object.union(object.remove(made({}), ["limits"]), {"limited": true})
	result := data.sallyport.agreement.between("TX9990000", "CA9990000") with input as asked with data.agreements as {"CA9990000": {"TX9990000": {"made": paper}}}
	result.refused.code == "agreement.outside_limits"
}

# A general agreement and one for a case, each with the record types that it shares.
with_both(question, record_types, special) := result if {
	force := made(object.union(object.union(cases, {"id": "a-force", "shares": {"TX9990000": [{"purposes": ["criminal_investigation"], "record_types": record_types}]}}), special))
	general := made({"id": "made", "shares": {"TX9990000": [{"purposes": ["criminal_investigation"], "record_types": ["person", "warrant"]}]}})
	result := data.sallyport.agreement.between("TX9990000", "CA9990000") with input as question
		with data.agreements as {"CA9990000": {"TX9990000": {"a-force": force, "made": general}}}
}

test_a_special_agreement_narrows_nothing_that_it_does_not_touch if {
	with_both(asked, ["vehicle"], {}).paper.id == "made"
	with_both(asked, ["person"], {}).paper.id == "made"
	with_both(asked, ["person", "vehicle"], {}).paper.id == "made"
	with_both(asked, ["person", "warrant"], {}).paper.id == "a-force"
	with_both(asked, ["person", "warrant", "vehicle"], {}).paper.id == "a-force"
	of_people := example_test.searching(asked, {"record_types": ["person"]})
	with_both(of_people, ["person"], {}).paper.id == "a-force"
	with_both(of_people, ["warrant"], {}).paper.id == "made"
	of_more := example_test.searching(asked, {"record_types": ["person", "warrant", "vehicle"]})
	with_both(of_more, ["vehicle"], {}).paper.id == "a-force"
	every odd in ["person", null, {"a": "person"}] {
		with_both(example_test.searching(asked, {"record_types": odd}), ["vehicle"], {}).paper.id == "a-force"
	}
}

test_a_special_agreement_alone_gives_what_it_gives if {
	paper := made(object.union(cases, {}))
	alone := data.sallyport.agreement.between("TX9990000", "CA9990000") with input as asked
		with data.agreements as {"CA9990000": {"TX9990000": {"made": paper}}}
	alone.grant.record_types == ["vehicle"]
}

paused := {"status": "suspended", "shares": {}, "stops": {"TX9990000": ["criminal_investigation"]}}

test_while_a_special_agreement_is_suspended_no_broader_one_takes_its_place if {
	with_both(asked, ["person"], paused).refused == {
		"code": "agreement.suspended",
		"text": "The agreement with that agency is suspended. Ask your administrator.",
		"citation": "Made s.1",
	}

	# Also where the question rests on the general text.
	with_both(asked, ["person"], object.union(paused, {"digest": "sha-256:bbbb"})).refused.code == "agreement.suspended"
	with_both(object.remove(asked, ["asker", "agreement"]), ["person"], paused).refused.code == "agreement.suspended"
}

test_a_suspended_special_agreement_stops_nothing_else if {
	other_case := example_test.searching(asked, {"reference": {"type": "case", "number": "26-000001"}})
	with_both(other_case, ["person"], paused).paper.id == "made"
	with_both(asked, ["person"], object.union(paused, {"stops": {"TX9990000": ["missing_person"]}})).paper.id == "made"
	their_side := object.union(object.remove(paused, ["stops"]), {"stops": null})
	with_both(asked, ["person"], their_side).paper.id == "made"
	over := object.union(paused, {"valid": {"from": "2025-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}})
	with_both(asked, ["person"], over).paper.id == "made"
}

test_a_suspended_general_agreement_stops_no_other if {
	with_both(asked, ["person"], object.union(paused, {"limited": false, "limits": {"hours": null, "cases": null, "roster": null}})).paper.id == "made"
}

test_a_revoked_special_agreement_is_as_if_it_had_not_been if {
	with_both(asked, ["person"], object.union(paused, {"status": "revoked"})).paper.id == "made"
}

test_own_records_need_no_agreement_that_stands if {
	with_itself := object.union(made(object.union(cases, {})), {"status": "suspended", "stops": {"TX9990000": ["curiosity"]}})
	curious := example_test.searching(asked, {"purpose": "curiosity"})
	result := data.sallyport.agreement.between("TX9990000", "TX9990000") with input as curious
		with data.agreements as {"TX9990000": {"TX9990000": {"made": with_itself}}}
	result.refused.code == "agreement.purpose_not_covered"
}

test_a_task_force_comes_before_the_rest if {
	force := made(object.union(cases, {"id": "z-force"}))
	papers := {"CA9990000": {"TX9990000": {"made": made({}), "z-force": force}}}
	here := data.sallyport.agreement.between("TX9990000", "CA9990000") with input as asked with data.agreements as papers
	here.paper.id == "z-force"
	other := example_test.searching(asked, {"reference": {"type": "case", "number": "26-000001"}})
	there := data.sallyport.agreement.between("TX9990000", "CA9990000") with input as other with data.agreements as papers
	there.paper.id == "made"
}
