# What Texas law has to say to each decision; `sallyport/law/law.rego` asks for it by name.
package sallyport.law

jurisdictions contains "texas"

# Why an agency here may not answer, and why it may not ask.
owner_deny["texas"] := set()

asking_denials["texas"] := set()

# Purposes that it never answers for, and never asks for: the list of agencies leaves them out.
bars["texas"] := set()

asking_bars["texas"] := set()

# Terms that it may not tell another agency, when it asks.
untold["texas"] := set()

# Classes that it never gives for this question, those that it gives to no other agency at all, and
# those that local rules must not take away.
owner_never["texas"] := set()

never_held["texas"] := []

guaranteed["texas"] := data.law.texas.guaranteed if answering.texas

# Records that it hides, and classes that it leaves out of one.
owner_hide["texas"] := data.law.texas.hide if answering.texas

owner_withhold["texas"] := set()

# What it lets be given for civil immigration enforcement beside the status.
owner_permits["texas"] := {"classes": set(), "records": set()}

# What a person here has to have released a sealed record on, for it to be seen.
sealed_opened["texas"] := data.law.texas.sealed_opened if answering.texas

# What its agencies have to do for an answer that they receive.
receiver_obligations["texas"] := set()
