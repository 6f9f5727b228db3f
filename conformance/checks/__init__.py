"""Checks: what is held against what was observed, one module per idea.

A module's checks are all that it defines, or its CHECKS. They never send anything.
"""
