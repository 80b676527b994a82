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
	known := vocabulary.record_types
	some place, fact in input.facts
	"civil" in known[fact.record_type].treated_as
	not may_act_on_civil_warrants
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
}

own_records if input.asker.ori == input.self

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

# METADATA
# title: Applicants under VAWA, T and U visas are not disclosed
# custom:
#   id: immigration_victims.1367
#   citation: 8 USC 1367
#   confirm_by_counsel: false
never contains "victim" if not no_authority

no_authority if {
	agencies := data.agencies
	agencies[input.self].immigration_authority == false
}
