//! Barriers: coming in, leaving, opening and becoming free again.
//!
//! Whatever makes or removes a znode below a barrier's notes the barrier, whoever asked for it; at the end
//! of the command [`Step::settle_barriers`] opens it or makes it free. So it opens in the command that brings
//! the last party in, also where that is a ZooKeeper client's create, and is free again in the one that
//! takes the last away, also where that is the end of a session. Barriers that only ZooKeeper clients are
//! in are left to them.

use crate::acl::AclEntry;
use crate::apply::Step;
use crate::apply::tree::NewZnode;
use crate::barrier::{READY, Round};
use crate::command::EnterBarrier;
use crate::data::Data;
use crate::ids::{BarrierName, MemberId, ZnodePath, Zxid};
use crate::limits;
use crate::outcome::{BarrierReply, Refusal, Reply};
use crate::path::BARRIERS;
use crate::znode::{Znode, ZnodeKind};

impl Step<'_> {
    /// Makes the acting session a party, or says how the barrier stands (see [`EnterBarrier`]).
    pub(crate) fn enter_barrier(&mut self, enter: &EnterBarrier) -> Result<Reply, Refusal> {
        let EnterBarrier {
            barrier,
            party,
            parties,
        } = enter;
        check_bounds(enter)?;
        let session = self.acting_session("entering a barrier")?;
        let znode = barrier.znode();
        let path = znode.child(party.as_str())?;
        let found = self.state.znode(&path);
        let is_there = match found.map(|znode| (znode.owner(), znode.version)) {
            Some((Some(owner), _)) if owner == session => true,
            Some((Some(_), _)) => return Err(taken(barrier, party)),
            Some((None, version)) => return Err(Refusal::NodeExists { path, version }),
            None => false,
        };
        self.check_parties(barrier, *parties)?;
        if !is_there {
            self.check_not_open(barrier)?;
            self.check_child(&znode, party.as_str(), (session, 0))?;
            self.ensure_containers(&znode)?;
            // From here on nothing refuses. Of a round whose parties have all gone, `ready` may be left.
            self.end_round(barrier);
            let acl = [AclEntry::open()].into();
            let new = NewZnode::empty(acl, ZnodeKind::Ephemeral(session));
            self.insert_znode(path, new);
        }
        if self.state.round(barrier).is_none() {
            let opened = None;
            let parties = *parties;
            self.write_round(barrier, Some(Round { parties, opened }));
            self.touched_barriers.insert(barrier.clone(), true);
        }
        self.settle_barriers();
        Ok(Reply::Barrier(self.barrier_reply(barrier, !is_there)))
    }

    /// All that are in a barrier must want to meet as many.
    fn check_parties(&self, barrier: &BarrierName, parties: u32) -> Result<(), Refusal> {
        match self.state.round(barrier) {
            Some(round) if round.parties != parties && self.state.is_used(barrier) => {
                Err(Refusal::PartiesDiffer {
                    barrier: barrier.clone(),
                    named: parties,
                    parties: round.parties,
                })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Nobody comes into a barrier that others are leaving: they would wait for him, and he for nobody.
    fn check_not_open(&self, barrier: &BarrierName) -> Result<(), Refusal> {
        if !self.state.is_open(barrier) {
            return Ok(());
        }
        Err(Refusal::BarrierOpen {
            barrier: barrier.clone(),
            inside: self.state.inside(barrier),
        })
    }

    /// Takes a party out by its owner's wish. That it is not there is what was asked for: so a repeat has
    /// the same answer but for `left`.
    pub(crate) fn leave_barrier(
        &mut self,
        barrier: &BarrierName,
        party: &MemberId,
    ) -> Result<Reply, Refusal> {
        let session = self.acting_session("leaving a barrier")?;
        let path = barrier.znode().child(party.as_str())?;
        let found = self.state.znode(&path).and_then(|znode| znode.owner());
        match found {
            Some(owner) if owner == session => {
                self.remove_znode(&path);
                self.settle_barriers();
            }
            Some(_) => return Err(taken(barrier, party)),
            None => {}
        }
        Ok(Reply::BarrierLeft {
            left: found.is_some(),
            barrier: self.barrier_reply(barrier, false),
        })
    }

    /// A znode came, or went: perhaps one of a barrier.
    pub(in crate::apply) fn note_barrier(&mut self, path: &ZnodePath, came: bool) {
        let below = path.as_str().strip_prefix(BARRIERS);
        if !below.is_some_and(|below| below.starts_with('/')) {
            return;
        }
        if let Some(name) = path.parent().and_then(|path| BarrierName::of_znode(&path)) {
            *self.touched_barriers.entry(name).or_default() |= came;
        }
    }

    /// Opens barriers whose last party has come in this command, and makes those free whose last has gone.
    pub(in crate::apply) fn settle_barriers(&mut self) {
        for (name, came) in std::mem::take(&mut self.touched_barriers) {
            let Some(mut round) = self.state.round(&name) else {
                continue;
            };
            if !self.state.is_used(&name) {
                self.end_round(&name);
                continue;
            }
            if self.is_over(&name, round) {
                // Who came behind a `ready` that was gone waits for the next round.
                round.opened = None;
                self.write_round(&name, Some(round));
            }
            // Nothing opens because somebody leaves.
            if came && round.opened.is_none() && self.is_met(&name, round) {
                self.open_barrier(&name, round);
            }
        }
        self.touched_barriers.clear();
    }

    /// Whether all are there that are to meet, or a ZooKeeper client says so. They are counted only where there
    /// are children enough: not with each one that comes.
    fn is_met(&self, name: &BarrierName, round: Round) -> bool {
        let znode = self.state.znode(&name.znode());
        let children = znode.map_or(0, Znode::num_children);
        self.state.has_ready(name)
            || (children >= round.parties && self.state.inside(name) >= round.parties)
    }

    /// Whether all that met have left, though others have come: they can only be ZooKeeper clients. Those
    /// who found `ready` went through with the rest.
    fn is_over(&self, name: &BarrierName, round: Round) -> bool {
        let Some(opened) = round.opened.filter(|_| !self.state.has_ready(name)) else {
            return false;
        };
        self.state.is_used(name) && self.state.parties(name).all(|one| one.znode.czxid > opened)
    }

    fn open_barrier(&mut self, name: &BarrierName, round: Round) {
        let opened = Some(Zxid(self.now.zxid.0));
        self.write_round(name, Some(Round { opened, ..round }));
        let path = name.znode();
        let Ok(ready) = path.child(READY) else {
            return;
        };
        let existing = self.state.existing_at(&path);
        // Without it ZooKeeper clients make it themselves, when there is room.
        let is_room = existing.is_ok_and(|parent| self.check_room(parent, 1).is_ok());
        if is_room && !self.state.znodes.contains_key(&ready) {
            let acl = [AclEntry::open()].into();
            self.insert_znode(ready, NewZnode::empty(acl, ZnodeKind::Persistent));
        }
    }

    /// Nobody is in the barrier any more: what is left of the round goes.
    fn end_round(&mut self, name: &BarrierName) {
        if self.state.is_used(name) {
            return;
        }
        if self.state.round(name).is_some() {
            self.write_round(name, None);
        }
        let ready = name.znode().child(READY).ok();
        let gone = ready.filter(|ready| {
            let znode = self.state.znode(ready);
            znode.is_some_and(|znode| znode.num_children() == 0)
        });
        if let Some(ready) = gone {
            self.remove_znode(&ready);
        }
    }

    fn write_round(&mut self, name: &BarrierName, round: Option<Round>) {
        let text = round.map_or_else(String::new, Round::text);
        self.set_znode_data(&name.znode(), Some(Data::from(text)), None);
    }

    fn barrier_reply(&self, name: &BarrierName, created: bool) -> BarrierReply {
        let is_used = self.state.is_used(name);
        let round = self.state.round(name).filter(|_| is_used);
        BarrierReply {
            created,
            is_open: self.state.is_open(name),
            opened: round.and_then(|round| round.opened),
            inside: self.state.inside(name),
        }
    }
}

fn taken(barrier: &BarrierName, party: &MemberId) -> Refusal {
    Refusal::PartyTaken {
        barrier: barrier.clone(),
        party: party.clone(),
    }
}

fn check_bounds(enter: &EnterBarrier) -> Result<(), Refusal> {
    if enter.party.as_str() == READY {
        let why = format!("no party can be called {READY}: that says that the barrier is open");
        return Err(Refusal::BadArguments(why));
    }
    if !(1..=limits::PARTIES_MAX).contains(&enter.parties) {
        return Err(Refusal::BadArguments(format!(
            "a barrier is for 1 to {} parties, not {}",
            limits::PARTIES_MAX,
            enter.parties
        )));
    }
    Ok(())
}
