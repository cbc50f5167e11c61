"""The OCPP side: a central system that chargers dial in to. No Home Assistant in here."""
