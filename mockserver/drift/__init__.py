"""Where a test that passes on the mock would fail at a real server."""
