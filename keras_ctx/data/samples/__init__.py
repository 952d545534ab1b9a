"""Chinese sample data sets, from installed packages."""
