"""The options of the fine-tuning recipes, and the files that they name."""
