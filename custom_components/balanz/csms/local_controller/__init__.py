"""What stands between a charger and another central system: its limits are kept as upper bounds."""
