"""The order of it all: found, planned, played, judged, explained."""
