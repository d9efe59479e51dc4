"""Speed of the capture job against bare scripts that do the same work, in the same run."""
