"""The tables. Rows are read and written as values, by statements that stand beside the code that uses them; all times
are the database's own clock, and every table with `tenant_id` is under row-level security.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from tenants.access import tables as _access  # noqa: F401  # so that they are listed with these
from tenants.billing import tables as _billing  # noqa: F401
from tenants.columns import metadata
from tenants.columns import tenant as _tenant
from tenants.columns import time as _time
from tenants.usage import table as _usage  # noqa: F401
from tenants.webhooks import tables as _webhooks  # noqa: F401

tenants = Table(
    "tenants",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("shard", SmallInteger, nullable=False),
    Column("owner_id", BigInteger, nullable=False, index=True),
    Column("bot_id", BigInteger, nullable=False),
    Column("bot_username", Text, nullable=False),
    Column("bot_name", Text, nullable=False),
    Column("token", LargeBinary, nullable=False),
    Column("token_version", Integer, nullable=False, server_default=text("1")),
    Column("group_id", BigInteger),
    Column("group_title", Text),
    Column("state", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("units", Integer, nullable=False, server_default=text("1")),
    Column("settings", JSONB, nullable=False, server_default=text("'{}'")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    _time("created_at", default=True),
    _time("erased_at"),
    Column("mode", Text, nullable=False, server_default=text("'polling'")),
    _time("mode_changed_at"),
    Column("audit_days", Integer, Computed("((settings ->> 'AUDIT_DAYS'::text))::integer", persisted=True)),
    Column("archive_days", Integer, Computed("((settings ->> 'ARCHIVE'::text))::integer", persisted=True)),
    CheckConstraint("mode IN ('polling', 'parallel')", name="mode"),
    CheckConstraint("state IN ('setup', 'running', 'stopped', 'revoked')", name="state"),
    CheckConstraint("plan IN ('free', 'pro', 'business')", name="plan"),
    CheckConstraint("state <> 'running' OR group_id IS NOT NULL", name="running_has_group"),
    Index("ix_tenants_shard", "shard"),
    Index("uq_tenants_bot_id", "bot_id", unique=True, postgresql_where=text("erased_at IS NULL")),
)

group_links = Table(
    "group_links",
    metadata,
    _tenant(primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    _time("expires_at", nullable=False),
    Column("chat_id", BigInteger),
    Column("chat_title", Text),
    _time("used_at"),
)

leases = Table(
    "leases",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("holder", UUID),
    Column("term", BigInteger, nullable=False, server_default=text("0")),
    _time("expires_at", default=True),
)

workers = Table(
    "workers",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("draining", Boolean, nullable=False, server_default=text("false")),
    _time("started_at", default=True),
    _time("seen_at", default=True),
    _time("expires_at", nullable=False),
)

intakes = Table(
    "intakes",
    metadata,
    _tenant(primary_key=True),
    Column("cursor", Text),
    Column("problem", Text),
    Column("group_problem", Text),
    _time("problem_at"),
    _time("received_at"),
    _time("alive_at"),
    _time("behind_since"),  # the group has had a long backlog
    _time("behind_said_at"),
    _time("release_at"),  # when to look again at updates that wait for the plan's limit; only while some do
    Column("group_troubles", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Index("ix_intakes_release_at", "release_at", postgresql_where=text("release_at IS NOT NULL")),
)

logins = Table(
    "logins",
    metadata,
    _tenant(primary_key=True),
    Column("login", LargeBinary),  # a parallel session's authorization
    _time("not_before", default=True),
)

access_hashes = Table(
    "access_hashes",
    metadata,
    _tenant(primary_key=True),
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)

farewells = Table(
    "farewells",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("tenant_id", UUID, nullable=False),  # no reference: a login that is to end outlives its tenant
    Column("shard", SmallInteger, nullable=False, index=True),
    Column("login", LargeBinary, nullable=False),
    _time("created_at", default=True),
)

housekeepers = Table(
    "housekeepers",
    metadata,
    Column("group_id", BigInteger, primary_key=True, autoincrement=False),
    _time("since", default=True),
)

updates = Table(
    "updates",
    metadata,
    _tenant(primary_key=True),
    Column("update_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("disposition", Text, nullable=False),
    Column("reason", Text),
    Column("body", LargeBinary),
    Column("chat_id", BigInteger),  # where an update that was set aside belongs
    Column("message_id", BigInteger),
    Column("topic_id", BigInteger),
    _time("received_at", default=True),
    _time("replay_at"),
    Column("place", Integer),  # among those received at once that wait for the plan's limit
    _time("aside_at"),  # set aside after it had waited
    CheckConstraint("disposition IN ('queued', 'handled', 'ignored', 'failed', 'held')", name="disposition"),
    CheckConstraint("disposition NOT IN ('ignored', 'failed') OR reason IS NOT NULL", name="has_reason"),
    Index("ix_updates_received_at", "received_at"),
    Index("ix_updates_failed", "tenant_id", "received_at", postgresql_where=text("disposition = 'failed'")),
    Index("ix_updates_held", "tenant_id", "received_at", "place", postgresql_where=text("disposition = 'held'")),
    Index("ix_updates_replay", "tenant_id", postgresql_where=text("replay_at IS NOT NULL")),
)

dialogs = Table(
    "dialogs",
    metadata,
    Column("id", UUID, primary_key=True),
    _tenant(),
    Column("chat_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("username", Text),
    Column("status", Text, nullable=False),
    Column("topic_id", BigInteger),
    Column("topic_name", Text, nullable=False),
    Column("topic_status", Text),
    Column("topic_open", Boolean, nullable=False, server_default=text("true")),
    Column("topic_number", SmallInteger, nullable=False, server_default=text("0")),  # topics it has lost
    Column("opened_by_team", Boolean, nullable=False, server_default=text("false")),  # passes the filters
    _time("topic_asked_at"),
    _time("retry_at", default=True),
    _time("errand_at"),
    _time("close_at"),
    _time("unreachable_at"),
    _time("apologized_at"),
    _time("created_at", default=True),
    Column("kind", Text, nullable=False, server_default=text("'private'")),
    Column("language", Text),  # as the customer's app says
    Column("named_by_team", Boolean, nullable=False, server_default=text("false")),  # the topic keeps its name
    Column("owner_id", BigInteger),  # the operator who has claimed it
    Column("owner_name", Text),
    _time("owned_until"),
    Column("warned", JSONB(none_as_null=True)),  # pairs of operators who both answer, and when they were told
    _time("waiting_since"),  # for the team; only while it is the team's turn
    UniqueConstraint("tenant_id", "chat_id"),
    UniqueConstraint("tenant_id", "id"),
    CheckConstraint("status IN ('user_answered', 'support_answered', 'closed')", name="status"),
    CheckConstraint("topic_status IN ('user_answered', 'support_answered', 'closed')", name="topic_status"),
    CheckConstraint("kind IN ('private', 'group', 'channel')", name="kind"),
    CheckConstraint("(owner_id IS NULL) = (owned_until IS NULL)", name="owner"),
    Index("uq_dialogs_topic", "tenant_id", "topic_id", unique=True, postgresql_where=text("topic_id IS NOT NULL")),
    Index("ix_dialogs_tenant_id_errand_at", "tenant_id", "errand_at"),
    Index("ix_dialogs_asked", "tenant_id", postgresql_where=text("topic_id IS NULL AND topic_asked_at IS NOT NULL")),
    Index("ix_dialogs_close_at", "close_at", postgresql_where=text("close_at IS NOT NULL")),
    Index(
        "ix_dialogs_stale_title",
        "tenant_id",
        "retry_at",
        postgresql_where=text(
            "topic_id IS NOT NULL AND (topic_status IS DISTINCT FROM status OR topic_open = (status = 'closed'))"
        ),
    ),
)

lanes = Table(
    "lanes",
    metadata,
    Column("id", UUID, primary_key=True),
    _tenant(),
    Column("dialog_id", UUID),
    Column("direction", Text, nullable=False),
    Column("head_seq", BigInteger, nullable=False, server_default=text("1")),
    Column("next_seq", BigInteger, nullable=False, server_default=text("1")),
    _time("blocked_until", default=True),
    _time("served_at", default=True),
    UniqueConstraint("tenant_id", "dialog_id", "direction", postgresql_nulls_not_distinct=True),
    UniqueConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "dialog_id"], ["dialogs.tenant_id", "dialogs.id"], ondelete="CASCADE"),
    CheckConstraint("direction IN ('topic', 'customer', 'general')", name="direction"),
    CheckConstraint("(direction = 'general') = (dialog_id IS NULL)", name="dialog"),
    CheckConstraint("head_seq <= next_seq", name="order"),
    Index("ix_lanes_ready", "tenant_id", "direction", "served_at", postgresql_where=text("head_seq < next_seq")),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", UUID, primary_key=True),
    _tenant(),
    Column("lane_id", UUID, nullable=False),
    Column("lane_seq", BigInteger),  # none while it stands back behind messages
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("update_id", BigInteger),
    Column("source_chat_id", BigInteger),
    Column("source_message_id", BigInteger),
    Column("reply_to", BigInteger),
    Column("reply_at", Integer),  # where the quoted words begin, in UTF-16 units
    Column("album", Text),
    Column("units", Integer),  # UTF-16 units of a text that may be joined with its neighbours
    Column("body", LargeBinary),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("term", BigInteger),
    Column("error", Text),
    Column("error_text", Text),  # the same as a sentence for a person
    Column("generation", SmallInteger, nullable=False, server_default=text("0")),  # deliberate replays
    Column("result_message_id", BigInteger),
    _time("not_before", default=True),
    _time("created_at", default=True),
    _time("tried_at"),
    _time("ended_at"),
    Column("digest", LargeBinary),  # of the source's content, to tell an edit that changes nothing
    Column("author_id", BigInteger),  # the member of a group, or the chat, that wrote it
    Column("thread_id", BigInteger),  # the topic of a customer's group
    Column("is_loose", Boolean, nullable=False, server_default=text("false")),  # joined after a long backlog only
    UniqueConstraint("lane_id", "lane_seq"),
    ForeignKeyConstraint(["tenant_id", "lane_id"], ["lanes.tenant_id", "lanes.id"], ondelete="CASCADE"),
    CheckConstraint(
        "kind IN ('copy', 'forward', 'line', 'answer', 'text', 'welcome', 'notice', 'mirror', 'edit', 'lookup', "
        "'reaction', 'deletion')",
        name="kind",
    ),
    CheckConstraint("state IN ('waiting', 'sending', 'delivered', 'buried', 'dropped')", name="state"),
    CheckConstraint("state <> 'buried' OR error IS NOT NULL", name="buried_has_error"),
    CheckConstraint("state <> 'delivered' OR result_message_id IS NOT NULL", name="delivered_has_result"),
    CheckConstraint("lane_seq IS NOT NULL OR state IN ('waiting', 'dropped')", name="numbered"),
    Index(
        "ix_outbox_changes", "tenant_id", "source_message_id", postgresql_where=text("kind IN ('edit', 'reaction')")
    ),
    Index("ix_outbox_later", "tenant_id", postgresql_where=text("lane_seq IS NULL AND state = 'waiting'")),
    Index("ix_outbox_update", "tenant_id", "update_id"),
    Index("ix_outbox_album", "tenant_id", "album", postgresql_where=text("album IS NOT NULL")),
    Index("ix_outbox_ended_at", "ended_at"),
    Index("ix_outbox_buried", "tenant_id", "ended_at", postgresql_where=text("state = 'buried'")),
)

message_map = Table(
    "message_map",
    metadata,
    _tenant(primary_key=True),
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("group_id", BigInteger, nullable=False),
    Column("topic_message_id", BigInteger, nullable=False),
    Column("part_at", Integer, nullable=False, server_default=text("0")),  # where it begins in a joined text
    _time("created_at", default=True),
    Column("digest", LargeBinary),  # of the content that both show
    Column("thread_id", BigInteger),  # the topic of a customer's group in which it stands
    Index("ix_message_map_tenant_id_group_id_topic_message_id", "tenant_id", "group_id", "topic_message_id"),
)

notes = Table(
    "notes",
    metadata,
    Column("id", UUID, primary_key=True),
    _tenant(),
    Column("dialog_id", UUID, nullable=False),
    Column("author_id", BigInteger, nullable=False),
    Column("author_name", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _time("created_at", default=True),
    ForeignKeyConstraint(["tenant_id", "dialog_id"], ["dialogs.tenant_id", "dialogs.id"], ondelete="CASCADE"),
    Index("ix_notes_tenant_id_dialog_id", "tenant_id", "dialog_id"),
)

operators = Table(
    "operators",
    metadata,
    _tenant(primary_key=True),
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("username", Text),
    Column("name", Text, nullable=False),
    _time("seen_at", default=True),
)

pauses = Table(
    "pauses",
    metadata,
    _tenant(primary_key=True),
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    _time("until", nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", UUID, primary_key=True),
    _tenant(),
    _time("at", default=True),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", BigInteger),
    Column("actor_name", Text, nullable=False, server_default=text("''")),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False, server_default=text("''")),
    Column("params", JSONB, nullable=False, server_default=text("'{}'")),
    CheckConstraint("actor_kind IN ('owner', 'operator', 'api', 'system')", name="actor_kind"),
    Index("ix_audit_tenant_id_id", "tenant_id", "id"),
    Index("ix_audit_tenant_id_at", "tenant_id", "at"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("tenant_id", UUID),  # no reference: an erasure outlives its tenant
    Column("kind", Text, nullable=False),
    Column("key", Text, unique=True),
    Column("payload", JSONB, nullable=False, server_default=text("'{}'")),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("error", Text),
    _time("created_at", default=True),
    _time("due_at", default=True),
    _time("enqueued_at"),
    _time("done_at"),
    _time("died_at"),
    CheckConstraint("died_at IS NULL OR (done_at IS NULL AND error IS NOT NULL)", name="died"),
    Index("ix_jobs_due_at", "due_at", postgresql_where=text("done_at IS NULL AND died_at IS NULL")),
    Index("ix_jobs_tenant_id", "tenant_id"),
)

owner_notices = Table(
    "owner_notices",
    metadata,
    Column("id", UUID, primary_key=True),
    _tenant(),
    Column("owner_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, unique=True),
    Column("params", JSONB, nullable=False, server_default=text("'{}'")),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("term", BigInteger),
    Column("error", Text),
    Column("result_message_id", BigInteger),
    _time("not_before", default=True),
    _time("created_at", default=True),
    _time("tried_at"),
    _time("ended_at"),
    CheckConstraint("state IN ('waiting', 'sending', 'delivered', 'buried')", name="state"),
    CheckConstraint("state <> 'buried' OR error IS NOT NULL", name="buried_has_error"),
    CheckConstraint("state <> 'delivered' OR result_message_id IS NOT NULL", name="delivered_has_result"),
    Index("ix_owner_notices_tenant_id", "tenant_id", "kind"),
    Index(
        "ix_owner_notices_open", "owner_id", "created_at", postgresql_where=text("state IN ('waiting', 'sending')")
    ),
)
