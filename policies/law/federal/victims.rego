package law.federal

# METADATA
# title: A victim-service provider gives nothing without the victim's consent
# description: >-
#   It binds grantees and providers, not ordinary police reports. Consent is informed, written and
#   limited in time: a person at the provider records it, with its end, and it names the records.
# custom:
#   id: victims.provider
#   citation: 34 USC 12291(b)(2); 28 CFR 94.115
#   confirm_by_counsel: false
hide contains [place, "victims.provider"] if {
	is_provider
	not own_records
	some place, fact in input.facts
	not consented(fact)
}

# METADATA
# title: Of what the victim consented to, the classes that the consent names
# custom:
#   id: victims.consented_classes
#   citation: 34 USC 12291(b)(2); 28 CFR 94.115
#   confirm_by_counsel: false
withhold contains [place, element_class, "victims.consented_classes"] if {
	is_provider
	not own_records
	some place, fact in input.facts
	some element_class in data.sallyport.released.beyond(fact, ["consent"])
}

consented(fact) if data.sallyport.released.names(fact, ["consent"])

is_provider if {
	agencies := data.agencies
	agency := agencies[input.self]
	agency.victim_services != false
}
