"""What any of the APIs can get wrong."""
