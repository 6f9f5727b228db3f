"""What a server of AIGNE Hub's API can get wrong, and its freedoms."""
