# METADATA
# title: California law
package law.california

# METADATA
# title: "California Values Act: no use of agency resources for immigration enforcement"
# custom:
#   id: ca.values_act.purpose
#   citation: Cal. Gov. Code 7284.6(a)(1)
#   confirm_by_counsel: false
deny contains {
	"code": "ca.values_act.purpose",
	"text": "California agencies give nothing for civil immigration enforcement, save what is public and what a judicial warrant names. Ask with the warrant once a person at the agency has released on it, or leave the agency out.",
	"citation": "Cal. Gov. Code 7284.6(a)(1)",
} if {
	not purpose_allowed
}

# `else` and not a second rule: the embedded engine evaluates all of those.
purpose_allowed if {
	other_purpose
} else if {
	permitted
}

other_purpose if input.search.purpose != "civil_immigration"

# METADATA
# title: "California Values Act: asked by a unit of civil immigration enforcement"
# description: A local officer who does that enforcement is an immigration authority here too.
# custom:
#   id: ca.values_act.function
#   citation: Cal. Gov. Code 7284.4(c), 7284.6(a)(1), (b)
#   confirm_by_counsel: false
deny contains {
	"code": "ca.values_act.function",
	"text": "California agencies do not answer units of civil immigration enforcement, whatever the purpose. Leave it to a task force named in the agreement, ask for the criminal history of one named person alone, or ask with a judicial warrant that a person at the agency has released on.",
	"citation": "Cal. Gov. Code 7284.6(a)(1)",
} if {
	not function_allowed
}

function_allowed if {
	other_function
} else if {
	in_a_task_force
} else if {
	permitted
}

other_function if {
	data.sallyport.context.claims.unit_function in data.sallyport.vocabulary.unit_functions
	data.sallyport.context.claims.unit_function != "civil_enforcement"
}

# What may be answered whoever asks, and whatever for.
permitted if {
	criminal_history_of_one_person
} else if {
	what_is_public
} else if {
	data.sallyport.released.warranted
} else if {
	notification
}

# Where none of the limits applies, they limit no record, and no class but those that are kept from
# immigration authorities.
unlimited if {
	answered_anyway
} else if {
	in_a_task_force
} else if {
	criminal_history_of_one_person
} else if {
	what_is_public
}

answered_anyway if {
	other_purpose
	other_function
}

# METADATA
# title: "California Values Act: work that has nothing to do with immigration, of an agency that has not"
# description: >-
#   What an agency is stands in the directory, and counts beside the purpose that it states. An inspection
#   at the border asks after entry and stay, so it is no other work, whoever states it.
# custom:
#   id: ca.values_act.other_work
#   citation: Cal. Gov. Code 7284.4(c), (f), 7284.6(a)(1)
#   confirm_by_counsel: true
other_work if {
	input.search.purpose
	not for_immigration
	other_function
	other_agency
}

for_immigration if input.search.purpose in data.law.california.immigration_purposes

other_agency if data.sallyport.context.asker_agency.immigration_authority == false

# METADATA
# title: "California Values Act: the criminal history of a specific person"
# custom:
#   id: ca.values_act.criminal_history
#   citation: Cal. Gov. Code 7284.6(b)(2)
#   confirm_by_counsel: false
criminal_history_of_one_person if {
	input.search.subject.kind == "person"
	is_array(input.search.record_types)
	count(input.search.record_types) > 0
	known := data.sallyport.vocabulary.record_types
	every record_type in input.search.record_types {
		"criminal_history" in known[record_type].treated_as
	}
}

# METADATA
# title: "California Values Act: a task force with another primary purpose"
# custom:
#   id: ca.values_act.task_force
#   citation: Cal. Gov. Code 7284.6(b)(3)
#   confirm_by_counsel: false
in_a_task_force if {
	input.search.purpose != "civil_immigration"
	some place, force in data.law.california.task_forces
	force.agency == data.sallyport.context.asker_ori
	force.unit == data.sallyport.context.claims.unit
	input.search.reference.number in data.law.california.task_forces[place].cases
	force.primary_purpose in data.law.california.task_force_purposes
	data.sallyport.context.now < time.parse_rfc3339_ns(force.until)
}

# METADATA
# title: "California Values Act: what is available to the public"
# custom:
#   id: ca.values_act.public
#   citation: Cal. Gov. Code 7284.6(a)(1)(C), (D)
#   confirm_by_counsel: true
what_is_public if {
	is_array(input.search.record_types)
	count(input.search.record_types) > 0
	every record_type in input.search.record_types {
		record_type in data.law.california.public_record_types
	}
}

# METADATA
# title: "California Values Act: notification of a release"
# description: Off until the agency's counsel has agreed to it; then only for qualifying convictions.
# custom:
#   id: ca.values_act.notification
#   citation: Cal. Gov. Code 7282.5, 7284.6(a)(1)(C)
#   confirm_by_counsel: true
notification if {
	data.law.california.notifications.enabled == true
	data.sallyport.context.asker_agency.immigration_authority == true
	input.search.subject.kind == "person"
	input.search.reason_code in data.law.california.notifications.reasons
}

# METADATA
# title: "California Values Act: what is asked under a warrant or a notification is that person's alone"
# custom:
#   id: ca.values_act.named_person
#   citation: Cal. Gov. Code 7282.5, 7284.6(a)(4)
#   confirm_by_counsel: true
hide contains [place, "ca.values_act.named_person"] if {
	not unlimited
	some place, fact in input.facts
	not record_permitted(fact)
}

record_permitted(fact) if data.sallyport.released.warrant_names(fact)

record_permitted(fact) if {
	notification
	fact.qualifying_conviction == true
}

# METADATA
# title: "California Values Act: of that person, what the warrant names or a notification holds"
# custom:
#   id: ca.values_act.named_classes
#   citation: Cal. Gov. Code 7282.5, 7284.6(a)(4)
#   confirm_by_counsel: true
never contains element_class if {
	not unlimited
	some element_class, _ in data.sallyport.vocabulary.classes
	not class_permitted(element_class)
}

# METADATA
# title: "California Values Act: a warrant's classes of the records that it names, a notification's of its own"
# custom:
#   id: ca.values_act.classes_of_record
#   citation: Cal. Gov. Code 7282.5, 7284.6(a)(4)
#   confirm_by_counsel: true
withhold contains [place, element_class, "ca.values_act.classes_of_record"] if {
	not unlimited
	some place, fact in input.facts
	some element_class in not_permitted_of(fact)
}

# In a task force, too, and where a criminal history is asked for.
withhold contains [place, element_class, "ca.values_act.classes_of_record"] if {
	not free_of_addresses
	some place, fact in input.facts
	some element_class in (not_permitted_of(fact) & kept)
}

# For the list of agencies, which knows what an agency is and not yet what it will ask.
held := [element_class |
	not other_agency
	some element_class in kept
]

kept := {"contact", "location", "release_date"} | {element_class | some element_class in data.law.california.status_kept}

not_permitted_of(fact) := data.sallyport.released.beyond(fact, ["judicial_warrant"]) - {element_class |
	notification
	fact.qualifying_conviction == true
	some element_class in data.law.california.notifications.classes
}

class_permitted(element_class) if element_class in data.sallyport.released.warrant_classes

class_permitted(element_class) if {
	notification
	element_class in data.law.california.notifications.classes
}

# METADATA
# title: "California Values Act: what is public, and what a notification holds, whatever federal rules keep"
# custom:
#   id: ca.values_act.permits
#   citation: Cal. Gov. Code 7282.5, 7284.6(a)(1)(C), (D)
#   confirm_by_counsel: true
permits := {"classes": permitted_classes, "records": permitted_records}

permitted_classes contains element_class if {
	what_is_public
	some element_class, _ in data.sallyport.vocabulary.classes
}

permitted_classes contains element_class if {
	notification
	some element_class in data.law.california.notifications.classes
}

permitted_records contains [place, element_class] if {
	what_is_public
	some place, _ in input.facts
	some element_class in permitted_classes
}

permitted_records contains [place, element_class] if {
	notification
	some place, fact in input.facts
	fact.qualifying_conviction == true
	some element_class in data.law.california.notifications.classes
}

# METADATA
# title: "California Values Act: no home or work address for immigration enforcement"
# custom:
#   id: ca.values_act.address
#   citation: Cal. Gov. Code 7284.6(a)(1)(D)
#   confirm_by_counsel: true
never contains element_class if {
	not free_of_addresses
	some element_class in ["contact", "location"]
	not class_permitted(element_class)
}

# METADATA
# title: "California Values Act: no release dates for immigration enforcement"
# custom:
#   id: ca.values_act.release_dates
#   citation: Cal. Gov. Code 7284.6(a)(1)(C)
#   confirm_by_counsel: false
never contains "release_date" if {
	not free_of_addresses
	not class_permitted("release_date")
}

# METADATA
# title: "California Values Act: no status for immigration enforcement"
# description: >-
#   7284.6(e) leaves what 8 USC 1373 and 1644 say of the exchange of status as it is. Where counsel wants
#   status exchanged, the class is taken out of `status_kept`, and the agreements say for what it goes.
# custom:
#   id: ca.values_act.status
#   citation: Cal. Gov. Code 7284.6(a)(1), (e)
#   confirm_by_counsel: true
never contains element_class if {
	not free_of_addresses
	some element_class in data.law.california.status_kept
	not class_permitted(element_class)
}

free_of_addresses if {
	other_work
} else if {
	what_is_public
}

# METADATA
# title: "California Values Act: its own officers do not ask for it"
# custom:
#   id: ca.values_act.own_use
#   citation: Cal. Gov. Code 7284.6(a)(1)
#   confirm_by_counsel: false
deny_asking contains {
	"code": "ca.values_act.own_use",
	"text": "California agencies do not ask for civil immigration enforcement. Ask your counsel where you take the matter for another one.",
	"citation": "Cal. Gov. Code 7284.6(a)(1)",
} if {
	not other_purpose
}

# METADATA
# title: "California Values Act: no detention on hold requests"
# custom:
#   id: ca.values_act.holds
#   citation: Cal. Gov. Code 7284.6(a)(1)(B)
#   confirm_by_counsel: false
deny_asking contains {
	"code": "ca.values_act.holds",
	"text": "California agencies detain nobody on a hold request or an administrative warrant, and do not ask for them. Leave that record type out.",
	"citation": "Cal. Gov. Code 7284.6(a)(1)(B)",
} if {
	"civil" in data.sallyport.context.asks_for
}

# The list of agencies leaves this purpose out, both ways.
bars contains "civil_immigration"

# METADATA
# title: "California Values Act: no inquiry into status"
# custom:
#   id: ca.values_act.no_inquiry
#   citation: Cal. Gov. Code 7284.6(a)(1)(A)
#   confirm_by_counsel: false
untold contains "alien_registration"
