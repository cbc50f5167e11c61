"""What the fleet benchmark needs: chargers, a Home Assistant full of them, a probe."""
