//! Curator's recipe for a lock: an ephemeral sequential child each, the smallest number holds, and
//! everybody watches the one before. At the znodes of Holdfast's own locks, so that clients of both
//! doors stand in one queue. (P-LOCK, ADR 0021)

use std::sync::Arc;
use std::time::{Duration, Instant};

use checker::Outcome;
use serde_json::{Value, json};

use crate::client::journal::Op;
use crate::client::outcome::Nature;
use crate::client::shared::Shared;
use crate::client::zookeeper::{self, Stat, ZooKeeper};
use crate::client::{Asked, Client};
use crate::workload::Workload;

/// What stands before the counter in the name of a claim, and what the recipe sorts by.
const MARKER: &str = "lock-";
/// Flags of an ephemeral, sequential znode.
const EPHEMERAL_SEQUENTIAL: i32 = 3;
/// How long one look at the queue waits for the one before to go.
const PATIENCE: Duration = Duration::from_millis(300);
const HOT_SHARE: u64 = 60;

/// A claim of this client.
#[derive(Clone, Debug)]
struct Claim {
    lock: String,
    /// Chosen before, and part of the znode's name: by it the znode is found again.
    id: String,
    session: String,
    /// The znode's name, once it is known.
    name: Option<String>,
    fence: i64,
    wait_ms: u64,
    began: Instant,
}

/// How it stands.
enum Place {
    None,
    Unsettled(Claim),
    /// So many turns until it lets go.
    Held(Claim, u64),
}

/// The locks of one client.
pub(crate) struct Lock {
    cold: u64,
    ttl_ms: u64,
    can_write_outside: bool,
    zookeeper: Option<ZooKeeper>,
    place: Place,
    made: u64,
}

impl Claim {
    fn parent(&self) -> String {
        format!("/locks/{}", self.lock)
    }

    fn value(&self) -> Value {
        json!({
            "claim": self.id, "session": self.session, "mode": "exclusive", "permits": null,
            "limit": null, "ttl_ms": null, "wait_ms": self.wait_ms, "ack_within_ms": null,
        })
    }

    fn standing(&self, state: &str, safe_ms: u64) -> Value {
        let mut value = self.value();
        if let Value::Object(value) = &mut value {
            value.insert("state".to_owned(), state.into());
            value.insert("fence".to_owned(), self.fence.into());
            value.insert("queued".to_owned(), self.fence.into());
            value.insert("granted".to_owned(), Value::Null);
            let safe = (state == "held").then_some(safe_ms);
            value.insert("safe_ms".to_owned(), json!(safe));
        }
        value
    }

    fn known_as(&mut self, name: &str, stat: Stat) {
        self.name = Some(name.to_owned());
        self.fence = stat.czxid;
    }
}

impl Lock {
    /// The locks of one client.
    pub(crate) fn new(shared: &Arc<Shared>) -> Lock {
        Lock {
            cold: shared.size("cold_locks", 5),
            ttl_ms: shared.size("session_ttl_ms", 1_500).max(1_000),
            can_write_outside: shared.spec.first_process == 0,
            zookeeper: None,
            place: Place::None,
            made: 0,
        }
    }

    fn new_claim(&mut self, client: &mut Client, session: String) -> Claim {
        self.made += 1;
        let run = client.shared.spec.seed & 0xffff;
        let lock = if client.random.chance(HOT_SHARE) {
            "jepsen-lock/hot".to_owned()
        } else {
            format!("jepsen-lock/cold-{}", client.random.below(self.cold))
        };
        Claim {
            lock,
            id: format!("z{run:x}-{}-{}", client.number, self.made),
            session,
            name: None,
            fence: 0,
            wait_ms: client.random.between(100, 6_000),
            began: Instant::now(),
        }
    }

    /// Makes the znode, and looks at the queue.
    fn acquire(&mut self, client: &mut Client, zookeeper: &mut ZooKeeper) -> Place {
        let Some(session) = zookeeper.session() else {
            return Place::None;
        };
        let mut claim = self.new_claim(client, session);
        for path in ["/locks", "/locks/jepsen-lock", claim.parent().as_str()] {
            let make = zookeeper::Op::CreateContainer(path.to_owned());
            client.ask_zookeeper(Nature::Write, zookeeper, &make);
        }
        if zookeeper.session().as_ref() != Some(&claim.session) {
            return Place::None;
        }
        let op = Op::new("acquire", Some(&claim.lock), claim.value());
        client.invoke(&op);
        let create = zookeeper::Op::Create {
            path: format!("{}/_c_{}-{MARKER}", claim.parent(), claim.id),
            data: String::new(),
            flags: EPHEMERAL_SEQUENTIAL,
        };
        let (asked, answer) = client.ask_zookeeper(Nature::Write, zookeeper, &create);
        if let (Some(path), Some(stat)) = (&answer.text, answer.stat) {
            claim.known_as(path.rsplit('/').next().unwrap_or_default(), stat);
        }
        if !asked.is_ok() {
            let is_unknown = asked.outcome == Outcome::Info;
            client.end(&op, asked, Value::Null);
            return if is_unknown {
                Place::Unsettled(claim)
            } else {
                Place::None
            };
        }
        // It stands in the queue: what follows only looks.
        self.look(client, zookeeper, (claim, &op))
    }

    /// Looks where the claim stands, and waits a little for its turn.
    fn look(
        &mut self,
        client: &mut Client,
        zookeeper: &mut ZooKeeper,
        (mut claim, op): (Claim, &Op),
    ) -> Place {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let list = zookeeper::Op::Children(claim.parent(), false);
            let (asked, answer) = client.ask_zookeeper(Nature::Read, zookeeper, &list);
            if !asked.is_ok() {
                return unsettled(client, claim, (op, asked));
            }
            let queue = sorted(answer.names);
            let Some(at) = place_of(&queue, &claim) else {
                return ended(client, &claim, (op, asked));
            };
            let mine = queue.get(at).cloned().unwrap_or_default();
            if claim.name.is_none() && !self.find(client, zookeeper, (&mut claim, &mine)) {
                return unsettled(client, claim, (op, asked));
            }
            let before = at.checked_sub(1).and_then(|before| queue.get(before));
            let Some(before) = before else {
                // A node passes on what it hears of a client with some delay, and may die before
                // it does: half of the time is what a careful client counts on.
                let safe = zookeeper.granted_ms / 2;
                client.end(op, asked, claim.standing("held", safe));
                let turns = client.random.between(1, 8);
                return Place::Held(claim, turns);
            };
            let path = format!("{}/{before}", claim.parent());
            let watch = zookeeper::Op::Get(path.clone(), true);
            let (watched, _) = client.ask_zookeeper(Nature::Read, zookeeper, &watch);
            if Instant::now() >= deadline {
                client.end(op, asked, claim.standing("waiting", 0));
                return Place::Unsettled(claim);
            }
            if watched.is_ok() {
                while zookeeper
                    .next_event(deadline)
                    .is_some_and(|fired| fired.path != path)
                {}
            }
        }
    }

    /// After a create without an answer: the znode is there, with which fence?
    fn find(
        &self,
        client: &mut Client,
        zookeeper: &mut ZooKeeper,
        (claim, name): (&mut Claim, &str),
    ) -> bool {
        let exists = zookeeper::Op::Exists(format!("{}/{name}", claim.parent()), false);
        let (asked, answer) = client.ask_zookeeper(Nature::Read, zookeeper, &exists);
        match answer.stat.filter(|_| asked.is_ok()) {
            Some(stat) => {
                claim.known_as(name, stat);
                true
            }
            None => false,
        }
    }

    fn check(&mut self, client: &mut Client, zookeeper: &mut ZooKeeper, claim: Claim) -> Place {
        let op = Op::new("check", Some(&claim.lock), json!({"claim": claim.id}));
        client.invoke(&op);
        // Another node may not have seen the znode yet.
        let sync = zookeeper::Op::Sync(claim.parent());
        let (asked, _) = client.ask_zookeeper(Nature::Read, zookeeper, &sync);
        if !asked.is_ok() {
            return unsettled(client, claim, (&op, asked));
        }
        self.look(client, zookeeper, (claim, &op))
    }

    fn release(client: &mut Client, zookeeper: &mut ZooKeeper, claim: &Claim, held: bool) -> bool {
        let Some(name) = &claim.name else {
            return true;
        };
        let op = Op::new("release", Some(&claim.lock), json!({"claim": claim.id}));
        client.invoke(&op);
        let delete = zookeeper::Op::Delete(format!("{}/{name}", claim.parent()));
        let (mut asked, answer) = client.ask_zookeeper(Nature::Write, zookeeper, &delete);
        if asked.has_code("no_node") {
            asked = asked.with("error", "claim_ended");
            let value = json!({
                "claim": claim.id, "state": "ended", "how": null, "held": null,
                "fence": claim.fence, "ended": null,
            });
            client.end_with(&op, asked, value);
            return true;
        }
        let is_unknown = asked.outcome == Outcome::Info || !asked.is_ok();
        let how = if held { "released" } else { "left" };
        let value = json!({
            "claim": claim.id, "fence": claim.fence, "ended": answer.zxid, "held": held, "how": how,
        });
        client.end(&op, asked, value);
        !is_unknown
    }

    fn hold(
        &self,
        client: &mut Client,
        zookeeper: &mut ZooKeeper,
        (claim, turns): (Claim, u64),
    ) -> Place {
        if turns == 0 {
            return if Lock::release(client, zookeeper, &claim, true) {
                Place::None
            } else {
                Place::Held(claim, 0)
            };
        }
        let lock = &claim.lock;
        match client.random.below(100) {
            0..40 if self.can_write_outside => {
                let value = json!({"claim": claim.id, "fence": claim.fence});
                let op = Op::new("outside-write", Some(lock), value);
                client.invoke(&op);
                let fence = u64::try_from(claim.fence).unwrap_or(0);
                let (accepted, highest) = client.shared.outside(lock, fence);
                client.end_alone(&op, json!({"accepted": accepted, "highest": highest}));
            }
            40..43 => {
                let ms = client
                    .random
                    .between(self.ttl_ms, self.ttl_ms.saturating_mul(3));
                let value = json!({"claim": claim.id, "ms": ms});
                let op = Op::new("pause", Some(lock), value.clone());
                client.invoke(&op);
                client.rest(Duration::from_millis(ms));
                client.end_alone(&op, value);
            }
            43..50 => zookeeper.hop(&mut client.random),
            _ => {}
        }
        Place::Held(claim, turns - 1)
    }
}

/// An answer that leaves a claim where it was.
fn unsettled(client: &mut Client, claim: Claim, (op, mut asked): (&Op, Asked)) -> Place {
    if op.f == "acquire" {
        // Its znode was made; where it stands nobody said.
        asked.outcome = Outcome::Info;
    }
    let is_over = asked.has_code("session_expired");
    client.end(op, asked, Value::Null);
    if is_over {
        Place::None
    } else {
        Place::Unsettled(claim)
    }
}

/// Its znode is not there: it has gone, or was never made.
fn ended(client: &mut Client, claim: &Claim, (op, mut asked): (&Op, Asked)) -> Place {
    if op.f == "acquire" {
        asked.outcome = Outcome::Info;
    } else if claim.name.is_none() {
        asked.outcome = Outcome::Fail;
        asked = asked.with("error", "no_claim");
    }
    let fence = claim.name.as_ref().map(|_| claim.fence);
    let value = json!({
        "claim": claim.id, "state": "ended", "how": null, "held": null, "fence": fence,
        "ended": null,
    });
    client.end(op, asked, value);
    Place::None
}

/// The recipe's order: by what follows the last marker.
fn sorted(mut names: Vec<String>) -> Vec<String> {
    let key = |name: &String| {
        let counter = name
            .rfind(MARKER)
            .and_then(|at| name.get(at + MARKER.len()..));
        counter.unwrap_or(name).to_owned()
    };
    names.sort_by_key(key);
    names
}

fn place_of(queue: &[String], claim: &Claim) -> Option<usize> {
    let beginning = format!("_c_{}-{MARKER}", claim.id);
    queue.iter().position(|name| name.starts_with(&beginning))
}

impl Workload for Lock {
    fn step(&mut self, client: &mut Client) {
        let mut zookeeper = self
            .zookeeper
            .take()
            .unwrap_or_else(|| super::connect(client, self.ttl_ms));
        let place = std::mem::replace(&mut self.place, Place::None);
        self.place = match place {
            Place::Unsettled(claim) | Place::Held(claim, _)
                if zookeeper.session().as_ref() != Some(&claim.session) =>
            {
                // The session has expired, and with it everything.
                Place::None
            }
            Place::None if !super::open_session(client, &mut zookeeper, self.ttl_ms) => Place::None,
            Place::None => self.acquire(client, &mut zookeeper),
            Place::Unsettled(claim) if claim.name.is_some() && has_waited(&claim) => {
                if Lock::release(client, &mut zookeeper, &claim, false) {
                    Place::None
                } else {
                    Place::Unsettled(claim)
                }
            }
            Place::Unsettled(claim) => self.check(client, &mut zookeeper, claim),
            Place::Held(claim, turns) => self.hold(client, &mut zookeeper, (claim, turns)),
        };
        self.zookeeper = Some(zookeeper);
    }

    fn last(&mut self, client: &mut Client) {
        let Some(mut zookeeper) = self.zookeeper.take() else {
            return;
        };
        if let Place::Held(claim, _) | Place::Unsettled(claim) = &self.place {
            Lock::release(client, &mut zookeeper, claim, false);
        }
        if let Some(id) = zookeeper.session() {
            let op = Op::new("close", None, json!({"session": id}));
            client.invoke(&op);
            let close = zookeeper::Op::Close;
            let (asked, _) = client.ask_zookeeper(Nature::Write, &mut zookeeper, &close);
            client.end(&op, asked, op.value.clone());
        }
    }
}

fn has_waited(claim: &Claim) -> bool {
    claim.began.elapsed() > Duration::from_millis(claim.wait_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_sorted_as_curator_does_and_holdfasts_claims_stand_among_it() {
        let names = [
            "_c_b-lock-0000000003",
            "c1-__WRIT__0000000001-lock-0000000001__lock__0000000001",
            "_c_a-lock-0000000002",
        ];
        let queue = sorted(names.map(str::to_owned).to_vec());
        assert_eq!(queue, [names[1], names[2], names[0]]);
    }
}
