package sallyport.obligations_test

import data.sallyport.example_test
import data.sallyport.obligations

handling := {"keep_days": 30, "onward_sharing": "same_agency", "caveat": "As agreed."}

grant(duties) := {"handling": handling, "obligations": duties}

test_without_more_it_is_the_handling if {
	every granted in [{"handling": handling}, grant([])] {
		obligations.handling(granted) == handling
		obligations.of_grant(granted) == [
			{"type": "delete_after", "days": 30},
			{"type": "onward_sharing", "rule": "same_agency"},
			{"type": "caveat", "text": "As agreed."},
		]
		not obligations.confirm(granted)
	}
}

test_the_stricter_of_both if {
	stricter := grant([
		{"type": "delete_after", "days": 10},
		{"type": "onward_sharing", "rule": "none"},
		{"type": "caveat", "text": "For this case alone."},
		{"type": "confirm_before_acting"},
		{"type": "fingerprints_within", "days": 7},
	])
	obligations.handling(stricter) == {"keep_days": 10, "onward_sharing": "none", "caveat": "As agreed."}
	obligations.of_grant(stricter) == [
		{"type": "delete_after", "days": 10},
		{"type": "fingerprints_within", "days": 7},
		{"type": "onward_sharing", "rule": "none"},
		{"type": "caveat", "text": "As agreed."},
		{"type": "caveat", "text": "For this case alone."},
		{"type": "confirm_before_acting"},
	]
	obligations.confirm(stricter)
}

test_nothing_is_made_laxer if {
	laxer := grant([{"type": "delete_after", "days": 90}, {"type": "onward_sharing", "rule": "criminal_justice"}])
	obligations.handling(laxer) == handling
}

test_no_caveat_at_all if {
	plain := {"handling": object.remove(handling, ["caveat"]), "obligations": [{"type": "delete_after", "days": 1}]}
	obligations.handling(plain) == {"keep_days": 1, "onward_sharing": "same_agency"}
	obligations.of_grant(object.remove(plain, ["obligations"])) == [
		{"type": "delete_after", "days": 30},
		{"type": "onward_sharing", "rule": "same_agency"},
	]
}

test_only_who_says_so_has_it_confirmed if {
	obligations.confirm(grant([{"type": "confirm_before_acting"}]))
	not obligations.confirm(grant([{"type": "stale_data"}]))
}

test_each_kind_by_itself if {
	duties := [
		{"type": "onward_sharing", "rule": "criminal_justice"},
		{"type": "passing_on", "rule": "none"},
		{"type": "delete_after", "days": 9},
		{"type": "fingerprints_within", "days": 3},
	]
	obligations.merged(duties) == [duties[2], duties[3], duties[0], duties[1]]
}

test_the_same_twice_is_once if {
	duties := [{"type": "stale_data"}, {"type": "stale_data"}]
	obligations.merged(duties) == [{"type": "stale_data"}]
	obligations.merged([]) == []
}

test_a_match_has_the_stricter_handling_and_is_confirmed if {
	result := released([{"type": "delete_after", "days": 5}, {"type": "confirm_before_acting"}])
	result.handling == {"keep_days": 5, "onward_sharing": "none", "caveat": "Confirm with the owner before acting."}
	result.confirm == true
	plain := released([])
	plain.handling.keep_days == 30
	plain.confirm == false
}

# Incidents are not confirmed by themselves.
released(duties) := action if {
	question := object.union(example_test.found, {
		"search": object.union(example_test.search, {"record_types": ["incident"]}),
		"facts": [object.union(example_test.fact, {"record_type": "incident"})],
	})
	decision := data.sallyport.release.decision with input as question
		with data.agreements as example_test.obliging(duties)
		with data.local.never_classes as []
		with data.local.hidden_types as []
		with data.local.limits as {"max_matches": 100}
	action := decision.actions[0]
}

test_a_person_has_a_day_at_least if {
	every days in [1, 2, 36500] {
		data.sallyport.obligations.known([{"type": "fingerprints_within", "days": days}])
	}
	every days in [0, -1, null] {
		not known([{"type": "delete_after", "days": 3}, {"type": "fingerprints_within", "days": days}])
	}
	not known([{"type": "fingerprints_within"}])

	# What the gateway does itself may be due at once.
	data.sallyport.obligations.known([{"type": "delete_after", "days": 0}, {"type": "stale_data"}])
}

known(duties) if data.sallyport.obligations.known(duties)

test_they_come_with_the_answer_before_any_record_is_read if {
	decision := data.sallyport.answer.decision with input as example_test.asked
		with data.agreements as example_test.obliging([{"type": "delete_after", "days": 5}])
		with data.local.never_classes as []
		with data.local.hidden_types as []
		with data.local.limits as {"max_matches": 100}
	decision.obligations == [
		{"type": "delete_after", "days": 5},
		{"type": "onward_sharing", "rule": "none"},
		{"type": "caveat", "text": "Confirm with the owner before acting."},
	]
}
