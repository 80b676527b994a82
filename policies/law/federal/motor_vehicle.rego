package law.federal

# METADATA
# title: Records of a motor vehicle department only for a permitted use
# custom:
#   id: dppa.permitted_use
#   citation: 18 USC 2721(a), (b)(1)
#   confirm_by_counsel: false
hide contains [place, "dppa.permitted_use"] if {
	some place, fact in data.sallyport.context.unusual
	not another_source(fact)
	not motor_vehicle_records_may_be_used
}

# The source counts, not the class: a booking keeps its photograph. An unknown source counts as the
# department.
another_source(fact) if fact.source_kind in {"own", "plate_reader"}

# (b)(1): a government agency, carrying out its functions. The states' own laws block more.
motor_vehicle_records_may_be_used if {
	data.sallyport.context.asker_agency.government == true
	input.search.purpose in data.law.federal.motor_vehicle_purposes
}

# METADATA
# title: Highly restricted motor vehicle data only to law enforcement and courts
# description: >-
#   (b)(1) frees every government agency in its functions, and names courts and law enforcement. Here
#   others are left out until counsel adds them.
# custom:
#   id: dppa.highly_restricted
#   citation: 18 USC 2725(4), 2721(b)(1)
#   confirm_by_counsel: true
withhold contains [place, element_class, "dppa.highly_restricted"] if {
	some place, fact in data.sallyport.context.unusual
	not another_source(fact)
	not highly_restricted_may_be_had
	some element_class in ["medical", "photo", "ssn"]
}

# METADATA
# title: Motor vehicle records are passed on only for a permitted use, and a record of it is kept
# description: >-
#   Whoever receives them is told so with each record. What was received from another agency is given
#   on by `dppa.permitted_use` alone, like the department's own; and each answer stands in the log,
#   with whom it went to and for which purpose.
# custom:
#   id: dppa.redisclosure
#   citation: 18 USC 2721(c)
#   confirm_by_counsel: true
caveats contains [place, data.law.federal.redisclosure_caveat] if {
	some place, fact in data.sallyport.context.unusual
	not another_source(fact)
}

highly_restricted_may_be_had if {
	for_law_enforcement
} else if {
	for_a_court
}

for_a_court if {
	data.sallyport.context.asker_agency.government == true
	data.sallyport.context.asker_agency.type in data.law.federal.motor_vehicle_courts.agency_types
	input.search.purpose in data.law.federal.motor_vehicle_courts.purposes
}

for_law_enforcement if {
	data.sallyport.context.asker_agency.law_enforcement == true
	data.sallyport.context.purpose.criminal_justice == true
}
