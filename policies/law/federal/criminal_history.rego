# METADATA
# title: Federal law on criminal history, intelligence, immigration, drivers, juveniles and victims
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
	some_code_for_purpose
	not purpose_code_fits
}

deny contains {
	"code": "chri.purpose_code_required",
	"text": "No III purpose code that is in use goes with this purpose, so no criminal history does. Leave those record types out.",
	"citation": "28 CFR 20.33",
} if {
	"criminal_history" in data.sallyport.context.asks_for
	not some_code_for_purpose
}

some_code_for_purpose if {
	some code in data.law.federal.iii_purpose_codes
	code.enabled == true
	input.search.purpose in code.purposes
}

purpose_code_fits if {
	purpose_code.enabled == true
	input.search.purpose in purpose_code.purposes
	duty_told
}

# METADATA
# title: A code that obliges to fingerprints is of no use without the days for them
# custom:
#   id: chri.exigent_days
#   citation: III purpose code X; 28 CFR 901.3
#   confirm_by_counsel: true
duty_told if purpose_code.exigent == false

duty_told if {
	is_number(purpose_code.fingerprints_days)
	purpose_code.fingerprints_days > 0
}

purpose_code := facts if {
	codes := data.law.federal.iii_purpose_codes
	facts := codes[input.search.iii_purpose_code]
}

# METADATA
# title: Criminal history goes only to criminal justice agencies, and those that the rule names
# custom:
#   id: chri.not_criminal_justice_agency
#   citation: 28 CFR 20.33(a), 20.21(b), (c)
#   confirm_by_counsel: false
deny contains {
	"code": "chri.not_criminal_justice_agency",
	"text": "Criminal history goes only to criminal justice agencies, and to others that the law names. Leave those record types out.",
	"citation": "28 CFR 20.33(a)",
} if {
	"criminal_history" in data.sallyport.context.asks_for
	not some_recipient
}

some_recipient if count(recipient_as) > 0

recipient_as contains "criminal_justice" if data.sallyport.context.asker_agency.criminal_justice == true

# Contractors with a security addendum, courts, licensing by law: the directory says which it is.
recipient_as contains kind if some kind in data.sallyport.context.asker_agency.receives_criminal_history_as

# METADATA
# title: A purpose code is for its own kinds of agencies
# custom:
#   id: chri.code_not_for_agency
#   citation: 28 CFR 20.33(a), III purpose codes
#   confirm_by_counsel: true
deny contains {
	"code": "chri.code_not_for_agency",
	"text": "This III purpose code is for another kind of agency: D, for one, is for courts. Give your agency's own; police who investigate use C.",
	"citation": "III purpose codes",
} if {
	"criminal_history" in data.sallyport.context.asks_for
	some_recipient
	purpose_code
	not code_is_for_agency
}

code_is_for_agency if {
	some kind in purpose_code.recipients
	kind in recipient_as
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
	certified
	purpose_code_fits
	code_is_for_agency
}

# METADATA
# title: Not even that there is a criminal history, to who is not entitled to it
# custom:
#   id: chri.not_confirmed
#   citation: 28 CFR 20.21(c)(2)
#   confirm_by_counsel: false
hide contains [place, "chri.not_confirmed"] if {
	not criminal_history_may_be_seen
	known := data.sallyport.vocabulary.record_types
	some place, fact in input.facts
	is_criminal_history(fact, known)
}

# An arrest inside an incident report is criminal history too.
is_criminal_history(fact, known) if {
	not fact.criminal_history == false
	not wanted(fact, known)
}

is_criminal_history(fact, known) if "criminal_history" in known[fact.record_type].treated_as

# METADATA
# title: A list of wanted persons is no criminal history
# description: >-
#   A warrant is found without a purpose code, and says for which charge it was issued, as a wanted
#   poster does. What its person's record tells of other charges is left out, and so is an FBI number.
# custom:
#   id: chri.wanted_list
#   citation: 28 CFR 20.20(b)(1)
#   confirm_by_counsel: true
wanted(fact, known) if "wanted" in known[fact.record_type].treated_as

# METADATA
# title: The class criminal history without entitlement
# custom:
#   id: chri.class
#   citation: 28 CFR 20.33
#   confirm_by_counsel: false
never contains "criminal_history" if not criminal_history_may_be_seen

# METADATA
# title: Fingerprints have to follow an exigent check
# custom:
#   id: chri.fingerprints
#   citation: III purpose code X; 28 CFR 901.3
#   confirm_by_counsel: true
obligations contains {"type": "fingerprints_within", "days": purpose_code.fingerprints_days} if {
	input.answer.status == "answered"
	"criminal_history" in data.sallyport.context.asks_for
}
