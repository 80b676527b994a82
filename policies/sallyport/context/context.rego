# METADATA
# title: What a decision is about
# description: >-
#   The facts that every rule may rest on, read from the input and the data in one place. Whatever
#   is missing stays undefined here, and what rests on it refuses.
package sallyport.context

# Both doors see the same claims: at the first they come from the officer's own agency, at the
# second from the question that the asking agency signed.
claims := input.asker

claims := input.officer if not input.asker

asker_ori := input.asker.ori

asker_ori := input.self if not input.asker

# What an agency is stands in the directory, never in its own claims.
# Data are bound to a name before they are looked into with a word of the input: the embedded engine
# looks for rules on the way to such a word, which costs more than all the rest of the line.
asker_agency := agency if {
	agencies := data.agencies
	agency := agencies[asker_ori]
}

purpose := facts if {
	purposes := data.sallyport.vocabulary.purposes
	facts := purposes[input.search.purpose]
}

now := time.parse_rfc3339_ns(input.now)

rank := data.sallyport.vocabulary.granularity_rank

# What the rules treat the record types asked for as: criminal_history, intelligence, civil.
asks_for contains kind if {
	is_array(input.search.record_types)
	known := data.sallyport.vocabulary.record_types
	some word in input.search.record_types
	some kind in known[word].treated_as
}

# Records whose facts say something beside the ordinary, by their place. Most say nothing, and rules on
# them need not go through those. What is missing or has another value is no ordinary fact.
unusual[place] := fact if {
	some place, fact in input.facts
	not ordinary(fact)
}

ordinary(fact) if object.remove(fact, ["record_type", "stale", "dissemination"]) == {
	"disclosure": "open",
	"juvenile": false,
	"source_kind": "own",
	"intelligence": false,
	"criminal_history": false,
}
