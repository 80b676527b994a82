# What New Mexico law has to say to each decision; `sallyport/law/law.rego` asks for it by name.
package sallyport.law

jurisdictions contains "new_mexico"

# Why an agency here may not answer, and why it may not ask.
owner_deny["new_mexico"] := set()

asking_denials["new_mexico"] := set()

# Purposes that it never answers for, and never asks for: the list of agencies leaves them out.
bars["new_mexico"] := set()

asking_bars["new_mexico"] := set()

# Terms that it may not tell another agency, when it asks.
untold["new_mexico"] := data.law.new_mexico.untold if asking.new_mexico

# Classes that it never gives for this question, those that it gives to no other agency at all, and
# those that local rules must not take away.
owner_never["new_mexico"] := data.law.new_mexico.never if answering.new_mexico

never_held["new_mexico"] := data.law.new_mexico.sensitive_classes

guaranteed["new_mexico"] := set()

# Records that it hides, and classes that it leaves out of one.
owner_hide["new_mexico"] := data.law.new_mexico.hide if answering.new_mexico

owner_withhold["new_mexico"] := data.law.new_mexico.withhold if answering.new_mexico

# What it lets be given for civil immigration enforcement beside the status.
owner_permits["new_mexico"] := {"classes": set(), "records": set()}

# What its agencies have to do for an answer that they receive.
receiver_obligations["new_mexico"] := set()
