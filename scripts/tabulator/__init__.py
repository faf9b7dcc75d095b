"""Writes what the catalog says as pages for people, and keeps the list of public ids."""
