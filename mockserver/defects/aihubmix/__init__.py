"""What a server of AIHubMix's API can get wrong, and its freedoms."""
