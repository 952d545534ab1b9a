"""Word vectors of a corpus as files, and kept between texts."""
