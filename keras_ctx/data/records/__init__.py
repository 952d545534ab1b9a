"""TFRecord folders: manifest, settings, and a stream over them."""
