# METADATA
# title: Texas law
package law.texas

# Texas keeps no agency from answering or asking; what it wants hidden and given stands below.
deny := set()

deny_asking := set()

untold := set()

never := set()

# METADATA
# title: The exchange of immigration status is not limited
# custom:
#   id: tx.status_not_limited
#   citation: Tex. Gov. Code 752.053
#   confirm_by_counsel: false
guaranteed contains "immigration_status" if data.sallyport.context.asker_agency.immigration_authority == true

# METADATA
# title: Juvenile records only to criminal and juvenile justice agencies
# custom:
#   id: tx.juvenile
#   citation: Tex. Fam. Code 58.008
#   confirm_by_counsel: true
hide contains [place, "tx.juvenile"] if {
	some place, fact in input.facts
	not fact.juvenile == false
	not data.sallyport.context.asker_agency.criminal_justice == true
}
