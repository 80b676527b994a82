"""Sallyport: a federated gateway for exchanging records between agencies."""
