"""Freedoms that the documents of AIOS leave: no judge may raise anything."""
