package law.california

# METADATA
# title: No help to other states against lawful abortion
# custom:
#   id: ca.abortion
#   citation: Cal. Penal Code 13778.2
#   confirm_by_counsel: false
deny contains {
	"code": "ca.abortion",
	"text": "California agencies give no information for an inquiry into lawful abortion.",
	"citation": "Cal. Penal Code 13778.2",
} if {
	not other_matter
}

other_matter if {
	is_string(input.search.reason_code)
	not about_abortion
}

other_matter if data.sallyport.context.asker_agency.jurisdiction == "california"

about_abortion if input.search.reason_code in data.law.california.abortion_reasons

# METADATA
# title: Juvenile information does not go to federal agencies
# custom:
#   id: ca.juvenile_federal
#   citation: Cal. Welf. and Inst. Code 831
#   confirm_by_counsel: true
hide contains [place, "ca.juvenile_federal"] if {
	some place, fact in input.facts
	not fact.juvenile == false
	not asker_is_not_federal
}

asker_is_not_federal if data.sallyport.context.asker_agency.jurisdiction != "federal"

# METADATA
# title: Sealed arrests are seen by criminal justice agencies that investigate
# custom:
#   id: ca.sealed_audience
#   citation: Cal. Penal Code 851.92
#   confirm_by_counsel: true
sealed_may_be_seen if {
	data.sallyport.context.asker_agency.criminal_justice == true
	data.sallyport.context.purpose.investigates == true
	data.sallyport.context.asker_agency.jurisdiction == "california"
}

# METADATA
# title: Home addresses from the motor vehicle department are confidential
# custom:
#   id: ca.dmv_address
#   citation: Cal. Veh. Code 1808.21
#   confirm_by_counsel: true
withhold contains [place, "contact", "ca.dmv_address"] if {
	some place, fact in input.facts
	not fact.source_kind == "own"
}
