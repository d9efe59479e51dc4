"""What leaders see: Superset bundles built from YAML, contracts and the metric book."""
