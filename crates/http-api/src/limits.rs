//! Bounds of the door. Those of the replicated state are in `raft_core::limits`.

use std::time::Duration;

use raft_core::limits::ZNODE_DATA_BYTES_MAX;

/// Bytes of a JSON body: a transaction that sets one full znode in base64 still fits.
pub(crate) const JSON_BODY_BYTES_MAX: usize = 2 << 20;
/// Bytes of a body that is znode data. The slack lets the state machine name its own limit.
pub(crate) const DATA_BODY_BYTES_MAX: usize = ZNODE_DATA_BYTES_MAX + 4096;
/// Bytes of a request's head.
pub(crate) const HEAD_BYTES_MAX: usize = 64 << 10;
/// Rows of a listing when the client names no limit.
pub(crate) const PAGE_DEFAULT: usize = 100;
/// Rows of a listing.
pub(crate) const PAGE_MAX: usize = 1_000;
/// Children in one page when the client names no limit, and at most.
pub(crate) const CHILDREN_PAGE_DEFAULT: usize = 500;
/// Most children in one page.
pub(crate) const CHILDREN_PAGE_MAX: usize = 10_000;
/// Most znodes of one tree view.
pub(crate) const TREE_NODES_MAX: usize = 10_000;
/// Levels of a tree view when the client names no depth.
pub(crate) const TREE_DEPTH_DEFAULT: usize = 3;
/// Holders and waiters shown by a lock view.
pub(crate) const QUEUE_SHOWN_MAX: usize = 100;
/// Candidates shown by an election view besides the leader.
pub(crate) const STANDBY_SHOWN_MAX: usize = 100;
/// Bytes of values after which a page of members ends, before any encoding.
pub(crate) const MEMBERS_PAGE_BYTES: usize = 4 << 20;
/// Services of which a node counts turns; past it the one not picked from for longest begins anew.
pub(crate) const LOCAL_CURSORS_MAX: usize = 10_000;
/// Tables for picks by `maglev` that are kept: 256 KiB each.
pub(crate) const RINGS_KEPT_MAX: usize = 32;
/// Parties shown by a barrier view.
pub(crate) const PARTIES_SHOWN_MAX: usize = 100;
/// Requests at this node that look for an item of one queue at a time, of those that wait for one.
pub(crate) const TAKERS_AT_ONCE: usize = 8;
/// Holders in a problem document and in a summary.
pub(crate) const HOLDERS_SHOWN_MAX: usize = 10;
/// Rows looked at for one page of a filtered listing.
pub(crate) const FILTER_SCAN_MAX: usize = 100_000;
/// Sessions renewed by one request.
pub(crate) const KEEPALIVE_MANY_MAX: usize = 10_000;
/// Claims and ephemeral znodes shown of one session.
pub(crate) const OWNED_SHOWN_MAX: usize = 1_000;
/// Patterns in the `kinds` of an event stream, and bytes of one.
pub(crate) const EVENT_KINDS_MAX: usize = 32;
/// Entries looked at in one step of the initial state of a stream.
pub(crate) const STATE_PAGE: usize = 256;
/// `Retry-After` of answers that ask to come back soon, seconds.
pub(crate) const RETRY_AFTER_SECONDS: u64 = 1;
/// What a reconnecting event stream is told to wait, milliseconds.
pub(crate) const STREAM_RETRY: Duration = Duration::from_millis(1_000);
/// How often an idle stream says how far it is, by a bookmark.
pub(crate) const BOOKMARK_INTERVAL: Duration = Duration::from_secs(5);
/// How long the answer to "who else is there" may take when a stream says goodbye.
pub(crate) const GOODBYE_TIMEOUT: Duration = Duration::from_millis(200);
/// Session timeout when the client names none, milliseconds.
pub(crate) const SESSION_TTL_MS_DEFAULT: u64 = 15_000;
/// Entries in each list of a dry run; the counts beside them are whole.
pub(crate) const DRY_RUN_SHOWN_MAX: usize = 100;
/// Znodes a recursive delete may remove when the client names no `max`.
pub(crate) const SUBTREE_DELETE_DEFAULT: u32 = 1_000;
/// Bytes of a snapshot read from disk at a time.
pub(crate) const SNAPSHOT_CHUNK_BYTES: u64 = 64 << 10;
/// Chunks of a snapshot under way between disk and socket.
pub(crate) const SNAPSHOT_CHUNKS_AHEAD_MAX: usize = 8;
/// Bytes of a snapshot that is sent here to be verified.
pub(crate) const SNAPSHOT_UPLOAD_BYTES_MAX: u64 = 16 << 30;
/// Snapshots whose digests are remembered: more than are kept on disk.
pub(crate) const SNAPSHOT_FACTS_KEPT: usize = 8;
/// How long an answer waits for the digest of a snapshot to be computed. Shorter than clients wait
/// for the head of an answer: a snapshot that takes longer is sent without.
pub(crate) const SNAPSHOT_FACTS_WAIT: Duration = Duration::from_secs(5);
/// How long a cache may keep the key set, seconds: within it verifiers hear of a key that was revoked.
pub(crate) const KEY_SET_MAX_AGE_S: u64 = 60;
/// Numbers handed out by one block of a counter. Without a bound a typing error could use a counter up.
pub(crate) const COUNTER_BLOCK_MAX: u32 = 1_000_000_000;
/// Levels of subtrees whose digests are listed.
pub(crate) const DIGEST_DEPTH_MAX: usize = 8;
/// Subtrees whose digests one answer lists.
pub(crate) const DIGEST_SUBTREES_MAX: usize = 1_000;
/// Locks looked through for one page in order of queue.
pub(crate) const QUEUE_SORT_SCAN_MAX: usize = 1_000_000;
/// Locks listed as hot when the client names no limit.
pub(crate) const HOT_LOCKS_DEFAULT: usize = 20;
/// Waiters of one lock whose waits are added up to see how hot it is.
pub(crate) const HOT_WAITERS_MAX: usize = 100;
/// How long to wait after an accept that failed.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long requests that wait go on after the node began to stop.
pub(crate) const STOPPING_GRACE: Duration = Duration::from_secs(1);
