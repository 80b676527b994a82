package sallyport.admit_test

import data.sallyport.example_test

answered := example_test.answered

decision(answer) := found if found := data.sallyport.admit.decision with input as answer with data.agreements as data.sallyport.example.agreements

codes(answer) := example_test.codes(decision(answer))

holding(changes) := object.union(answered, {"answer": changes})

# What the agency signed to do for each match.
agreed_words := {"type": "caveat", "text": "Confirm with the owner before acting."}

without(part) := object.union(
	object.remove(answered, ["answer"]),
	{"answer": object.remove(answered.answer, [part])},
)

test_an_answer_as_agreed if {
	result := decision(answered)
	result.allow
	result.reasons == []
	result.rules == ["admit.as_agreed"]
	result.obligations == [
		{"type": "delete_after", "days": 30},
		{"type": "onward_sharing", "rule": "none"},
		agreed_words,
		{"type": "confirm_before_acting"},
	]
}

test_the_owner_can_not_let_off_what_this_agency_signed if {
	lax := {
		"record_types": ["person"],
		"handling": [{"keep_days": 3650, "onward_sharing": "criminal_justice", "caveat": null}],
	}
	kept := [{"type": "delete_after", "days": 30}, {"type": "onward_sharing", "rule": "none"}, agreed_words]
	decision(holding(lax)).obligations == kept
	decision(holding({"granularity_given": "hit", "handling": [], "record_types": []})).obligations == array.concat(kept, [{"type": "confirm_before_acting"}])
	decision(holding({"told": false, "record_types": [], "handling": []})).obligations == []
}

test_less_than_was_asked if codes(holding({"granularity_given": "hit", "handling": [], "record_types": []})) == set()

test_more_than_was_asked if {
	counting := object.union(holding({"granularity_asked": "count"}), {"search": {"granularity": "count"}})
	codes(counting) == {"admit.granularity"}
}

test_another_question_than_ours if codes(holding({"granularity_asked": "hit"})) == {"admit.granularity"}

test_unknown_granularity if {
	codes(holding({"granularity_given": "gossip"})) == {"admit.granularity"}
	codes(holding({"granularity_given": null})) == {"admit.granularity"}
}

test_unknown_handling if {
	codes(holding({"handling": [{"keep_days": 30, "onward_sharing": "press", "caveat": null}]})) == {"admit.handling"}
	codes(holding({"handling": [{"keep_days": -1, "onward_sharing": "none", "caveat": null}]})) == {"admit.handling"}
	codes(holding({"handling": [{"onward_sharing": "none"}]})) == {"admit.handling"}
	codes(holding({"handling": [{"keep_days": null, "onward_sharing": "none"}]})) == {"admit.handling"}
}

test_record_types_that_were_not_asked_for if {
	codes(holding({"record_types": ["arrest"]})) == {"admit.record_types"}
	codes(holding({"record_types": ["gossip"]})) == {"admit.record_types"}
	asked_for := example_test.searching(holding({"record_types": ["gossip"]}), {"record_types": ["person", "gossip"]})
	codes(asked_for) == {"admit.record_types"}
}

test_no_agreement if {
	codes(object.union(answered, {"owner": "XX0000000"})) == {"admit.no_agreement"}
	codes(object.union(answered, {"search": {"purpose": "employment"}})) == {"admit.no_agreement"}
}

test_a_no_needs_no_agreement if {
	said := {"status": "refused", "granularity_given": null, "handling": [], "record_types": []}
	stranger := object.union(holding(said), {"owner": "XX0000000"})
	decision(stranger).allow
	decision(stranger).obligations == []
	codes(object.union(stranger, {"answer": {"record_types": ["person"]}})) == {"admit.no_agreement", "admit.granularity"}
}

test_its_own_answer if {
	result := decision(object.union(answered, {"owner": "CA9990000"}))
	result.allow
}

test_missing_input if {
	codes({}) == {"admit.no_agreement", "admit.granularity", "admit.record_types", "admit.handling", "admit.law_unknown"}
	every part in ["now", "self", "owner", "search", "answer"] {
		decision(object.remove(answered, [part])).allow == false
	}
	every part in ["status", "granularity_asked", "granularity_given", "record_types", "handling", "obligations", "told", "stale"] {
		decision(without(part)).allow == false
	}
}

test_an_answer_that_says_no if {
	every status in ["refused", "not_understood", "too_many", "unavailable"] {
		said := {"status": status, "granularity_given": null, "handling": [], "record_types": []}
		result := decision(holding(said))
		result.allow
		result.obligations == []
		untold := decision(holding(object.union(said, {"told": false})))
		untold.allow
		untold.obligations == []
	}
}

test_a_no_that_holds_something if {
	said := {"status": "refused", "granularity_given": null, "handling": [], "record_types": []}
	codes(holding(said)) == set()
	some_of_it := {"granularity_given": "record", "handling": answered.answer.handling, "record_types": ["person"]}
	every part, held in some_of_it {
		codes(holding(object.union(said, {part: held}))) == {"admit.granularity"}
	}
	asks := {"obligations": [{"type": "stale_data"}]}
	codes(holding(object.union(said, asks))) == {"admit.granularity"}
}

test_an_unknown_status if {
	codes(holding({"status": "maybe"})) == {"admit.granularity"}
	codes(holding({"status": "maybe", "granularity_given": null, "handling": [], "record_types": []})) == {"admit.granularity"}
}

test_what_may_not_be_kept_at_all if {
	result := decision(holding({"handling": [{"keep_days": 0, "onward_sharing": "none", "caveat": null}]}))
	result.allow
	{"type": "delete_after", "days": 0} in result.obligations
}

test_obligations if {
	result := decision(holding({
		"stale": true,
		"record_types": ["person"],
		"handling": [
			{"keep_days": 90, "onward_sharing": "criminal_justice", "caveat": "Second"},
			{"keep_days": 10, "onward_sharing": "same_agency", "caveat": "First"},
		],
	}))
	result.obligations == [
		{"type": "delete_after", "days": 10},
		{"type": "onward_sharing", "rule": "none"},
		agreed_words,
		{"type": "caveat", "text": "First"},
		{"type": "caveat", "text": "Second"},
		{"type": "stale_data"},
	]
}

# What the owner asks for and what the agency signed itself, beside what each match asks for.
test_the_stricter_counts if {
	owners := [
		{"type": "delete_after", "days": 12},
		{"type": "fingerprints_within", "days": 20},
		{"type": "onward_sharing", "rule": "criminal_justice"},
		{"type": "caveat", "text": "Of the owner"},
		{"type": "confirm_before_acting"},
	]
	exigent := example_test.searching(
		holding({"obligations": owners, "record_types": ["person"]}),
		{"iii_purpose_code": "X", "record_types": ["person", "arrest"]},
	)
	decision(exigent).obligations == [
		{"type": "delete_after", "days": 12},
		{"type": "fingerprints_within", "days": 15},
		{"type": "onward_sharing", "rule": "none"},
		agreed_words,
		{"type": "caveat", "text": "Of the owner"},
		{"type": "confirm_before_acting"},
	]
}

test_what_this_agency_signed_is_done_whatever_the_owner_says if {
	signed := [{"type": "delete_after", "days": 3}, {"type": "confirm_before_acting"}]
	result := with_signed(holding({"record_types": ["person"], "handling": []}), signed)
	result.obligations == [signed[0], {"type": "onward_sharing", "rule": "none"}, agreed_words, signed[1]]
	nothing := holding({"record_types": [], "handling": [], "told": false, "obligations": signed})
	with_signed(nothing, signed).obligations == []
}

test_what_it_signed_without_a_word_on_handling_is_done_too if {
	signed := [{"type": "delete_after", "days": 3}]
	grant := example_test.obliging(signed).CA9990000.TX9990000["mou-2026-01"].shares.TX9990000[0]
	bare := {"CA9990000": {"TX9990000": {"mou-2026-01": object.union(
		object.remove(example_test.obliging(signed).CA9990000.TX9990000["mou-2026-01"], ["shares"]),
		{"shares": {"TX9990000": [object.remove(grant, ["handling"])]}},
	)}}}
	result := data.sallyport.admit.decision with input as holding({"record_types": ["person"], "handling": []}) with data.agreements as bare
	result.obligations == signed
}

test_an_unknown_obligation_refuses if {
	every duty in [
		{"type": "forget"},
		{"type": "fingerprints_within", "days": 0},
		{"type": "onward_sharing", "rule": "press"},
		{"type": "onward_sharing", "rule": null},
		{"days": 3},
		{"type": null},
		"delete_after",
		null,
	] {
		codes(holding({"obligations": [duty]})) == {"admit.handling"}
	}
	codes(holding({"obligations": null})) == {"admit.handling"}
	codes(holding({"obligations": {}})) == {"admit.handling"}
	codes(holding({"told": null})) == {"admit.handling"}
}

with_signed(answer, duties) := found if {
	found := data.sallyport.admit.decision with input as answer with data.agreements as example_test.obliging(duties)
}

# A hit or a count of what somebody has to confirm is to be confirmed, whatever was found.
test_a_bare_hit_is_confirmed_if_what_was_asked_for_is if {
	every granularity in ["hit", "count"] {
		bare := holding({"granularity_given": granularity, "handling": [], "record_types": []})
		confirmed(example_test.searching(bare, {"record_types": ["person", "warrant"]}))
		not confirmed(example_test.searching(bare, {"record_types": ["person"]}))
		untold := object.union(bare, {"answer": {"told": false}})
		not confirmed(example_test.searching(untold, {"record_types": ["person", "warrant"]}))
	}
	pointed_at := holding({"granularity_given": "pointer", "handling": [], "record_types": ["person"]})
	not confirmed(example_test.searching(pointed_at, {"record_types": ["person", "warrant"]}))
}

confirmed(answer) if {"type": "confirm_before_acting"} in {duty | some duty in decision(answer).obligations}

test_what_the_law_wants_done if {
	exigent := example_test.searching(holding({"record_types": ["person"]}), {"iii_purpose_code": "X", "record_types": ["person", "arrest"]})
	{"type": "fingerprints_within", "days": 15} in {duty | some duty in decision(exigent).obligations}
	ordinary := example_test.searching(exigent, {"iii_purpose_code": "C"})
	{duty.type | some duty in decision(ordinary).obligations} == {"delete_after", "onward_sharing", "caveat"}
}

test_where_the_law_is_not_written_down_nothing_is_taken_in if {
	result := data.sallyport.admit.decision with input as answered
		with data.agencies.CA9990000.jurisdiction as "atlantis"
		with data.agreements as data.sallyport.example.agreements
	result.allow == false
	result.obligations == []
	example_test.codes(result) == {"admit.law_unknown"}
	stranger := data.sallyport.admit.decision with input as object.union(answered, {"self": "XX0000000", "owner": "XX0000000"})
	stranger.allow == false
	"admit.law_unknown" in example_test.codes(stranger)
}
