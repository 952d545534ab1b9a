"""Folders of TFRecord files: manifest, settings, and streams of records."""
