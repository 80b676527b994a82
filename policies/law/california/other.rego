package law.california

# METADATA
# title: No help to other states against lawful abortion
# custom:
#   id: ca.abortion
#   citation: Cal. Penal Code 13778.2
#   confirm_by_counsel: false
deny contains {
	"code": "ca.abortion",
	"text": "California agencies give no information for an inquiry into lawful abortion. Ask your counsel where you take the matter for another one.",
	"citation": "Cal. Penal Code 13778.2",
} if {
	not other_matter
}

other_matter if {
	is_string(input.search.reason_code)
	not about_abortion
}

other_matter if in_california

about_abortion if input.search.reason_code in data.law.california.abortion_reasons

in_california if data.sallyport.context.asker_agency.jurisdiction == "california"

# METADATA
# title: No record of a lawful abortion, whatever reason is given
# custom:
#   id: ca.abortion_record
#   citation: Cal. Penal Code 13778.2
#   confirm_by_counsel: true
hide contains [place, "ca.abortion_record"] if {
	not in_california
	some place, fact in data.sallyport.context.unusual
	fact.reproductive_care != false
}

# METADATA
# title: Plate readers' records do not leave the state
# custom:
#   id: ca.plate_readers
#   citation: Cal. Civ. Code 1798.90.5, 1798.90.55(b)
#   confirm_by_counsel: true
hide contains [place, "ca.plate_readers"] if {
	not in_california
	some place, fact in data.sallyport.context.unusual
	not no_plate_reader(fact)
}

no_plate_reader(fact) if fact.source_kind in {"own", "motor_vehicle_department"}

# METADATA
# title: Juvenile records only to law enforcement that investigates, by age at the offense
# custom:
#   id: ca.juvenile
#   citation: Cal. Welf. and Inst. Code 827, 828
#   confirm_by_counsel: true
hide contains [place, "ca.juvenile"] if {
	some place, fact in data.sallyport.context.unusual
	data.sallyport.juvenile.is_juvenile(fact, data.law.california.adult_at)
	not data.sallyport.juvenile.may_be_seen(fact)
}

# METADATA
# title: Juvenile information goes to federal agencies only on an order of the juvenile court
# description: A missing child and a juvenile's warrant are found by them as by all law enforcement.
# custom:
#   id: ca.juvenile_federal
#   citation: Cal. Welf. and Inst. Code 831
#   confirm_by_counsel: true
hide contains [place, "ca.juvenile_federal"] if {
	not asker_is_not_federal
	some place, fact in data.sallyport.context.unusual
	data.sallyport.juvenile.is_juvenile(fact, data.law.california.adult_at)
	not federal_may_see(fact)
}

federal_may_see(fact) if ordered(fact)

federal_may_see(fact) if data.sallyport.juvenile.must_be_found(fact)

ordered(fact) if data.sallyport.released.names(fact, ["court_order"])

# METADATA
# title: Of what the juvenile court's order names, its classes
# custom:
#   id: ca.juvenile_order
#   citation: Cal. Welf. and Inst. Code 831
#   confirm_by_counsel: true
withhold contains [place, element_class, "ca.juvenile_order"] if {
	not asker_is_not_federal
	some place, fact in data.sallyport.context.unusual
	data.sallyport.juvenile.is_juvenile(fact, data.law.california.adult_at)
	not data.sallyport.juvenile.must_be_found(fact)
	some element_class in data.sallyport.released.beyond(fact, ["court_order"])
}

asker_is_not_federal if data.sallyport.context.asker_agency.jurisdiction != "federal"

# METADATA
# title: Sealed arrests are seen by criminal justice agencies that investigate
# custom:
#   id: ca.sealed_audience
#   citation: Cal. Penal Code 851.92
#   confirm_by_counsel: true
sealed_may_be_seen if {
	data.sallyport.context.asker_agency.criminal_justice == true
	data.sallyport.context.purpose.investigates == true
	in_california
}

# METADATA
# title: Home addresses from the motor vehicle department are confidential
# custom:
#   id: ca.dmv_address
#   citation: Cal. Veh. Code 1808.21
#   confirm_by_counsel: true
withhold contains [place, "contact", "ca.dmv_address"] if {
	some place, fact in data.sallyport.context.unusual
	not another_source(fact)
}

another_source(fact) if fact.source_kind in {"own", "plate_reader"}
