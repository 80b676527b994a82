package sallyport.answer

import rego.v1

default allowed := false

allowed if input.asker.ori in {"TX9990000", "CA9990000"}

lowered := "pointer" if {
	input.search.purpose == "stop"
	input.search.granularity == "record"
} else := input.search.granularity

# METADATA
# title: An agreement between the two
# custom:
#   id: agreement.none
#   citation: Test 1
#   confirm_by_counsel: false
default decision := {
	"allow": false,
	"reasons": [{"code": "agreement.none", "text": "There is no agreement with your agency."}],
	"granularity": "hit", "record_types": [], "terms": [], "classes_never_shared": [],
	"freshness_minutes": {}, "obligations": [], "rules": ["test.no_agreement"],
}

decision := {
	"allow": true, "reasons": [], "granularity": lowered,
	"record_types": input.search.record_types,
	"terms": input.search.subject.terms,
	"classes_never_shared": ["victim"],
	"freshness_minutes": {"warrant": 60},
	"obligations": [],
	"rules": ["test.answer"],
} if {
	allowed
}
