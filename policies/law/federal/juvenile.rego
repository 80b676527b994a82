package law.federal

# METADATA
# title: Federal juvenile records only to law enforcement that investigates, or hires
# custom:
#   id: juvenile.not_shown
#   citation: 18 USC 5038(a)(3), (e)
#   confirm_by_counsel: false
hide contains [place, "juvenile.not_shown"] if {
	data.sallyport.shared.jurisdiction == "federal"
	some place, fact in data.sallyport.context.unusual
	data.sallyport.juvenile.is_juvenile(fact, data.law.federal.adult_at)
	not federal_juvenile_may_be_seen(fact)
}

federal_juvenile_may_be_seen(fact) if data.sallyport.juvenile.may_be_seen(fact)

# 18 USC 5038(a)(3): or a position within that agency.
federal_juvenile_may_be_seen(_) if {
	data.sallyport.context.asker_agency.law_enforcement == true
	input.search.purpose == "employment"
	input.search.iii_purpose_code == "J"
}
