# METADATA
# title: "The first door: may this officer ask these agencies this?"
package sallyport.ask

import data.sallyport.vocabulary

# METADATA
# title: Decision on a search, for every agency that it may go to
# entrypoint: true
decision := {
	"allow": false,
	"reasons": [reason | some reason in refused],
	"agencies": {},
	"rules": [reason.code | some reason in refused],
} if {
	count(refused) > 0
} else := {
	"allow": true,
	"reasons": [],
	"agencies": {owner: peer(owner) | some owner in asked},
	"rules": ["officer.may_ask"],
}

refused := data.sallyport.officer.deny | deny

# METADATA
# title: Every agency is asked only for purposes that warrant it
# custom:
#   id: ask.everyone
#   citation: Local rule
#   confirm_by_counsel: false
deny contains {
	"code": "ask.everyone",
	"text": "A search for this purpose may not go to every agency. Name the agencies.",
} if {
	not everyone_allowed
}

names_everyone if "*" in input.agencies

everyone_allowed if is_null(input.agencies)

everyone_allowed if {
	is_array(input.agencies)
	not names_everyone
}

everyone_allowed if {
	input.agencies == ["*"]
	input.search.purpose in data.local.everyone_purposes
}

# METADATA
# title: Some agency has to be asked
# custom:
#   id: ask.nobody
#   citation: Routing data
#   confirm_by_counsel: false
deny contains {
	"code": "ask.nobody",
	"text": "No agency is named, and none is set for this purpose here. Name the agencies.",
} if {
	not somebody
}

somebody if {
	is_array(asked)
	count(asked) > 0
}

# Left out: the routing data choose, by the asker's place and by the purpose.
asked := routed if {
	is_null(input.agencies)
	place := data.routing[data.sallyport.context.asker_agency.jurisdiction]
	routed := object.get(place.purposes, input.search.purpose, place.otherwise)
}

# All with whom there is an agreement, and the agency itself.
asked := [owner |
	some owner, _ in data.agencies
	has_agreement(owner)
] if {
	input.agencies == ["*"]
}

asked := input.agencies if {
	is_array(input.agencies)
	not names_everyone
}

has_agreement(owner) if owner == input.self

has_agreement(owner) if count(data.sallyport.agreement.papers(owner, input.self)) > 0

peer(owner) := result if {
	agencies := data.agencies
	against := denials
	against[agencies[owner].jurisdiction] == set()
	deal := data.sallyport.agreement.between(owner, input.self)
	grant := deal.grant
	some record_type in input.search.record_types
	record_type in grant.record_types
	result := {
		"allow": true,
		"reasons": [],
		"granularity": input.search.granularity,
		"terms": terms(owner),
		"record_types": input.search.record_types,
		"kept": kept(owner),
		"agreement": object.get(deal.paper, "digest", null),
		"rules": [deal.paper.id],
	}
} else := refusal([unknown_agency]) if {
	not data.agencies[owner]
} else := refusal(reasons) if {
	deal := data.sallyport.agreement.between(owner, input.self)
	reasons := array.concat(
		[reason | reason := deal.refused],
		[reason | some reason in denials[data.agencies[owner].jurisdiction]],
	)
	count(reasons) > 0
} else := refusal([data.sallyport.agreement.record_types_not_covered]) if {
	denials[data.agencies[owner].jurisdiction] == set()
} else := refusal([law_unknown])

refusal(reasons) := {
	"allow": false,
	"reasons": reasons,
	"granularity": "hit",
	"terms": [],
	"record_types": [],
	"rules": [reason.code | some reason in reasons],
}

# METADATA
# title: Only agencies in the directory
# custom:
#   id: agency.unknown
#   citation: Directory of agencies
#   confirm_by_counsel: false
unknown_agency := {
	"code": "agency.unknown",
	"text": "This agency is not in the directory. Check its ORI.",
}

# METADATA
# title: Only jurisdictions whose law is written down
# custom:
#   id: law.unknown
#   citation: Policies by jurisdiction
#   confirm_by_counsel: false
law_unknown := {
	"code": "law.unknown",
	"text": "The law of that agency's jurisdiction is not written down here, so nothing is asked of it. Ask your administrator.",
}

# Decided once a jurisdiction, however many agencies are asked.
denials[jurisdiction] := data.sallyport.law.denials(jurisdiction) | asking if {
	asking := data.sallyport.law.asking_denials[data.sallyport.context.asker_agency.jurisdiction]
	some jurisdiction in jurisdictions
}

jurisdictions := {place |
	agencies := data.agencies
	some owner in asked
	place := agencies[owner].jurisdiction
	place in data.sallyport.law.jurisdictions
}

# The question is minimised: a term that the asker's law keeps from others is taken out, and so is
# one that nobody knows.
terms(owner) := known_terms if owner == input.self

terms(owner) := told_terms if owner != input.self

known_terms := [term |
	known := vocabulary.terms
	some term in input.search.subject.terms
	known[term]
]

told_terms := [term |
	kept := untold
	some term in known_terms
	not term in kept
]

# Parts of the question that are no terms, which the agency tells nobody but itself.
kept(owner) := [] if owner == input.self

kept(owner) := [part | some part in data.local.kept] if owner != input.self

untold := data.sallyport.law.untold[data.sallyport.context.asker_agency.jurisdiction]
