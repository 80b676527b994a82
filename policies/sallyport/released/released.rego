# METADATA
# title: What a person at the owner has released
# description: >-
#   A judicial warrant, a court's order, somebody's own consent: none of them is a boolean in a
#   question. A person at the owner looks at the paper and records whom it is for, which records it
#   names, which classes, and until when. A warrant's person comes as a mark of the name, the same
#   for the same name and nothing more. `input.releases` holds what that person recorded for this
#   asker; a record's fact `released_under` names those that it is named in. The gateway sets both
#   from its own store: no question can.
package sallyport.released

# METADATA
# title: A release counts for the agency it was given to, until it ends
# custom:
#   id: release.in_force
#   citation: The release, as the owner recorded it
#   confirm_by_counsel: false
in_force[release.id] := release if {
	bases := data.sallyport.vocabulary.release_bases
	some release in input.releases
	release.asker == data.sallyport.context.asker_ori
	bases[release.basis]
	data.sallyport.context.now < time.parse_rfc3339_ns(release.until)
}

# METADATA
# title: A judicial warrant counts if the owner released on that warrant and no other
# custom:
#   id: release.same_warrant
#   citation: Cal. Gov. Code 7284.6(a)(4), 7284.4(i)
#   confirm_by_counsel: true
by_warrant[id] := release if {
	some id, release in in_force
	release.basis == "judicial_warrant"
	complete
	release.warrant.court == input.search.warrant.court
	release.warrant.number == input.search.warrant.number
	release.warrant.person == input.search.warrant.person
	release.warrant.document == input.search.warrant.document
}

complete if {
	is_string(input.search.warrant.court)
	is_string(input.search.warrant.number)
	is_string(input.search.warrant.person)
	is_string(input.search.warrant.document)
}

# At the first door a warrant is only shown: whether it was released is for the owner to know.
warranted if {
	input.officer
	not input.asker
	complete
}

warranted if count(by_warrant) > 0

warrant_classes contains element_class if {
	some release in by_warrant
	some element_class in release.classes
}

# METADATA
# title: What a person released counts; on a judicial warrant, for a question that shows it
# custom:
#   id: release.counting
#   citation: The release, as the owner recorded it
#   confirm_by_counsel: false
counting[id] := release if {
	some id, release in in_force
	shown(release)
}

shown(release) if release.basis != "judicial_warrant"

shown(release) if by_warrant[release.id]

warrant_names(fact) if names(fact, ["judicial_warrant"])

# Whether a release on one of these grounds names the record.
names(fact, bases) if {
	is_array(fact.released_under)
	some id in fact.released_under
	counting[id].basis in bases
}

# METADATA
# title: Of a record that only a release shows, the classes that no such release of this record gives
# custom:
#   id: release.classes
#   citation: The release, as the owner recorded it
#   confirm_by_counsel: false
beyond(fact, bases) := object.keys(data.sallyport.vocabulary.classes) - {element_class |
	is_array(fact.released_under)
	some id in fact.released_under
	counting[id].basis in bases
	some element_class in counting[id].classes
}
