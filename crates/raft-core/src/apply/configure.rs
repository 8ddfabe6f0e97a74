//! Settings of a lock.

use std::fmt::Write as _;

use crate::acl::{self, Perms};
use crate::apply::Step;
use crate::apply::acquire::checks;
use crate::apply::claim::earlier;
use crate::apply::tree::NewZnode;
use crate::command::{Expect, LockKind, LockSettings};
use crate::event::EventKind;
use crate::ids::{Fence, LockName, ZnodePath};
use crate::limits;
use crate::lock::ClaimState;
use crate::outcome::{Refusal, Reply};
use crate::znode::ZnodeKind;

impl Step<'_> {
    /// Sets how a lock behaves. Its znode becomes persistent and says in words what is set, so
    /// that the settings have a version and a ZooKeeper client can read them. Present holds are cut
    /// to a new longest hold; waiters whose turn it is by the new settings are granted.
    pub(crate) fn configure_lock(
        &mut self,
        lock: &LockName,
        settings: &LockSettings,
        expect: Expect,
    ) -> Result<Reply, Refusal> {
        check_settings(settings)?;
        let path = lock.znode();
        self.check_lock_znode(&path, describe(settings).len() as u64, expect)?;
        self.check_claims_fit(lock, settings.kind)?;
        let parent = path.parent().unwrap_or_else(ZnodePath::root);
        self.ensure_containers(&parent)?;
        // From here on nothing refuses.
        self.write_settings(path.clone(), settings);
        self.update_lock(lock, |record| {
            record.settings = Some(settings.clone());
            record.agreed_limit = None;
        });
        self.events
            .push(EventKind::LockConfigured { lock: lock.clone() });
        if let Some(max_hold_ms) = settings.max_hold_ms {
            self.cut_holds(lock, max_hold_ms);
        }
        self.grant_waiters(lock);
        let stat = self.state.existing(&path)?.stat();
        Ok(Reply::LockConfigured { stat })
    }

    /// Whether the lock's znode is what the request expects, and may be written or made with so many
    /// bytes of data.
    fn check_lock_znode(
        &self,
        path: &ZnodePath,
        length: u64,
        expect: Expect,
    ) -> Result<(), Refusal> {
        let Some(znode) = self.state.znode(path) else {
            if matches!(expect, Expect::Version(_)) {
                return Err(Refusal::NoNode { path: path.clone() });
            }
            return self.check_can_make(path, length);
        };
        if znode.owner().is_some() {
            return Err(Refusal::NoChildrenForEphemerals { path: path.clone() });
        }
        acl::require(path, &znode.acl, self.identities, Perms::WRITE)?;
        self.check_quota_of_data(path, length)?;
        match expect {
            Expect::Version(expected) if expected != znode.version => Err(Refusal::BadVersion {
                path: path.clone(),
                expected,
                actual: znode.version,
            }),
            Expect::Version(_) | Expect::Any => Ok(()),
        }
    }

    /// Whether every live claim could have been made under the new kind: a claim the lock does
    /// not take any more would wait for ever and block the queue.
    fn check_claims_fit(&self, lock: &LockName, kind: LockKind) -> Result<(), Refusal> {
        let refused = self
            .state
            .claims_of_lock(lock)
            .find_map(|claim| Some((claim, checks::kind_accepts(kind, claim.mode, None).err()?)));
        match refused {
            Some((claim, why)) => Err(Refusal::ModeMismatch {
                lock: lock.clone(),
                why: format!("claim {} would not fit: {why}", claim.id),
            }),
            None => Ok(()),
        }
    }

    fn write_settings(&mut self, path: ZnodePath, settings: &LockSettings) {
        let new = NewZnode::text(describe(settings), ZnodeKind::Persistent);
        if self.state.znode(&path).is_some() {
            self.set_znode_kind(&path, new.kind);
            self.set_znode_data(&path, new.data, new.content_type);
        } else {
            self.insert_znode(path, new);
        }
    }

    /// Lets no present hold last longer than the new longest hold. It never lengthens one.
    fn cut_holds(&mut self, lock: &LockName, max_hold_ms: u64) {
        let holders = self
            .state
            .claims_of_lock(lock)
            .take_while(|claim| claim.is_held());
        let fences: Vec<Fence> = holders.map(|claim| claim.fence).collect();
        for fence in fences {
            self.update_together(&(lock.clone(), fence), |claim| {
                if let ClaimState::Held {
                    granted, expires, ..
                } = &mut claim.state
                {
                    *expires = earlier(*expires, Some(granted.log_time.after(max_hold_ms)));
                }
            });
        }
    }
}

fn check_settings(settings: &LockSettings) -> Result<(), Refusal> {
    let LockSettings {
        kind,
        lock_delay_ms,
        max_hold_ms,
        max_waiters,
        labels,
    } = settings;
    match kind {
        LockKind::Mutex | LockKind::ReadWrite => {}
        LockKind::Semaphore { limit } => checks::permit_count("limit", *limit)?,
    }
    checks::duration("lock delay", Some(*lock_delay_ms))?;
    checks::positive_duration("longest hold", *max_hold_ms)?;
    if max_waiters.is_some_and(|most| most > limits::CLAIMS_PER_LOCK_MAX) {
        let limit = u64::from(limits::CLAIMS_PER_LOCK_MAX);
        return Err(Refusal::limit("claims per lock", limit));
    }
    checks::labels(labels)
}

/// The settings as text, one `name=value` a line.
fn describe(settings: &LockSettings) -> String {
    let kind = match settings.kind {
        LockKind::Mutex => "mutex".to_owned(),
        LockKind::ReadWrite => "read-write".to_owned(),
        LockKind::Semaphore { limit } => format!("semaphore\nlimit={limit}"),
    };
    let mut text = format!("kind={kind}\nlock_delay_ms={}\n", settings.lock_delay_ms);
    // Writing to a String cannot fail.
    if let Some(ms) = settings.max_hold_ms {
        let _ = writeln!(text, "max_hold_ms={ms}");
    }
    if let Some(most) = settings.max_waiters {
        let _ = writeln!(text, "max_waiters={most}");
    }
    for (key, value) in &settings.labels {
        let _ = writeln!(text, "label.{key}={value}");
    }
    text
}
