//! The texts of the catalogue, in order of status.

use super::Explanation;
use crate::problem::Effect;

pub(super) const BAD_REQUEST: Explanation = Explanation {
    code: "bad_request",
    status: 400,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The request is malformed",
    cause: "A body, query, header or path does not have the form this endpoint wants.",
    remedy: "Correct the part named in `detail`; unknown fields are refused so that a misspelt option is never silently ignored.",
};
pub(super) const INVALID_PATH: Explanation = Explanation {
    code: "invalid_path",
    status: 400,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The path of a znode breaks a rule",
    cause: "Paths are absolute, have no empty, `.` or `..` component, no control characters, and a bounded length.",
    remedy: "Correct the path as `detail` says. A znode really called `-` is addressed as `%2D`.",
};
pub(super) const INVALID_NAME: Explanation = Explanation {
    code: "invalid_name",
    status: 400,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "A name breaks a rule",
    cause: "Names of locks, elections, counters, resources, groups, barriers, services, claims, candidates, members, instances and sessions are made of segments of A-Z a-z 0-9 . _ : @ + , ~ - with 1 to 128 bytes, not `-`, `.` or `..`.",
    remedy: "Choose another name.",
};
pub(super) const INVALID_ACL: Explanation = Explanation {
    code: "invalid_acl",
    status: 400,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The access list is not valid",
    cause: "It is empty, has a malformed entry, or names `auth` without an authenticated identity.",
    remedy: "Correct the entry named in `detail`.",
};
pub(super) const SESSION_REQUIRED: Explanation = Explanation {
    code: "session_required",
    status: 400,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "This needs a session",
    cause: "What was asked for lives with a session (a claim without its own time to hold, an ephemeral znode), and the request names none.",
    remedy: "Open a session with PUT /v1/sessions/{id} and name it in the header Holdfast-Session; a claim may instead carry a `ttl`.",
};
pub(super) const FORBIDDEN: Explanation = Explanation {
    code: "forbidden",
    status: 403,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The access list does not allow it",
    cause: "The znode's access list gives the identities of this request no such permission; `need` names it.",
    remedy: "Ask for the permission, or use an identity that has it.",
};
pub(super) const NOT_FOUND: Explanation = Explanation {
    code: "not_found",
    status: 404,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "There is no such resource",
    cause: "No endpoint has this path.",
    remedy: "See /openapi.json for what there is. A sub-resource of a name comes after `/-/`.",
};
pub(super) const NO_NODE: Explanation = Explanation {
    code: "no_node",
    status: 404,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The znode does not exist",
    cause: "The znode, or the parent of the one to create, does not exist.",
    remedy: "Create it first, or create with `parents=1`.",
};
pub(super) const NO_LOCK: Explanation = Explanation {
    code: "no_lock",
    status: 404,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The lock does not exist",
    cause: "Nobody holds, awaits or has configured a lock of this name. A lock comes into being with its first claim.",
    remedy: "Check the name; taking the lock needs no preparation.",
};
pub(super) const NO_CLAIM: Explanation = Explanation {
    code: "no_claim",
    status: 404,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The claim is not known",
    cause: "No claim of this id was ever made on this lock, or it ended more than 15 minutes ago.",
    remedy: "If you were to hold the lock: you do not. Stop the protected work.",
};
pub(super) const NO_ELECTION: Explanation = Explanation {
    code: "no_election",
    status: 404,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "Nobody stands in the election",
    cause: "An election exists while it has candidates; none stands, or the last one has gone.",
    remedy: "Stand with PUT /v1/elections/{name}/-/candidates/{id}, or watch /v1/elections/{name}/-/events.",
};
pub(super) const NO_CANDIDATE: Explanation = Explanation {
    code: "no_candidate",
    status: 404,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The candidate is not known",
    cause: "No candidate of this id stands in the election, and none that ended is remembered; that is for 15 minutes.",
    remedy: "Stand again, under an id of its own for each time.",
};
pub(super) const NO_GROUP_MEMBER: Explanation = Explanation {
    code: "no_group_member",
    status: 404,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "Nobody is in the group under this id",
    cause: "No member of this id joined the group, or it has left or ended with its session; nothing is remembered of it.",
    remedy: "If it is to be there: PUT it again, with a session that is alive.",
};
pub(super) const NO_PARTY: Explanation = Explanation {
    code: "no_party",
    status: 404,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The party is not in the barrier",
    cause: "No party of this id came in, or it has left, ended with its session, or was deleted.",
    remedy: "If you were waiting: the others do not wait for you any more. PUT it again.",
};
pub(super) const NO_INSTANCE: Explanation = Explanation {
    code: "no_instance",
    status: 404,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The instance is not registered",
    cause: "No instance of this id was registered, or it was deregistered, ended with its session, or was not renewed in time.",
    remedy: "If it serves: PUT it again, with a session that is alive or a ttl.",
};
pub(super) const NO_ITEM: Explanation = Explanation {
    code: "no_item",
    status: 404,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The item is not in the queue",
    cause: "No item of this name was put, or it was acknowledged, deleted, or is a dead letter now.",
    remedy: "Look through the items and dead letters of the queue.",
};
pub(super) const NO_DEAD_LETTER: Explanation = Explanation {
    code: "no_dead_letter",
    status: 404,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The queue has no such dead letter",
    cause: "No item died under this name, or it was put back or deleted.",
    remedy: "If you sent this before without an Idempotency-Key, that request did it: look for the item in the queue.",
};
pub(super) const NO_SESSION: Explanation = Explanation {
    code: "no_session",
    status: 404,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The session is not known",
    cause: "No session of this id was ever opened, or it ended more than 15 minutes ago.",
    remedy: "Open a session. Whatever the old one held is released.",
};
pub(super) const NO_SNAPSHOT: Explanation = Explanation {
    code: "no_snapshot",
    status: 404,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The snapshot does not exist",
    cause: "The answering node has no such snapshot; older ones are deleted when newer ones are complete.",
    remedy: "List them with GET /v1/snapshots, or take one with POST /v1/snapshots.",
};
pub(super) const NO_FENCE_REGISTER: Explanation = Explanation {
    code: "no_fence_register",
    status: 404,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "No fence was shown for the resource",
    cause: "Nobody has shown a fence for a resource of this name, or its register was removed.",
    remedy: "Check the name; a register comes into being with the first fence that is shown.",
};
pub(super) const NO_FENCE_KEY: Explanation = Explanation {
    code: "no_fence_key",
    status: 404,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "No node has published this key",
    cause: "The id is that of no key of this cluster, or of one that is forgotten: what it signed is over.",
    remedy: "See GET /v1/fence-keys for the keys there are.",
};
pub(super) const CLUSTER_NOT_EMPTY: Explanation = Explanation {
    code: "cluster_not_empty",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The cluster holds data that a restore would replace",
    cause: "A restore replaces the whole tree and ends every session; without replace=true it is done only in a cluster that holds nothing.",
    remedy: "Restore into a new cluster. To replace what is here, take a snapshot of it first and add replace=true.",
};
pub(super) const RESTORE_CONFLICT: Explanation = Explanation {
    code: "restore_conflict",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: true,
    title: "Another restore is under way, or this one was interrupted",
    cause: "One snapshot can be on its way in at a time. One whose upload stands still for 60 seconds is dropped.",
    remedy: "Wait for the other restore to end, or a minute if nobody runs one, and begin again.",
};
pub(super) const NO_MEMBER: Explanation = Explanation {
    code: "no_member",
    status: 404,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The node is not a member",
    cause: "The cluster has no member of this id.",
    remedy: "List the members with GET /v1/cluster.",
};
pub(super) const METHOD_NOT_ALLOWED: Explanation = Explanation {
    code: "method_not_allowed",
    status: 405,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The resource does not have this method",
    cause: "The path exists, but not with this method.",
    remedy: "See /openapi.json for the methods of each path.",
};
pub(super) const REQUEST_TIMEOUT: Explanation = Explanation {
    code: "request_timeout",
    status: 408,
    outcome: Effect::NotApplied,
    retryable: true,
    title: "The request was not received in time",
    cause: "The body came too slowly; nothing was done.",
    remedy: "Send it again.",
};
pub(super) const NODE_EXISTS: Explanation = Explanation {
    code: "node_exists",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The znode exists already",
    cause: "A create, or a PUT with If-None-Match: *, found a znode.",
    remedy: "Read it and decide: change it with If-Match, or choose another path.",
};
pub(super) const NODE_NOT_EMPTY: Explanation = Explanation {
    code: "node_not_empty",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The znode has children",
    cause: "A delete without `recursive=1`, or of a subtree larger than `max`.",
    remedy: "Delete with `recursive=1` and a `max` that is large enough; look first with `dry_run=1`.",
};
pub(super) const NO_CHILDREN_FOR_EPHEMERALS: Explanation = Explanation {
    code: "no_children_for_ephemerals",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "An ephemeral znode cannot have children",
    cause: "The parent lives with a session.",
    remedy: "Create below a znode that is not ephemeral.",
};
pub(super) const CLAIM_MISMATCH: Explanation = Explanation {
    code: "claim_mismatch",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The claim id is in use with other parameters",
    cause: "A claim of this id was made on this lock with another mode, session or time. Repeating a request must repeat all of it.",
    remedy: "Use a new claim id for a new intent.",
};
pub(super) const SESSION_MISMATCH: Explanation = Explanation {
    code: "session_mismatch",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The session is open with other parameters",
    cause: "A session of this id is open with another time to live or owner.",
    remedy: "Use a new session id; ids are chosen at random by each client.",
};
pub(super) const LOCK_MODE_MISMATCH: Explanation = Explanation {
    code: "lock_mode_mismatch",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The lock cannot be taken like this",
    cause: "The lock does not accept this mode, or the number of permits differs from what its users agreed on.",
    remedy: "See the lock's settings with GET /v1/locks/{name}.",
};
pub(super) const DEADLOCK: Explanation = Explanation {
    code: "deadlock",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: true,
    title: "Waiting would never end",
    cause: "The sessions in `cycle` would wait for each other: each holds, or waits ahead for, what the one before it wants.",
    remedy: "Release what you hold and ask again. Take the locks in one order everywhere (`advice`, GET /v1/lock-order). A session whose tasks lock independently names them by the label `task`.",
};
pub(super) const NOT_OWNER: Explanation = Explanation {
    code: "not_owner",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The claim belongs to another session",
    cause: "The request acts for another session than the one that made the claim.",
    remedy: "Name the owning session in Holdfast-Session; to take a lock from somebody else, break it.",
};
pub(super) const NOT_HOLDER: Explanation = Explanation {
    code: "not_holder",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The claim does not hold the lock",
    cause: "The claim is still waiting, and the operation is for holders.",
    remedy: "Wait until its state is `held`.",
};
pub(super) const NOT_LEADING: Explanation = Explanation {
    code: "not_leading",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The candidate does not lead",
    cause: "The candidate stands by, and the operation is for the leader.",
    remedy: "Wait until it leads.",
};
pub(super) const FENCE_KEY_USED: Explanation = Explanation {
    code: "fence_key_used",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The key was used before",
    cause: "A node has published a key to sign fence tokens with which is that of another node, or which it has stopped signing with.",
    remedy: "Nothing: the node makes another key by itself.",
};
pub(super) const NOT_ASKED: Explanation = Explanation {
    code: "not_asked",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "Nobody asked for the release of this hold",
    cause: "The claim answers a request to release that nobody made, or that was made of another hold.",
    remedy: "Answer only while the claim shows `release_request`.",
};
pub(super) const CANDIDATE_TAKEN: Explanation = Explanation {
    code: "candidate_taken",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The candidate belongs to another session",
    cause: "Another session stands under this id, or the request names no session or another one than the owner.",
    remedy: "Name the owning session in Holdfast-Session, or choose an id of your own.",
};
pub(super) const STANDS_ALREADY: Explanation = Explanation {
    code: "stands_already",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The session stands in this election already",
    cause: "A session has one candidate in an election, so that its client cannot lead twice; `candidate` names it.",
    remedy: "Use that candidate, resign it first, or open another session.",
};
pub(super) const MEMBER_TAKEN: Explanation = Explanation {
    code: "member_taken",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The member of the group or barrier belongs to another session",
    cause: "Another session is a member, or party, under this id, or the request names another session than the owner.",
    remedy: "Name the owning session in Holdfast-Session, or choose an id of your own. The id of a process that died is free when its session has ended.",
};
pub(super) const INSTANCE_TAKEN: Explanation = Explanation {
    code: "instance_taken",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: true,
    title: "The instance is registered by somebody else",
    cause: "Another session keeps the instance of this id, or it has a ttl and the request names a session, or the other way round.",
    remedy: "Name the owning session in Holdfast-Session, or choose an id of your own. The id of a process that died is free when its session has ended or its ttl is over; DELETE without a session frees it at once.",
};
pub(super) const NO_INSTANCE_AVAILABLE: Explanation = Explanation {
    code: "no_instance_available",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: true,
    title: "No instance of the service can be picked now",
    cause: "None is registered, or each is excluded: by the filter, because it is draining, fails its checks, is set aside after failed calls, or has weight 0. `considered` says why.",
    remedy: "Ask for less, or try again when an instance has come (see /v1/services/{service}/-/events). Nothing was reserved.",
};
pub(super) const PARTIES_DIFFER: Explanation = Explanation {
    code: "parties_differ",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The parties of the barrier name different numbers",
    cause: "Others are in the barrier and wait until `parties` have met; this request named another number.",
    remedy: "Have all parties name the same number, or use another barrier.",
};
pub(super) const BARRIER_OPEN: Explanation = Explanation {
    code: "barrier_open",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The parties of the barrier have not all left",
    cause: "All have met, and some have not left yet; who comes in now would be one too many.",
    remedy: "Wait until they have: DELETE the party you want to be with `Prefer: wait=30` and repeat that until it is answered 200, or wait for a change of the barrier. Then PUT again.",
};
pub(super) const QUEUE_FULL: Explanation = Explanation {
    code: "queue_full",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: true,
    title: "The queue has as many items as it may",
    cause: "Items are put faster than they are done; `limit` is the `max_items` of the queue, or what one queue can hold.",
    remedy: "Try again when consumers have done some, or raise `max_items`.",
};
pub(super) const ITEM_NOT_YOURS: Explanation = Explanation {
    code: "item_not_yours",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "Another session has the item",
    cause: "The delivery is that of another session.",
    remedy: "Only the session that took an item can acknowledge it or give it back. End that session to have its items back.",
};
pub(super) const IN_PROGRESS: Explanation = Explanation {
    code: "in_progress",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: true,
    title: "A request with this idempotency key is still running",
    cause: "The same key was sent before and its answer is not known yet.",
    remedy: "Send it again after a moment: you will get the answer of the first.",
};
pub(super) const UNSAFE_CHANGE: Explanation = Explanation {
    code: "unsafe_change",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The membership change could cost the cluster its quorum",
    cause: "With the members that can be reached, the cluster could not go on after the change; `arithmetic` says why.",
    remedy: "Bring the missing members back first, or add `force=1` if you know they will never return.",
};
pub(super) const MEMBERSHIP_BUSY: Explanation = Explanation {
    code: "membership_busy",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: true,
    title: "Another membership change is running",
    cause: "Changes are made one at a time.",
    remedy: "Try again when it is complete; see GET /v1/cluster.",
};
pub(super) const NOT_A_COUNTER: Explanation = Explanation {
    code: "not_a_counter",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The data of the znode is no number",
    cause: "Somebody wrote into the znode of the counter, which `path` names, what is neither the decimal text of a whole number of 64 bits nor exactly 8 bytes.",
    remedy: "Look at the znode with GET /v1/nodes; write a number there, or delete it, or count under another name.",
};
pub(super) const COUNTER_OVERFLOW: Explanation = Explanation {
    code: "counter_overflow",
    status: 409,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The counter would leave its range",
    cause: "The sum is no whole number of 64 bits; or the counter is kept as 8 bytes, and those of the sum are all digits, so that they would be read as a text. `value` is what the counter is at.",
    remedy: "Count under another name, or write a smaller number into the znode.",
};
pub(super) const CLAIM_ENDED: Explanation = Explanation {
    code: "claim_ended",
    status: 410,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The claim has ended",
    cause: "It was released, expired, broken or lost with its session; `ended_claim` says how and when. Its id cannot be used again.",
    remedy: "If you were working under it: since `ended_index` you worked unprotected. For a new turn, use a new claim id.",
};
pub(super) const CANDIDATE_ENDED: Explanation = Explanation {
    code: "candidate_ended",
    status: 410,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The candidate has ended",
    cause: "Its owner resigned, or its znode was deleted; `ended_candidate` says which. Its session cannot use the id again while that is remembered, so that a late duplicate does not stand again.",
    remedy: "Whoever led by it leads no more. Stand again under another id.",
};
pub(super) const DELIVERY_ENDED: Explanation = Explanation {
    code: "delivery_ended",
    status: 410,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The delivery is over",
    cause: "The item was acknowledged or given back in this delivery, or what says that it is taken was deleted.",
    remedy: "If you acknowledged it before without an Idempotency-Key, that may have done it. Otherwise the item may be with another consumer: undo what you can, and do not count it as done.",
};
pub(super) const SESSION_EXPIRED: Explanation = Explanation {
    code: "session_expired",
    status: 410,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The session has ended",
    cause: "It was silent for longer than its time to live, or was closed; `ended_session` says when and what was released.",
    remedy: "Stop work that its locks protected. Open a new session under a new id.",
};
pub(super) const HISTORY_COMPACTED: Explanation = Explanation {
    code: "history_compacted",
    status: 410,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The events asked for are gone",
    cause: "Only recent events are kept; `oldest_index` is the oldest there is.",
    remedy: "Read the state anew (`initial=state`) and follow from there.",
};
pub(super) const FENCE_STALE: Explanation = Explanation {
    code: "fence_stale",
    status: 412,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The fence no longer holds the lock",
    cause: "The claim with this fence does not hold the lock now: it was released, expired or broken, perhaps while the process was stopped.",
    remedy: "Stop. Whoever has a larger fence may be at work on the same thing.",
};
pub(super) const TERM_STALE: Explanation = Explanation {
    code: "term_stale",
    status: 412,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The term is over",
    cause: "Somebody else leads since, in a larger term, or nobody does; `term` is the present one.",
    remedy: "Stop what the leader does: another one may be doing it. Stand again to lead again.",
};
pub(super) const FENCE_REGISTER_STALE: Explanation = Explanation {
    code: "fence_register_stale",
    status: 412,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "A higher fence was shown for the resource",
    cause: "Somebody who got the lock later has shown its fence for this resource; `highest` is it. Whoever shows `fence` holds the lock no more.",
    remedy: "Stop: do not write to the resource. Take the lock again and begin anew.",
};
pub(super) const VERSION_MISMATCH: Explanation = Explanation {
    code: "version_mismatch",
    status: 412,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The version is another",
    cause: "Somebody changed it since it was read; `actual_version` is the present one.",
    remedy: "Read it again, decide again, and write with the new version.",
};
pub(super) const GUARDS_FAILED: Explanation = Explanation {
    code: "guards_failed",
    status: 412,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The guards of the transaction did not hold",
    cause: "`failed_guards` says which and what was found; nothing was done.",
    remedy: "Read the state again, decide again.",
};
pub(super) const TOO_LARGE: Explanation = Explanation {
    code: "too_large",
    status: 413,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The request is too large",
    cause: "The body or a value in it is above a limit; `limit` says which.",
    remedy: "Store large data elsewhere and keep a reference here.",
};
pub(super) const UNSUPPORTED_MEDIA_TYPE: Explanation = Explanation {
    code: "unsupported_media_type",
    status: 415,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The body has the wrong media type",
    cause: "This endpoint reads JSON.",
    remedy: "Send `Content-Type: application/json`.",
};
pub(super) const IDEMPOTENCY_MISMATCH: Explanation = Explanation {
    code: "idempotency_mismatch",
    status: 422,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The idempotency key was used with another request",
    cause: "A key stands for one request with one body.",
    remedy: "Make a new key for a new request.",
};
pub(super) const LOCK_HELD: Explanation = Explanation {
    code: "lock_held",
    status: 423,
    outcome: Effect::NotApplied,
    retryable: true,
    title: "The lock is held by another claim",
    cause: "It was tried without waiting, or the wait is over; `holders` says who has it.",
    remedy: "Try again later, or stand in the queue with a longer `wait`.",
};
pub(super) const PRECONDITION_REQUIRED: Explanation = Explanation {
    code: "precondition_required",
    status: 428,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "This needs If-Match",
    cause: "Changing this resource blindly is not allowed.",
    remedy: "Read it and send its ETag in If-Match.",
};
pub(super) const RATE_LIMITED: Explanation = Explanation {
    code: "rate_limited",
    status: 429,
    outcome: Effect::NotApplied,
    retryable: true,
    title: "Too many requests",
    cause: "A bound on requests or streams is reached.",
    remedy: "Wait for as long as Retry-After says.",
};
pub(super) const INTERNAL: Explanation = Explanation {
    code: "internal",
    status: 500,
    outcome: Effect::Unknown,
    retryable: false,
    title: "The server made a mistake",
    cause: "A bug; `incident` is the id to look for in the node's log.",
    remedy: "Report it. Check what came of the request before repeating it.",
};
pub(super) const NO_LEADER: Explanation = Explanation {
    code: "no_leader",
    status: 503,
    outcome: Effect::NotApplied,
    retryable: true,
    title: "There is no leader",
    cause: "A majority of the voters cannot be reached from this node, or an election is running.",
    remedy: "Try again after a moment, at this or another node. If it lasts, see GET /v1/cluster on each node.",
};
pub(super) const FENCE_KEY_PENDING: Explanation = Explanation {
    code: "fence_key_pending",
    status: 503,
    outcome: Effect::NotApplied,
    retryable: true,
    title: "The node has no key to sign with",
    cause: "The node signs only with a key that the cluster has taken down: it is new, or its key was revoked a moment ago.",
    remedy: "Try again after a moment, or at another node. If it lasts, see GET /v1/fence-keys.",
};
pub(super) const NOT_CAUGHT_UP: Explanation = Explanation {
    code: "not_caught_up",
    status: 503,
    outcome: Effect::NotApplied,
    retryable: true,
    title: "The node is behind",
    cause: "It has not applied the index asked for, or its state is older than `max_age` allows.",
    remedy: "Try again, or ask another node.",
};
pub(super) const SHUTTING_DOWN: Explanation = Explanation {
    code: "shutting_down",
    status: 503,
    outcome: Effect::NotApplied,
    retryable: true,
    title: "The node is stopping",
    cause: "It takes no new requests.",
    remedy: "Ask another node.",
};
pub(super) const OVERLOADED: Explanation = Explanation {
    code: "overloaded",
    status: 503,
    outcome: Effect::NotApplied,
    retryable: true,
    title: "The node has too much to do",
    cause: "A bound on work in progress is reached; `limited` says which. The request was refused before anything was done.",
    remedy: "Try again after a moment; spread requests over the nodes.",
};
pub(super) const OUTCOME_UNKNOWN: Explanation = Explanation {
    code: "outcome_unknown",
    status: 504,
    outcome: Effect::Unknown,
    retryable: true,
    title: "It is not known whether this happened",
    cause: "The request may be in the log of the leader, but the answer did not come in time.",
    remedy: "Repeat the same request if it may be repeated (PUT and DELETE of claims and sessions, anything with an Idempotency-Key), or look at `check`. Never take it for failed.",
};
pub(super) const QUOTA_EXCEEDED: Explanation = Explanation {
    code: "quota_exceeded",
    status: 507,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "A limit of the stored state is reached",
    cause: "`limited` and `limit` say which.",
    remedy: "Remove what is not needed, or raise the limit where it is a setting.",
};
pub(super) const NODE_QUOTA_EXCEEDED: Explanation = Explanation {
    code: "node_quota_exceeded",
    status: 507,
    outcome: Effect::NotApplied,
    retryable: false,
    title: "The quota of a subtree does not allow it",
    cause: "Somebody set a hard limit on the znodes or the bytes of data at and below `path`. `limited`, `limit`, \
            `usage` and `actual` say which, how much is in use and how much it would be. Claims are znodes, too.",
    remedy: "Delete what is not needed, which is always allowed; or raise the limit: it is the text of \
             `/zookeeper/quota<path>/zookeeper_limits`, which `setquota` of ZooKeeper's command line writes.",
};
pub(super) const UNRECOGNISED: Explanation = Explanation {
    code: "unrecognised",
    status: 500,
    outcome: Effect::Unknown,
    retryable: false,
    title: "A problem this version does not know",
    cause: "The server is newer than the client.",
    remedy: "Read `detail`; update the client.",
};
