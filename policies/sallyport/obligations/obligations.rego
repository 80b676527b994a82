# METADATA
# title: What whoever receives an answer has to do for it
# description: >-
#   The agreement says it twice: under `handling`, for every match, and under `obligations`, for
#   every answer that tells something. The law of the receiver's place adds to it. Where two say the
#   same thing differently the stricter counts: fewer days, the onward sharing that the vocabulary
#   lists first. A text, or a word alone, takes nothing away from another, so all of them stay.
package sallyport.obligations

import data.sallyport.vocabulary

# What the owner's grant asks of the receiver. No record is in it: it is the same whatever the
# records hold.
of_grant(grant) := merged(array.concat(of_handling(grant.handling), of_text(grant)))

# What the text of an agreement lists. The agency's own records rest on no agreement.
of_text(grant) := grant.obligations if {
	is_array(grant.obligations)
} else := []

of_handling(handling) := array.concat(
	[
		{"type": "delete_after", "days": handling.keep_days},
		{"type": "onward_sharing", "rule": handling.onward_sharing},
	],
	[{"type": "caveat", "text": text} | some text in caveats(handling)],
)

caveats(handling) := [handling.caveat] if {
	is_string(handling.caveat)
} else := []

# The same, as the handling of one match. Further caveats stand with the answer, once.
handling(grant) := grant.handling if {
	of_text(grant) == []
} else := object.union(grant.handling, bounds(of_grant(grant)))

bounds(duties) := {"keep_days": fewest("delete_after", duties), "onward_sharing": strictest("onward_sharing", duties)}

# Whether the owner has to confirm, whatever the type of record.
confirm(grant) if {
	some duty in of_text(grant)
	duty.type == "confirm_before_acting"
}

# One of each kind, the strictest; the others all. A kind without days, or without a rule, has none
# that is fewest or strictest, and falls out of that list.
merged(duties) := array.concat(array.concat(fewest_days(duties), strictest_rules(duties)), plain(duties))

fewest_days(duties) := [{"type": kind, "days": fewest(kind, duties)} |
	some kind in {duty.type | some duty in duties}
]

fewest(kind, duties) := min([duty.days | some duty in duties; duty.type == kind])

strictest_rules(duties) := [{"type": kind, "rule": strictest(kind, duties)} |
	some kind in {duty.type | some duty in duties}
]

# The vocabulary lists the strictest first.
strictest(kind, duties) := rule if {
	asked := {duty.rule | some duty in duties; duty.type == kind}
	rule := [word | some word in vocabulary.onward_sharing; word in asked][0]
}

plain(duties) := [duty |
	some duty in {each | some each in duties}
	object.remove(duty, ["type", "text"]) == {}
]

# Whether each is one that this agency knows.
known(duties) if {
	words := vocabulary.obligations
	is_array(duties)
	every duty in duties {
		duty.type in words
		rule_known(duty)
		time_given(duty)
	}
}

# What a person has to do is not due at once: there is a day for it at least.
time_given(duty) if not by_a_person(duty)

time_given(duty) if duty.days >= 1

by_a_person(duty) if vocabulary.duties[duty.type]

rule_known(duty) if duty.rule in vocabulary.onward_sharing

rule_known(duty) if object.remove(duty, ["rule"]) == duty
