# METADATA
# title: Whom may this agency ask, for what?
# description: >-
#   What the agreements in force say, without what the law denies always: purposes that one of the
#   two places bars or that are not this kind of agency's, record types that it may not have, classes
#   that it is never given. Whether one officer may ask one question is for the doors.
package sallyport.agencies

# METADATA
# title: The list of agencies
# entrypoint: true
decision := {"agencies": [entry |
	some owner, agency in data.agencies
	purposes := listed(owner)
	count(purposes) > 0
	entry := {
		"ori": owner,
		"name": agency.name,
		"type": agency.type,
		"jurisdiction": agency.jurisdiction,
		"purposes": purposes,
	}
]}

listed(owner) := [purpose |
	agencies := data.agencies
	barred := data.sallyport.law.bars[agencies[owner].jurisdiction] | barred_here
	some grant in grants(owner)
	some word in grant.purposes
	not word in barred
	may_have := types[word]
	record_types := [kind | some kind in grant.record_types; kind in may_have; found_by(owner, kind, word)]
	count(record_types) > 0
	given := object.remove(grant.classes, never_given(owner, word))
	purpose := {
		"purpose": word,
		"record_types": record_types,
		"granularity": grant.granularity,
		"freshness_minutes": grant.freshness_minutes,
		"classes": [element_class |
			some element_class, action in given
			action in {"give", "mask"}
		],
	}
]

grants(owner) := [data.local.own] if owner == input.self

grants(owner) := found if {
	owner != input.self
	found := [grant |
		some paper in data.sallyport.agreement.papers(owner, input.self)
		data.sallyport.agreement.in_force(paper)
		some grant in data.sallyport.agreement.shares(paper, owner)
	]
}

# What this agency's place bars, and the purposes of other kinds of agencies. Undefined, and so
# nobody may be asked, where its law is not written down.
barred_here := data.sallyport.law.asking_bars[data.sallyport.context.asker_agency.jurisdiction] | {word |
	some word, about in data.sallyport.vocabulary.purposes
	of_type := about.agency_types
	not this_type(of_type)
}

this_type(of_type) if data.sallyport.context.asker_agency.type in of_type

# By purpose: the record types that this agency may have at all.
types[word] := {record_type |
	some record_type, about in data.sallyport.vocabulary.record_types
	kinds := about.treated_as
	every kind in kinds {
		kind_allowed(kind, word)
	}
} if {
	some word, _ in data.sallyport.vocabulary.purposes
}

# For civil immigration enforcement other agencies give no sign of what tells no status.
found_by(owner, _, _) if owner == input.self

found_by(_, _, word) if word != "civil_immigration"

found_by(_, kind, _) if {
	known := data.sallyport.vocabulary.record_types
	known[kind].tells_status == true
}

kind_allowed("wanted", _) := true

kind_allowed("criminal_history", word) if {
	some code in data.law.federal.iii_purpose_codes
	code.enabled == true
	word in code.purposes
	some kind in code.recipients
	kind in data.law.federal.recipient_as
}

kind_allowed("intelligence", "criminal_investigation") if {
	data.sallyport.context.asker_agency.law_enforcement == true
	"cfr28_part23" in data.sallyport.context.asker_agency.follows
}

kind_allowed("civil", word) if {
	data.sallyport.context.asker_agency.immigration_authority == true
	word in data.law.federal.immigration_purposes
}

# Classes that the law never gives this agency for the purpose, whatever an agreement says.
never_given(owner, _) := [] if owner == input.self

never_given(owner, word) := array.concat(array.concat(held, status), beside) if {
	owner != input.self
	agencies := data.agencies
	about := agencies[owner]
	held := data.sallyport.law.never_held[about.jurisdiction]
	status := [element_class | some element_class in ["immigration_status"]; not status_exchanged(about, word)]
	beside := [element_class | word == "civil_immigration"; some element_class in beside_status]
}

status_exchanged(_, word) if kind_allowed("civil", word)

status_exchanged(about, _) if about.immigration_authority == true

beside_status := [element_class |
	some element_class, _ in data.sallyport.vocabulary.classes
	not goes_with_status(element_class)
]

goes_with_status(element_class) if element_class in data.law.federal.status_classes
