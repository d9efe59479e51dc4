"""How the graph is run: definitions, jobs, schedules, sensors, settings, the command, the demo."""
