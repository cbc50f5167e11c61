"""What must outlive a restart, a power cut and a full disk."""
