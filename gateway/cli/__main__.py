"""Lets `python -m gateway.cli` do what `sallyport` does."""

from gateway.cli.main import main

main()
