"""The MT-LSTM of salesforce/cove."""
