package sallyport.papers_test

import data.agencies
import data.routing
import data.sallyport.vocabulary

# The examples that tests rest on, held against the vocabulary. Signed agreements are held against it
# by the gateway, when they are signed and whenever they are read.
papers := [paper | some first, others in data.sallyport.example.agreements; some second, found in others; some id, text in found; paper := {"first": first, "second": second, "id": id, "text": text}]

grants := array.concat(
	[data.local.own],
	[grant | some paper in papers; some owner, shares in paper.text.shares; some grant in shares],
)

words(word, known) if known[word]

test_there_are_agreements if count(papers) >= 6

test_folders_are_the_parties_in_order if {
	every paper in papers {
		paper.first < paper.second
		paper.text.parties == [paper.first, paper.second]
		paper.text.id == paper.id
		object.keys(paper.text.shares) - {paper.first, paper.second} == set()
	}
}

types := {agency.type | some agency in agencies}

test_parties_are_in_the_directory if {
	every paper in papers {
		every party in paper.text.parties {
			party in (object.keys(agencies) | types)
		}
	}
}

test_terms_are_times if {
	every paper in papers {
		time.parse_rfc3339_ns(paper.text.valid.from) < time.parse_rfc3339_ns(paper.text.valid.to)
		paper.text.status in {"in_force", "suspended", "revoked"}
		paper.text.limited == false
		count(paper.text.citation) > 0
	}
}

test_grants_use_known_words if {
	every grant in grants {
		every purpose in grant.purposes {
			words(purpose, vocabulary.purposes)
		}
		every record_type in grant.record_types {
			words(record_type, vocabulary.record_types)
		}
		grant.granularity in vocabulary.granularities
		object.keys(grant.freshness_minutes) - object.keys(vocabulary.record_types) == set()
		grant.handling.keep_days > 0
		grant.handling.onward_sharing in vocabulary.onward_sharing
		every element_class, action in grant.classes {
			words(element_class, vocabulary.classes)
			action in {"give", "mask"}
		}
	}
}

test_a_purpose_is_granted_once if {
	every paper in papers {
		every shares in paper.text.shares {
			all := [purpose | some grant in shares; some purpose in grant.purposes]
			count(all) == count({purpose | some purpose in all})
		}
	}
}

test_agencies_are_whole if {
	every agency in agencies {
		count(agency.name) > 0
		count(agency.type) > 0
		agency.jurisdiction in data.sallyport.law.jurisdictions
		is_boolean(agency.government)
		is_boolean(agency.law_enforcement)
		is_boolean(agency.criminal_justice)
		is_boolean(agency.immigration_authority)
	}
}

test_routing_knows_its_words if {
	every place, routes in routing {
		place in data.sallyport.law.jurisdictions
		every purpose, owners in routes.purposes {
			words(purpose, vocabulary.purposes)
			every owner in owners {
				words(owner, agencies)
			}
		}
		every owner in routes.otherwise {
			words(owner, agencies)
		}
	}
}

test_elements_have_known_classes if {
	every element_class in vocabulary.elements {
		words(element_class, vocabulary.classes)
	}
}

test_terms_have_known_classes if {
	every about in vocabulary.terms {
		words(about.class, vocabulary.classes)
	}
}

test_purposes_use_known_words if {
	every purpose in vocabulary.purposes {
		count({role | some role in purpose.roles} - {role | some role in vocabulary.roles}) == 0
		count({word | some word in purpose.functions} - {word | some word in vocabulary.unit_functions}) == 0
		count({word | some word in purpose.references} - {word | some word in vocabulary.reference_types}) == 0
		is_boolean(purpose.reference_required)
		is_boolean(purpose.criminal_justice)
		is_boolean(purpose.investigates)
	}
}

# What an administrator enables has to be whole: a set in which it is not does not come into force.
test_codes_in_use_say_for_whom_and_what_they_oblige_to if {
	every code in data.law.federal.iii_purpose_codes {
		is_boolean(code.enabled)
		is_boolean(code.exigent)
		every purpose in code.purposes {
			words(purpose, vocabulary.purposes)
		}
		count(code.recipients) > 0
		whole(code)
	}
}

whole(code) if code.enabled == false

whole(code) if code.exigent == false

whole(code) if code.fingerprints_days > 0
