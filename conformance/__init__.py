"""The judge: observe a target once, judge it by many checks, report each row."""
