//! A small model of znodes, locks and sessions, written afresh from the promises: it follows the
//! changes the log tells of and says where they cannot be.
//!
//! It decides nothing by itself that the log does not tell; it holds each change against what was
//! there before. Where the log does not begin at its beginning, what it has not seen made is taken as
//! told.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::log::{Change, Command};

/// A broken rule, in words.
pub(crate) type Wrong = String;

/// What is there, as far as the log has told.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// Whether everything that is there was seen being made.
    whole: bool,
    zxid: Option<u64>,
    znodes: BTreeMap<String, Znode>,
    locks: BTreeMap<String, Lock>,
    /// Requests that were seen: none comes twice.
    requests: BTreeSet<String>,
    /// Some session or lock asks for a delay before the next grant.
    delays: bool,
    /// Changes looked at.
    pub(crate) changes: u64,
    /// Grants among them.
    pub(crate) grants: u64,
}

#[derive(Debug)]
struct Znode {
    version: i64,
    owner: Option<u64>,
}

#[derive(Debug, Default)]
struct Lock {
    /// Holders and waiters in the order of their fences.
    queue: Vec<Claim>,
    /// Largest fence that was granted.
    granted: u64,
    limit: Option<u64>,
}

#[derive(Debug)]
struct Claim {
    name: String,
    fence: u64,
    owner: Option<u64>,
    mode: Mode,
    held: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Exclusive,
    Shared,
    Permits(u64),
}

impl Mode {
    fn of(mode: Option<&Value>) -> Mode {
        match mode {
            Some(Value::String(text)) if text == "shared" => Mode::Shared,
            Some(mode) => match mode.get("permits").and_then(Value::as_u64) {
                Some(permits) => Mode::Permits(permits),
                None => Mode::Exclusive,
            },
            None => Mode::Exclusive,
        }
    }
}

/// Znodes of the system change by rules of their own.
fn is_system(path: &str) -> bool {
    path == "/zookeeper" || path.starts_with("/zookeeper/")
}

impl Model {
    /// At the beginning of a log (`whole`), or somewhere in it.
    pub(crate) fn new(whole: bool) -> Model {
        Model {
            whole,
            ..Model::default()
        }
    }

    /// Follows one command.
    pub(crate) fn follow(&mut self, command: &Command) -> Result<(), Wrong> {
        let Some(zxid) = command.zxid else {
            return Ok(());
        };
        if command.op.command == "restore-finish" && command.is_applied() {
            // Everything was replaced by what this log does not show.
            *self = Model::new(false);
        }
        self.position(zxid)?;
        if !command.request.is_empty() && !self.requests.insert(command.request.clone()) {
            return Err(format!("request {} is in the log twice", command.request));
        }
        if command.outcome.as_deref() == Some("refused") && command.events > 0 {
            return Err(format!(
                "it was refused and changed {} things",
                command.events
            ));
        }
        self.delays |= command.lock_delay_ms.is_some_and(|delay| delay > 0)
            || command.op.command == "configure-lock";
        self.versions(command)?;
        let is_cut = command.changes.len() as u64 != command.events;
        if is_cut {
            self.whole = false;
        }
        for change in &command.changes {
            self.changes = self.changes.saturating_add(1);
            self.change(zxid, command, change)?;
        }
        self.settled(command)?;
        if is_cut {
            // More changed than is shown: nobody knows what is still as it was.
            self.znodes.clear();
            self.locks.clear();
        }
        Ok(())
    }

    /// One after the other, without a gap.
    fn position(&mut self, zxid: u64) -> Result<(), Wrong> {
        let former = self.zxid.replace(zxid);
        match former {
            Some(former) if zxid != former.saturating_add(1) => {
                Err(format!("it follows position {former}"))
            }
            None if self.whole && zxid != 1 => Err("it is the first one".to_owned()),
            Some(_) | None => Ok(()),
        }
    }

    /// A conditional write is done just when the version it expects is there.
    fn versions(&self, command: &Command) -> Result<(), Wrong> {
        let op = &command.op;
        let (Some(path), Some(expected)) = (&op.path, op.expect) else {
            return Ok(());
        };
        if !matches!(op.command.as_str(), "set" | "put" | "delete") || is_system(path) {
            return Ok(());
        }
        let found = self.znodes.get(path).map(|znode| znode.version);
        let done = command.is_applied();
        match found {
            Some(found) if done && found != expected => Err(format!(
                "{path} was written for version {expected} and had version {found}"
            )),
            Some(found)
                if command.code.as_deref() == Some("version_mismatch") && found == expected =>
            {
                Err(format!(
                    "{path} had the version {expected} it was refused for"
                ))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn change(&mut self, zxid: u64, command: &Command, change: &Change) -> Result<(), Wrong> {
        if let Some(path) = change.path.as_deref().filter(|path| !is_system(path)) {
            return self.znode(path, change);
        }
        let (Some(lock), Some(claim)) = (&change.lock, &change.claim) else {
            return Ok(());
        };
        let whole = self.whole;
        let found = self.locks.entry(lock.clone()).or_default();
        if command.op.lock.as_ref() == Some(lock) && command.limit.is_some() {
            found.limit = command.limit;
        }
        let result = match change.event.as_str() {
            "lock.queued" => found.queued(zxid, claim, change),
            "lock.granted" => {
                self.grants = self.grants.saturating_add(1);
                found.granted(zxid, claim, change, whole)
            }
            "lock.released" | "lock.left" => found.ended(claim, change, whole),
            _ => Ok(()),
        };
        result.map_err(|wrong| format!("lock {lock}, claim {claim}: {wrong}"))
    }

    fn znode(&mut self, path: &str, change: &Change) -> Result<(), Wrong> {
        let version = change.version.unwrap_or_default();
        let found = self.znodes.get(path).map(|znode| znode.version);
        match (change.event.as_str(), found) {
            ("node.created", Some(_)) => return Err(format!("{path} was made and is there")),
            ("node.created", None) if version != 0 => {
                return Err(format!("{path} was made with version {version}"));
            }
            ("node.changed" | "node.deleted", None) if self.whole => {
                return Err(format!("{path} was changed and is not there"));
            }
            ("node.changed", Some(found)) if version != found.saturating_add(1) => {
                return Err(format!("{path} went from version {found} to {version}"));
            }
            _ => {}
        }
        match change.event.as_str() {
            "node.deleted" => {
                self.znodes.remove(path);
            }
            "node.created" | "node.changed" => {
                let former = self.znodes.get(path).and_then(|znode| znode.owner);
                let owner = change.owner.or(former);
                self.znodes
                    .insert(path.to_owned(), Znode { version, owner });
            }
            _ => {}
        }
        Ok(())
    }

    /// What must hold after every command.
    fn settled(&self, command: &Command) -> Result<(), Wrong> {
        for change in &command.changes {
            if let Some(lock) = &change.lock
                && let Some(found) = self.locks.get(lock)
            {
                found
                    .settled(self.whole && !self.delays)
                    .map_err(|wrong| format!("lock {lock}: {wrong}"))?;
            }
            if let ("session.closed" | "session.expired", Some(session)) =
                (change.event.as_str(), change.session)
            {
                self.ended(session)?;
            }
        }
        Ok(())
    }

    /// Nothing of a session outlives it. (P-SESS)
    fn ended(&self, session: u64) -> Result<(), Wrong> {
        let mut left = self
            .znodes
            .iter()
            .filter(|(_, znode)| znode.owner == Some(session));
        if let Some((path, _)) = left.next() {
            return Err(format!(
                "session {session} ended and its ephemeral {path} is there"
            ));
        }
        for (lock, found) in &self.locks {
            if let Some(claim) = found.queue.iter().find(|c| c.owner == Some(session)) {
                let name = &claim.name;
                return Err(format!(
                    "session {session} ended and its claim {name} of lock {lock} is there"
                ));
            }
        }
        Ok(())
    }
}

impl Lock {
    fn queued(&mut self, zxid: u64, claim: &str, change: &Change) -> Result<(), Wrong> {
        let fence = change.fence.unwrap_or_default();
        if fence != zxid {
            return Err(format!("queued at {zxid} with fence {fence}"));
        }
        if let Some(last) = self.queue.last()
            && last.fence >= fence
        {
            let (name, last) = (&last.name, last.fence);
            return Err(format!(
                "queued with fence {fence} behind {name} with {last}"
            ));
        }
        self.queue.push(Claim {
            name: claim.to_owned(),
            fence,
            owner: change.owner,
            mode: Mode::of(change.mode.as_ref()),
            held: false,
        });
        Ok(())
    }

    /// In order of the queue, with a fence larger than all before. (P-LOCK, P-FENCE)
    fn granted(
        &mut self,
        zxid: u64,
        claim: &str,
        change: &Change,
        whole: bool,
    ) -> Result<(), Wrong> {
        let fence = change.fence.unwrap_or_default();
        if fence <= self.granted {
            let former = self.granted;
            return Err(format!("granted with fence {fence} after fence {former}"));
        }
        if !self.queue.iter().any(|claim| claim.fence == fence) {
            if change.handed_over && whole {
                return Err("was handed the lock without having waited".to_owned());
            }
            if !change.handed_over {
                self.queued(zxid, claim, change)?;
            } else {
                let mode = Mode::of(change.mode.as_ref());
                let (name, owner) = (claim.to_owned(), change.owner);
                let claim = Claim {
                    name,
                    fence,
                    owner,
                    mode,
                    held: false,
                };
                self.queue.insert(0, claim);
            }
        }
        if let Some(first) = self.queue.iter().find(|claim| !claim.held)
            && first.fence != fence
            && whole
        {
            let name = &first.name;
            return Err(format!("granted before {name}, which stood in front"));
        }
        for claim in &mut self.queue {
            claim.held |= claim.fence == fence;
        }
        self.granted = fence;
        self.compatible()
    }

    fn ended(&mut self, claim: &str, change: &Change, whole: bool) -> Result<(), Wrong> {
        let at = self
            .queue
            .iter()
            .position(|c| Some(c.fence) == change.fence);
        let Some(at) = at else {
            return if whole {
                Err(format!("{claim} ended and was not there"))
            } else {
                Ok(())
            };
        };
        let ended = self.queue.remove(at);
        let told_held = change.event == "lock.released";
        if whole && ended.held != told_held {
            return Err(format!(
                "ended as if it {} the lock",
                if told_held { "had had" } else { "had not had" }
            ));
        }
        Ok(())
    }

    /// Who holds it may hold it together.
    fn compatible(&self) -> Result<(), Wrong> {
        let holders: Vec<&Claim> = self.queue.iter().filter(|claim| claim.held).collect();
        let names = || {
            let names: Vec<&str> = holders.iter().map(|claim| claim.name.as_str()).collect();
            names.join(", ")
        };
        let exclusive = holders.iter().any(|claim| claim.mode == Mode::Exclusive);
        if exclusive && holders.len() > 1 {
            return Err(format!("{} hold it, one of them alone", names()));
        }
        let permits = holders.iter().map(|claim| match claim.mode {
            Mode::Permits(permits) => permits,
            Mode::Exclusive | Mode::Shared => 0,
        });
        let permits: u64 = permits.sum();
        match self.limit {
            Some(limit) if permits > limit => {
                Err(format!("{} hold {permits} permits of {limit}", names()))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The command that frees a lock grants it to the next.
    fn settled(&self, served: bool) -> Result<(), Wrong> {
        let idle = served && self.queue.iter().all(|claim| !claim.held);
        match self.queue.first() {
            Some(first) if idle => Err(format!("nobody holds it although {} waits", first.name)),
            Some(_) | None => Ok(()),
        }
    }
}
