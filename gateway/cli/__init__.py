"""The `sallyport` command."""
