//! What is told to whom, and what is sent again.

use std::convert::Infallible;

use raft_core::command::Moment;
use raft_core::ids::{LogTime, WallTime, Zxid};
use raft_core::outcome::{Refusal, Reply};

use super::*;

fn register(pending: &Pending, bound: Option<u64>) -> (u64, oneshot::Receiver<Fate>) {
    let encode = |sequence: u64| Ok::<_, Infallible>(Bytes::from(sequence.to_string()));
    pending.register(bound, encode).unwrap().unwrap()
}

fn sequences(taken: &[ToSend]) -> Vec<u64> {
    taken.iter().map(|request| request.sequence).collect()
}

fn outcome() -> Outcome {
    let moment = Moment {
        zxid: Zxid(1),
        log_time: LogTime(0),
        wall: WallTime(0),
    };
    let result: Result<Reply, Refusal> = Ok(Reply::ExpiredDue {
        count: 0,
        more: false,
    });
    Outcome {
        moment,
        result,
        replayed: false,
        events: Vec::new(),
        over_quota: Vec::new(),
    }
}

#[test]
fn requests_go_out_in_order_once_per_term() {
    let pending = Pending::default();
    let _callers: Vec<_> = (0..3).map(|_| register(&pending, None)).collect();
    assert_eq!(sequences(&pending.take_unsent(5, 2, 1000)), [1, 2]);
    assert_eq!(sequences(&pending.take_unsent(5, 9, 1000)), [3]);
    assert!(pending.take_unsent(5, 9, 1000).is_empty());
}

#[test]
fn a_later_term_sends_what_was_not_applied_again_and_nothing_else() {
    let pending = Pending::default();
    let (one, mut first) = register(&pending, None);
    let (_two, _second) = register(&pending, None);
    pending.take_unsent(5, 9, 1000);
    pending.complete(one, outcome());
    pending.entered_term(5);
    assert!(pending.take_unsent(5, 9, 1000).is_empty());
    pending.entered_term(6);
    assert_eq!(sequences(&pending.take_unsent(6, 9, 1000)), [2]);
    assert!(matches!(first.try_recv(), Ok(Fate::Applied(_))));
}

#[test]
fn what_may_have_arrived_stays_unknown_until_a_later_term() {
    let pending = Pending::default();
    let (one, _first) = register(&pending, None);
    let (two, _second) = register(&pending, None);
    pending.take_unsent(5, 9, 1000);
    pending.maybe_delivered(5, [one]);
    pending.not_delivered(5, [two]);
    assert_eq!(sequences(&pending.take_unsent(5, 9, 1000)), [1, 2]);
    // Even when the second copy certainly did not arrive, the first may have.
    pending.not_delivered(5, [one, two]);
    assert_eq!(pending.give_up(one), GaveUp::MaybeSent);
    assert_eq!(pending.give_up(two), GaveUp::NeverSent);
}

#[test]
fn a_proposal_for_one_term_is_dropped_with_it() {
    let pending = Pending::default();
    let (_, mut sent) = register(&pending, Some(5));
    pending.take_unsent(5, 9, 1000);
    let (_, mut unsent) = register(&pending, Some(5));
    pending.entered_term(6);
    assert!(pending.take_unsent(6, 9, 1000).is_empty());
    assert!(matches!(sent.try_recv(), Ok(Fate::Dropped)));
    assert!(matches!(unsent.try_recv(), Ok(Fate::Dropped)));
}

#[test]
fn a_snapshot_makes_what_was_sent_unknown_and_leaves_the_rest() {
    let pending = Pending::default();
    let (_, mut sent) = register(&pending, None);
    pending.take_unsent(5, 9, 1000);
    let (_, mut unsent) = register(&pending, None);
    pending.skipped();
    assert!(matches!(sent.try_recv(), Ok(Fate::Skipped)));
    assert!(unsent.try_recv().is_err());
    assert_eq!(sequences(&pending.take_unsent(6, 9, 1000)), [2]);
}

#[test]
fn the_oldest_never_runs_past_a_request_still_being_encoded() {
    let pending = Pending::default();
    let encode = |sequence: u64| {
        let (_, _later) = register(&pending, None);
        assert_eq!(pending.oldest(), sequence);
        Ok::<_, Infallible>(Bytes::new())
    };
    let (first, _caller) = pending.register(None, encode).unwrap().unwrap();
    pending.give_up(first);
    assert_eq!(pending.oldest(), 2);
}

#[test]
fn closing_answers_everybody() {
    let pending = Pending::default();
    let (_, mut sent) = register(&pending, None);
    pending.take_unsent(5, 9, 1000);
    let (_, mut unsent) = register(&pending, None);
    pending.close();
    assert!(matches!(unsent.try_recv(), Ok(Fate::Dropped)));
    assert!(matches!(
        sent.try_recv(),
        Err(oneshot::error::TryRecvError::Closed)
    ));
    let encode = |_| Ok::<_, Infallible>(Bytes::new());
    assert!(pending.register(None, encode).unwrap().is_none());
}
