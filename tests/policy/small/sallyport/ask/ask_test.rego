package sallyport.ask_test

import data.sallyport.ask
import rego.v1

question := {
	"officer": {"assurance": 2}, "agencies": ["TX9990000", "NM9990000"],
	"search": {"granularity": "record", "record_types": ["person"], "subject": {"terms": ["name", "ssn"]}},
}

test_partner_is_asked if ask.decision.agencies.TX9990000.allow with input as question

test_stranger_is_not if not ask.decision.agencies.NM9990000.allow with input as question

test_missing_input_is_refused if ask.decision.allow == false with input as {}
