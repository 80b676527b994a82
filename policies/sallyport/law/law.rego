# METADATA
# title: The law of the owner's and the asker's jurisdictions
# description: >-
#   Federal rules hold for every agency; a state's for its own. Each jurisdiction's folder under
#   policies/law has a `lines.rego` that adds its lines to this package: adding a jurisdiction is
#   adding a folder. One without all of its lines gives nothing: an agency there is refused until
#   its law has been written down. Only the law of the jurisdictions that a question concerns is
#   evaluated. (They are objects and not functions: the embedded engine knows no function that stands
#   in several files.)
package sallyport.law

# Whose law on answering matters here: that of the agency that answers, and at the first door of those
# that are asked.
answering contains place if {
	input.asker
	agencies := data.agencies
	place := agencies[input.self].jurisdiction
}

answering contains place if {
	not input.asker
	agencies := data.agencies
	some owner in data.sallyport.ask.asked
	place := agencies[owner].jurisdiction
}

# Whose law on asking matters here.
asking contains data.sallyport.context.asker_agency.jurisdiction

# Why an agency of this jurisdiction may not answer.
denials(jurisdiction) := (data.law.federal.deny | data.local.deny) | owner_deny[jurisdiction]

# Classes that an agency of this jurisdiction never gives the asker for the purpose, whatever its
# records hold. Local rules can only add to them, and not what the law wants given.
never(jurisdiction) := (data.law.federal.never | owner_never[jurisdiction]) | locally_never(jurisdiction)

locally_never(jurisdiction) := set() if {
	count(data.local.never) == 0
} else := data.local.never - guaranteed[jurisdiction]

# Records to hide without a sign, by their place among the facts, each with the rule that hides it.
hide(jurisdiction) := (data.law.federal.hide | data.local.hide) | owner_hide[jurisdiction]

# Classes to leave out of one record, by its place among the facts.
withhold(jurisdiction) := data.law.federal.withhold | owner_withhold[jurisdiction]

# What the owner's law lets it give for civil immigration enforcement beside the status: `classes`, and
# `records`, pairs of a record's place among the facts and a class.
permits(jurisdiction) := owner_permits[jurisdiction]

# What is told with one record, by its place among the facts: in words, for whoever receives it.
caveats := data.law.federal.caveats

# Values that no record may hold that is shown, by the element they stand in. What a record is said to be
# by its mapping does not count against them.
hide_values := data.law.federal.hide_values

# Classes of which a record has to give something to be shown at all, by its place among the facts.
only_with := data.law.federal.only_with

# What whoever receives an answer in this jurisdiction has to do by law.
obligations(jurisdiction) := data.law.federal.obligations | receiver_obligations[jurisdiction]
