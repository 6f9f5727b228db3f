"""Sending requests within limits, and recording what came back."""
