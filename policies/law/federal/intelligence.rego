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
	not intelligence_needed
}

intelligence_needed if {
	needs_to_know
} else if {
	danger_is_imminent
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
	"text": "Criminal intelligence is for officers certified under 28 CFR part 23, of law enforcement agencies that have agreed to its rules. Leave that record type out.",
	"citation": "28 CFR 23.20(e), (f)(1)",
} if {
	"intelligence" in data.sallyport.context.asks_for
	not intelligence_rightful
}

intelligence_rightful if {
	has_right_to_know
} else if {
	danger_is_imminent
}

# (f)(1): law enforcement that has agreed to equal rules; the directory says who has.
has_right_to_know if {
	"cfr28_part23" in data.sallyport.context.claims.attributes
	data.sallyport.context.asker_agency.law_enforcement == true
	"cfr28_part23" in data.sallyport.context.asker_agency.follows
}

intelligence_may_be_seen if {
	has_right_to_know
	needs_to_know
}

# METADATA
# title: "Imminent danger: an assessment goes to any government official"
# custom:
#   id: intelligence.imminent_danger
#   citation: 28 CFR 23.20(f)(2)
#   confirm_by_counsel: true
danger_is_imminent if {
	input.search.reason_code in data.law.federal.danger_reasons
	data.sallyport.context.asker_agency.government == true
	data.sallyport.context.purpose.criminal_justice == true
}

assessment_may_be_seen(fact) if {
	danger_is_imminent
	fact.assessment == true
}

# METADATA
# title: No sign of intelligence without need and right to know
# custom:
#   id: intelligence.not_shown
#   citation: 28 CFR 23.20(e)
#   confirm_by_counsel: false
hide contains [place, "intelligence.not_shown"] if {
	some place, fact in intelligence_records
	not intelligence_may_be_seen
	not assessment_may_be_seen(fact)
}

# Mostly there are none, and the rules on them have nothing to go through.
intelligence_records[place] := fact if {
	known := data.sallyport.vocabulary.record_types
	some place, fact in input.facts
	is_intelligence(fact, known)
}

is_intelligence(fact, _) if not fact.intelligence == false

is_intelligence(fact, known) if "intelligence" in known[fact.record_type].treated_as

# METADATA
# title: No intelligence that was entered without reasonable suspicion
# custom:
#   id: intelligence.reasonable_suspicion
#   citation: 28 CFR 23.20(a), (c)
#   confirm_by_counsel: false
hide contains [place, "intelligence.reasonable_suspicion"] if {
	some place, fact in intelligence_records
	not fact.reasonable_suspicion == true
}

# METADATA
# title: No intelligence on views or associations that are not tied to a crime
# description: >-
#   Political, religious or social views, associations or activities. The owner says of each record
#   that it holds none, or that they are tied to the crime.
# custom:
#   id: intelligence.protected_activity
#   citation: 28 CFR 23.20(b)
#   confirm_by_counsel: false
hide contains [place, "intelligence.protected_activity"] if {
	some place, fact in intelligence_records
	not free_of_views(fact)
}

free_of_views(fact) if fact.protected_activity in {"none", "tied_to_crime"}

# METADATA
# title: No intelligence without its label of confidence
# custom:
#   id: intelligence.labels
#   citation: 28 CFR 23.20(g)
#   confirm_by_counsel: false
hide contains [place, "intelligence.labels"] if {
	some place, fact in intelligence_records
	not labelled(fact)
}

labelled(fact) if fact.confidence in data.sallyport.vocabulary.confidence

# METADATA
# title: No intelligence that was not validated for five years
# custom:
#   id: intelligence.validation
#   citation: 28 CFR 23.20(h)
#   confirm_by_counsel: true
hide contains [place, "intelligence.validation"] if {
	some place, fact in intelligence_records
	not validated(fact)
}

validated(fact) if {
	is_string(fact.validated_on)
	regex.match(`^\d{4}-\d{2}-\d{2}$`, fact.validated_on)
	[today, _] := split(input.now, "T")
	fact.validated_on <= today
	year := substring(fact.validated_on, 0, 4)
	until := to_number(year) + data.law.federal.intelligence_years
	today < sprintf("%v%v", [until, trim_prefix(fact.validated_on, year)])
}

# METADATA
# title: The class intelligence without need and right to know
# custom:
#   id: intelligence.class
#   citation: 28 CFR 23.20(e)
#   confirm_by_counsel: false
never contains "intelligence" if {
	not intelligence_may_be_seen
	not danger_is_imminent
}

# METADATA
# title: In imminent danger the assessment alone
# custom:
#   id: intelligence.assessment_alone
#   citation: 28 CFR 23.20(f)(2)
#   confirm_by_counsel: true
withhold contains [place, "intelligence", "intelligence.assessment_alone"] if {
	danger_is_imminent
	not intelligence_may_be_seen
	some place, fact in input.facts
	not fact.assessment == true
}
