//! A state machine driven by lines of text.
//!
//! Every request is encoded, put into a batch, taken out and decoded before it is applied, and the
//! invariants are checked after each. When a harness ends, its log is applied again from the
//! beginning and must give the same digest (I-9).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use raft_core::acl::Identity;
use raft_core::codec::{Batch, BatchBuilder, decode_request, encode_request};
use raft_core::command::{
    Command, FenceGuard, IdempotencyKey, Request, RequestId, SessionRef, Stamp, TermGuard,
};
use raft_core::dry_run::DryRun;
use raft_core::event::{Event, EventKind};
use raft_core::ids::{ElectionName, Fence, LockName, SessionId, SessionName, Term};
use raft_core::members::Member;
use raft_core::outcome::{Outcome, OverQuota, Refusal, Reply};
use raft_core::state::State;

use crate::words::Words;
use crate::{
    barrier_commands, counter_commands, dry_run, election_commands, fence_commands, group_commands,
    key_commands, lock_commands, member_commands, queue_commands, service_commands, znode_commands,
};

/// See the module.
pub(crate) struct Harness {
    pub(crate) state: State,
    pub(crate) stamp: Stamp,
    log: Vec<Logged>,
    sequence: u64,
}

/// What a state machine is told.
enum Logged {
    Request(Stamp, Box<Request>),
    Members(BTreeMap<u64, Member>),
}

impl Harness {
    pub(crate) fn new() -> Harness {
        let state = State::new();
        state.check_invariants().unwrap();
        Harness {
            state,
            stamp: Stamp::default(),
            log: Vec::new(),
            sequence: 0,
        }
    }

    /// Runs each line of a script; gives back what they say.
    pub(crate) fn run(&mut self, script: &str) -> String {
        let lines = script
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty());
        let lines = lines.filter(|line| !line.starts_with('#'));
        lines.map(|line| self.line(line)).collect()
    }

    /// Runs one line: settings of the request, then a command, a query, or one of our own words. With
    /// `dry` before all of it the command is only tried.
    fn line(&mut self, line: &str) -> String {
        let mut words = Words::parse(line);
        let dry = words.peek() == Some("dry");
        if dry {
            words.next();
        }
        let settings = words.take_settings();
        if let Some(text) = self.own_word(&mut words) {
            settings.finish();
            words.finish();
            return text;
        }
        let identities = identities(&mut settings.clone());
        let query = znode_commands::query(&self.state, &identities, &mut words)
            .or_else(|| lock_commands::query(&self.state, &mut words))
            .or_else(|| election_commands::query(&self.state, &mut words))
            .or_else(|| member_commands::query(&self.state, &mut words))
            .or_else(|| counter_commands::query(&self.state, &identities, &mut words))
            .or_else(|| fence_commands::query(&self.state, &mut words))
            .or_else(|| key_commands::query(&self.state, &mut words))
            .or_else(|| group_commands::query(&self.state, &mut words))
            .or_else(|| barrier_commands::query(&self.state, &mut words))
            .or_else(|| service_commands::query(&self.state, &mut words))
            .or_else(|| queue_commands::query(&self.state, &mut words));
        if let Some(text) = query {
            words.finish();
            return format!("{text}\n");
        }
        let command = znode_commands::command(&mut words)
            .or_else(|| lock_commands::command(&mut words))
            .or_else(|| election_commands::command(&mut words))
            .or_else(|| key_commands::command(&mut words))
            .or_else(|| group_commands::command(&mut words))
            .or_else(|| barrier_commands::command(&mut words))
            .or_else(|| queue_commands::command(&mut words))
            .or_else(|| member_commands::command(&mut words))
            .or_else(|| counter_commands::command(&mut words))
            .or_else(|| fence_commands::command(&mut words))
            .or_else(|| service_commands::command(&mut words))
            .unwrap_or_else(|| panic!("no such command: {line}"));
        words.finish();
        let request = self.request(settings, command);
        if dry {
            return format!("dry run: {}", shown(&self.dry_run(&request).outcome));
        }
        let outcome = self.apply(&request);
        shown(&outcome)
    }

    /// A membership was applied.
    pub(crate) fn note_members(&mut self, members: BTreeMap<u64, Member>) {
        self.state.note_members(&members);
        self.state.check_invariants().unwrap();
        self.log.push(Logged::Members(members));
    }

    fn own_word(&mut self, words: &mut Words) -> Option<String> {
        if let Some(members) = member_commands::told(words) {
            let count = members.len();
            self.note_members(members);
            return Some(format!("{count} members\n"));
        }
        match words.peek()? {
            "time" => {
                words.next();
                let by: i64 = words.expect("milliseconds").parse().expect("milliseconds");
                self.stamp.log_time.0 = self.stamp.log_time.0.saturating_add_signed(by);
                self.stamp.wall.0 = self.stamp.wall.0.saturating_add_signed(by);
                Some(format!("time {}\n", self.stamp.log_time))
            }
            "snapshot" => {
                words.next();
                self.state = restored(&self.state);
                Some("restored\n".to_owned())
            }
            "next-due" => {
                words.next();
                let due = self
                    .state
                    .next_due()
                    .map_or("none".to_owned(), |at| at.to_string());
                Some(format!("next due {due}\n"))
            }
            "counts" => {
                words.next();
                Some(format!("{:?}\n", self.state.counts()))
            }
            _ => None,
        }
    }

    /// A request as a door would make it.
    pub(crate) fn request(&mut self, mut settings: Words, command: Command) -> Request {
        self.sequence += 1;
        let request = Request {
            id: RequestId {
                origin: 1,
                incarnation: 7,
                sequence: self.sequence,
            },
            identities: identities(&mut settings),
            session: settings.value("session").map(|text| session_ref(&text)),
            fences: fences(&mut settings),
            terms: terms(&mut settings),
            idempotency: settings.value("key").map(|key| IdempotencyKey {
                key,
                fingerprint: settings.number("fp").unwrap_or(0),
            }),
            command,
        };
        settings.finish();
        request
    }

    /// Tries a request at the present time, which changes nothing.
    pub(crate) fn dry_run(&self, request: &Request) -> DryRun {
        dry_run::of(&self.state, self.stamp, request)
    }

    /// Applies a request at the present time. A dry run of it has told just this before.
    pub(crate) fn apply(&mut self, request: &Request) -> Outcome {
        let told = self.dry_run(request);
        let (before, log_time) = (self.state.last_zxid(), self.state.log_time());
        let (stamp, decoded) = through_the_log(self.stamp, request);
        assert_eq!(&decoded, request);
        let outcome = self.state.apply(stamp, &decoded);
        let taken = match &outcome.result {
            Ok(Reply::Restored(restored)) => restored.zxid.0,
            _ => before.0 + 1,
        };
        assert_eq!(self.state.last_zxid().0, taken, "one zxid for each attempt");
        let latest = log_time.max(stamp.log_time);
        assert_eq!(
            self.state.log_time(),
            latest,
            "I-1: log time never goes back"
        );
        check_events(&outcome);
        // With a key the command may be answered from memory.
        if request.idempotency.is_none() {
            dry_run::check(&told, &outcome, &self.state);
        }
        if let Err(broken) = self.state.check_invariants() {
            panic!("{broken}\nafter {request:?}\nwhich gave {outcome:?}");
        }
        self.log.push(Logged::Request(stamp, Box::new(decoded)));
        outcome
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let mut again = State::new();
        for logged in &self.log {
            match logged {
                Logged::Request(stamp, request) => drop(again.apply(*stamp, request)),
                Logged::Members(members) => again.note_members(members),
            }
        }
        assert_eq!(
            again.digest(),
            self.state.digest(),
            "I-9: the same log, another state"
        );
    }
}

/// What a snapshot of `state` restores to.
pub(crate) fn restored(state: &State) -> State {
    let bytes = snapshot_bytes(state);
    let restored = State::restore(&mut &bytes[..]).unwrap();
    assert_eq!(restored.digest(), state.digest(), "I-10");
    assert_eq!(
        snapshot_bytes(&restored),
        bytes,
        "the same state is the same bytes"
    );
    restored.check_invariants().unwrap();
    restored
}

/// A snapshot in memory.
pub(crate) fn snapshot_bytes(state: &State) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut out = |piece: &[u8]| {
        bytes.extend_from_slice(piece);
        Ok(())
    };
    state.encode_snapshot(&mut out).unwrap();
    bytes
}

fn through_the_log(stamp: Stamp, request: &Request) -> (Stamp, Request) {
    let mut builder = BatchBuilder::new(stamp);
    assert!(builder.push(&encode_request(request).unwrap()));
    let batch = Batch::parse(&builder.finish()).unwrap();
    let mut requests = batch.requests();
    let request = decode_request(requests.next().unwrap()).unwrap();
    assert!(requests.next().is_none());
    (batch.stamp, request)
}

/// I-7, I-8.
fn check_events(outcome: &Outcome) {
    let Outcome {
        moment,
        result,
        events,
        ..
    } = outcome;
    assert!(
        result.is_ok() || events.is_empty(),
        "I-7: a refusal with events"
    );
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.moment, *moment, "I-8");
        assert_eq!(event.ordinal as usize, index, "I-8");
        assert_eq!(event.last, index + 1 == events.len(), "I-8");
    }
}

/// `as=scheme:id,scheme:id`
fn identities(settings: &mut Words) -> Vec<Identity> {
    let Some(text) = settings.value("as") else {
        return Vec::new();
    };
    let identity = |text: &str| {
        let (scheme, id) = text.split_once(':').unwrap_or((text, ""));
        Identity {
            scheme: scheme.to_owned(),
            id: id.to_owned(),
        }
    };
    text.split(',').map(identity).collect()
}

/// `fence=lock:number,lock:number`
fn fences(settings: &mut Words) -> Vec<FenceGuard> {
    let text = settings.value("fence");
    text.iter()
        .flat_map(|text| text.split(','))
        .map(fence_guard)
        .collect()
}

/// `term=election:number`
fn terms(settings: &mut Words) -> Vec<TermGuard> {
    settings
        .value("term")
        .as_deref()
        .map(term_guard)
        .into_iter()
        .collect()
}

/// `election:number`
pub(crate) fn term_guard(text: &str) -> TermGuard {
    let (election, term) = text.rsplit_once(':').expect("election:term");
    TermGuard {
        election: ElectionName::parse(election).unwrap(),
        term: Term(term.parse().expect("a term is a number")),
    }
}

/// `lock:number`
pub(crate) fn fence_guard(text: &str) -> FenceGuard {
    let (lock, fence) = text.rsplit_once(':').expect("lock:fence");
    FenceGuard {
        lock: LockName::parse(lock).unwrap(),
        fence: Fence(fence.parse().expect("a fence is a number")),
    }
}

/// `#number` or a name.
pub(crate) fn session_ref(text: &str) -> SessionRef {
    match text.strip_prefix('#') {
        Some(number) => SessionRef::Id(SessionId(number.parse().expect("a session number"))),
        None => SessionRef::Name(SessionName::parse(text).unwrap()),
    }
}

/// One line for the result and one for each event.
fn shown(outcome: &Outcome) -> String {
    let result = match &outcome.result {
        Ok(reply) => shown_reply(reply),
        Err(refusal) => shown_refusal(refusal),
    };
    let replayed = if outcome.replayed { " (replayed)" } else { "" };
    let mut text = format!("{} {result}{replayed}\n", outcome.moment.zxid);
    for event in &outcome.events {
        writeln!(text, "  .{} {}", event.ordinal, shown_event(event)).unwrap();
    }
    for over in &outcome.over_quota {
        let OverQuota {
            quota,
            what,
            limit,
            usage,
        } = over;
        writeln!(
            text,
            "  over the quota of {quota}: {usage} {what}, soft limit {limit}"
        )
        .unwrap();
    }
    text
}

fn shown_reply(reply: &Reply) -> String {
    match reply {
        Reply::Znode(_) | Reply::Multi(_) | Reply::Txn { .. } | Reply::SubtreeDeleted { .. } => {
            znode_commands::shown_reply(reply)
        }
        Reply::SessionOpened { .. }
        | Reply::SessionEnded(_)
        | Reply::LockConfigured { .. }
        | Reply::Claim(_)
        | Reply::ClaimEnded(_)
        | Reply::ExpiredDue { .. } => lock_commands::shown_reply(reply),
        Reply::MembersPublished { version } => format!("config {version}"),
        Reply::Candidate(_) | Reply::CandidateEnded(_) | Reply::LeadershipTransfer(_) => {
            election_commands::shown_reply(reply)
        }
        Reply::CounterChanged { .. } => counter_commands::shown_reply(reply),
        Reply::FenceAdvanced { .. } | Reply::FenceForgotten(_) => {
            fence_commands::shown_reply(reply)
        }
        Reply::GroupJoined { .. } | Reply::GroupLeft { .. } => group_commands::shown_reply(reply),
        Reply::Barrier(_) | Reply::BarrierLeft { .. } => barrier_commands::shown_reply(reply),
        Reply::Service(_) => service_commands::shown_reply(reply),
        Reply::SigningKey(_) | Reply::SigningKeysDue { .. } => key_commands::shown_reply(reply),
        Reply::ItemPut { .. }
        | Reply::ItemsTaken { .. }
        | Reply::ItemAcked
        | Reply::ItemGivenBack { .. }
        | Reply::QueueConfigured
        | Reply::Redriven { .. } => queue_commands::shown_reply(reply),
        Reply::RestoreStaged { .. } | Reply::Restored(_) => format!("{reply:?}"),
    }
}

/// The name of the variant and the text a person sees.
pub(crate) fn shown_refusal(refusal: &Refusal) -> String {
    let mut text = format!("REFUSED {}: {refusal}", variant(refusal));
    if let Refusal::GuardsFailed { failed } = refusal {
        for guard in failed {
            let (index, expected, actual) = (guard.index, &guard.expected, &guard.actual);
            write!(
                text,
                "\n  guard {index}: expected {expected}, found {actual}"
            )
            .unwrap();
        }
    }
    text
}

/// The name of a variant.
pub(crate) fn variant(value: &impl std::fmt::Debug) -> String {
    let debug = format!("{value:?}");
    debug
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect()
}

fn shown_event(event: &Event) -> String {
    match &event.kind {
        EventKind::NodeCreated { .. }
        | EventKind::NodeChanged { .. }
        | EventKind::NodeAclChanged { .. }
        | EventKind::NodeDeleted { .. } => znode_commands::shown_event(&event.kind),
        EventKind::ClaimQueued { .. }
        | EventKind::ClaimGranted { .. }
        | EventKind::ClaimEnded { .. }
        | EventKind::ClaimExtended { .. }
        | EventKind::ReleaseRequested { .. }
        | EventKind::ReleaseAnswered { .. }
        | EventKind::LockConfigured { .. }
        | EventKind::SessionOpened { .. }
        | EventKind::SessionEnded { .. } => lock_commands::shown_event(&event.kind),
        EventKind::CandidateJoined { .. }
        | EventKind::CandidateChanged { .. }
        | EventKind::CandidateLeft { .. }
        | EventKind::LeaderElected { .. }
        | EventKind::LeadershipEnded { .. }
        | EventKind::TransferAsked { .. }
        | EventKind::TransferCancelled { .. } => election_commands::shown_event(&event.kind),
        EventKind::Instance { .. } => service_commands::shown_event(&event.kind),
    }
}
