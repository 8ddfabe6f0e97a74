//! Every bound of the replicated state, with unit and reason. Hitting one is a
//! [`Refusal::LimitReached`](crate::outcome::Refusal::LimitReached) that names it, never a panic
//! and never silent. Limits of the runtime (connections, requests in flight) live with the runtime.

/// Bytes of a znode path. ZooKeeper bounds paths by the frame size only; a bound of its own keeps
/// the index small and error messages readable.
pub const PATH_BYTES_MAX: usize = 4096;
/// Bytes of one segment of the name of a lock, election, counter, resource, group, barrier, service or queue, and of
/// the id of a claim, candidate, member, instance or item, and of a session name.
pub const NAME_SEGMENT_BYTES_MAX: usize = 128;
/// Bytes of a whole name of a lock, election, counter, resource, group, barrier, service or queue.
pub const NAME_BYTES_MAX: usize = 512;
/// Bytes of data in one znode: 1 MiB, ZooKeeper's `jute.maxbuffer`.
pub const ZNODE_DATA_BYTES_MAX: usize = 1 << 20;
/// Bytes of a stored content type.
pub const CONTENT_TYPE_BYTES_MAX: usize = 255;
/// Children of one znode: a listing must stay transferable.
pub const CHILDREN_PER_ZNODE_MAX: u32 = 1_000_000;
/// Znodes in all. At 100 bytes of data each they need about the memory `docs/limits.md` states.
pub const ZNODES_MAX: u64 = 20_000_000;
/// Entries of one ACL.
pub const ACL_ENTRIES_MAX: usize = 64;
/// Bytes of scheme and id of one ACL entry or identity.
pub const IDENTITY_BYTES_MAX: usize = 1024;
/// Identities carried by one request.
pub const IDENTITIES_PER_REQUEST_MAX: usize = 32;
/// Time to live of a TTL znode, milliseconds: 2^40 - 1, ZooKeeper's bound (about 34 years).
pub const ZNODE_TTL_MS_MAX: u64 = (1 << 40) - 1;
/// Operations in one multi or transaction branch.
pub const OPS_PER_MULTI_MAX: usize = 1024;
/// Missing parents made by one create: bounds what a short command with a deep path may grow.
pub const PARENTS_PER_CREATE_MAX: usize = 128;
/// Bytes of data read by the steps of one transaction: its reply is remembered and sent whole.
pub const TXN_READ_BYTES_MAX: u64 = 1 << 20;
/// Guards of one transaction, and fences named by one request.
pub const GUARDS_PER_REQUEST_MAX: usize = 64;
/// Znodes removed by one recursive delete: bounds the time one command may take.
pub const SUBTREE_DELETE_MAX: u32 = 10_000;

/// Quotas. Each is looked at when one is set or dropped above it, and when a snapshot is restored.
pub const QUOTAS_MAX: usize = 10_000;
/// Znodes one command may count because it sets quotas on trees that exist already: bounds the time
/// it may take.
pub const QUOTA_COUNTED_MAX: u64 = 2_000_000;

/// Live sessions.
pub const SESSIONS_MAX: usize = 200_000;
/// Ephemeral znodes (claims among them) of one session.
pub const EPHEMERALS_PER_SESSION_MAX: usize = 100_000;
/// Session timeout, milliseconds, least: below it ordinary pauses expire sessions.
pub const SESSION_TIMEOUT_MS_MIN: u64 = 1_000;
/// Session timeout, milliseconds, most.
pub const SESSION_TIMEOUT_MS_MAX: u64 = 24 * 3_600_000;
/// Bytes of one owner field or reason.
pub const OWNER_FIELD_BYTES_MAX: usize = 512;
/// Labels on a session, claim or lock.
pub const LABELS_MAX: usize = 32;
/// Bytes of one label key or value.
pub const LABEL_BYTES_MAX: usize = 128;

/// Claims (holders and waiters) of one lock.
pub const CLAIMS_PER_LOCK_MAX: u32 = 100_000;
/// Holders named by one refusal or view: enough to see who is in the way.
pub const HOLDERS_SHOWN_MAX: usize = 16;
/// Holds listed in the memory of an ended session; further ones were released as well but are not
/// listed.
pub const RELEASED_PER_ENDED_SESSION_MAX: usize = 1_000;
/// Claims that are looked at to find out whether a wait would never end: bounds what queueing costs.
pub const DEADLOCK_CLAIMS_MAX: usize = 1_000;
/// Waits in a cycle that is found.
pub const DEADLOCK_CYCLE_MAX: usize = 64;
/// Locks that are claimed together.
pub const LOCKS_PER_CLAIM_MAX: usize = 16;
/// Re-entries of one hold.
pub const REENTRIES_PER_CLAIM_MAX: usize = 64;
/// Permits of one semaphore.
pub const PERMITS_MAX: u32 = 1_000_000;
/// Time a claim may wait, hold or stay unacknowledged, and any other lock duration, milliseconds.
pub const LOCK_DURATION_MS_MAX: u64 = 7 * 24 * 3_600_000;
/// Time a claim without a session may hold before it must be extended, milliseconds, when the
/// client names none.
pub const IMPLICIT_TTL_MS_DEFAULT: u64 = 60_000;
/// Time within which a hand-over to a claim without a session must be picked up, milliseconds, when the client
/// names none.
pub const ACK_WITHIN_MS_DEFAULT: u64 = 10_000;

/// Candidates of one election: choosing a leader looks at each.
pub const CANDIDATES_PER_ELECTION_MAX: usize = 1_000;
/// Bytes of the value of a candidate.
pub const CANDIDATE_VALUE_BYTES_MAX: usize = 16 << 10;
/// Bytes of the value of a member of a group that joins by [`JoinGroup`](crate::command::JoinGroup): a
/// page of members must stay transferable.
pub const MEMBER_VALUE_BYTES_MAX: usize = 16 << 10;
/// Parties that may meet at a barrier: each that comes or goes is counted against all.
pub const PARTIES_MAX: u32 = 10_000;
/// Priority of an item, most; the lowest number goes first. Three digits, as in kazoo's `LockingQueue`.
pub const ITEM_PRIORITY_MAX: u16 = 999;
/// Items waiting and taken in one work queue, most: the children of one znode.
pub const ITEMS_PER_QUEUE_MAX: u32 = CHILDREN_PER_ZNODE_MAX;
/// Items taken by one command: bounds its time and its reply.
pub const ITEMS_PER_TAKE_MAX: u32 = 100;
/// Bytes of data after which a take goes no further: its answer must stay transferable.
pub const ITEMS_PER_TAKE_BYTES: usize = ZNODE_DATA_BYTES_MAX;
/// Tries after which a queue may let an item die, most.
pub const ITEM_TRIES_MAX: u32 = 1_000_000;
/// Dead letters put back by one command: bounds the time it may take.
pub const REDRIVE_MAX: u32 = 1_000;
/// Ended candidates remembered; past it the oldest is forgotten early.
pub const ENDED_CANDIDATES_MAX: usize = 50_000;

/// Fence registers. Nothing ends one but a client, so without a bound they would grow for ever. Each
/// weighs its name and about a hundred bytes more.
pub const FENCE_REGISTERS_MAX: usize = 1_000_000;

/// Services with instances.
pub const SERVICES_MAX: usize = 20_000;
/// Instances of all services.
pub const INSTANCES_MAX: usize = 200_000;
/// Instances of one service: a pick looks at each.
pub const INSTANCES_PER_SERVICE_MAX: usize = 1_000;
/// Instances of one session: bounds what its end costs.
pub const INSTANCES_PER_SESSION_MAX: usize = 1_000;
/// Bytes of the address of an instance: the longest host name has 253.
pub const INSTANCE_ADDRESS_BYTES_MAX: usize = 255;
/// Weight of an instance: bounds the length of a cycle, and the time in which a table is filled.
pub const INSTANCE_WEIGHT_MAX: u32 = 1_000;
/// Tags of an instance, and of a filter.
pub const TAGS_MAX: usize = 32;
/// Bytes of a tag, and of a zone.
pub const TAG_BYTES_MAX: usize = 128;
/// Bytes of all keys and values of the meta of an instance, and of a filter.
pub const INSTANCE_META_BYTES_MAX: usize = 4 << 10;
/// Time within which an instance without a session must be renewed, milliseconds, least: each renewal is a
/// command.
pub const INSTANCE_TTL_MS_MIN: u64 = 1_000;
/// Time within which an instance without a session must be renewed, milliseconds, most.
pub const INSTANCE_TTL_MS_MAX: u64 = 24 * 3_600_000;
/// Time between two checks of an instance, milliseconds, least.
pub const CHECK_INTERVAL_MS_MIN: u64 = 500;
/// Time between two checks of an instance, milliseconds, most.
pub const CHECK_INTERVAL_MS_MAX: u64 = 3_600_000;
/// Checks in a row after which a verdict changes.
pub const CHECKS_IN_A_ROW_MAX: u32 = 100;
/// Bytes of the path that a check asks for.
pub const CHECK_PATH_BYTES_MAX: usize = 512;
/// Bytes kept of what a check found.
pub const CHECK_TEXT_BYTES_MAX: usize = 256;
/// Failed calls in a row after which an instance is set aside.
pub const FAILURES_TO_SET_ASIDE: u32 = 5;
/// How long it is set aside, log-time milliseconds.
pub const SET_ASIDE_MS: u64 = 30_000;
/// Open reservations of all services.
pub const RESERVATIONS_MAX: usize = 200_000;
/// Open reservations of one service: those of an instance end with it, in one command.
pub const RESERVATIONS_PER_SERVICE_MAX: usize = 20_000;
/// How long a reservation counts, milliseconds, most.
pub const RESERVATION_MS_MAX: u64 = 24 * 3_600_000;
/// Instances of one pick.
pub const PICKS_MAX: u32 = 100;
/// Instances that a pick may exclude by name.
pub const EXCLUDED_BY_NAME_MAX: usize = 100;
/// Bytes of the key of a pick.
pub const PICK_KEY_BYTES_MAX: usize = 1_024;
/// Percent of its share that a pick by hash may let an instance have at most; more bounds nothing.
pub const BOUNDED_PERCENT_MAX: u32 = 10_000;
/// Excluded instances named by one refusal: enough to see why.
pub const EXCLUDED_SHOWN_MAX: usize = 16;
/// Public keys that are kept of one node: the one it signs with, and those of the time before.
pub const SIGNING_KEYS_PER_NODE_MAX: usize = 16;
/// Public keys that are kept of all nodes, those that have left among them.
pub const SIGNING_KEYS_MAX: usize = 256;
/// How long a fence token may be valid at most, milliseconds. It is no lease: nobody renews it.
pub const FENCE_TOKEN_MS_MAX: u64 = 24 * 3_600_000;
/// How long a public key is kept after its node has stopped signing with it, log-time milliseconds: the
/// longest that a token lives, and an hour for clocks that differ.
pub const SIGNING_KEY_KEPT_MS: u64 = FENCE_TOKEN_MS_MAX + 3_600_000;
/// How long a node signs with one key, milliseconds, least: those that are kept must fit into
/// [`SIGNING_KEYS_PER_NODE_MAX`], and some more that are replaced by hand.
pub const SIGNING_KEY_LIFETIME_MS_MIN: u64 = 6 * 3_600_000;
/// How long a node signs with one key, milliseconds, most.
pub const SIGNING_KEY_LIFETIME_MS_MAX: u64 = 366 * 24 * 3_600_000;

/// How long an ended claim, candidate or session is remembered, log-time milliseconds. Longer than any
/// sensible retry budget, so a delayed duplicate cannot take a lock again.
pub const TOMBSTONE_MS: u64 = 15 * 60_000;
/// Ended claims remembered; past it the oldest is forgotten early.
pub const ENDED_CLAIMS_MAX: usize = 200_000;
/// Ended claims of one session that are looked through for lost ones: bounds the time a keep-alive
/// may take.
pub const LOST_CLAIMS_LOOKED_AT_MAX: usize = 1_000;
/// Ended holds of one lock that are remembered: enough to see a pattern and to estimate a wait.
pub const HISTORY_PER_LOCK_MAX: usize = 32;
/// Ended holds of all locks that are remembered; past it the lock not used for longest is forgotten.
pub const HISTORY_MAX: usize = 100_000;
/// How long the holds of a lock are remembered after the last of them ended, log-time milliseconds, at
/// least: a job that runs every night still finds the last one.
pub const HISTORY_MS: u64 = 48 * 3_600_000;
/// In what steps that is put off, log-time milliseconds: a lock in use changes its deadline once in that
/// time, not with every hold.
pub const HISTORY_STEP_MS: u64 = 3_600_000;
/// Bytes of an owner or reason that are kept in a history.
pub const HISTORY_TEXT_BYTES_MAX: usize = 128;
/// Ended sessions remembered; past it the oldest is forgotten early.
pub const ENDED_SESSIONS_MAX: usize = 50_000;
/// How long an answer to an idempotency key is remembered, log-time milliseconds.
pub const IDEMPOTENCY_MS: u64 = 24 * 3_600_000;
/// Idempotency answers remembered; past it the oldest is forgotten early.
pub const IDEMPOTENCY_ENTRIES_MAX: usize = 100_000;
/// Bytes of remembered idempotency answers, keys included; past it the oldest is forgotten early.
pub const IDEMPOTENCY_BYTES_MAX: u64 = 64 << 20;
/// Bytes of an idempotency key.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 256;

/// How long an empty container stands before it is removed, log-time milliseconds.
pub const CONTAINER_REAP_AFTER_MS: u64 = 60_000;
/// How long a container that never had a child stands, log-time milliseconds.
pub const CONTAINER_NEVER_USED_MS: u64 = 5 * 60_000;
/// Deadlines handled by one expiry command: bounds the time one command may take.
pub const DUE_PER_COMMAND_MAX: u32 = 1_000;

/// Bytes of a member's address for ZooKeeper clients.
pub const CLIENTS_ADDRESS_BYTES_MAX: usize = 255;

/// Bytes of one encoded request: the data of a full znode plus room for the rest.
pub const REQUEST_BYTES_MAX: usize = 4 << 20;
/// Commands in one log entry.
pub const REQUESTS_PER_BATCH_MAX: usize = 4096;
/// Bytes of one log entry; a single larger request still fits, up to [`REQUEST_BYTES_MAX`].
pub const BATCH_BYTES_MAX: usize = 1 << 20;
/// Bytes of one record of a snapshot. Largest are a session that ended with very many holds and
/// the remembered answer of a large multi.
pub const SNAPSHOT_RECORD_BYTES_MAX: u32 = 128 << 20;

/// Bytes of one part of a snapshot to restore: a log entry holds it with room to spare.
pub const RESTORE_PART_BYTES_MAX: usize = 512 << 10;
/// Bytes of a snapshot to restore. Every node holds them in memory until the restore ends.
pub const RESTORE_BYTES_MAX: u64 = 4 << 30;
/// How long an upload of a snapshot may stand still before it is dropped, log-time milliseconds.
pub const RESTORE_IDLE_MS: u64 = 60_000;
/// A restore raises the zxid to the second next multiple of this: beyond everything that a cluster
/// handed out which lived on after the snapshot for a year at 100,000 writes a second.
pub const RESTORE_ZXID_STEP: u64 = 1 << 42;
/// The zxid after a restore at most: 2^53, the largest that every JSON reader takes exactly. That
/// is more than a thousand restores.
pub const RESTORE_ZXID_MAX: u64 = 1 << 53;

const _: () = assert!(RESTORE_PART_BYTES_MAX < BATCH_BYTES_MAX);
const _: () = assert!(NAME_BYTES_MAX + 2 * NAME_SEGMENT_BYTES_MAX < PATH_BYTES_MAX);
const _: () = assert!(ZNODE_DATA_BYTES_MAX < REQUEST_BYTES_MAX);
const _: () = assert!(HISTORY_PER_LOCK_MAX < HISTORY_MAX);
const _: () = assert!(
    SIGNING_KEY_KEPT_MS / SIGNING_KEY_LIFETIME_MS_MIN < SIGNING_KEYS_PER_NODE_MAX as u64 / 2
);
const _: () = assert!(SESSION_TIMEOUT_MS_MIN < SESSION_TIMEOUT_MS_MAX);
