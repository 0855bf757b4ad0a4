"""What is sent and received, by noun."""
