"""The demonstration: invented people, four agencies' legacy files, and a short investigation."""
