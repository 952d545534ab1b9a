"""Tag schemes of spans: recognized, read, written, constrained."""
