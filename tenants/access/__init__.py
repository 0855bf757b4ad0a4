"""Who may manage a connection: its owner, the co-administrators, and programs that have a key of one of them."""
