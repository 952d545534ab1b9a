"""What the outputs of signatures are, and when two answers agree in them."""
