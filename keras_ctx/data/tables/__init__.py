"""Tables of labelled texts: read, checked, turned into a task."""
