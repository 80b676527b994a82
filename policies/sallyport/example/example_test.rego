# METADATA
# title: Examples that the tests are made from
# description: Part of the tests alone; what decides never sees it.
package sallyport.example_test

now := "2026-11-23T20:46:10.12Z"

officer := {
	"unit": "Robbery",
	"unit_function": "investigation",
	"roles": ["officer"],
	"assurance": 2,
	"logged_on_hours": 3,
	"attributes": ["chri_certified", "sworn"],
}

search := {
	"purpose": "criminal_investigation",
	"iii_purpose_code": "C",
	"reference": {"type": "case", "number": "26-004417"},
	"reason_code": "robbery",
	"subject": {"kind": "person", "terms": ["name", "birth_date"]},
	"record_types": ["person", "warrant"],
	"granularity": "record",
	"max_matches": 10,
}

# At the first door: an officer of Port Serena asks Calloway County.
asking := {
	"v": 1,
	"now": now,
	"self": "CA9990000",
	"client": "rms",
	"officer": officer,
	"search": search,
	"agencies": ["TX9990000"],
}

# At the second door: Calloway County is asked by Port Serena.
asked := {
	"v": 1,
	"now": now,
	"self": "TX9990000",
	"asker": object.union(officer, {"ori": "CA9990000"}),
	"agreement": agreed,
	"search": search,
}

# The text that a question rests on: all examples under `data.sallyport.example.agreements` have it.
# They stand in for the signed documents, `with data.agreements as data.sallyport.example.agreements`.
agreed := "sha-256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

# A record that nothing speaks against.
fact := {
	"record_type": "person",
	"stale": false,
	"dissemination": "GREEN",
	"disclosure": "open",
	"juvenile": false,
	"source_kind": "own",
	"intelligence": false,
	"criminal_history": false,
}

found := object.union(asked, {"granularity": "record", "facts": [fact]})

# An answer that Port Serena takes in.
answered := {
	"v": 1,
	"now": now,
	"self": "CA9990000",
	"owner": "TX9990000",
	"search": search,
	"answer": {
		"status": "answered",
		"granularity_asked": "record",
		"granularity_given": "record",
		"record_types": ["person", "warrant"],
		"handling": [{"keep_days": 30, "onward_sharing": "none", "caveat": null}],
		"obligations": [],
		"told": true,
		"stale": false,
	},
}

# What a person at the owner recorded, for tests to change.
warrant := {
	"court": "U.S. District Court, Southern District of California",
	"number": "26-MJ-0417",
	"person": "b4a4",
	"document": "sha-256:4417",
}

release := {
	"id": "rel_1",
	"basis": "judicial_warrant",
	"asker": "USBPX9900",
	"classes": ["identity", "contact", "release_date"],
	"until": "2026-12-24T00:00:00Z",
	"warrant": warrant,
}

# Intelligence that may be kept and shared.
intelligence := {
	"record_type": "intelligence",
	"intelligence": true,
	"reasonable_suspicion": true,
	"validated_on": "2025-11-24",
	"confidence": "probable",
	"protected_activity": "none",
}

# Other owners, other askers.
california_asked_by_border := object.union(asked, {
	"self": "CA9990000",
	"asker": {"ori": "USBPX9900"},
})

texas_asked_by_border := object.union(asked, {"asker": {"ori": "USBPX9900"}})

border_asked_by_texas := object.union(asked, {
	"self": "USBPX9900",
	"asker": {"ori": "TX9990000"},
})

searching(base, changes) := object.union(base, {"search": changes})

asked_by(base, changes) := object.union(base, {"asker": changes})

finding(base, changes) := object.union(base, {"facts": [object.union(fact, changes)]})

codes(decision) := {reason.code | some reason in decision.reasons}

# The examples, with these obligations in what Calloway County shares with Port Serena.
obliging(duties) := object.union(agreements, {"CA9990000": {"TX9990000": {"mou-2026-01": {"shares": {"TX9990000": [object.union(grant, {"obligations": duties})]}}}}}) if {
	agreements := data.sallyport.example.agreements
	grant := agreements.CA9990000.TX9990000["mou-2026-01"].shares.TX9990000[0]
}
