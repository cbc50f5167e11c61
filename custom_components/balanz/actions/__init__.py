"""Actions: what automations and people may ask of a site, its groups and its chargers."""
