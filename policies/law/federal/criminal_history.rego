# METADATA
# title: Federal law on criminal history, intelligence, immigration, drivers and juveniles
package law.federal

# METADATA
# title: Criminal history goes only with its purpose code
# custom:
#   id: chri.purpose_code_required
#   citation: 28 CFR 20.33, III purpose codes
#   confirm_by_counsel: false
deny contains {
	"code": "chri.purpose_code_required",
	"text": "Criminal history needs a III purpose code that fits the purpose and is in use. Give it, or leave those record types out.",
	"citation": "28 CFR 20.33",
} if {
	"criminal_history" in data.sallyport.context.asks_for
	not purpose_code_fits
}

purpose_code_fits if {
	codes := data.law.federal.iii_purpose_codes
	code := codes[input.search.iii_purpose_code]
	code.enabled == true
	input.search.purpose in code.purposes
}

# METADATA
# title: Criminal history goes only to criminal justice agencies
# custom:
#   id: chri.not_criminal_justice_agency
#   citation: 28 CFR 20.33(a), 20.21(c)
#   confirm_by_counsel: false
deny contains {
	"code": "chri.not_criminal_justice_agency",
	"text": "Criminal history goes only to criminal justice agencies. Leave those record types out.",
	"citation": "28 CFR 20.33(a)",
} if {
	"criminal_history" in data.sallyport.context.asks_for
	not data.sallyport.context.asker_agency.criminal_justice == true
}

# METADATA
# title: Criminal history goes only to officers certified for it
# custom:
#   id: chri.officer_not_certified
#   citation: CJIS Security Policy AT-3, gfipm NCICCriminalHistoryPrivilegeIndicator
#   confirm_by_counsel: true
deny contains {
	"code": "chri.officer_not_certified",
	"text": "You are not certified for criminal history. Ask a certified officer, or leave those record types out.",
	"citation": "CJIS Security Policy AT-3",
} if {
	"criminal_history" in data.sallyport.context.asks_for
	not certified
}

certified if "chri_certified" in data.sallyport.context.claims.attributes

criminal_history_may_be_seen if {
	purpose_code_fits
	data.sallyport.context.asker_agency.criminal_justice == true
	certified
}

# METADATA
# title: Not even that there is a criminal history, to who is not entitled to it
# custom:
#   id: chri.not_confirmed
#   citation: 28 CFR 20.21(c)(2)
#   confirm_by_counsel: false
hide contains [place, "chri.not_confirmed"] if {
	known := data.sallyport.vocabulary.record_types
	some place, fact in input.facts
	is_criminal_history(fact, known)
	not criminal_history_may_be_seen
}

is_criminal_history(fact, known) if {
	not fact.criminal_history == false
	not wanted(fact, known)
}

# Lists of wanted persons are not criminal history, 28 CFR 20.20(b)(1): a warrant is found without a
# purpose code, and what it tells of charges is left out.
wanted(fact, known) if "wanted" in known[fact.record_type].treated_as

is_criminal_history(fact, known) if "criminal_history" in known[fact.record_type].treated_as

# METADATA
# title: The class criminal history without entitlement
# custom:
#   id: chri.class
#   citation: 28 CFR 20.33
#   confirm_by_counsel: false
never contains "criminal_history" if not criminal_history_may_be_seen
