"""Parallel sessions: MTProto beside the program that drives the bot over the Bot API."""

from sessions.mtproto.home import AppIdentity, DataCentre
from sessions.mtproto.session import MtprotoSession, MtprotoSessions

__all__ = ["AppIdentity", "DataCentre", "MtprotoSession", "MtprotoSessions"]
