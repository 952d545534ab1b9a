"""What the other layers stand on: look-ups of ids, masks, frozen weights."""
