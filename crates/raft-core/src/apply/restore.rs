//! Replacing everything by a snapshot, of this cluster or another.
//!
//! What comes from the snapshot is the tree, the settings of locks and the fence registers. What stays is what belongs
//! to this cluster and not to its data: which server nodes it ever had, `/zookeeper/config`, and
//! the memory of ended sessions, claims, candidates and holds and of answered requests, and the public
//! keys of its nodes. No session survives, neither
//! of the snapshot nor of this cluster: whoever held a lock in either must not believe that it
//! still does; and no instance of a service survives, whoever is there registers again. The zxid goes far
//! beyond every one handed out before, so a fence from before the restore is never taken for one from after it (decision 7). A register of this cluster that the
//! snapshot does not have, or has with a lower fence, goes back with everything else: fences from before
//! the restore may pass it again, until the first from after it is shown.

use bytes::Bytes;

use crate::apply::Step;
use crate::command::{Moment, RestoreStep};
use crate::ids::{LogTime, SessionId, ZnodePath, Zxid};
use crate::limits;
use crate::outcome::{Refusal, Reply, RestoreRefusal, Restored};
use crate::path;
use crate::session::SessionEnd;
use crate::staging::{PartsReader, StagedPart, Staging};
use crate::state::{Index, State};
use crate::table::Table;

impl Step<'_> {
    /// One step of a restore.
    pub(crate) fn restore(&mut self, step: &RestoreStep) -> Result<Reply, Refusal> {
        match step {
            RestoreStep::Begin { replace } => self.begin_restore(*replace),
            RestoreStep::Part {
                upload,
                offset,
                bytes,
            } => self.stage(*upload, *offset, bytes),
            RestoreStep::Finish { upload } => self.finish_restore(*upload),
            RestoreStep::Abandon { upload } => {
                let received = self.state.staging(*upload)?.received;
                self.state.drop_staging(*upload);
                Ok(staged(*upload, received))
            }
        }
    }

    fn begin_restore(&mut self, replace: bool) -> Result<Reply, Refusal> {
        self.state.check_replaceable(replace)?;
        if let Some((upload, _)) = self.state.staging.iter().next() {
            return Err(RestoreRefusal::InProgress { upload: *upload }.into());
        }
        let upload = self.now.zxid;
        self.state.set_staging(
            upload,
            Staging {
                replace,
                received: 0,
                forget_at: self.now.log_time.after(limits::RESTORE_IDLE_MS),
            },
        );
        Ok(staged(upload, 0))
    }

    fn stage(&mut self, upload: Zxid, offset: u64, bytes: &Bytes) -> Result<Reply, Refusal> {
        let staging = *self.state.staging(upload)?;
        if offset != staging.received {
            let expected = staging.received;
            return Err(RestoreRefusal::WrongOffset { expected }.into());
        }
        if bytes.is_empty() || bytes.len() > limits::RESTORE_PART_BYTES_MAX {
            let limit = limits::RESTORE_PART_BYTES_MAX as u64;
            return Err(Refusal::limit(
                "bytes in a part of a snapshot, at least 1",
                limit,
            ));
        }
        let received = offset.saturating_add(bytes.len() as u64);
        if received > limits::RESTORE_BYTES_MAX {
            return Err(Refusal::limit(
                "bytes of a snapshot to restore",
                limits::RESTORE_BYTES_MAX,
            ));
        }
        let bytes = bytes.clone();
        self.state.staged_parts.insert(offset, StagedPart { bytes });
        self.state.set_staging(
            upload,
            Staging {
                received,
                forget_at: self.now.log_time.after(limits::RESTORE_IDLE_MS),
                ..staging
            },
        );
        Ok(staged(upload, received))
    }

    /// Nothing is refused once the first change is made.
    fn finish_restore(&mut self, upload: Zxid) -> Result<Reply, Refusal> {
        let staging = *self.state.staging(upload)?;
        self.state.check_replaceable(staging.replace)?;
        let incoming = self.state.read_staged()?;
        let taken_at = incoming.clock.zxid;
        let base = raised_beyond(self.now.zxid.max(taken_at))?;
        let moment = Moment {
            zxid: base,
            log_time: self.now.log_time,
            wall: self.now.wall.max(incoming.clock.wall),
        };
        let sessions_ended = self.end_all_sessions();
        let incoming = incoming.moved_to(moment);
        let former = std::mem::replace(self.state, incoming);
        self.state.keep_of_cluster(former);
        // Streams are told that history is gone: no list of events could say what changed.
        self.events.clear();
        // What came back came back to the state that is gone.
        self.returned_items.clear();
        Ok(Reply::Restored(Restored {
            zxid: base,
            taken_at,
            znodes: self.state.znodes.len() as u64,
            sessions_ended,
        }))
    }

    fn end_all_sessions(&mut self) -> u64 {
        let live: Vec<SessionId> = self.state.sessions.iter().map(|(id, _)| *id).collect();
        for id in &live {
            // Ending one may end another: the session that was made for a claim goes with it.
            if self.state.sessions.contains_key(id) {
                self.end_session(*id, SessionEnd::Expired);
            }
        }
        live.len() as u64
    }
}

fn staged(upload: Zxid, received: u64) -> Reply {
    Reply::RestoreStaged { upload, received }
}

/// The first multiple of [`limits::RESTORE_ZXID_STEP`] after `zxid` and at least one step away.
fn raised_beyond(zxid: Zxid) -> Result<Zxid, Refusal> {
    let step = limits::RESTORE_ZXID_STEP;
    let steps = zxid.0.div_euclid(step).saturating_add(2);
    let raised = steps.saturating_mul(step);
    if raised > limits::RESTORE_ZXID_MAX {
        return Err(Refusal::limit(
            "zxids after a restore",
            limits::RESTORE_ZXID_MAX,
        ));
    }
    Ok(Zxid(raised))
}

impl State {
    /// The upload under way.
    fn staging(&self, upload: Zxid) -> Result<&Staging, Refusal> {
        self.staging
            .get(&upload)
            .ok_or_else(|| RestoreRefusal::UnknownUpload { upload }.into())
    }

    /// What the parts hold. They come from outside, and a digest is no seal: a state that breaks an
    /// invariant would stop every replica later, so all of them are checked here.
    fn read_staged(&self) -> Result<State, Refusal> {
        let unreadable = |why: String| RestoreRefusal::Unreadable(why);
        let mut parts = PartsReader::new(self.staged_parts.iter());
        let incoming = State::restore(&mut parts).map_err(|error| unreadable(error.to_string()))?;
        incoming.check_invariants().map_err(unreadable)?;
        Ok(incoming)
    }

    fn set_staging(&mut self, upload: Zxid, staging: Staging) {
        self.index.due.insert(staging.due(upload));
        if let Some(former) = self.staging.insert(upload, staging)
            && former.forget_at != staging.forget_at
        {
            self.index.due.remove(&former.due(upload));
        }
    }

    /// Drops an upload, if it is there.
    pub(crate) fn drop_staging(&mut self, upload: Zxid) {
        if let Some(former) = self.staging.remove(&upload) {
            self.index.due.remove(&former.due(upload));
            self.staged_parts = Table::default();
        }
    }

    fn check_replaceable(&self, replace: bool) -> Result<(), Refusal> {
        let users = self
            .znodes
            .len()
            .saturating_sub(1)
            .saturating_sub(path::SYSTEM.len())
            .saturating_add(self.fence_registers.len());
        if replace || users == 0 {
            return Ok(());
        }
        let znodes = users as u64;
        Err(RestoreRefusal::NotEmpty { znodes }.into())
    }

    /// A restored state brought to this position and time, without any session.
    fn moved_to(mut self, moment: Moment) -> State {
        let shift = Shift {
            from: self.clock.log_time,
            to: moment.log_time,
        };
        self.clock = moment;
        self.staging = Table::default();
        self.staged_parts = Table::default();
        self.instances = Table::default();
        self.reservations = Table::default();
        self.cursors = Table::default();
        self.shift_deadlines(&shift);
        self.index = Index::rebuild(&self);
        Step::new(&mut self, moment, &[]).end_all_sessions();
        self
    }

    /// Deadlines of the clock of the cluster the snapshot is from become deadlines of this one's, as
    /// far away as they were.
    fn shift_deadlines(&mut self, shift: &Shift) {
        let reaped: Vec<ZnodePath> = self
            .znodes
            .iter()
            .filter(|(_, znode)| znode.rare.reap_at.is_some())
            .map(|(path, _)| path.clone())
            .collect();
        for path in reaped {
            self.znodes.update(&path, |znode| {
                znode.rare.reap_at = znode.rare.reap_at.map(|at| shift.of(at));
            });
        }
        let delayed: Vec<_> = self
            .locks
            .iter()
            .filter(|(_, lock)| lock.delayed_until.is_some())
            .map(|(name, _)| name.clone())
            .collect();
        for name in delayed {
            self.locks.update(&name, |lock| {
                lock.delayed_until = lock.delayed_until.map(|at| shift.of(at));
            });
        }
    }

    /// Takes over from the state that is replaced what belongs to the cluster and not to its data.
    fn keep_of_cluster(&mut self, former: State) {
        self.members_ever = former.members_ever;
        self.ended_sessions = former.ended_sessions;
        self.ended_claims = former.ended_claims;
        self.ended_candidates = former.ended_candidates;
        self.histories = former.histories;
        self.answers = former.answers;
        self.signing_keys = former.signing_keys;
        if let Ok(path) = ZnodePath::parse(path::CONFIG)
            && let Some(config) = former.znodes.get(&path)
        {
            self.znodes.insert(path, config.clone());
        }
        self.index = Index::rebuild(self);
        // A quota may count the configuration.
        self.show_all_usage();
    }
}

/// From the log time of one cluster to that of another.
struct Shift {
    from: LogTime,
    to: LogTime,
}

impl Shift {
    fn of(&self, at: LogTime) -> LogTime {
        self.to.after(at.0.saturating_sub(self.from.0))
    }
}

#[cfg(test)]
mod tests {
    use crate::apply::tree::tests::step;
    use crate::command::{Command, OpenSession, Owner, Request, RequestId, RestoreStep, Stamp};
    use crate::ids::{SessionId, ZnodePath, Zxid};
    use crate::outcome::{Refusal, RestoreRefusal};
    use crate::state::State;
    use crate::table::Table;
    use crate::znode::ZnodeKind;

    fn apply(state: &mut State, command: Command) -> Result<crate::outcome::Reply, Refusal> {
        let request = Request {
            id: RequestId::default(),
            identities: Vec::new(),
            session: None,
            fences: Vec::new(),
            terms: Vec::new(),
            idempotency: None,
            command,
        };
        state.apply(Stamp::default(), &request).result
    }

    /// A digest is no seal, anybody can compute one: this state has an ephemeral of a session that
    /// is not there.
    #[test]
    fn a_snapshot_of_an_impossible_state_is_refused() {
        let mut impossible = State::new();
        let open = OpenSession {
            name: None,
            timeout_ms: 10_000,
            password: [0; 16],
            owner: Owner::default(),
            lock_delay_ms: 0,
        };
        apply(&mut impossible, Command::OpenSession(open)).unwrap();
        let kind = ZnodeKind::Ephemeral(SessionId(1));
        let path = ZnodePath::parse("/e").unwrap();
        let open_to_all = impossible
            .znodes
            .get(&ZnodePath::root())
            .unwrap()
            .acl
            .clone();
        let new = crate::apply::tree::NewZnode::empty(open_to_all, kind);
        step(&mut impossible).insert_znode(path, new);
        impossible.sessions = Table::default();
        let mut bytes = Vec::new();
        let mut out = |piece: &[u8]| {
            bytes.extend_from_slice(piece);
            Ok(())
        };
        impossible.encode_snapshot(&mut out).unwrap();

        let mut state = State::new();
        apply(
            &mut state,
            Command::Restore(RestoreStep::Begin { replace: false }),
        )
        .unwrap();
        let upload = Zxid(1);
        let part = RestoreStep::Part {
            upload,
            offset: 0,
            bytes: bytes.into(),
        };
        apply(&mut state, Command::Restore(part)).unwrap();
        let finished = apply(&mut state, Command::Restore(RestoreStep::Finish { upload }));
        let Err(Refusal::Restore(RestoreRefusal::Unreadable(why))) = finished else {
            panic!("{finished:?}");
        };
        assert!(why.contains("I-2"), "{why}");
    }
}
