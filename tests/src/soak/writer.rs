//! A client that changes the znodes of its groups, and writes down what it did. One change at a
//! time: when the connection is lost under way, it looks afterwards whether the change happened.

use std::time::{Duration, Instant};

use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::request::{ReadRequest, Request};
use zookeeper::proto::response::Reply;

use super::actor::{Context, Knock};
use super::dice::Dice;
use super::ledger::{Change, Kind, Shown};
use super::link::{Heard, Link, Stage};
use super::shared::{Phase, lock};
use super::tree::{EVERYBODYS, Spot};
use super::watching::shown;
use super::wire::Cut;
use crate::zookeeper::{create, delete, set};

/// What a request of a writer was for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask {
    Change,
    /// Whether the change happened: the child, then its group.
    LookAtChild,
    LookAtGroup,
    Close,
}

/// A change under way.
#[derive(Clone, Copy, Debug)]
struct Pending {
    group: u32,
    child: u32,
    kind: Kind,
    number: u64,
    sent: Instant,
    /// The child as it was found after a lost connection.
    found: Option<Shown>,
}

/// A group, and which of its children are there.
#[derive(Clone, Debug)]
pub(super) struct Owned {
    pub(super) group: u32,
    pub(super) present: Vec<bool>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Writer {
    link: Link<Ask>,
    groups: Vec<Owned>,
    dice: Dice,
    knock: Knock,
    pace: Duration,
    next_at: Instant,
    disturb_every: Duration,
    disturb_at: Instant,
    number: u64,
    pending: Option<Pending>,
    closing: bool,
    gone: bool,
}

/// How often a writer does what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) write: Duration,
    pub(super) disturb: Duration,
}

impl Writer {
    pub(super) fn new(link: Link<Ask>, groups: Vec<Owned>, mut dice: Dice, pace: Pace) -> Writer {
        let now = Instant::now();
        Writer {
            knock: Knock::first(&mut dice, now),
            link,
            groups,
            dice,
            pace: pace.write,
            next_at: now,
            disturb_every: pace.disturb,
            disturb_at: now + pace.disturb,
            number: 0,
            pending: None,
            closing: false,
            gone: false,
        }
    }

    pub(super) fn ready(&mut self, context: &mut Context<'_>) {
        for heard in self.link.hear(context.now, context.notes) {
            self.take(heard, context);
        }
        self.link.flush();
    }

    fn take(&mut self, heard: Heard<Ask>, context: &mut Context<'_>) {
        match heard {
            Heard::Up { .. } => self.look(context.now),
            Heard::Expired => {}
            Heard::Closed => self.knock.after_loss(&mut self.dice, context.now),
            Heard::Event(event) => context.notes.wrong(format!("a writer was told {event:?}")),
            Heard::Reply(ask, reply) => {
                if let Err(what) = self.answered(ask, &reply, context) {
                    let (name, node) = (self.link.name, self.link.node + 1);
                    context
                        .notes
                        .wrong(format!("writer {name} at node {node}: {what}"));
                }
            }
        }
    }

    /// Asks what became of a change that was not answered.
    fn look(&mut self, now: Instant) {
        let Some(pending) = self.pending else { return };
        let read = |spot: Spot| ReadRequest {
            path: spot.to_string(),
            watch: false,
        };
        let child = Spot::Child(pending.group, pending.child);
        let group = Spot::Group(pending.group);
        self.link
            .send(Ask::LookAtChild, &Request::GetData(read(child)), now);
        self.link
            .send(Ask::LookAtGroup, &Request::GetChildren2(read(group)), now);
    }

    fn answered(
        &mut self,
        ask: Ask,
        reply: &Reply,
        context: &mut Context<'_>,
    ) -> Result<(), String> {
        if matches!(ask, Ask::Close) {
            self.gone = true;
            self.link.cut(Cut::Finished, context.now);
            return Ok(());
        }
        let mut pending = self.pending.take().ok_or("an answer without a change")?;
        match ask {
            Ask::Change => match &reply.result {
                Ok(_) => {
                    context.notes.counts.writes += 1;
                    self.happened(pending, reply.zxid, context);
                    Ok(())
                }
                Err(ErrorCode::SessionExpired) => {
                    self.pending = Some(pending);
                    self.link.cut(Cut::Finished, context.now);
                    Ok(())
                }
                Err(error) => Err(format!("{pending:?}: {error:?}")),
            },
            Ask::LookAtChild => {
                pending.found = Some(shown(reply)?);
                self.pending = Some(pending);
                Ok(())
            }
            Ask::LookAtGroup => {
                context.notes.counts.looked_up += 1;
                if let Some(zxid) = position(&pending, shown(reply)?) {
                    self.happened(pending, zxid, context);
                }
                Ok(())
            }
            Ask::Close => Ok(()),
        }
    }

    fn happened(&mut self, pending: Pending, zxid: i64, context: &mut Context<'_>) {
        let Pending {
            group,
            child,
            kind,
            number,
            ..
        } = pending;
        let change = Change {
            zxid,
            child,
            kind,
            number,
        };
        lock(&context.shared.ledger).add(group, change);
        if Spot::Child(group, child) == EVERYBODYS {
            context.notes.called.insert(zxid, pending.sent);
        }
        let owned = self.groups.iter_mut().find(|owned| owned.group == group);
        if let Some(owned) = owned {
            owned.present[child as usize] = kind != Kind::Deleted;
        }
    }

    pub(super) fn tick(&mut self, context: &mut Context<'_>) {
        let now = context.now;
        if let Some(heard) = self.link.tick(now, true, context.notes) {
            self.take(heard, context);
        }
        if self.link.stage == Stage::Down && !self.gone {
            self.knock.try_it(&mut self.link, &mut self.dice, context);
        }
        if self.link.stage != Stage::Up || self.link.waiting() > 0 || self.closing {
            return;
        }
        if self.pending.is_none() {
            let mut ledger = lock(&context.shared.ledger);
            for owned in &self.groups {
                ledger.known(owned.group, self.link.seen);
            }
        }
        self.act(context);
        self.link.flush();
    }

    fn act(&mut self, context: &mut Context<'_>) {
        let now = context.now;
        match context.phase {
            Phase::Arrive => {
                if let Some((group, child)) = self.missing() {
                    self.change(group, child, Kind::Created, now);
                }
            }
            Phase::Run => {
                // What was to be done in the meantime is not made up for.
                if now >= self.next_at {
                    self.next_at = (self.next_at + self.pace).max(now);
                    self.change_any(now);
                }
                if now >= self.disturb_at {
                    self.disturb_at = now + self.disturb_every;
                    self.link.flush();
                    self.link.cut(Cut::Reset, now);
                    self.knock.after_loss(&mut self.dice, now);
                }
            }
            Phase::Last => {
                self.closing = true;
                self.link.send(Ask::Close, &Request::CloseSession, now);
            }
            Phase::Settle | Phase::Sweep | Phase::Leave | Phase::End => {}
        }
    }

    fn missing(&self) -> Option<(u32, u32)> {
        self.groups.iter().find_map(|owned| {
            let child = owned.present.iter().position(|present| !present)?;
            Some((owned.group, u32::try_from(child).ok()?))
        })
    }

    /// Most changes are of data; the last quarter of the children of a group come and go.
    fn change_any(&mut self, now: Instant) {
        let at = self.dice.index(self.groups.len());
        let Some(owned) = self.groups.get(at) else {
            return;
        };
        let (group, children) = (owned.group, owned.present.len());
        let child = self.dice.index(children);
        let comes_and_goes = child >= children - children / 4;
        let kind = match owned.present.get(child) {
            Some(false) => Kind::Created,
            Some(true) if comes_and_goes && self.dice.roll(2) == 0 => Kind::Deleted,
            Some(true) => Kind::Changed,
            None => return,
        };
        let child = u32::try_from(child).unwrap_or(0);
        self.change(group, child, kind, now);
    }

    fn change(&mut self, group: u32, child: u32, kind: Kind, now: Instant) {
        self.number += 1;
        let path = Spot::Child(group, child).to_string();
        let data = self.number.to_string();
        let request = match kind {
            Kind::Created => Request::Create(create(&path, &data, CreateMode::Persistent)),
            Kind::Changed => set(&path, &data),
            Kind::Deleted => delete(&path),
        };
        self.pending = Some(Pending {
            group,
            child,
            kind,
            number: self.number,
            sent: now,
            found: None,
        });
        self.link.send(Ask::Change, &request, now);
    }

    /// Whether what the phase asks for is done.
    pub(super) fn is_done(&self, phase: Phase) -> bool {
        let at_rest = self.link.stage == Stage::Up && self.pending.is_none();
        match phase {
            Phase::Arrive => at_rest && self.missing().is_none(),
            Phase::Settle | Phase::Sweep | Phase::Leave => at_rest,
            Phase::Run | Phase::End => true,
            Phase::Last => self.gone,
        }
    }

    /// Index of the node it is connected to.
    pub(super) fn node(&self) -> usize {
        self.link.node
    }
}

/// Where a change stands in the order, judging by what was found; `None`: it did not happen.
fn position(pending: &Pending, group: Shown) -> Option<i64> {
    match (pending.kind, pending.found?, group) {
        (Kind::Created | Kind::Changed, Shown::Data { mzxid, number }, _) => {
            (number == pending.number).then_some(mzxid)
        }
        // Nobody else touches this group: its list changed last with this.
        (Kind::Deleted, Shown::Missing, Shown::List { pzxid, .. }) => Some(pzxid),
        (Kind::Created | Kind::Changed | Kind::Deleted, _, _) => None,
    }
}
