"""Bad days and slow ones: faults, pacing, quotas, a queue."""
