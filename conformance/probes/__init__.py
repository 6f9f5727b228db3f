"""Probes: what is asked of a target, one module per idea, each exporting PROBES."""
