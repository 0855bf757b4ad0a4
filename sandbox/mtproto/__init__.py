"""The MTProto face of the sandbox: what Telethon and Kurigram connect to."""
