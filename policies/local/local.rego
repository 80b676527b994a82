# METADATA
# title: The agency's own rules
# description: >-
#   They can only narrow: what they add to these sets refuses, hides or leaves out. Nothing they say
#   gives what an agreement or the law does not.
package local

# METADATA
# title: Not more matches than the agency's limit
# custom:
#   id: local.max_matches
#   citation: Local rule
#   confirm_by_counsel: false
deny contains {
	"code": "local.max_matches",
	"text": "This asks for more matches than the agency's limit. Ask for fewer.",
} if {
	not few_enough
}

few_enough if {
	# A text is more than any number: what is no number is no limit.
	is_number(data.local.limits.max_matches)
	input.search.max_matches <= data.local.limits.max_matches
}

# METADATA
# title: Classes that the agency never gives
# custom:
#   id: local.never
#   citation: Local rule
#   confirm_by_counsel: false
never contains element_class if {
	not input.asker.ori == input.self
	some element_class in data.local.never_classes
}

# METADATA
# title: Parts of a question that the agency tells nobody
# custom:
#   id: local.kept
#   citation: Local rule
#   confirm_by_counsel: false
kept contains part if some part in data.local.kept_from_others

# METADATA
# title: Record types that the agency does not give out
# custom:
#   id: local.hidden_type
#   citation: Local rule
#   confirm_by_counsel: false
hide contains [place, "local.hidden_type"] if {
	some place, fact in input.facts
	fact.record_type in data.local.hidden_types
	not input.asker.ori == input.self
}
