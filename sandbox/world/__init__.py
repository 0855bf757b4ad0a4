"""Telegram's state, without any network: faces read it and act on it, tests look into it."""

from sandbox.world.clock import Clock, ManualClock, real_clock
from sandbox.world.entities import GENERAL, Account, Bot, Chat, Member, MemberChange, Topic, User
from sandbox.world.feed import Change
from sandbox.world.files import File
from sandbox.world.journey import Step, Trail
from sandbox.world.messages import Callback, Content, Entity, Message, Origin, Quote
from sandbox.world.rules import Rules
from sandbox.world.stars import Checkout, Invoice, Subscription
from sandbox.world.state import NotAllowed
from sandbox.world.updates import Update
from sandbox.world.world import Place, World

__all__ = [
    "GENERAL",
    "Account",
    "Bot",
    "Callback",
    "Change",
    "Chat",
    "Checkout",
    "Clock",
    "Content",
    "Entity",
    "File",
    "Invoice",
    "ManualClock",
    "Member",
    "MemberChange",
    "Message",
    "NotAllowed",
    "Origin",
    "Place",
    "Quote",
    "Rules",
    "Step",
    "Subscription",
    "Topic",
    "Trail",
    "Update",
    "User",
    "World",
    "real_clock",
]
