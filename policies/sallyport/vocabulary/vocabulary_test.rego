# What the words mean, seen from those who ask: a change of the vocabulary is made here as well, or it
# was not meant.
package sallyport.vocabulary_test

import data.sallyport.vocabulary

purposes_with(field, word) := {purpose | some purpose, facts in vocabulary.purposes; word in facts[field]}

purposes_that(field) := {purpose | some purpose, facts in vocabulary.purposes; facts[field] == true}

all_purposes := object.keys(vocabulary.purposes)

# Who may ask for what: by the work of the unit.
units := {
	"border_patrol": {
		"border_inspection", "civil_immigration", "criminal_investigation", "missing_person", "officer_safety",
		"traffic_stop", "warrant_service",
	},
	"civil_enforcement": {"civil_immigration", "criminal_investigation"},
	"dispatch": {"criminal_investigation", "missing_person", "officer_safety", "traffic_stop"},
	"intelligence": {"criminal_investigation"},
	"investigation": {
		"border_inspection", "criminal_investigation", "missing_person", "officer_safety", "traffic_stop",
		"warrant_service",
	},
	"licensing": {"firearms", "licensing"},
	"patrol": {"criminal_investigation", "missing_person", "officer_safety", "traffic_stop", "warrant_service"},
	"personnel": {"employment"},
	"warrants": {"criminal_investigation", "officer_safety", "warrant_service"},
}

test_a_unit_asks_for_its_own_work if {
	every unit_function, work in units {
		purposes_with("functions", unit_function) == work | {"audit", "exercise"}
	}
	purposes_with("functions", "court") == {"audit", "court_case"}
}

test_every_unit_is_one_of_them if {
	{unit_function | some unit_function in vocabulary.unit_functions} == object.keys(units) | {"court"}
}

test_officers_and_supervisors_ask_and_auditors_audit if {
	purposes_with("roles", "auditor") == {"audit"}
	every role in ["officer", "supervisor"] {
		purposes_with("roles", role) == all_purposes - {"audit"}
	}
	purposes_with("roles", "administrator") == set()
}

test_some_purposes_are_for_one_kind_of_agency if {
	kinds := {purpose: facts.agency_types | some purpose, facts in vocabulary.purposes}
	kinds == {"border_inspection": ["federal_border"], "court_case": ["court"]}
}

test_only_an_exercise_is_for_a_weak_log_on if {
	{facts.assurance | some purpose, facts in vocabulary.purposes; purpose != "exercise"} == {2}
	vocabulary.purposes.exercise.assurance == 1
}

# 28 CFR 20.3(b): employment, licensing and civil enforcement are none of it.
test_what_is_criminal_justice if {
	purposes_that("criminal_justice") == all_purposes - {"civil_immigration", "employment", "exercise", "licensing"}
}

test_what_investigates if {
	purposes_that("investigates") == {"criminal_investigation", "missing_person", "officer_safety", "warrant_service"}
}

test_what_belongs_to_a_matter if {
	purposes_that("reference_required") == all_purposes - {"border_inspection", "exercise"}
}

test_the_kinds_of_matters if {
	purposes_with("references", "case") == all_purposes
	purposes_with("references", "cad_call") == {
		"border_inspection", "criminal_investigation", "exercise", "missing_person", "officer_safety",
		"traffic_stop",
	}
	purposes_with("references", "citation") == {"border_inspection", "criminal_investigation", "exercise", "traffic_stop"}
	purposes_with("references", "warrant") == {
		"border_inspection", "criminal_investigation", "exercise", "officer_safety", "warrant_service",
	}

	# What happens on the spot, where there is no number yet.
	purposes_with("references", "pending") == {
		"border_inspection", "exercise", "missing_person", "officer_safety", "traffic_stop",
	}
}

test_a_purpose_says_all_that_rules_ask_of_it if {
	every facts in vocabulary.purposes {
		is_boolean(facts.criminal_justice)
		is_boolean(facts.investigates)
		is_boolean(facts.reference_required)
		is_number(facts.assurance)
	}
}

types_that(field) := {record_type | some record_type, facts in vocabulary.record_types; facts[field] == true}

treated_as(kind) := {record_type | some record_type, facts in vocabulary.record_types; kind in facts.treated_as}

# NCIC: before anyone acts on a warrant, an order, a stolen thing or a missing person.
test_what_is_confirmed_and_has_a_status if {
	acted_on := {"civil_warrant", "firearm", "missing_person", "protection_order", "vehicle", "warrant"}
	types_that("confirm") == acted_on
	types_that("status") == acted_on
}

test_which_rules_hold_for_a_record_type if {
	treated_as("criminal_history") == {"arrest", "booking", "charge", "detention"}
	treated_as("wanted") == {"warrant"}
	treated_as("civil") == {"civil_warrant"}
	treated_as("intelligence") == {"intelligence"}
}

test_what_may_tell_a_status if {
	types_that("tells_status") == {"person", "civil_warrant", "crossing", "travel_document"}
}

test_values_that_make_a_record_one_of_a_kind if {
	vocabulary.treated_as_by_value == {"scr:WarrantCategoryCode": {"Arrest": "civil", "Deportation": "civil"}}
	every kinds in vocabulary.treated_as_by_value {
		every kind in kinds {
			count(treated_as(kind)) > 0
		}
	}
}

test_a_record_type_says_all_that_rules_ask_of_it if {
	every facts in vocabulary.record_types {
		is_boolean(facts.confirm)
		is_boolean(facts.status)
		is_array(facts.treated_as)
	}
}

test_what_a_term_tells_whoever_is_asked if {
	of_class := {facts.class: terms |
		some facts in vocabulary.terms
		terms := {term | some term, other in vocabulary.terms; other.class == facts.class}
	}
	of_class == {
		"criminal_history": {"fbi", "state"},
		"handling": {"record_id"},
		"identifier": {"driver_license", "ncic", "passport", "travel_document"},
		"identity": {"age", "birth_date", "name", "sex"},
		"immigration_status": {"alien_registration"},
		"incident": {"date_from", "date_to", "number", "offense", "serial", "type"},
		"ssn": {"ssn"},
		"vehicle": {"category", "color", "make", "model", "plate", "plate_state", "vin", "year"},
	}
}

test_a_search_is_for_one_of_these if {
	{kind | some kind in vocabulary.subject_kinds} == {"incident", "item", "person", "record", "vehicle"}
}

# Later in the list is more: whoever is asked gives the lesser of what was asked and agreed.
test_granularities_stand_in_their_order if {
	vocabulary.granularity_rank == {granularity: place | some place, granularity in vocabulary.granularities}
	vocabulary.granularities == ["hit", "count", "pointer", "record"]
}

test_what_a_person_does_by_a_day if {
	vocabulary.duties == {"fingerprints_within": "Send in the fingerprints of the person that you asked about (28 CFR 901.3)."}
}

# 28 CFR 23.20(g).
test_labels_of_confidence if {
	{label | some label in vocabulary.confidence} == {"confirmed", "probable", "possible", "doubtful"}
}

test_where_records_come_from if {
	{kind | some kind in vocabulary.source_kinds} == {"own", "motor_vehicle_department", "plate_reader"}
}

test_what_the_gateway_alone_sets_is_a_known_fact if {
	every fact in ["released_under", "stand_in"] {
		fact in vocabulary.facts
	}
}

# A warrant is never a boolean: court, number and document have to be told with it.
test_a_warrants_release_tells_the_warrant if {
	every facts in vocabulary.release_bases {
		is_boolean(facts.needs_warrant)
	}
	{basis | some basis, facts in vocabulary.release_bases; facts.needs_warrant} == {"judicial_warrant"}
}

# How each part of a name agreed is told where the name itself is given, and no other part is.
test_what_is_compared_for_a_name if {
	{term: facts.shown_as | some term, facts in vocabulary.terms; facts.shown_as} == {"name": ["surname", "given"]}
}
