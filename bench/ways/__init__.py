"""The ways through the gateway that are compared; each is one class with start, stop and groups."""
