# METADATA
# title: What this agency shares with the asker for the purpose
# description: >-
#   From the agreement, the law and local rules alone, never from a record: so it is the same
#   whatever the records hold.
package sallyport.shared

import data.sallyport.agreement
import data.sallyport.context
import data.sallyport.law
import data.sallyport.vocabulary
import rego.v1

jurisdiction := data.agencies[input.self].jurisdiction

deal := agreement.between(input.self, context.asker_ori)

grant := deal.grant

paper := deal.paper

denials := law.denials(jurisdiction)

never := law.never(jurisdiction)

# Class to action. A class or an action that nobody knows is left out, which gives nothing.
classes[element_class] := action if {
	some element_class, action in grant.classes
	not element_class in never
	action in vocabulary.actions
	vocabulary.classes[element_class]
}
