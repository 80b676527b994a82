# METADATA
# title: What this agency shares with the asker for the purpose
# description: >-
#   From the agreement, the law and local rules alone, never from a record: so it is the same
#   whatever the records hold.
package sallyport.shared

import data.sallyport.vocabulary

jurisdiction := place if {
	agencies := data.agencies
	place := agencies[input.self].jurisdiction
}

deal := data.sallyport.agreement.between(input.self, data.sallyport.context.asker_ori)

grant := deal.grant

paper := deal.paper

# What the receiver has to do, by the agreement: for each match, and for the answer.
handling := data.sallyport.obligations.handling(grant)

owed := data.sallyport.obligations.of_grant(grant)

denials := data.sallyport.law.denials(jurisdiction)

never := data.sallyport.law.never(jurisdiction)

# Class to action. What is not named here is given to nobody; "nothing" is as good as not named.
classes := object.remove(grant.classes, never | held_back)

held_back := {element_class | some element_class, "nothing" in grant.classes}

# The same whatever the records hold, and so it may be told.
never_shared := [element_class | some element_class, _ in others] if {
	others := object.remove(vocabulary.classes, object.keys(classes))
}
