"""balanz between chargers and another back office (CSMS)."""
