package sallyport.release

import rego.v1

none := {
	"show": "none", "classes": {}, "handling": {"keep_days": 0, "onward_sharing": "none"},
	"confirm": false, "rules": ["test.hidden"], "hidden_by_value": {}, "only_with": [],
}

show(f) := "record" if {
	f.dissemination == "GREEN"
	f.disclosure == "open"
}

show(f) := "pointer" if {
	f.dissemination == "YELLOW"
	f.disclosure == "open"
}

action(f) := {
	"show": show(f),
	"classes": {
		"identity": "give", "identifier": "mask", "safety": "give", "order": "give",
		"incident": "give", "victim": "nothing",
	},
	"handling": {"keep_days": 30, "onward_sharing": "none", "caveat": "Verify before acting."},
	"confirm": f.record_type == "warrant",
	"rules": ["test.shown"],
	"hidden_by_value": {"scr:WarrantCategoryCode": ["Deportation"]},
	"only_with": [c | some c in ["order"]; f.source_kind == "plate_reader"],
}

pick(f) := action(f)

pick(f) := none if not show(f)

decision := {"actions": [pick(f) | some f in input.facts]}
