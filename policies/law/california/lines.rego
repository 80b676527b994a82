# What California law has to say to each decision; `sallyport/law/law.rego` asks for it by name.
package sallyport.law

jurisdictions contains "california"

# Why an agency here may not answer, and why it may not ask.
owner_deny["california"] := data.law.california.deny if answering.california

asking_denials["california"] := data.law.california.deny_asking if asking.california

# Purposes that it never answers for, and never asks for: the list of agencies leaves them out.
bars["california"] := data.law.california.bars

asking_bars["california"] := data.law.california.bars

# Terms that it may not tell another agency, when it asks.
untold["california"] := data.law.california.untold if asking.california

# Classes that it never gives for this question, those that it gives to no other agency at all, and
# those that local rules must not take away.
owner_never["california"] := data.law.california.never if answering.california

never_held["california"] := data.law.california.held

guaranteed["california"] := set()

# Records that it hides, and classes that it leaves out of one.
owner_hide["california"] := data.law.california.hide if answering.california

owner_withhold["california"] := data.law.california.withhold if answering.california

# What it lets be given for civil immigration enforcement beside the status.
owner_permits["california"] := data.law.california.permits if answering.california

# What its agencies have to do for an answer that they receive.
receiver_obligations["california"] := set()

# Whether its law lets this asker see a sealed record.
sealed_seen contains "california" if {
	answering.california
	data.law.california.sealed_may_be_seen
}
