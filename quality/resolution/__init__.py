"""The parts of `quality.resolve`: records made comparable, the model, clusters, golden records."""
