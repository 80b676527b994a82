# METADATA
# title: May this person ask this at all?
# description: >-
#   What does not depend on who is asked. The asking agency's door decides it for its own officers;
#   the answering agency's decides it again, from what the question says of the asker.
package sallyport.officer

import data.sallyport.vocabulary

# METADATA
# title: The purpose must be known
# custom:
#   id: purpose.unknown
#   citation: Vocabulary of the policy set
#   confirm_by_counsel: false
deny contains {
	"code": "purpose.unknown",
	"text": "This purpose is not in use here. Choose one of the listed purposes.",
} if {
	not data.sallyport.context.purpose
}

# METADATA
# title: Granularity, subject and record types must be known
# custom:
#   id: search.unknown_word
#   citation: Vocabulary of the policy set
#   confirm_by_counsel: false
deny contains {
	"code": "search.unknown_word",
	"text": "The question uses a granularity, a kind of subject or a record type that is not in use here. Choose one that is.",
} if {
	not words_known
}

words_known if {
	input.search.granularity in vocabulary.granularities
	input.search.subject.kind in vocabulary.subject_kinds
	is_array(input.search.subject.terms)
	is_array(input.search.record_types)
	count(input.search.record_types) > 0
	known := vocabulary.record_types
	every word in input.search.record_types {
		known[word]
	}
}

# METADATA
# title: The asking agency must be known
# custom:
#   id: agency.asker_unknown
#   citation: Directory of agencies
#   confirm_by_counsel: false
deny contains {
	"code": "agency.asker_unknown",
	"text": "The asking agency is not in the directory of the agency that was asked. Ask your administrator to have it entered there.",
} if {
	not data.sallyport.context.asker_agency
}

# METADATA
# title: A role that the purpose is for
# custom:
#   id: officer.role
#   citation: CJIS Security Policy AC-3
#   confirm_by_counsel: false
deny contains {
	"code": "officer.role",
	"text": "Your role does not allow questions for this purpose. Ask your supervisor.",
	"citation": "CJIS Security Policy AC-3",
} if {
	not role_fits
}

role_fits if {
	is_array(data.sallyport.context.claims.roles)
	some role in data.sallyport.context.claims.roles
	role in data.sallyport.context.purpose.roles
}

# METADATA
# title: A log-on as strong as the purpose needs
# custom:
#   id: officer.assurance
#   citation: CJIS Security Policy IA-2
#   confirm_by_counsel: false
deny contains {
	"code": "officer.assurance",
	"text": "This log-on is too weak for the purpose. Log on with a second factor and ask again.",
	"citation": "CJIS Security Policy IA-2",
} if {
	not strong_enough
}

strong_enough if data.sallyport.context.claims.assurance >= data.sallyport.context.purpose.assurance

# METADATA
# title: A log-on of this shift
# custom:
#   id: officer.log_on
#   citation: CJIS Security Policy IA-2; NIST SP 800-63B 4.2.3
#   confirm_by_counsel: false
deny contains {
	"code": "officer.log_on",
	"text": "This log-on is too old, or its time lies ahead. Log on anew and ask again.",
	"citation": "CJIS Security Policy IA-2; NIST SP 800-63B 4.2.3",
} if {
	not logged_on_lately
}

# In whole hours begun; below zero, the log-on lies ahead of this gateway's clock.
logged_on_lately if {
	is_number(vocabulary.log_on_hours)
	hours := data.sallyport.context.claims.logged_on_hours
	hours >= 0
	hours <= vocabulary.log_on_hours
}

# METADATA
# title: A purpose that is the unit's work
# custom:
#   id: purpose.function
#   citation: Vocabulary of the policy set
#   confirm_by_counsel: false
deny contains {
	"code": "purpose.function",
	"text": "This purpose is not the work of your unit. Choose the purpose that you act for.",
} if {
	not units_work
}

units_work if data.sallyport.context.claims.unit_function in data.sallyport.context.purpose.functions

# METADATA
# title: Only the purposes of the asking agency's kind
# custom:
#   id: purpose.agency
#   citation: Purposes by agency type
#   confirm_by_counsel: false
deny contains {
	"code": "purpose.agency",
	"text": "This purpose is not the work of your agency. Choose the purpose that you act for.",
} if {
	not agencys_work
}

agencys_work if agency_types == []

agencys_work if data.sallyport.context.asker_agency.type in agency_types

# None named: a purpose for every kind of agency.
agency_types := object.get(data.sallyport.context.purpose, "agency_types", [])

# METADATA
# title: A purpose that needs a reference
# custom:
#   id: reference.required
#   citation: CJIS Security Policy AU-3
#   confirm_by_counsel: false
deny contains {
	"code": "reference.required",
	"text": sprintf("This purpose needs the matter that it belongs to. Give a reference of a type that it takes: %s.", [types_of_reference]),
	"citation": "CJIS Security Policy AU-3",
} if {
	not reference_fits
}

# Without a purpose that is known there is nothing to name, and the reason stands all the same.
default types_of_reference := "none is known"

types_of_reference := concat(", ", data.sallyport.context.purpose.references)

reference_fits if {
	data.sallyport.context.purpose.reference_required == false
	is_null(input.search.reference)
}

reference_fits if {
	input.search.reference.type in data.sallyport.context.purpose.references
	is_string(input.search.reference.number)
	input.search.reference.number != ""
}

# A matter just begun has no number yet; the gateway holds it open for a day.
reference_fits if {
	input.search.reference.type == "pending"
	"pending" in data.sallyport.context.purpose.references
}
