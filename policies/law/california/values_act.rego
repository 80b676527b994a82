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
	"text": "California agencies give nothing for civil immigration enforcement, save the criminal history of one named person.",
	"citation": "Cal. Gov. Code 7284.6(a)(1)",
} if {
	not purpose_allowed
}

purpose_allowed if other_purpose

other_purpose if input.search.purpose != "civil_immigration"

purpose_allowed if criminal_history_of_one_person

# METADATA
# title: "California Values Act: asked by a unit of civil immigration enforcement"
# custom:
#   id: ca.values_act.function
#   citation: Cal. Gov. Code 7284.6(a)(1), (b)
#   confirm_by_counsel: false
deny contains {
	"code": "ca.values_act.function",
	"text": "California agencies do not answer units of civil immigration enforcement, whatever the purpose. A task force named in the agreement, or a unit with another function, may ask.",
	"citation": "Cal. Gov. Code 7284.6(a)(1)",
} if {
	not function_allowed
}

function_allowed if other_function

other_function if {
	data.sallyport.context.claims.unit_function in data.sallyport.vocabulary.unit_functions
	data.sallyport.context.claims.unit_function != "civil_enforcement"
}

function_allowed if criminal_history_of_one_person

function_allowed if in_a_task_force

# 7284.6(b)(2): the criminal history of a specific person, where other law permits it.
criminal_history_of_one_person if {
	input.search.subject.kind == "person"
	is_array(input.search.record_types)
	count(input.search.record_types) > 0
	known := data.sallyport.vocabulary.record_types
	every record_type in input.search.record_types {
		"criminal_history" in known[record_type].treated_as
	}
}

# 7284.6(b)(3): a joint task force whose primary purpose is not immigration enforcement.
in_a_task_force if {
	input.search.purpose != "civil_immigration"
	some force in data.law.california.task_forces
	force.agency == data.sallyport.context.asker_ori
	force.unit == data.sallyport.context.claims.unit
	input.search.reference.number in force.cases
	force.primary_purpose in data.law.california.task_force_purposes
	data.sallyport.context.now < time.parse_rfc3339_ns(force.until)
}

# METADATA
# title: "California Values Act: its own officers do not ask for it"
# custom:
#   id: ca.values_act.own_use
#   citation: Cal. Gov. Code 7284.6(a)(1)
#   confirm_by_counsel: false
deny_asking contains {
	"code": "ca.values_act.own_use",
	"text": "California agencies do not ask for civil immigration enforcement.",
	"citation": "Cal. Gov. Code 7284.6(a)(1)",
} if {
	not other_purpose
}

# METADATA
# title: "California Values Act: no inquiry into status"
# custom:
#   id: ca.values_act.no_inquiry
#   citation: Cal. Gov. Code 7284.6(a)(1)(A)
#   confirm_by_counsel: false
untold contains "alien_registration"

# METADATA
# title: "California Values Act: no home or work address for immigration enforcement"
# custom:
#   id: ca.values_act.address
#   citation: Cal. Gov. Code 7284.6(a)(1)(D)
#   confirm_by_counsel: true
never contains element_class if {
	not other_work
	some element_class in ["contact", "location"]
}

other_work if {
	other_purpose
	other_function
}
