"""What a server of Infinity's API can get wrong, and its freedoms."""
