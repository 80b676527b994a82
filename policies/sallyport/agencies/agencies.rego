# METADATA
# title: Whom may this agency ask, for what?
# description: >-
#   What the agreements in force say. Whether one officer may ask one question is for the doors.
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
	purpose := {
		"purpose": word,
		"record_types": grant.record_types,
		"granularity": grant.granularity,
		"freshness_minutes": grant.freshness_minutes,
		"classes": [element_class |
			some element_class, action in grant.classes
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
