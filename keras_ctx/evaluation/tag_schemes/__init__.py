"""Tag schemes of spans: recognizes, reads, writes and constrains them."""
