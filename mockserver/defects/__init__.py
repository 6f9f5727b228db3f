"""Broken promises, to prove that a judge notices; and freedoms, to prove that it can
tell. One module per API; `registry()` lists them all by name.
"""
