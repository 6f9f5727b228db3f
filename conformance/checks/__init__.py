"""Checks: what is held against what was observed, one module per idea.

Each module exports CHECKS. Checks are pure: they never send anything.
"""
