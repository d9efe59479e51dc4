"""What every table means: contracts, feeds, codes, metrics, privacy.

Imports nothing of the house.
"""
