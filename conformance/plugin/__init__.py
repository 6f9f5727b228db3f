"""The suite as a pytest run: requirements are items, one recorder for all of them."""
