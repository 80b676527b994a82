# METADATA
# title: "The second door: may this agency answer, and within what?"
# description: >-
#   Everything is decided from what the question says of the asker and from this agency's own data,
#   whatever the asker's door decided.
package sallyport.answer

import data.sallyport.vocabulary

# METADATA
# title: Decision on a question from another agency, or from this one
# entrypoint: true
decision := {
	"allow": true,
	"reasons": said,
	"granularity": granularity,
	"record_types": record_types,
	"terms": terms,
	"classes_never_shared": data.sallyport.shared.never_shared,
	"freshness_minutes": data.sallyport.shared.grant.freshness_minutes,
	"obligations": data.sallyport.shared.owed,
	"rules": array.concat([data.sallyport.shared.paper.id], [reason.code | some reason in said]),
} if {
	data.sallyport.officer.deny == set()
	data.sallyport.shared.denials == set()
	count(record_types) > 0
} else := {
	"allow": false,
	"reasons": [reason | some reason in reasons],
	"granularity": "hit",
	"record_types": [],
	"terms": [],
	"classes_never_shared": [],
	"freshness_minutes": {},
	"obligations": [],
	"rules": [reason.code | some reason in reasons],
}

reasons := all if {
	all := (data.sallyport.officer.deny | {reason | some reason in data.sallyport.shared.denials}) | {reason | reason := data.sallyport.shared.deal.refused}
	count(all) > 0
} else := {undecided} if {
	not decidable
} else := {data.sallyport.agreement.record_types_not_covered}

# Without an agreement there are no classes either; that reason stands above.
decidable if {
	data.sallyport.shared.denials
	data.sallyport.shared.never_shared
}

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
	agreed := data.sallyport.shared.grant.record_types
	some record_type in input.search.record_types
	record_type in agreed
]

# A term of a class that is not given whole is not searched by: what it finds would confirm it.
terms := [term |
	known := vocabulary.terms
	shared := data.sallyport.shared.classes
	some term in input.search.subject.terms
	shared[known[term].class] == "give"
]

# Never more than was asked, never more than was agreed.
granularity := lesser if {
	agreed := data.sallyport.shared.grant.granularity
	rank := vocabulary.granularity_rank
	some lesser in [agreed, input.search.granularity]
	rank[lesser] == min([rank[agreed], rank[input.search.granularity]])
}

# What the answer says beside what it gives.
said := array.concat(
	[lowered | granularity != input.search.granularity],
	[data.sallyport.agreement.record_types_not_covered | count(record_types) < count(input.search.record_types)],
)

lowered := object.union(
	lowered_to[data.sallyport.shared.grant.granularity],
	{"citation": data.sallyport.shared.paper.citation},
)

# METADATA
# title: "Less is given than was asked, as agreed: whom to ask"
# custom:
#   id: agreement.pointer_only
#   citation: The agreement's granularity
#   confirm_by_counsel: false
lowered_to["pointer"] := {
	"code": "agreement.pointer_only",
	"text": "The agreement gives less than was asked: at most whether there is something, and whom to ask. Ask the agency itself for the rest.",
}

# METADATA
# title: "Less is given than was asked, as agreed: how many there are"
# custom:
#   id: agreement.count_only
#   citation: The agreement's granularity
#   confirm_by_counsel: false
lowered_to["count"] := {
	"code": "agreement.count_only",
	"text": "The agreement gives less than was asked: at most how many there are. Ask the agency itself for the rest.",
}

# METADATA
# title: "Less is given than was asked, as agreed: whether there is something"
# custom:
#   id: agreement.hit_only
#   citation: The agreement's granularity
#   confirm_by_counsel: false
lowered_to["hit"] := {
	"code": "agreement.hit_only",
	"text": "The agreement gives less than was asked: only whether there is something. Ask the agency itself for the rest.",
}
