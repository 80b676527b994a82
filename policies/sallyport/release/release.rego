# METADATA
# title: What of the records found may leave
# description: >-
#   One action for each distinct set of handling facts, in their order. A fact that is missing, or
#   has a value that nobody knows, hides the record.
package sallyport.release

import data.sallyport.vocabulary

# METADATA
# title: Decision on the records found
# entrypoint: true
decision := {"actions": [action(place, fact) | some place, fact in input.facts]}

nothing := {
	"show": "none",
	"classes": {},
	"handling": {"keep_days": 0, "onward_sharing": "none"},
	"confirm": false,
	"hidden_by_value": {},
	"only_with": [],
}

action(place, fact) := object.union(nothing, {"rules": rules}) if {
	rules := [code | some code in hiding; [place, code] in hidden]
	count(rules) > 0
} else := {
	"show": show(fact),
	"classes": object.remove(data.sallyport.shared.classes, {entry[0] | some entry in left_out}),
	"handling": told_with(data.sallyport.shared.handling, law_says(place)),
	"confirm": confirm(fact),
	"hidden_by_value": data.sallyport.law.hide_values,
	"only_with": [needed | some needed in needing; [place, needed] in law_needs],
	"rules": array.concat([data.sallyport.shared.paper.id], [entry[1] | some entry in left_out]),
} if {
	# Where the law's part of it is missing there is no decision, and nothing is given.
	withheld
	law_needs := data.sallyport.law.only_with
	left_out := [pair | some pair in withholding; [place, pair[0], pair[1]] in withheld]
}

# The rules that hide something, the classes that are left out by a rule, and what is told: there are few of
# them. To look for each record through all that is said of all records would take the square of their
# number.
hiding := {entry[1] | some entry in hidden}

withholding := {[entry[1], entry[2]] | some entry in withheld}

needing := {entry[1] | some entry in data.sallyport.law.only_with}

telling := {entry[1] | some entry in data.sallyport.law.caveats}

law_says(place) := [words | some words in telling; [place, words] in data.sallyport.law.caveats]

# What the law says with a record stands after what was agreed to be said.
told_with(handling, words) := handling if {
	words == []
} else := object.union(handling, {"caveat": concat(" ", array.concat(data.sallyport.obligations.caveats(handling), words))})

# An owner that is in no jurisdiction here gives nothing.
hidden := found if {
	found := data.sallyport.law.hide(data.sallyport.shared.jurisdiction) | hide
} else := {[place, "release.unknown_owner"] |
	some place, _ in input.facts
}

withheld := data.sallyport.law.withhold(data.sallyport.shared.jurisdiction) | withhold

# METADATA
# title: The owner confirms before anybody acts on a hit
# description: >-
#   Urgent within ten minutes, routine within an hour; then a second request, and escalation.
# custom:
#   id: hit.confirm
#   citation: NCIC hit confirmation
#   confirm_by_counsel: false
confirm(fact) if {
	data.sallyport.obligations.confirm(data.sallyport.shared.grant)
} else := vocabulary.record_types[fact.record_type].confirm

# METADATA
# title: "YELLOW: a pointer only"
# custom:
#   id: dissemination.yellow
#   citation: Dissemination level of the owner
#   confirm_by_counsel: false
show(fact) := "pointer" if fact.dissemination == "YELLOW"

show(fact) := "record" if fact.dissemination == "GREEN"

# METADATA
# title: "Nothing of what has unknown handling; RED: nothing, and no sign"
# custom:
#   id: dissemination.red
#   citation: Dissemination level of the owner
#   confirm_by_counsel: false
hide contains [place, "dissemination.red"] if {
	some place, fact in input.facts
	not fact.dissemination == "GREEN"
	not fact.dissemination == "YELLOW"
}

# METADATA
# title: Facts that nobody knows
# custom:
#   id: release.unknown_fact
#   citation: Vocabulary of the policy set
#   confirm_by_counsel: false
hide contains [place, "release.unknown_fact"] if {
	known := vocabulary.record_types
	some place, fact in input.facts
	not kind_known(fact, known)
}

hide contains [place, "release.unknown_fact"] if {
	some place, fact in data.sallyport.context.unusual
	not facts_known(fact)
}

kind_known(fact, known) if {
	is_boolean(fact.stale)
	fact.record_type in data.sallyport.shared.grant.record_types
	known[fact.record_type]
}

facts_known(fact) if {
	is_boolean(fact.juvenile)
	is_boolean(fact.intelligence)
	is_boolean(fact.criminal_history)
	fact.source_kind in vocabulary.source_kinds

	# A fact by a name that nobody knows: somebody meant something by it.
	object.remove(fact, vocabulary.facts) == {}
}

# METADATA
# title: What another agency gave is not passed on
# description: >-
#   It goes to the agency's own officers, back to whom it came from, and further only if that agency
#   allowed it for criminal justice.
# custom:
#   id: onward.third_agency
#   citation: The handling agreed with the agency it came from
#   confirm_by_counsel: false
hide contains [place, "onward.third_agency"] if {
	some place, fact in data.sallyport.context.unusual
	fact.received_from != ""
	not may_be_passed_on(fact)
}

may_be_passed_on(_) if input.asker.ori == input.self

may_be_passed_on(fact) if fact.received_from == input.asker.ori

may_be_passed_on(fact) if {
	fact.onward_sharing == "criminal_justice"
	criminal_justice
}

# METADATA
# title: "Expunged: nothing, and no sign of it, to anybody"
# custom:
#   id: disclosure.expunged
#   citation: Tex. Code Crim. Proc. ch. 55A; Cal. Penal Code 851.8; N.M. Stat. 29-3A
#   confirm_by_counsel: true
hide contains [place, "disclosure.expunged"] if {
	some place, fact in data.sallyport.context.unusual
	not fact.disclosure == "open"
	not fact.disclosure == "sealed"
	not fact.disclosure == "nondisclosure"
}

# METADATA
# title: "Sealed: only the audience that the owner's state names"
# custom:
#   id: disclosure.sealed
#   citation: Cal. Penal Code 851.92; Tex. Fam. Code 58.260
#   confirm_by_counsel: true
hide contains [place, "disclosure.sealed"] if {
	some place, fact in data.sallyport.context.unusual
	fact.disclosure == "sealed"
	not sealed_may_be_seen(fact)
}

sealed_may_be_seen(fact) if data.sallyport.released.names(fact, data.sallyport.law.sealed_opened[data.sallyport.shared.jurisdiction])

# METADATA
# title: Of a sealed record that a release opens, the classes that it names
# custom:
#   id: disclosure.sealed_classes
#   citation: Cal. Penal Code 851.92; Tex. Fam. Code 58.260
#   confirm_by_counsel: true
withhold contains [place, element_class, "disclosure.sealed_classes"] if {
	some place, fact in data.sallyport.context.unusual
	fact.disclosure == "sealed"
	not audience
	bases := data.sallyport.law.sealed_opened[data.sallyport.shared.jurisdiction]
	some element_class in data.sallyport.released.beyond(fact, bases)
}

sealed_may_be_seen(_) if audience

# Whether the owner's state lets this asker see what is sealed.
audience if data.sallyport.law.sealed_seen[data.sallyport.shared.jurisdiction]

# METADATA
# title: "Nondisclosure: criminal justice sees it, licensing and employment do not"
# custom:
#   id: disclosure.nondisclosure
#   citation: Tex. Gov. Code 411.0765
#   confirm_by_counsel: true
hide contains [place, "disclosure.nondisclosure"] if {
	some place, fact in data.sallyport.context.unusual
	fact.disclosure == "nondisclosure"
	not criminal_justice
}

criminal_justice if {
	data.sallyport.context.asker_agency.criminal_justice == true
	data.sallyport.context.purpose.criminal_justice == true
}

# METADATA
# title: A stale record never says that it is active
# custom:
#   id: stale.status
#   citation: NCIC hit confirmation
#   confirm_by_counsel: false
withhold contains [place, "order_status", "stale.status"] if {
	known := vocabulary.record_types
	some place, fact in input.facts
	not fact.stale == false
	not without_status(fact, known)
}

without_status(fact, known) if known[fact.record_type].status == false
