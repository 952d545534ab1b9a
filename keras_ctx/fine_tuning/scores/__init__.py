"""Predictions of a trained model on files, and their scores."""
