"""How well and how fast persons are resolved, and the training of the model."""
