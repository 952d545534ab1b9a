"""A model and its texts into a version folder."""
