"""Tables of labelled texts: reading, checks, and tasks."""
