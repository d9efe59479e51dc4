"""`python -m pipelines` is the `govlake` command."""

from pipelines.cli import main

main()
