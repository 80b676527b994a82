# What federal law adds for federal agencies: its rules hold for every agency already.
package sallyport.law

jurisdictions contains "federal"

# Why an agency here may not answer, and why it may not ask.
owner_deny["federal"] := set()

asking_denials["federal"] := set()

# Purposes that it never answers for, and never asks for: the list of agencies leaves them out.
bars["federal"] := set()

asking_bars["federal"] := set()

# Terms that it may not tell another agency, when it asks.
untold["federal"] := set()

# Classes that it never gives for this question, those that it gives to no other agency at all, and
# those that local rules must not take away.
owner_never["federal"] := set()

never_held["federal"] := []

guaranteed["federal"] := set()

# Records that it hides, and classes that it leaves out of one.
owner_hide["federal"] := set()

owner_withhold["federal"] := set()

# What it lets be given for civil immigration enforcement beside the status.
owner_permits["federal"] := {"classes": set(), "records": set()}

# What its agencies have to do for an answer that they receive.
receiver_obligations["federal"] := set()
