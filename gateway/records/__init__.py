"""The agency's own records: store, match index, scoring, live legacy sources."""
