# METADATA
# title: New Mexico law
package law.new_mexico

# METADATA
# title: State employees do not disclose sensitive personal information
# description: >-
#   The act binds state agencies. Here it holds for every agency in New Mexico, counties and cities too,
#   until counsel has said to whom it applies.
# custom:
#   id: nm.sb36.classes
#   citation: N.M. Laws 2025, SB 36
#   confirm_by_counsel: true
never contains element_class if {
	not own_records
	some element_class in data.law.new_mexico.sensitive_classes
	not released_class(element_class)
}

own_records if input.asker.ori == input.self

# METADATA
# title: "SB 36: a court's order, a judicial warrant, or the person's own consent"
# custom:
#   id: nm.sb36.exceptions
#   citation: N.M. Laws 2025, SB 36
#   confirm_by_counsel: true
released_class(element_class) if {
	some release in data.sallyport.released.counting
	release.basis in data.law.new_mexico.exceptions
	element_class in release.classes
}

# METADATA
# title: "SB 36: only for the records that the order or the consent names"
# custom:
#   id: nm.sb36.records
#   citation: N.M. Laws 2025, SB 36
#   confirm_by_counsel: true
withhold contains [place, element_class, "nm.sb36.records"] if {
	not own_records
	some element_class in data.law.new_mexico.sensitive_classes
	released_class(element_class)
	some place, fact in input.facts
	element_class in data.sallyport.released.beyond(fact, data.law.new_mexico.exceptions)
}

# METADATA
# title: State employees do not tell them in a question either
# custom:
#   id: nm.sb36.terms
#   citation: N.M. Laws 2025, SB 36
#   confirm_by_counsel: true
untold contains term if {
	some term, about in data.sallyport.vocabulary.terms
	about.class in data.law.new_mexico.sensitive_classes
}

# METADATA
# title: Juvenile records only to law enforcement that investigates, by age at the offense
# custom:
#   id: nm.juvenile
#   citation: N.M. Stat. 32A-2-32
#   confirm_by_counsel: true
hide contains [place, "nm.juvenile"] if {
	some place, fact in data.sallyport.context.unusual
	data.sallyport.juvenile.is_juvenile(fact, data.law.new_mexico.adult_at)
	not data.sallyport.juvenile.may_be_seen(fact)
}
