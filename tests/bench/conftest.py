"""The scripts here are run, not collected: importing them would load every rival's libraries."""

collect_ignore_glob = ["*.py"]
