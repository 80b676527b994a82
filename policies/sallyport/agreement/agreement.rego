# METADATA
# title: What two agencies agreed
# description: >-
#   Agreements are signed documents. The gateway verifies each when it reads it, and only what both
#   agencies signed stands in `data.agreements[first][second][id]`, the two in the order of the
#   alphabet, so that a pair is looked up and nothing is walked through. What is suspended or revoked
#   stands there without its grants, for its reason alone. Whoever asks names the text that the
#   question rests on, and the owner decides by that very text or refuses.
package sallyport.agreement

# What stands between an owner and an asker for the purpose of this question: the grant and its
# paper, or the one reason why there is none. What is limited to hours, cases or people comes first:
# where it fits, it was made for this. While it is suspended what it was made for is refused, and no
# broader one takes its place; once it is revoked it is as if it had not been.
between(owner, asker) := {"grant": data.local.own, "paper": data.local.own} if {
	owner == asker
	input.search.purpose in data.local.own.purposes
} else := {"refused": cited(suspended, stopped)} if {
	owner != asker
	stopped := [paper |
		some paper in papers(owner, asker)
		paper.status == "suspended"
		paper.limited == true
		in_time(paper)
		input.search.purpose in paper.stops[owner]
		within_limits(owner, asker, paper)
	]
	count(stopped) > 0
} else := chosen if {
	owner != asker
	standing := [{"grant": grant, "paper": paper} |
		some paper in papers(owner, asker)
		in_force(paper)
		named(paper)
		some grant in shares(paper, owner)
		input.search.purpose in grant.purposes
		within_limits(owner, asker, paper)
	]
	general := [deal | some deal in standing; deal.paper.limited == false]
	special := [deal | some deal in standing; deal.paper.limited == true; not narrows(deal, general)]
	chosen := array.concat(array.concat(special, general), standing)[0]
} else := {"refused": refusal(owner, asker)}

# It would leave out record types that a general one gives beside all of its own.
narrows(deal, general) if {
	own := touched(deal)
	some other in general
	found := touched(other)
	own - found == set()
	found != own
}

touched(deal) := {record_type |
	is_array(input.search.record_types)
	some record_type in input.search.record_types
	record_type in deal.grant.record_types
}

# The papers between two agencies, in the order of their names.
papers(owner, asker) := [paper |
	agreements := data.agreements
	some paper in agreements[min([owner, asker])][max([owner, asker])]
]

shares(paper, owner) := paper.shares[owner]

in_force(paper) if {
	paper.status == "in_force"
	in_time(paper)
}

in_time(paper) if {
	time.parse_rfc3339_ns(paper.valid.from) <= data.sallyport.context.now
	data.sallyport.context.now < time.parse_rfc3339_ns(paper.valid.to)
}

# At the first door the asker's agency chooses; from then on it is the text that was named.
named(_) if not input.asker

named(paper) if paper.digest == input.agreement

# -- limits -------------------------------------------------------------------------------------

within_limits(_, _, paper) if paper.limited == false

within_limits(owner, asker, paper) if {
	paper.limited == true
	limits := paper.limits
	hours_fit(limits.hours)
	cases_fit(owner, asker, paper)
	roster_fits(limits.roster)
}

hours_fit(hours) if is_null(hours)

# Times of the day in nanoseconds; from after to goes over midnight.
hours_fit(hours) if {
	local := there(hours)
	lower(time.weekday(local)) in hours.days
	on_the_day(local % 86400000000000, hours)
}

# After midnight it is the night of the day that it began on: Friday's is over on Saturday morning.
hours_fit(hours) if {
	hours.from_ns > hours.to_ns
	local := there(hours)
	lower(time.weekday(local - 86400000000000)) in hours.days
	local % 86400000000000 < hours.to_ns
}

there(hours) := data.sallyport.context.now + hours.offset_ns

on_the_day(of_day, hours) if {
	hours.from_ns <= of_day
	of_day < hours.to_ns
}

on_the_day(of_day, hours) if {
	hours.from_ns > hours.to_ns
	hours.from_ns <= of_day
}

cases_fit(_, _, paper) if is_null(paper.limits.cases)

# The number is looked up in the data by their path, so that the gateway sees that rules know no other
# numbers than those: it then decides once for all questions that differ in their number alone.
cases_fit(owner, asker, paper) if {
	input.search.reference.type == "case"
	first := min([owner, asker])
	second := max([owner, asker])
	some name, held in data.agreements[first][second]
	held == paper
	input.search.reference.number in data.agreements[first][second][name].limits.cases
}

roster_fits(roster) if is_null(roster)

roster_fits(roster) if data.sallyport.context.claims.unit in roster[data.sallyport.context.asker_ori].units

# -- why there is none --------------------------------------------------------------------------

refusal(owner, asker) := not_own if {
	owner == asker
} else := none if {
	count(papers(owner, asker)) == 0
} else := differs if {
	count(named_papers(owner, asker)) == 0
} else := cited(outside_limits, found) if {
	found := [paper |
		some paper in named_papers(owner, asker)
		in_force(paper)
		some grant in shares(paper, owner)
		input.search.purpose in grant.purposes
	]
	count(found) > 0
} else := cited(purpose_not_covered, found) if {
	found := [paper | some paper in named_papers(owner, asker); in_force(paper)]
	count(found) > 0
} else := cited(suspended, found) if {
	found := [paper | some paper in named_papers(owner, asker); paper.status == "suspended"; in_time(paper)]
	count(found) > 0
} else := cited(revoked, found) if {
	found := [paper | some paper in named_papers(owner, asker); paper.status == "revoked"; in_time(paper)]
	count(found) > 0
} else := cited(expired, named_papers(owner, asker))

cited(reason, found) := object.union(reason, {"citation": found[0].citation})

named_papers(owner, asker) := [paper | some paper in papers(owner, asker); named(paper)]

# METADATA
# title: An agreement between the two
# custom:
#   id: agreement.none
#   citation: 28 CFR 20.33, CJIS Security Policy 3.2.8
#   confirm_by_counsel: false
none := {
	"code": "agreement.none",
	"text": "There is no agreement between your agency and that one that both have signed. Ask your administrator for one.",
}

# METADATA
# title: Both agencies hold the same text of their agreement
# custom:
#   id: agreement.differs
#   citation: The text that both parties signed
#   confirm_by_counsel: false
differs := {
	"code": "agreement.differs",
	"text": "The text of the agreement that your question rests on is not one that the answering agency holds. Ask your administrator to compare the two.",
}

# METADATA
# title: An agreement that is in force
# custom:
#   id: agreement.expired
#   citation: The agreement's own term
#   confirm_by_counsel: false
expired := {
	"code": "agreement.expired",
	"text": "The agreement with that agency is not in force: it has ended, or has not begun. Ask your administrator.",
}

# METADATA
# title: An agreement that nobody has suspended
# custom:
#   id: agreement.suspended
#   citation: A party's signed suspension
#   confirm_by_counsel: false
suspended := {
	"code": "agreement.suspended",
	"text": "The agreement with that agency is suspended. Ask your administrator.",
}

# METADATA
# title: An agreement that nobody has revoked
# custom:
#   id: agreement.revoked
#   citation: A party's signed revocation
#   confirm_by_counsel: false
revoked := {
	"code": "agreement.revoked",
	"text": "The agreement with that agency was revoked. Ask your administrator for a new one.",
}

# METADATA
# title: An agreement that covers the purpose
# custom:
#   id: agreement.purpose_not_covered
#   citation: The agreement's list of purposes
#   confirm_by_counsel: false
purpose_not_covered := {
	"code": "agreement.purpose_not_covered",
	"text": "The agreement with that agency does not cover this purpose. Choose the purpose that you act for; if it is this one, ask your administrator.",
}

not_own := {
	"code": "agreement.purpose_not_covered",
	"text": "This agency's own records are not asked for this purpose. Choose the purpose that you act for; if it is this one, ask your administrator.",
}

# METADATA
# title: Within the hours, cases and people that the agreement is for
# custom:
#   id: agreement.outside_limits
#   citation: The agreement's hours, cases and roster
#   confirm_by_counsel: false
outside_limits := {
	"code": "agreement.outside_limits",
	"text": "The agreement with that agency is for certain hours, cases or units alone, and this question is outside of them. Give the case's number, or ask your administrator.",
}

# METADATA
# title: An agreement that covers a record type asked for
# custom:
#   id: agreement.record_types_not_covered
#   citation: The agreement's list of record types
#   confirm_by_counsel: false
record_types_not_covered := {
	"code": "agreement.record_types_not_covered",
	"text": "The agreement with that agency does not cover all of the record types asked for; the others were not searched. Leave them out, or ask your administrator.",
}
