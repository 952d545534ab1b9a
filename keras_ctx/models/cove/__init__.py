"""CoVe: the encoder of a translator with LSTMs."""
