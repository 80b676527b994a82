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

agreed if data.sallyport.agreement.between(input.owner, input.self).grant

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

granularity_fits if {
	input.answer.status in {"refused", "not_understood", "too_many", "unavailable"}
	is_null(input.answer.granularity_given)
	input.answer.handling == []
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
	every handling in input.answer.handling {
		handling.keep_days >= 0
		handling.onward_sharing in vocabulary.onward_sharing
	}
}

obligations := array.concat(array.concat(delete_after, onward_sharing), array.concat(confirm, array.concat(array.concat(stale, caveats), by_law)))

# What the law of this agency's place wants done for it.
default by_law := []

by_law := [duty | some duty in owed] if {
	owed := data.sallyport.law.obligations(data.sallyport.shared.jurisdiction)
}

default delete_after := []

# The shortest time that any match allows; where there is none, there is nothing to delete.
delete_after := [{"type": "delete_after", "days": min([handling.keep_days | some handling in input.answer.handling])}]

default onward_sharing := []

onward_sharing := [{"type": "onward_sharing", "rule": strictest}] if {
	asked := {handling.onward_sharing | some handling in input.answer.handling}

	# The vocabulary lists the strictest first.
	strictest := [rule | some rule in vocabulary.onward_sharing; rule in asked][0]
}

default confirm := []

confirm := [{"type": "confirm_before_acting"}] if {
	some record_type in input.answer.record_types
	vocabulary.record_types[record_type].confirm == true
}

default stale := []

stale := [{"type": "stale_data"}] if input.answer.stale == true

caveats := [{"type": "caveat", "text": text} |
	some text in {handling.caveat | some handling in input.answer.handling; is_string(handling.caveat)}
]
