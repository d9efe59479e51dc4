"""What runs inside Superset: walls, sign-in, roles, panels, users. Standard library and Superset.

Nothing of the platform's environment can be imported here, and nothing there imports this.
"""
