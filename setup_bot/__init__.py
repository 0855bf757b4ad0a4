"""The setup bot: where owners connect their bots and manage the connections, as an aiogram dispatcher."""
