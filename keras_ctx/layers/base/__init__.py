"""The base of the other layers: lookup of ids, masks, frozen weights."""
