"""Several devices and workers: strategies, and what they agree on."""
