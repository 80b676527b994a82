# METADATA
# title: New Mexico law
package law.new_mexico

deny := set()

deny_asking := set()

# METADATA
# title: State employees do not disclose sensitive personal information
# custom:
#   id: nm.sb36.classes
#   citation: N.M. Laws 2025, SB 36
#   confirm_by_counsel: false
never contains element_class if {
	not input.asker.ori == input.self
	some element_class in data.law.new_mexico.sensitive_classes
}

# METADATA
# title: State employees do not tell them in a question either
# custom:
#   id: nm.sb36.terms
#   citation: N.M. Laws 2025, SB 36
#   confirm_by_counsel: false
untold contains term if {
	some term, about in data.sallyport.vocabulary.terms
	about.class in data.law.new_mexico.sensitive_classes
}
