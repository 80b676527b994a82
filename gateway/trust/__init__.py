"""Who is who: keys, pinned peers, signed messages, registered clients and tokens."""
