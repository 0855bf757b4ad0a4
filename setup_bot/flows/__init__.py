"""What a person can do in the setup bot, one file per flow; each makes a router of its own when asked."""
