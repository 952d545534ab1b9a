"""Whether a version answers as the model does, in a new process."""
