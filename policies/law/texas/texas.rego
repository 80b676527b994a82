# METADATA
# title: Texas law
package law.texas

# METADATA
# title: The exchange of immigration status is not limited
# custom:
#   id: tx.status_not_limited
#   citation: Tex. Gov. Code 752.053
#   confirm_by_counsel: false
guaranteed contains "immigration_status" if data.sallyport.context.asker_agency.immigration_authority == true

# METADATA
# title: Sealed records are seen by whom an order of the juvenile court names, and by nobody else
# custom:
#   id: tx.sealed_order
#   citation: Tex. Fam. Code 58.260
#   confirm_by_counsel: true
sealed_opened contains "court_order"

# METADATA
# title: Juvenile records only to criminal and juvenile justice agencies, by age at the offense
# custom:
#   id: tx.juvenile
#   citation: Tex. Fam. Code 51.02(2), 58.008
#   confirm_by_counsel: true
hide contains [place, "tx.juvenile"] if {
	some place, fact in data.sallyport.context.unusual
	data.sallyport.juvenile.is_juvenile(fact, data.law.texas.adult_at)
	not may_see_juvenile(fact)
}

may_see_juvenile(fact) if {
	data.sallyport.context.asker_agency.criminal_justice == true
	data.sallyport.juvenile.may_be_seen(fact)
}
