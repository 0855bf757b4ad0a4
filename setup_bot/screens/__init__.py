"""What the setup bot shows: text and buttons made of values, without a database or a network."""
