"""The options of the pretraining recipes."""
