"""What becomes of a call: how long it takes, what goes wrong with it, and its entry in the journal."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

from telethon.tl import TLRequest, functions

from sandbox.faults import CallRecord, Journal
from sandbox.mtproto.config import Config
from sandbox.mtproto.faults import Fault, Faults
from sandbox.mtproto.messages import pack_error, pack_result
from sandbox.mtproto.rpc import Caller, Methods, RpcError, chat_of, name_of
from sandbox.world import Clock

_log = logging.getLogger(__name__)


class _Cut(Exception):
    """The socket is to end without an answer."""


class Calls:
    def __init__(
        self,
        methods: Methods,
        faults: Faults,
        journal: Journal,
        config: Config,
        *,
        clock: Clock,
        latency: timedelta,
        finished: Callable[[CallRecord], None],
    ) -> None:
        self.latency = latency
        """How long each call takes at least, half of it before and half of it after its effect."""
        self._methods = methods
        self._faults = faults
        self._journal = journal
        self._config = config
        self._clock = clock
        self._finished = finished

    async def serve(self, caller: Caller, message_id: int, request: TLRequest, send: Callable[[bytes], bool]) -> bool:
        """Whether it was carried out; `send` says whether the answer got to a live socket."""
        bot_id = _bot_of(caller, request)
        name, chat = name_of(request), chat_of(request)
        record = self._journal.open(self._clock(), bot_id or 0, name, chat, caller.address)
        fault = self._faults.take_call(name, bot_id, chat)
        half = self.latency.total_seconds() / 2
        try:
            if half:
                await asyncio.sleep(half)
            answer = await self._answer(caller, message_id, request, record, fault)
            if half:
                await asyncio.sleep(half)
            record.answered = send(answer)
        except _Cut:
            record.error = record.error or "connection cut"
            caller.hang_up()
        finally:
            self._journal.close(record)
            self._finished(record)
        return record.carried_out

    async def _answer(
        self, caller: Caller, message_id: int, request: TLRequest, record: CallRecord, fault: Fault | None
    ) -> bytes:
        try:
            if fault is not None:
                await _strike(fault, record)
            result = await self._perform(caller, request)
            answer = _pack(message_id, request, result)
        except RpcError as error:
            record.code, record.error = error.code, error.message
            answer = pack_error(message_id, error.code, error.message)
        else:
            record.carried_out = True
            record.code = 200
        if fault is not None and fault.kind == "drop_answer":
            raise _Cut
        return answer

    async def _perform(self, caller: Caller, request: TLRequest) -> object:
        if self._config.knows(request):
            return self._config.answer(request)
        if caller.key.revoked:
            raise RpcError(401, "SESSION_REVOKED")
        try:
            return await self._methods.call(caller, request)
        except RpcError:
            raise
        except Exception as error:
            _log.exception("%s failed", name_of(request))
            raise RpcError(500, "INTERNAL") from error


async def _strike(fault: Fault, record: CallRecord) -> None:
    record.fault = fault.kind
    match fault.kind:
        case "error":
            raise RpcError(fault.code, fault.message)
        case "drop_request":
            raise _Cut
        case "delay":
            await asyncio.sleep(fault.seconds)


def _pack(message_id: int, request: TLRequest, result: object) -> bytes:
    try:
        return pack_result(message_id, request, result)
    except Exception as error:
        _log.exception("%s has a result that can't be packed", name_of(request))
        raise RpcError(500, "INTERNAL") from error


def _bot_of(caller: Caller, request: TLRequest) -> int | None:
    """A login names its bot in the token."""
    if caller.key.bot_id is None and isinstance(request, functions.auth.ImportBotAuthorizationRequest):
        number = request.bot_auth_token.partition(":")[0]
        return int(number) if number.isdigit() else None
    return caller.key.bot_id
