"""Conformance suite, mock server and reference implementation of the AIOS API."""
