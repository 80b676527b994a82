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
# title: Law enforcement that investigates sees juveniles
# custom:
#   id: juvenile.investigation
#   citation: 18 USC 5038(a)(3); Cal. Welf. and Inst. Code 828; N.M. Stat. 32A-2-32
#   confirm_by_counsel: true
may_be_seen(_) if {
	data.sallyport.context.asker_agency.law_enforcement == true
	data.sallyport.context.purpose.investigates == true
}

may_be_seen(fact) if must_be_found(fact)

# METADATA
# title: Missing children and juveniles' warrants are found
# custom:
#   id: juvenile.must_be_found
#   citation: 34 USC 41307, 41308; 18 USC 5038(a)(3)
#   confirm_by_counsel: true
must_be_found(fact) if {
	data.sallyport.context.asker_agency.law_enforcement == true
	data.sallyport.context.purpose.criminal_justice == true
	found := data.law.federal.juveniles_found
	input.search.purpose in found[fact.record_type]
}
