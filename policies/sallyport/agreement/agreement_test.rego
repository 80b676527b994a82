package sallyport.agreement_test

import data.sallyport.example_test

asked := example_test.asked

between(question, owner, asker) := result if {
	result := data.sallyport.agreement.between(owner, asker) with input as question
}

refused(question, owner, asker) := between(question, owner, asker).refused.code

test_an_agreement_gives_its_grant if {
	deal := between(asked, "TX9990000", "CA9990000")
	deal.paper.id == "mou-2026-01"
	"person" in deal.grant.record_types
}

test_either_order_of_the_parties if {
	between(asked, "CA9990000", "TX9990000").paper.id == "mou-2026-01"
	between(asked, "NM9990000", "TX9990000").paper.id == "mou-2026-04"
}

test_no_agreement if refused(asked, "TX9990000", "XX0000000") == "agreement.none"

test_no_agreement_with_nobody if refused(asked, "TX9990000", null) == "agreement.none"

test_expired if {
	refused(asked, "NM9990000", "USBPX9900") == "agreement.expired"
	before := object.union(asked, {"now": "2026-10-31T23:59:59.99Z"})
	between(before, "NM9990000", "USBPX9900").paper.id == "mou-2024-11"
	at_the_end := object.union(asked, {"now": "2026-11-01T00:00:00.00Z"})
	refused(at_the_end, "NM9990000", "USBPX9900") == "agreement.expired"
}

test_expired_tells_its_paper if {
	between(asked, "NM9990000", "USBPX9900").refused.citation == "MOU-2024-11 s.1"
}

test_not_begun if {
	early := object.union(asked, {"now": "2025-12-31T23:59:59.99Z"})
	refused(early, "TX9990000", "CA9990000") == "agreement.expired"
	begins := object.union(asked, {"now": "2026-01-01T00:00:00.00Z"})
	between(begins, "TX9990000", "CA9990000").grant
}

test_without_the_time_nothing_is_in_force if {
	refused(object.remove(asked, ["now"]), "TX9990000", "CA9990000") == "agreement.expired"
}

made(changes) := object.union(
	{
		"id": "made",
		"citation": "Made s.1",
		"status": "in_force",
		"valid": {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"},
		"shares": {"state_bureau": [{"purposes": ["criminal_investigation"], "record_types": ["vehicle"]}]},
	},
	changes,
)

test_suspended if {
	papers := {"CA9990000": {"TX9990000": {"made": made({"status": "suspended"})}}}
	result := data.sallyport.agreement.between("TX9990000", "CA9990000") with input as asked with data.agreements as papers
	result.refused.code == "agreement.expired"
}

test_without_status_it_is_not_in_force if {
	papers := {"CA9990000": {"TX9990000": {"made": object.remove(made({}), ["status"])}}}
	result := data.sallyport.agreement.between("TX9990000", "CA9990000") with input as asked with data.agreements as papers
	result.refused.code == "agreement.expired"
}

test_purpose_not_covered if {
	civil := example_test.searching(asked, {"purpose": "civil_immigration"})
	refused(civil, "CA9990000", "USBPX9900") == "agreement.purpose_not_covered"
	between(civil, "TX9990000", "USBPX9900").grant
}

test_missing_purpose_is_not_covered if {
	question := object.union(object.remove(asked, ["search"]), {"search": object.remove(asked.search, ["purpose"])})
	refused(question, "TX9990000", "CA9990000") == "agreement.purpose_not_covered"
}

test_own_records if {
	between(asked, "TX9990000", "TX9990000").paper.id == "own-records"
	curious := example_test.searching(asked, {"purpose": "curiosity"})
	refused(curious, "TX9990000", "TX9990000") == "agreement.purpose_not_covered"
}

test_types_of_agencies_have_agreements_too if {
	papers := {"federal_border": {"state_bureau": {"made": made({})}}}
	result := data.sallyport.agreement.between("NM9990000", "USBPX9900") with input as asked with data.agreements as papers
	result.paper.id == "made"
}

test_by_name_comes_before_by_type if {
	papers := {
		"NM9990000": {"USBPX9900": {"named": made({"id": "named", "status": "suspended"})}},
		"federal_border": {"state_bureau": {"made": made({})}},
	}
	result := data.sallyport.agreement.between("NM9990000", "USBPX9900") with input as asked with data.agreements as papers
	result.refused.code == "agreement.expired"
}
