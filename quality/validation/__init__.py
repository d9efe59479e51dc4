"""What published tables are expected to be like, judged by Great Expectations, and its pages."""
