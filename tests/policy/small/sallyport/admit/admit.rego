package sallyport.admit

import rego.v1

obligations contains {"type": "delete_after", "days": h.keep_days} if some h in input.answer.handling

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
