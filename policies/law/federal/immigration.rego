package law.federal

import data.sallyport.vocabulary

# METADATA
# title: Civil warrants only to those who may act on them
# custom:
#   id: civil_warrant.may_not_act
#   citation: 8 USC 1226, 1357; Arizona v. United States
#   confirm_by_counsel: true
deny contains {
	"code": "civil_warrant.may_not_act",
	"text": "Administrative immigration warrants are for agencies that may act on them, for that purpose. An arrest on one would be unlawful. Leave that record type out.",
	"citation": "8 USC 1226, 1357",
} if {
	"civil" in data.sallyport.context.asks_for
	not may_act_on_civil_warrants
}

may_act_on_civil_warrants if {
	data.sallyport.context.asker_agency.immigration_authority == true
	input.search.purpose in data.law.federal.immigration_purposes
}

# METADATA
# title: No sign of a civil warrant to those who may not act on it
# custom:
#   id: civil_warrant.not_shown
#   citation: 8 USC 1226, 1357
#   confirm_by_counsel: true
hide contains [place, "civil_warrant.not_shown"] if {
	not may_act_on_civil_warrants
	known := vocabulary.record_types
	some place, fact in input.facts
	"civil" in known[fact.record_type].treated_as
}

# METADATA
# title: No sign of it either where its values say that it is one, and its type does not
# custom:
#   id: civil_warrant.by_value
#   citation: 8 USC 1226, 1357
#   confirm_by_counsel: true
hide_values[key] := values if {
	not may_act_on_civil_warrants
	some key, kinds in vocabulary.treated_as_by_value
	values := [value | some value, kind in kinds; kind == "civil"]
	count(values) > 0
}

# METADATA
# title: Immigration status only between those whom the law lets exchange it
# custom:
#   id: immigration_status.authority
#   citation: 8 USC 1373, 1644
#   confirm_by_counsel: true
never contains "immigration_status" if {
	not own_records
	not may_act_on_civil_warrants
	not verified_by_the_authority
}

own_records if input.asker.ori == input.self

# 1373(c): the authority answers a government that verifies a status for a purpose by law. It does
# so where its agreement shares the class.
verified_by_the_authority if {
	agencies := data.agencies
	agencies[input.self].immigration_authority == true
	data.sallyport.context.asker_agency.government == true
	input.search.purpose in data.law.federal.verification_purposes
}

# METADATA
# title: For civil immigration enforcement the status alone
# custom:
#   id: immigration_status.alone
#   citation: 8 USC 1373, 1644
#   confirm_by_counsel: true
never contains element_class if {
	input.search.purpose == "civil_immigration"
	not own_records
	some element_class, _ in vocabulary.classes
	not goes_with_status(element_class)
}

goes_with_status(element_class) if element_class in data.law.federal.status_classes

# A judicial warrant gives what it names.
goes_with_status(element_class) if element_class in data.sallyport.released.warrant_classes

# METADATA
# title: What the owner's own law lets it give beside the status goes as well
# custom:
#   id: immigration_status.owners_law
#   citation: 8 USC 1373, 1644
#   confirm_by_counsel: true
goes_with_status(element_class) if element_class in permits.classes

permits := data.sallyport.law.permits(data.sallyport.shared.jurisdiction)

# METADATA
# title: A judicial warrant gives it of the records that it names, and lends nothing to others
# custom:
#   id: immigration_status.warrant
#   citation: 8 USC 1373, 1644
#   confirm_by_counsel: true
withhold contains [place, element_class, "immigration_status.warrant"] if {
	input.search.purpose == "civil_immigration"
	not own_records
	known := vocabulary.record_types
	some place, fact in input.facts
	some element_class in (data.sallyport.released.beyond(fact, ["judicial_warrant"]) - given_with_status(place, fact, known))
}

given_with_status(place, fact, known) := with_status(fact, known) | {pair[1] |
	some pair in permits.records
	pair[0] == place
}

with_status(fact, known) := {element_class |
	tells_status(fact, known)
	some element_class in data.law.federal.status_classes
}

# METADATA
# title: For civil immigration enforcement not even that there is a record of something else
# custom:
#   id: immigration_status.no_other_records
#   citation: 8 USC 1373, 1644
#   confirm_by_counsel: true
hide contains [place, "immigration_status.no_other_records"] if {
	input.search.purpose == "civil_immigration"
	not own_records
	known := vocabulary.record_types
	some place, fact in input.facts
	not tells_status(fact, known)
	not shown_beside_status(place, fact)
}

# METADATA
# title: Nor that there is a person of whom it knows no status
# custom:
#   id: immigration_status.none_known
#   citation: 8 USC 1373, 1644
#   confirm_by_counsel: true
only_with contains [place, needed] if {
	input.search.purpose == "civil_immigration"
	not own_records
	needed := "immigration_status"
	some place, fact in input.facts
	not shown_beside_status(place, fact)
}

shown_beside_status(_, fact) if data.sallyport.released.warrant_names(fact)

shown_beside_status(place, _) if {
	some pair in permits.records
	pair[0] == place
}

tells_status(fact, known) if known[fact.record_type].tells_status == true

# METADATA
# title: Applicants under VAWA, T and U visas are not disclosed by the authority
# custom:
#   id: immigration_victims.1367
#   citation: 8 USC 1367(a)(2)
#   confirm_by_counsel: false
hide contains [place, "immigration_victims.1367"] if {
	not no_authority
	not own_records
	some place, fact in input.facts
	not fact.victim_applicant == false
	not disclosure_1367(fact)
}

no_authority if {
	agencies := data.agencies
	agencies[input.self].immigration_authority == false
}

# METADATA
# title: "1367: what a person at the authority may disclose"
# custom:
#   id: immigration_victims.exceptions
#   citation: 8 USC 1367(b)(2), (b)(4)
#   confirm_by_counsel: true
disclosure_1367(fact) if data.sallyport.released.names(fact, bases_1367)

# (b)(2): at discretion, to law enforcement, solely for a legitimate law enforcement purpose.
bases_1367 contains "law_enforcement_discretion" if {
	data.sallyport.context.asker_agency.law_enforcement == true
	data.sallyport.context.purpose.criminal_justice == true
}

# (b)(4): all the adults concerned have waived it.
bases_1367 contains "waiver"

# METADATA
# title: "1367: of what may be disclosed, the classes that the release names"
# custom:
#   id: immigration_victims.classes
#   citation: 8 USC 1367(b)(2), (b)(4)
#   confirm_by_counsel: true
withhold contains [place, element_class, "immigration_victims.classes"] if {
	not no_authority
	not own_records
	some place, fact in input.facts
	not fact.victim_applicant == false
	some element_class in data.sallyport.released.beyond(fact, bases_1367)
}

# METADATA
# title: The class victim of an immigration authority's records
# custom:
#   id: immigration_victims.class
#   citation: 8 USC 1367(a)(2)
#   confirm_by_counsel: false
never contains "victim" if {
	not no_authority
	not own_records
}
