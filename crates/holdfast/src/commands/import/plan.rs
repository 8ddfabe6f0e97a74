//! What is to be done about some znodes, decided from what was read of them. Pure.

use zookeeper::proto::request::SetAclRequest;

use super::Settings;
use super::check::obstacle;
use super::compare::{Relation, is_numbered, only_here, relation};
use super::kinds::Kind as ZnodeKind;
use super::report::{Counts, Finding, Kind};
use super::roots::SYSTEM;
use super::write::Change;
use super::znode::{Found, Znode, child};
use crate::args::CountersArg;

/// What to do about a znode that this cluster does not show.
const HIDDEN_HERE: &str = "this cluster does not let us read it, or not its whole access list: be \
                           somebody else with --door-auth";

/// What a walk through both trees is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To make this one like that one.
    Copy,
    /// To say what that would take.
    DryRun,
    /// To say where they differ.
    Verify {
        /// Whether a copy has told already what cannot be carried over.
        told: bool,
    },
}

/// A znode to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Todo {
    /// Path in the ensemble.
    pub(super) path: String,
    /// Whether there may be one here.
    pub(super) here: bool,
}

/// A parent whose next sequential child is to get at least this number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counter {
    /// Path in the ensemble.
    pub(super) path: String,
    /// Path here.
    pub(super) here: String,
    pub(super) wanted: i64,
}

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) changes: Vec<Change>,
    pub(super) acls: Vec<SetAclRequest>,
    pub(super) findings: Vec<Finding>,
    pub(super) children: Vec<Todo>,
    /// Paths here which the ensemble does not have.
    pub(super) extras: Vec<String>,
    pub(super) counters: Vec<Counter>,
    pub(super) counts: Counts,
    /// Whether something is not to be overwritten.
    pub(super) is_in_the_way: bool,
}

/// Decides, znode by znode.
#[derive(Debug)]
pub(super) struct Planner<'a> {
    pub(super) settings: &'a Settings,
    pub(super) purpose: Purpose,
    pub(super) work: Work,
}

impl Planner<'_> {
    /// Decides about one znode: what the ensemble has, and what is here.
    pub(super) fn look_at(&mut self, path: &str, source: &Found, here: &Found) {
        let target = self.settings.roots.here(path);
        let relation = relation(&target, source, here);
        if let (Relation::Gone, Found::Znode(_)) = (relation, here) {
            self.work.extras.push(target);
            return;
        }
        let Found::Znode(znode) = source else {
            if relation == Relation::Unreadable && !self.is_told() {
                let why =
                    "the ensemble does not let us read it; it was not copied, nor what is below";
                self.find(Kind::Unreadable, path, why);
            }
            return;
        };
        if relation == Relation::Ephemeral {
            self.ephemeral(path, znode);
            return;
        }
        if let Some((kind, why)) = self.obstacle(&target, znode) {
            if !self.is_told() {
                self.find(kind, path, why);
            }
            return;
        }
        let goes_on = match self.purpose {
            Purpose::Verify { .. } => {
                self.work.counts.verified += 1;
                self.verify(path, relation)
            }
            Purpose::Copy | Purpose::DryRun => self.copy(path, &target, znode, relation),
        };
        if goes_on {
            self.counter(path, &target, znode, here);
            self.descend(path, znode, here);
        }
    }

    fn is_told(&self) -> bool {
        self.purpose == Purpose::Verify { told: true }
    }

    fn find(&mut self, kind: Kind, path: &str, why: impl Into<String>) {
        self.work.findings.push(Finding {
            kind,
            path: path.to_owned(),
            why: why.into(),
        });
    }

    fn obstacle(&self, target: &str, znode: &Znode) -> Option<(Kind, String)> {
        if target == SYSTEM {
            let why = format!("its place here would be {SYSTEM}, which belongs to the cluster");
            return Some((Kind::PathNotValid, why));
        }
        obstacle(target, znode, self.settings.frame_bytes_max)
    }

    fn ephemeral(&mut self, path: &str, znode: &Znode) {
        if matches!(self.purpose, Purpose::Copy | Purpose::DryRun) {
            let session = znode.stat.ephemeral_owner;
            let why = format!("it goes with session {session:#x} of the ensemble");
            self.find(Kind::Ephemeral, path, why);
        }
    }

    /// Notes a difference. Says whether to look at what is below.
    fn verify(&mut self, path: &str, relation: Relation) -> bool {
        match relation {
            Relation::Missing => {
                self.find(
                    Kind::Missing,
                    path,
                    "it is missing here, with what is below",
                );
                false
            }
            Relation::Hidden => {
                self.find(Kind::Unreadable, path, HIDDEN_HERE);
                false
            }
            Relation::Differs { data, acl } => {
                if data && !self.is_counted_here(path) {
                    self.find(Kind::DataDiffers, path, "its data is another one here");
                }
                if acl {
                    self.find(
                        Kind::AclDiffers,
                        path,
                        "its access list is another one here",
                    );
                }
                true
            }
            Relation::Same | Relation::Gone | Relation::Unreadable | Relation::Ephemeral => true,
        }
    }

    /// Notes what to change. Says whether to look at what is below.
    fn copy(&mut self, path: &str, target: &str, znode: &Znode, relation: Relation) -> bool {
        match relation {
            Relation::Missing => {
                let kind = self.settings.kinds.of(path, znode.stat.czxid);
                self.work.changes.push(Change::create(target, znode, kind));
                self.work.counts.created += 1;
                self.count_bytes(znode);
                match kind {
                    ZnodeKind::Persistent => {}
                    ZnodeKind::Container => self.work.counts.containers += 1,
                    ZnodeKind::Ttl(_) => self.work.counts.ttls += 1,
                }
                true
            }
            Relation::Hidden => {
                self.find(Kind::Refused, path, HIDDEN_HERE);
                false
            }
            Relation::Differs { data, acl } => {
                let data = data && !self.is_counted_here(path);
                if data || acl {
                    self.overwrite(path, target, znode, (data, acl));
                } else {
                    self.work.counts.unchanged += 1;
                }
                true
            }
            Relation::Same | Relation::Gone | Relation::Unreadable | Relation::Ephemeral => {
                self.work.counts.unchanged += 1;
                true
            }
        }
    }

    fn overwrite(&mut self, path: &str, target: &str, znode: &Znode, (data, acl): (bool, bool)) {
        if !self.settings.overwrite {
            let what = match (data, acl) {
                (true, true) => "other data and another access list",
                (true, false) => "other data",
                (false, _) => "another access list",
            };
            let why =
                format!("it exists here with {what}; --overwrite gives it that of the ensemble");
            self.find(Kind::InTheWay, path, why);
            self.work.is_in_the_way = true;
            return;
        }
        self.work.counts.overwritten += 1;
        if data {
            self.work.changes.push(Change::set_data(target, znode));
            self.count_bytes(znode);
        }
        if acl {
            self.work.acls.push(SetAclRequest {
                path: target.to_owned(),
                acl: znode.acl.clone(),
                version: -1,
            });
        }
    }

    fn count_bytes(&mut self, znode: &Znode) {
        self.work.counts.bytes += znode.data.as_ref().map_or(0, |data| data.len() as u64);
    }

    /// What the server itself keeps below a quota.
    fn is_counted_here(&self, path: &str) -> bool {
        self.settings.roots.from.starts_with(SYSTEM) && path.ends_with("/zookeeper_stats")
    }

    fn counter(&mut self, path: &str, target: &str, znode: &Znode, here: &Found) {
        let is_wanted = match self.settings.counters {
            CountersArg::None => false,
            CountersArg::Sequential => znode.children.iter().any(|name| is_numbered(name)),
            CountersArg::All => true,
        };
        let (wanted, have) = match here {
            Found::Znode(here) => (znode.counter(), here.counter()),
            Found::Missing | Found::Denied => (znode.counter(), 0),
        };
        if !is_wanted || wanted <= have {
            return;
        }
        match self.purpose {
            Purpose::Copy => self.work.counters.push(Counter {
                path: path.to_owned(),
                here: target.to_owned(),
                wanted,
            }),
            Purpose::DryRun => {
                let why = format!("its next sequential child gets {wanted}; so it will here");
                self.find(Kind::Numbered, path, why);
            }
            Purpose::Verify { .. } => {
                let why = format!("its next sequential child gets {have} here, {wanted} there");
                self.find(Kind::CounterBehind, path, why);
            }
        }
    }

    fn descend(&mut self, path: &str, znode: &Znode, here: &Found) {
        let names: &[String] = match here {
            Found::Znode(here) => &here.children,
            Found::Missing | Found::Denied => &[],
        };
        let known: std::collections::HashSet<&String> = names.iter().collect();
        for name in &znode.children {
            let todo = Todo {
                path: child(path, name),
                here: known.contains(name),
            };
            if todo.path != SYSTEM {
                self.work.children.push(todo);
            }
        }
        let target = self.settings.roots.here(path);
        let extras = only_here(&znode.children, names).into_iter();
        let extras = extras.map(|name| child(&target, name));
        self.work
            .extras
            .extend(extras.filter(|path| path != SYSTEM));
    }
}
