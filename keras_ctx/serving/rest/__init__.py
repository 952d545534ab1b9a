"""The REST interface of TensorFlow Serving, for trying a version."""
