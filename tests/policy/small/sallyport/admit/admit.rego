package sallyport.admit

import rego.v1

obligations contains {"type": "delete_after", "days": h.keep_days} if some h in input.answer.handling

# METADATA
# title: Fresh answers alone
# custom:
#   id: admit.stale
#   citation: Test 1
#   confirm_by_counsel: false
default decision := {
	"allow": false, "reasons": [{"code": "admit.stale", "text": "The answer is stale."}],
	"obligations": [], "rules": ["test.stale"],
}

decision := {
	"allow": true, "reasons": [], "obligations": [o | some o in obligations],
	"rules": ["test.admit"],
} if {
	input.answer.stale == false
}
