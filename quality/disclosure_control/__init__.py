"""The parts of `quality.disclosure`: the table as equations, the attacker, and what to hide."""
