"""What a trained model predicts of files, and how well."""
