# METADATA
# title: The law of the owner's and the asker's jurisdictions
# description: >-
#   Federal rules hold for every agency; a state's for its own. A jurisdiction without a module
#   gives nothing: an agency there is refused until its law has been written down. To add one, add
#   its folder under policies/law and its lines here; a test fails while they are missing.
package sallyport.law

jurisdictions := {"california", "federal", "new_mexico", "texas"}

# Why an agency of this jurisdiction may not answer.
denials(jurisdiction) := (data.law.federal.deny | data.local.deny) | owner_deny(jurisdiction)

owner_deny("federal") := set()

owner_deny("california") := data.law.california.deny

owner_deny("new_mexico") := data.law.new_mexico.deny

owner_deny("texas") := data.law.texas.deny

# Why an agency of this jurisdiction may not ask.
asking_denials("federal") := set()

asking_denials("california") := data.law.california.deny_asking

asking_denials("new_mexico") := data.law.new_mexico.deny_asking

asking_denials("texas") := data.law.texas.deny_asking

# Terms that an agency of this jurisdiction may not tell another, when it asks.
untold("federal") := set()

untold("california") := data.law.california.untold

untold("new_mexico") := data.law.new_mexico.untold

untold("texas") := data.law.texas.untold

# Classes that an agency of this jurisdiction never gives the asker for the purpose, whatever its
# records hold. Local rules can only add to them, and not what the law wants given.
never(jurisdiction) := (data.law.federal.never | owner_never(jurisdiction)) | (data.local.never - guaranteed(jurisdiction))

owner_never("federal") := set()

owner_never("california") := data.law.california.never

owner_never("new_mexico") := data.law.new_mexico.never

owner_never("texas") := data.law.texas.never

guaranteed("federal") := set()

guaranteed("california") := set()

guaranteed("new_mexico") := set()

guaranteed("texas") := data.law.texas.guaranteed

# Records to hide without a sign, by their place among the facts, each with the rule that hides it.
hide(jurisdiction) := (data.law.federal.hide | data.local.hide) | owner_hide(jurisdiction)

owner_hide("federal") := set()

owner_hide("california") := data.law.california.hide

owner_hide("new_mexico") := set()

owner_hide("texas") := data.law.texas.hide

# Classes to leave out of one record, by its place among the facts.
withhold(jurisdiction) := data.law.federal.withhold | owner_withhold(jurisdiction)

owner_withhold("federal") := set()

owner_withhold("california") := data.law.california.withhold

owner_withhold("new_mexico") := set()

owner_withhold("texas") := set()

# Whether the law of the jurisdiction lets this asker see a sealed record.
sealed_may_be_seen("california") if data.law.california.sealed_may_be_seen
