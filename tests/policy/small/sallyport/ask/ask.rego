package sallyport.ask

import rego.v1

refusal := {"code": "agreement.none", "text": "There is no agreement with that agency.", "citation": "Test 1"}

partners := {"TX9990000", "CA9990000"}

default officer_may_ask := false

officer_may_ask if input.officer.assurance >= 2

# The embedded engine fails on going through null, where OPA finds nothing in it.
named contains ori if {
	is_array(input.agencies)
	some ori in input.agencies
}

named contains ori if {
	is_array(input.agencies)
	"*" in input.agencies
	some ori in partners
}

named contains ori if {
	is_null(input.agencies)
	some ori in partners
}

peer(ori) := {
	"allow": true, "reasons": [], "granularity": input.search.granularity,
	"terms": [t | some t in input.search.subject.terms; t != "ssn"],
	"record_types": input.search.record_types, "rules": ["test.partner"],
} if {
	ori in partners
}

peer(ori) := {
	"allow": false, "reasons": [refusal], "granularity": "hit",
	"terms": [], "record_types": [], "rules": ["test.stranger"],
} if {
	not ori in partners
}

# METADATA
# title: A strong log-on
# custom:
#   id: officer.assurance
#   citation: Test 1
#   confirm_by_counsel: false
default decision := {
	"allow": false,
	"reasons": [{"code": "officer.assurance", "text": "Log on with a second factor."}],
	"agencies": {}, "rules": ["test.assurance"],
}

decision := {
	"allow": true, "reasons": [], "rules": ["test.ask"],
	"agencies": {ori: peer(ori) | some ori in named; ori != "*"},
} if {
	officer_may_ask
}
