"""Servers that deviate from the documents, and how."""
