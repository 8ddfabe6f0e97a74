//! The invariants of the crate page, checked in full: O(state), for tests and for an operator's
//! doubt. The cheap ones are asserted always, in `apply`.

mod election;
mod history;
mod lock;
mod quota;
mod service;

use std::collections::{BTreeMap, BTreeSet};

use crate::data::Data;
use crate::fence_register::FenceRegister;
use crate::ids::ZnodePath;
use crate::limits;
use crate::state::{Index, State};
use crate::znode::{Znode, ZnodeKind};

impl State {
    /// Checks every invariant that can be seen in one state.
    ///
    /// # Errors
    /// The first one that is broken, in words.
    pub fn check_invariants(&self) -> Result<(), String> {
        self.check_tree()?;
        self.check_config()?;
        self.check_fence_registers()?;
        self.check_signing_keys()?;
        lock::check(self)?;
        election::check(self)?;
        history::check(self)?;
        quota::check(self)?;
        service::check(self)?;
        self.check_derived()?;
        self.check_limits()
    }

    /// I-2, I-4, I-5.
    fn check_tree(&self) -> Result<(), String> {
        if !self.znodes.contains_key(&ZnodePath::root()) {
            return Err("I-4: there is no root".to_owned());
        }
        for (path, znode) in self.znodes.iter() {
            self.check_znode(path, znode)
                .map_err(|why| format!("{why}, at znode {path}"))?;
        }
        Ok(())
    }

    fn check_znode(&self, path: &ZnodePath, znode: &Znode) -> Result<(), String> {
        if let Some(parent) = path.parent() {
            match self.znodes.get(&parent) {
                None => return Err("I-4: the parent is missing".to_owned()),
                Some(parent) if parent.owner().is_some() => {
                    return Err("I-5: the parent is ephemeral".to_owned());
                }
                Some(_) => {}
            }
        }
        let counted = self
            .children(path, None, usize::MAX)
            .map_or(0, |found| found.len());
        same("I-4: children", &(znode.num_children() as usize), &counted)?;
        let anew = znode
            .data
            .as_deref()
            .map_or(0, |data| Data::from(data).hash());
        same("I-10: hash of data", &znode.data_hash(), &anew)?;
        if let Some(owner) = znode.owner()
            && self.sessions.get(&owner).is_none()
        {
            return Err(format!("I-2: its owner {owner} is not live"));
        }
        let reapable = match znode.kind() {
            ZnodeKind::Persistent | ZnodeKind::Ephemeral(_) => false,
            ZnodeKind::Container => znode.num_children() == 0,
            ZnodeKind::Ttl(_) => true,
        };
        same(
            "I-4: has a time to be reaped",
            &znode.rare.reap_at.is_some(),
            &reapable,
        )?;
        at_most(
            "bytes of data",
            znode.data_length(),
            limits::ZNODE_DATA_BYTES_MAX as u64,
        )?;
        let children = u64::from(znode.num_children());
        at_most(
            "children",
            children,
            u64::from(limits::CHILDREN_PER_ZNODE_MAX),
        )?;
        let newest = znode.czxid.max(znode.mzxid).max(znode.pzxid());
        if newest > self.clock.zxid {
            return Err(format!(
                "I-1: zxid {newest} is after the last one {}",
                self.clock.zxid
            ));
        }
        Ok(())
    }

    /// I-1: no register has moved in the future.
    fn check_fence_registers(&self) -> Result<(), String> {
        let last = self.clock.zxid;
        let late = |register: &FenceRegister| register.moved.zxid > last;
        match self.fence_registers.iter().find(|(_, r)| late(r)) {
            Some((resource, register)) => Err(format!(
                "I-1: fence register {resource} moved at {}, after the last zxid {last}",
                register.moved.zxid
            )),
            None => Ok(()),
        }
    }

    /// I-16.
    fn check_signing_keys(&self) -> Result<(), String> {
        let mut signing = BTreeSet::new();
        for (key, record) in self.signing_keys.iter().filter(|(_, key)| key.signs()) {
            let node = record.node;
            if !signing.insert(node) {
                return Err(format!("I-16: node {node} signs with {key} and another"));
            }
        }
        let mut of_node: BTreeMap<u64, u64> = BTreeMap::new();
        for (_, record) in self.signing_keys.iter() {
            let count = of_node.entry(record.node).or_default();
            *count = count.saturating_add(1);
        }
        let most = of_node.into_values().max().unwrap_or_default();
        let limit = limits::SIGNING_KEYS_PER_NODE_MAX as u64;
        at_most("signing keys of one node", most, limit)
    }

    /// I-2, I-4 (indices), I-9 and I-10 (digests).
    #[expect(
        clippy::too_many_lines,
        reason = "a flat list, one check for each index"
    )]
    fn check_derived(&self) -> Result<(), String> {
        let Index {
            session_names,
            ended_session_names,
            ephemerals,
            claim_ids,
            waiting,
            due,
            data_bytes,
            answers_by_age,
            answer_bytes,
            ended_claims_by_age,
            ended_claims_by_session,
            ended_sessions_by_age,
            ended_candidates_by_age,
            histories_by_age,
            past_holds,
            free_items,
            quotas,
            services,
            instances_by_session,
            checked,
            reservations_of,
        } = Index::rebuild(self);
        let kept = &self.index;
        same(
            "I-4: index of session names",
            &kept.session_names,
            &session_names,
        )?;
        same(
            "I-4: index of ended names",
            &kept.ended_session_names,
            &ended_session_names,
        )?;
        same("I-2: index of ephemerals", &kept.ephemerals, &ephemerals)?;
        same("I-4: index of claim ids", &kept.claim_ids, &claim_ids)?;
        same("I-4: index of waiting claims", &kept.waiting, &waiting)?;
        same("I-4: index of deadlines", &kept.due, &due)?;
        same("I-4: bytes of data", &kept.data_bytes, &data_bytes)?;
        same(
            "I-4: index of answers",
            &kept.answers_by_age,
            &answers_by_age,
        )?;
        same(
            "I-4: index of ended claims",
            &kept.ended_claims_by_age,
            &ended_claims_by_age,
        )?;
        same(
            "I-4: index of ended claims by session",
            &kept.ended_claims_by_session,
            &ended_claims_by_session,
        )?;
        same(
            "I-4: index of ended sessions",
            &kept.ended_sessions_by_age,
            &ended_sessions_by_age,
        )?;
        same(
            "I-4: index of ended candidates",
            &kept.ended_candidates_by_age,
            &ended_candidates_by_age,
        )?;
        same(
            "I-4: index of histories",
            &kept.histories_by_age,
            &histories_by_age,
        )?;
        same("I-4: count of past holds", &kept.past_holds, &past_holds)?;
        same("I-4: bytes of answers", &kept.answer_bytes, &answer_bytes)?;
        same("I-4: index of free items", &kept.free_items, &free_items)?;
        same("I-12: quotas", &kept.quotas, &quotas)?;
        same("I-4: index of services", &kept.services, &services)?;
        same(
            "I-15: index of instances by session",
            &kept.instances_by_session,
            &instances_by_session,
        )?;
        same("I-4: index of checked instances", &kept.checked, &checked)?;
        same(
            "I-4: index of reservations",
            &kept.reservations_of,
            &reservations_of,
        )?;
        same(
            "I-10: digests",
            &self.table_digests(),
            &self.recomputed_table_digests(),
        )
    }

    /// I-11.
    fn check_limits(&self) -> Result<(), String> {
        let limits = [
            ("znodes", self.znodes.len(), limits::ZNODES_MAX),
            ("sessions", self.sessions.len(), limits::SESSIONS_MAX as u64),
            (
                "ended sessions",
                self.ended_sessions.len(),
                limits::ENDED_SESSIONS_MAX as u64,
            ),
            (
                "ended claims",
                self.ended_claims.len(),
                limits::ENDED_CLAIMS_MAX as u64,
            ),
            ("uploads", self.staging.len(), 1),
            (
                "fence registers",
                self.fence_registers.len(),
                limits::FENCE_REGISTERS_MAX as u64,
            ),
            ("quotas", self.index.quotas.len(), limits::QUOTAS_MAX as u64),
            (
                "signing keys",
                self.signing_keys.len(),
                limits::SIGNING_KEYS_MAX as u64,
            ),
            (
                "answers",
                self.answers.len(),
                limits::IDEMPOTENCY_ENTRIES_MAX as u64,
            ),
        ];
        for (what, count, limit) in limits {
            at_most(what, count as u64, limit)?;
        }
        at_most(
            "bytes of answers",
            self.index.answer_bytes,
            limits::IDEMPOTENCY_BYTES_MAX,
        )?;
        for (owner, paths) in &self.index.ephemerals {
            let what = format!("ephemerals of session {owner}");
            at_most(
                &what,
                paths.len() as u64,
                limits::EPHEMERALS_PER_SESSION_MAX as u64,
            )?;
        }
        Ok(())
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, kept: &T, found: &T) -> Result<(), String> {
    if kept == found {
        Ok(())
    } else {
        Err(format!("{what}: kept {kept:?}, found {found:?}"))
    }
}

fn at_most(what: &str, count: u64, limit: u64) -> Result<(), String> {
    if count <= limit {
        Ok(())
    } else {
        Err(format!("I-11: {count} {what}, limit {limit}"))
    }
}
