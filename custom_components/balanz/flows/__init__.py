"""Forms and steps of the flows: setting up, options, groups and chargers, repairs."""
