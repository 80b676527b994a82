package law.federal

# METADATA
# title: Juveniles only to law enforcement that investigates a crime
# custom:
#   id: juvenile.not_shown
#   citation: 18 USC 5038(a)(3), (e)
#   confirm_by_counsel: false
hide contains [place, "juvenile.not_shown"] if {
	some place, fact in input.facts
	not fact.juvenile == false
	not juvenile_may_be_seen(fact)
}

juvenile_may_be_seen(_) if {
	data.sallyport.context.asker_agency.law_enforcement == true
	data.sallyport.context.purpose.investigates == true
}

# A warrant for a juvenile must be found on the road and at the border as well.
juvenile_may_be_seen(fact) if {
	data.sallyport.context.asker_agency.law_enforcement == true
	fact.record_type == "warrant"
	data.sallyport.context.purpose.criminal_justice == true
	input.search.purpose in data.law.federal.juvenile_warrant_purposes
}
