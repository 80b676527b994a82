# METADATA
# title: What two agencies agreed
# description: >-
#   Agreements are data, `data.agreements[first][second][id]`: the two parties in the order of the
#   alphabet, so that a pair is looked up and nothing is walked through. A party is an ORI or a type
#   of agency. The same text holds at both gateways.
package sallyport.agreement

# What stands between an owner and an asker for the purpose of this question: the grant and its
# paper, or the one reason why there is none.
between(owner, asker) := {"grant": data.local.own, "paper": data.local.own} if {
	owner == asker
	input.search.purpose in data.local.own.purposes
} else := standing[0] if {
	owner != asker
	standing := [{"grant": grant, "paper": paper} |
		some paper in papers(owner, asker)
		in_force(paper)
		some grant in shares(paper, owner)
		input.search.purpose in grant.purposes
	]
	count(standing) > 0
} else := {"refused": refusal(owner, asker)}

# METADATA
# title: An agreement between the two
# custom:
#   id: agreement.none
#   citation: 28 CFR 20.33, CJIS Security Policy 3.2.8
#   confirm_by_counsel: false
refusal(owner, asker) := {
	"code": "agreement.none",
	"text": "There is no agreement between your agency and that one. Ask your administrator for one.",
} if {
	count(papers(owner, asker)) == 0
	owner != asker
}

# METADATA
# title: An agreement that is in force
# custom:
#   id: agreement.expired
#   citation: The agreement's own term
#   confirm_by_counsel: false
refusal(owner, asker) := {
	"code": "agreement.expired",
	"text": "The agreement with that agency is not in force: expired, not begun, or suspended. Ask your administrator.",
	"citation": papers(owner, asker)[0].citation,
} if {
	count(papers(owner, asker)) > 0
	not some_in_force(owner, asker)
}

# METADATA
# title: An agreement that covers the purpose
# custom:
#   id: agreement.purpose_not_covered
#   citation: The agreement's list of purposes
#   confirm_by_counsel: false
refusal(owner, asker) := {
	"code": "agreement.purpose_not_covered",
	"text": "The agreement with that agency does not cover this purpose.",
	"citation": papers(owner, asker)[0].citation,
} if {
	some_in_force(owner, asker)
} else := {
	"code": "agreement.purpose_not_covered",
	"text": "This agency's own records are not asked for this purpose.",
} if {
	owner == asker
}

some_in_force(owner, asker) if {
	some paper in papers(owner, asker)
	in_force(paper)
}

in_force(paper) if {
	paper.status == "in_force"
	time.parse_rfc3339_ns(paper.valid.from) <= data.sallyport.context.now
	data.sallyport.context.now < time.parse_rfc3339_ns(paper.valid.to)
}

# Agreements by name come before those by type of agency.
papers(owner, asker) := found if {
	agreements := data.agreements
	found := [paper | some paper in agreements[min([owner, asker])][max([owner, asker])]]
	count(found) > 0
} else := [paper |
	some first in [owner, data.agencies[owner].type]
	some second in [asker, data.agencies[asker].type]
	some paper in data.agreements[min([first, second])][max([first, second])]
]

shares(paper, owner) := paper.shares[owner]

shares(paper, owner) := paper.shares[data.agencies[owner].type] if not paper.shares[owner]

# METADATA
# title: An agreement that covers a record type asked for
# custom:
#   id: agreement.record_types_not_covered
#   citation: The agreement's list of record types
#   confirm_by_counsel: false
record_types_not_covered := {
	"code": "agreement.record_types_not_covered",
	"text": "The agreement with that agency does not cover all of the record types asked for; the others were not searched.",
}
