package law.federal

# METADATA
# title: "Criminal intelligence: need to know"
# custom:
#   id: intelligence.need_to_know
#   citation: 28 CFR 23.20(e)
#   confirm_by_counsel: false
deny contains {
	"code": "intelligence.need_to_know",
	"text": "Criminal intelligence is for units that investigate the crime, with its case number. Give it, or leave that record type out.",
	"citation": "28 CFR 23.20(e)",
} if {
	"intelligence" in data.sallyport.context.asks_for
	not needs_to_know
}

needs_to_know if {
	input.search.purpose == "criminal_investigation"
	data.sallyport.context.claims.unit_function in data.law.federal.intelligence_functions
	input.search.reference.type == "case"
	is_string(input.search.reference.number)
	input.search.reference.number != ""
}

# METADATA
# title: "Criminal intelligence: right to know"
# custom:
#   id: intelligence.right_to_know
#   citation: 28 CFR 23.20(e), (f)(1)
#   confirm_by_counsel: false
deny contains {
	"code": "intelligence.right_to_know",
	"text": "Criminal intelligence is for officers of law enforcement agencies who are certified under 28 CFR part 23. Leave that record type out.",
	"citation": "28 CFR 23.20(e), (f)(1)",
} if {
	"intelligence" in data.sallyport.context.asks_for
	not has_right_to_know
}

has_right_to_know if {
	data.sallyport.context.asker_agency.law_enforcement == true
	"cfr28_part23" in data.sallyport.context.claims.attributes
}

intelligence_may_be_seen if {
	needs_to_know
	has_right_to_know
}

# METADATA
# title: No sign of intelligence without need and right to know
# custom:
#   id: intelligence.not_shown
#   citation: 28 CFR 23.20(e)
#   confirm_by_counsel: false
hide contains [place, "intelligence.not_shown"] if {
	known := data.sallyport.vocabulary.record_types
	some place, fact in input.facts
	is_intelligence(fact, known)
	not intelligence_may_be_seen
}

is_intelligence(fact, _) if not fact.intelligence == false

is_intelligence(fact, known) if "intelligence" in known[fact.record_type].treated_as

# METADATA
# title: The class intelligence without need and right to know
# custom:
#   id: intelligence.class
#   citation: 28 CFR 23.20(e)
#   confirm_by_counsel: false
never contains "intelligence" if not intelligence_may_be_seen
