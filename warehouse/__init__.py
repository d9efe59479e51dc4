"""Where things lie: landing files, Delta tables, serving generations, exports.

Knows no business rule.
"""
