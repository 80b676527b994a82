# METADATA
# title: "The second door: may this agency answer, and within what?"
# description: >-
#   Everything is decided from what the question says of the asker and from this agency's own data,
#   whatever the asker's door decided.
package sallyport.answer

import data.sallyport.agreement
import data.sallyport.context
import data.sallyport.officer
import data.sallyport.shared
import data.sallyport.vocabulary
import rego.v1

# METADATA
# title: Decision on a question from another agency, or from this one
# entrypoint: true
decision := {
	"allow": true,
	"reasons": array.concat(lowered, narrowed),
	"granularity": granularity,
	"record_types": record_types,
	"terms": [term | some term in input.search.subject.terms; vocabulary.terms[term]],
	"classes_never_shared": [element_class | some element_class, _ in vocabulary.classes; not shared.classes[element_class]],
	"freshness_minutes": shared.grant.freshness_minutes,
	"rules": [rule | some rule in ({shared.paper.id} | {reason.code | some reason in array.concat(lowered, narrowed)})],
} if {
	officer.deny == set()
	shared.denials == set()
	count(record_types) > 0
} else := {
	"allow": false,
	"reasons": [reason | some reason in reasons],
	"granularity": "hit",
	"record_types": [],
	"terms": [],
	"classes_never_shared": [],
	"freshness_minutes": {},
	"rules": [reason.code | some reason in reasons],
}

reasons := all if {
	all := (officer.deny | shared.denials) | {shared.deal.refused | shared.deal.refused}
	count(all) > 0
} else := {undecided} if {
	not shared.denials
} else := {agreement.record_types_not_covered}

# METADATA
# title: What cannot be decided is refused
# custom:
#   id: answer.undecided
#   citation: Policies by jurisdiction
#   confirm_by_counsel: false
undecided := {
	"code": "answer.undecided",
	"text": "The answering agency's policy could not decide this question, so it is refused. Ask its administrator.",
}

record_types := [record_type |
	some record_type in input.search.record_types
	record_type in shared.grant.record_types
]

granularity := shared.grant.granularity if {
	context.rank[shared.grant.granularity] < context.rank[input.search.granularity]
}

granularity := input.search.granularity if {
	context.rank[input.search.granularity] <= context.rank[shared.grant.granularity]
}

default lowered := []

# METADATA
# title: Less is given than was asked, as agreed
# custom:
#   id: agreement.pointer_only
#   citation: The agreement's granularity
#   confirm_by_counsel: false
lowered := [{
	"code": sprintf("agreement.%s_only", [shared.grant.granularity]),
	"text": "The agreement gives less than was asked: whether there is something, and whom to ask.",
	"citation": shared.paper.citation,
}] if {
	granularity != input.search.granularity
}

default narrowed := []

narrowed := [agreement.record_types_not_covered] if {
	count(record_types) < count(input.search.record_types)
}
