"""HTTP: client, peer, audit and admin routes; authentication; errors as problems."""
