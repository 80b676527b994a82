package sallyport.agencies

import rego.v1

decision := {"agencies": [{
	"ori": "CA9990000", "name": "Port Serena Police Department", "type": "municipal_police",
	"jurisdiction": "California",
	"purposes": [{
		"purpose": "investigation", "record_types": ["person"], "granularity": "record",
		"freshness_minutes": {"warrant": 60}, "classes": ["identity"],
	}],
}]}
