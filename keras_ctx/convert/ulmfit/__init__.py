"""AWD-LSTM from the files of fastai and salesforce/awd-lstm-lm."""
