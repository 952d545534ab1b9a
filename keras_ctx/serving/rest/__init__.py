"""The REST interface of TensorFlow Serving, to try a version."""
