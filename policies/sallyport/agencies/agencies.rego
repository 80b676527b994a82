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
	some grant in grants(owner)
	some word in grant.purposes
	not barred(owner, word)
	record_types := [kind | some kind in grant.record_types; may_have(kind, word)]
	count(record_types) > 0
	purpose := {
		"purpose": word,
		"record_types": record_types,
		"granularity": grant.granularity,
		"freshness_minutes": grant.freshness_minutes,
		"classes": [element_class |
			some element_class, action in grant.classes
			action in {"give", "mask"}
			not never_given(owner, word, element_class)
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

# Whose law is not written down may neither be asked nor ask.
barred(owner, _) if not law_known(owner)

law_known(owner) if {
	agencies := data.agencies
	agencies[owner].jurisdiction in data.sallyport.law.jurisdictions
	data.sallyport.context.asker_agency.jurisdiction in data.sallyport.law.jurisdictions
}

barred(owner, word) if {
	agencies := data.agencies
	word in data.sallyport.law.bars[agencies[owner].jurisdiction]
}

barred(_, word) if word in data.sallyport.law.asking_bars[data.sallyport.context.asker_agency.jurisdiction]

barred(_, word) if {
	purposes := data.sallyport.vocabulary.purposes
	types := purposes[word].agency_types
	not of_type(types)
}

of_type(types) if data.sallyport.context.asker_agency.type in types

may_have(record_type, word) if {
	known := data.sallyport.vocabulary.record_types
	kinds := known[record_type].treated_as
	every kind in kinds {
		kind_allowed(kind, word)
	}
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

never_given(owner, word, "immigration_status") if {
	agencies := data.agencies
	owner != input.self
	not kind_allowed("civil", word)
	not agencies[owner].immigration_authority == true
}

never_given(owner, word, element_class) if {
	owner != input.self
	word == "civil_immigration"
	not goes_with_status(element_class)
}

goes_with_status(element_class) if element_class in data.law.federal.status_classes

never_given(owner, _, element_class) if {
	agencies := data.agencies
	owner != input.self
	element_class in data.sallyport.law.never_held[agencies[owner].jurisdiction]
}
