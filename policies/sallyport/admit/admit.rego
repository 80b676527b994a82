# METADATA
# title: May the asking agency take this answer in?
package sallyport.admit

import data.sallyport.vocabulary

# METADATA
# title: Decision on an answer, and what has to be done for it
# entrypoint: true
decision := {
	"allow": true,
	"reasons": [],
	"obligations": obligations,
	"rules": ["admit.as_agreed"],
} if {
	deny == set()
} else := {
	"allow": false,
	"reasons": [reason | some reason in deny],
	"obligations": [],
	"rules": [reason.code | some reason in deny],
}

# METADATA
# title: Only answers of agencies that there is an agreement with
# custom:
#   id: admit.no_agreement
#   citation: The agreement
#   confirm_by_counsel: false
deny contains {
	"code": "admit.no_agreement",
	"text": "There is no agreement in force with that agency for this purpose, so its answer is not taken in.",
} if {
	not agreed
}

agreed if grant

# A no gives nothing, and its reasons are for the officer: also where the agreement was suspended while
# the question was under way.
agreed if says_no

grant := data.sallyport.agreement.between(input.owner, input.self).grant

# METADATA
# title: Not more than was asked
# custom:
#   id: admit.granularity
#   citation: Granularity asked
#   confirm_by_counsel: false
deny contains {
	"code": "admit.granularity",
	"text": "The answer tells more than was asked, or in a way that nobody knows, so it is not taken in.",
} if {
	not granularity_fits
}

granularity_fits if {
	input.answer.status == "answered"
	data.sallyport.context.rank[input.answer.granularity_given] <= data.sallyport.context.rank[input.search.granularity]
	input.answer.granularity_asked == input.search.granularity
}

granularity_fits if says_no

says_no if {
	input.answer.status in {"refused", "not_understood", "too_many", "unavailable"}
	is_null(input.answer.granularity_given)
	input.answer.handling == []
	input.answer.obligations == []
	input.answer.record_types == []
}

# METADATA
# title: Only record types that were asked for
# custom:
#   id: admit.record_types
#   citation: Record types asked
#   confirm_by_counsel: false
deny contains {
	"code": "admit.record_types",
	"text": "The answer holds records of a type that was not asked for, so it is not taken in.",
} if {
	not record_types_fit
}

record_types_fit if {
	every record_type in input.answer.record_types {
		record_type in input.search.record_types
		vocabulary.record_types[record_type]
	}
}

# METADATA
# title: Only handling that this agency knows how to honour
# custom:
#   id: admit.handling
#   citation: Vocabulary of the policy set
#   confirm_by_counsel: false
deny contains {
	"code": "admit.handling",
	"text": "The answer asks for handling that this agency does not know, so it is not taken in.",
} if {
	not handling_known
}

handling_known if {
	is_boolean(input.answer.stale)
	is_boolean(input.answer.told)
	data.sallyport.obligations.known(input.answer.obligations)
	every handling in input.answer.handling {
		handling.keep_days >= 0
		handling.onward_sharing in vocabulary.onward_sharing
	}
}

# METADATA
# title: Nothing is taken in where the law of this agency's place is not written down
# custom:
#   id: admit.law_unknown
#   citation: Policies by jurisdiction
#   confirm_by_counsel: false
deny contains {
	"code": "admit.law_unknown",
	"text": "The law of this agency's jurisdiction is not written down here, so nobody knows what it wants done for this answer, and it is not taken in. Ask your administrator.",
} if {
	not by_law
}

# Everything that asks for something, merged: the stricter counts.
obligations := data.sallyport.obligations.merged(array.concat(array.concat(of_matches, of_answer), array.concat(of_facts, by_law)))

# What the law of this agency's place wants done for it.
by_law := [duty | some duty in owed] if {
	owed := data.sallyport.law.obligations(data.sallyport.shared.jurisdiction)
}

of_matches := [duty |
	some handling in input.answer.handling
	some duty in data.sallyport.obligations.of_handling(handling)
]

# What the owner wants done, and what this agency signed itself, whatever the owner says. An answer
# that tells nothing asks for nothing.
default of_answer := []

of_answer := array.concat(input.answer.obligations, signed) if {
	input.answer.status == "answered"
	input.answer.told == true
}

signed := duties if {
	duties := data.sallyport.obligations.of_grant(grant)
} else := data.sallyport.obligations.of_text(grant)

of_facts := array.concat(
	[{"type": "confirm_before_acting"} | to_confirm],
	[{"type": "stale_data"} | input.answer.stale == true],
)

to_confirm if {
	some record_type in told_of
	vocabulary.record_types[record_type].confirm == true
}

# A hit or a count does not say what was found, so it may be any of what was asked for.
told_of := input.search.record_types if {
	input.answer.told == true
	input.answer.granularity_given in {"hit", "count"}
} else := input.answer.record_types
