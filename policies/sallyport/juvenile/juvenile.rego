# METADATA
# title: Whose record is a juvenile's
# description: >-
#   By age at the offense, where the record tells it, and by the owner's own mark. Either makes it
#   one; what is missing or malformed does too.
package sallyport.juvenile

is_juvenile(fact, adult_at) if {
	not fact.juvenile == false
} else if {
	age := fact.age_at_offense
	not of_age(age, adult_at)
}

of_age(age, adult_at) if {
	is_number(age)
	age >= adult_at
}

# METADATA
# title: Law enforcement that investigates sees juveniles, and a juvenile's warrant is found
# custom:
#   id: juvenile.must_be_found
#   citation: 18 USC 5038(a)(3); Cal. Welf. and Inst. Code 828; N.M. Stat. 32A-2-32
#   confirm_by_counsel: true
may_be_seen(_) if {
	data.sallyport.context.asker_agency.law_enforcement == true
	data.sallyport.context.purpose.investigates == true
}

may_be_seen(fact) if {
	data.sallyport.context.asker_agency.law_enforcement == true
	fact.record_type == "warrant"
	data.sallyport.context.purpose.criminal_justice == true
	input.search.purpose in data.law.federal.juvenile_warrant_purposes
}
