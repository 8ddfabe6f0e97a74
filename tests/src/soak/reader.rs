//! A client that watches, and whose connection suffers.

mod last_things;

use std::time::{Duration, Instant};

use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::request::{ReadRequest, Request};
use zookeeper::proto::response::{Reply, Response};

use super::actor::{Context, Knock};
use super::dice::Dice;
use super::judge::Record;
use super::ledger::Shown;
use super::link::{Heard, Link, Stage};
use super::notes::Seen;
use super::shared::{Gone, Phase};
use super::tree::{EVERYBODYS, LIVE, Spot};
use super::want::Want;
use super::watching::{Watching, shown};
use super::wire::Cut;
use crate::zookeeper::create;

/// Between two reads that leave no watch, on average.
const AUDIT_EVERY: Duration = Duration::from_secs(20);
/// Between two records of what watches that stay were told.
const SETTLE_EVERY: Duration = Duration::from_secs(5);
/// One of so many clients sends no pings: it lives by its reads alone.
const READS_ONLY: usize = 10;

/// What a request of a reader was for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask {
    Arm(usize),
    Register,
    Look(Spot),
    /// Creates the ephemeral.
    Own,
    /// Looks whether it is still there.
    StillOwn,
    Sync,
    Swept(Spot),
    Close,
}

/// How far it is with the last things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    No,
    Asked,
    Gone,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Reader {
    link: Link<Ask>,
    watching: Watching,
    dice: Dice,
    knock: Knock,
    disturb_every: Duration,
    disturb_at: Instant,
    audit_at: Instant,
    settle_at: Instant,
    /// The session's ephemeral was acknowledged.
    owns: bool,
    closing: bool,
    /// Reads of the sweep that are not answered; `None`: not begun.
    sweeping: Option<usize>,
    leaving: Leaving,
}

impl Reader {
    pub(super) fn new(
        link: Link<Ask>,
        wants: &[Want],
        mut dice: Dice,
        plan: (Instant, Duration),
    ) -> Reader {
        let (now, disturb_every) = plan;
        let knock = Knock::first(&mut dice, now);
        Reader {
            watching: Watching::new(wants),
            knock,
            disturb_every,
            disturb_at: now + around(disturb_every, &mut dice),
            audit_at: now + around(AUDIT_EVERY, &mut dice),
            settle_at: now + around(SETTLE_EVERY, &mut dice),
            dice,
            link,
            owns: false,
            closing: false,
            sweeping: None,
            leaving: Leaving::No,
        }
    }

    fn path(&self) -> String {
        format!("{LIVE}/s{:x}", self.link.session_id())
    }

    /// Hands over what has been recorded.
    fn record(&mut self, context: &mut Context<'_>) {
        for record in self.watching.records() {
            if let Record::Again { fired: None, .. } | Record::Read { .. } = record {
                context.notes.counts.armed += 1;
            }
            self.note(record, context);
        }
    }

    fn note(&self, record: Record, context: &mut Context<'_>) {
        context.notes.records.push(Seen {
            record,
            client: self.link.name,
            session: self.link.session_id(),
            node: self.link.node,
        });
    }

    /// Something can be read or written.
    pub(super) fn ready(&mut self, context: &mut Context<'_>) {
        for heard in self.link.hear(context.now, context.notes) {
            self.take(heard, context);
        }
        self.ask_for_watches(context.now);
        self.link.flush();
        self.record(context);
    }

    fn take(&mut self, heard: Heard<Ask>, context: &mut Context<'_>) {
        let result = match heard {
            Heard::Up { new } => {
                self.up(new, context.now);
                Ok(())
            }
            Heard::Expired => {
                self.watching.session_ended();
                self.owns = false;
                Ok(())
            }
            Heard::Closed => {
                self.disconnected(context);
                Ok(())
            }
            Heard::Event(event) => {
                if Spot::of(&event.path) == Some(EVERYBODYS) {
                    context.notes.heard(event.zxid, context.now);
                }
                self.watching.event(&event)
            }
            Heard::Reply(ask, reply) => self.answered(ask, &reply, context),
        };
        if let Err(what) = result {
            let (name, session, node) = (self.link.name, self.link.session_id(), self.link.node);
            context.notes.wrong(format!(
                "client {name}, session {session:#x} at node {}: {what}",
                node + 1
            ));
        }
    }

    fn up(&mut self, new: bool, now: Instant) {
        if new {
            self.owns = false;
        }
        let newer = self.link.name.is_multiple_of(2);
        if let Some(request) = self.watching.register(self.link.seen, newer) {
            self.link.send(Ask::Register, &request, now);
        }
        let path = self.path();
        if self.owns {
            let exists = Request::Exists(ReadRequest { path, watch: false });
            self.link.send(Ask::StillOwn, &exists, now);
        } else {
            let create = Request::Create(create(&path, "", CreateMode::Ephemeral));
            self.link.send(Ask::Own, &create, now);
        }
    }

    fn disconnected(&mut self, context: &mut Context<'_>) {
        self.watching.disconnected(self.link.seen);
        self.sweeping = None;
        if self.closing {
            self.leave_session(Gone::MaybeClosed, context);
        }
        if self.leaving == Leaving::Asked {
            // Once more, on the next connection.
            self.leaving = Leaving::No;
        }
        self.knock.after_loss(&mut self.dice, context.now);
    }

    fn ask_for_watches(&mut self, now: Instant) {
        if self.link.stage == Stage::Up && !self.closing && self.leaving == Leaving::No {
            for (index, request) in self.watching.requests() {
                self.link.send(Ask::Arm(index), &request, now);
            }
        }
    }

    fn answered(
        &mut self,
        ask: Ask,
        reply: &Reply,
        context: &mut Context<'_>,
    ) -> Result<(), String> {
        match ask {
            Ask::Arm(index) => self.watching.answered(index, reply),
            Ask::Register => self.watching.registered(reply),
            Ask::Look(spot) => self.looked(spot, reply, context),
            Ask::Swept(spot) => {
                self.sweeping = self.sweeping.map(|left| left - 1);
                self.looked(spot, reply, context)
            }
            Ask::Own => match &reply.result {
                Ok(_) | Err(ErrorCode::NodeExists) => {
                    self.owns = true;
                    Ok(())
                }
                Err(error) => Err(format!("create of the session's ephemeral: {error:?}")),
            },
            Ask::StillOwn => match &reply.result {
                Ok(Response::Stat(stat)) if stat.ephemeral_owner == self.link.session_id() => {
                    Ok(())
                }
                other => Err(format!("the ephemeral of a living session: {other:?}")),
            },
            Ask::Sync => reply
                .result
                .as_ref()
                .map(drop)
                .map_err(|e| format!("sync: {e:?}")),
            Ask::Close => self.session_closed(reply, context),
        }
    }

    fn looked(&self, spot: Spot, reply: &Reply, context: &mut Context<'_>) -> Result<(), String> {
        let shown: Shown = shown(reply)?;
        let at = reply.zxid;
        self.note(Record::Read { spot, at, shown }, context);
        Ok(())
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, context: &mut Context<'_>) {
        let now = context.now;
        let pings = !self.link.name.is_multiple_of(READS_ONLY);
        if let Some(heard) = self.link.tick(now, pings, context.notes) {
            self.take(heard, context);
        }
        match self.link.stage {
            Stage::Down if self.leaving != Leaving::Gone => {
                self.knock.try_it(&mut self.link, &mut self.dice, context)
            }
            Stage::Down | Stage::Connecting => {}
            Stage::Up => self.live(context),
        }
        self.record(context);
    }

    fn live(&mut self, context: &mut Context<'_>) {
        let now = context.now;
        if now >= self.settle_at {
            self.settle_at = now + SETTLE_EVERY;
            self.watching.settle_streams(self.link.seen);
        }
        if now >= self.audit_at {
            let every = if self.link.name.is_multiple_of(READS_ONLY) {
                self.link.timeout / 3
            } else {
                AUDIT_EVERY
            };
            self.audit_at = now + around(every, &mut self.dice);
            if let Some(want) = self.any_want() {
                let read = read_of(want.spot());
                self.link.send(Ask::Look(want.spot()), &read, now);
            }
        }
        match context.phase {
            Phase::Run if now >= self.disturb_at => {
                self.disturb_at = now + around(self.disturb_every, &mut self.dice);
                self.disturb(context);
            }
            Phase::Sweep if self.sweeping.is_none() => self.sweep(now),
            Phase::Leave if self.leaving == Leaving::No => {
                self.leaving = Leaving::Asked;
                self.link.send(Ask::Close, &Request::CloseSession, now);
            }
            Phase::Arrive
            | Phase::Run
            | Phase::Settle
            | Phase::Sweep
            | Phase::Leave
            | Phase::Last
            | Phase::End => {}
        }
        self.link.flush();
    }

    fn any_want(&mut self) -> Option<Want> {
        let at = self.dice.index(self.watching.wants().len());
        self.watching.wants().nth(at)
    }

    /// The connection, or the session, ends.
    fn disturb(&mut self, context: &mut Context<'_>) {
        let now = context.now;
        match self.dice.roll(100) {
            0..15 => {
                self.closing = true;
                self.link.send(Ask::Close, &Request::CloseSession, now);
            }
            15..25 => {
                context.notes.counts.abandoned += 1;
                self.cut(context);
                self.record(context);
                self.leave_session(Gone::Silently, context);
            }
            25.. => self.cut(context),
        }
    }

    fn cut(&mut self, context: &mut Context<'_>) {
        let how = if self.dice.roll(2) == 0 {
            Cut::Reset
        } else {
            Cut::Finished
        };
        self.link.cut(how, context.now);
        self.disconnected(context);
    }
}

fn read_of(spot: Spot) -> Request {
    let read = ReadRequest {
        path: spot.to_string(),
        watch: false,
    };
    match spot {
        Spot::Group(_) => Request::GetChildren2(read),
        Spot::Child(..) => Request::GetData(read),
    }
}

/// From half to one and a half of a time.
fn around(time: Duration, dice: &mut Dice) -> Duration {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX / 2);
    Duration::from_millis(millis / 2 + dice.roll(millis))
}
