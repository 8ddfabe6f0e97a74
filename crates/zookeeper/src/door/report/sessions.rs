//! `dump`: sessions by the time they expire at, what they own, and how long connections may be
//! silent.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use raft_core::ids::SessionId;
use raft_core::state::State;

use super::configuration::TICK_MS;
use super::gauges::millis;
use super::{LISTED_MAX, hex};
use crate::door::Door;

/// Sessions looked up at a time: signs of life wait meanwhile.
const LOOKED_UP_AT_ONCE: usize = 1000;

/// Sessions by when they expire, milliseconds since 1970 by this node's clock, rounded up to a
/// tick; `None` on a node that does not lead: only the leader knows.
pub(crate) fn expiries(door: &Door) -> Option<BTreeMap<u64, Vec<SessionId>>> {
    let now_ms = door.node.clock().wall_ms();
    let mut buckets: BTreeMap<u64, Vec<SessionId>> = BTreeMap::new();
    let (mut after, mut listed) = (None, 0);
    while listed < LISTED_MAX {
        let page = door.node.session_time_left(after, LOOKED_UP_AT_ONCE)?;
        let Some((last, _)) = page.last() else {
            break;
        };
        after = Some(*last);
        listed += page.len();
        for (session, left) in page {
            buckets
                .entry(bucket(now_ms, left))
                .or_default()
                .push(session);
        }
    }
    Some(buckets)
}

fn bucket(now_ms: u64, left: Duration) -> u64 {
    let at = now_ms.saturating_add(millis(left));
    at.div_ceil(TICK_MS).saturating_mul(TICK_MS)
}

/// Sessions with the paths they own, at most [`LISTED_MAX`] paths, and whether those are all.
pub(crate) fn ephemerals(state: &State) -> (Vec<(SessionId, Vec<String>)>, bool) {
    let mut all = Vec::new();
    let mut room = LISTED_MAX;
    for (session, paths) in state.ephemerals_by_owner() {
        let paths: Vec<String> = paths.take(room).map(ToString::to_string).collect();
        room = room.saturating_sub(paths.len());
        if !paths.is_empty() {
            all.push((session, paths));
        }
        if room == 0 {
            return (all, false);
        }
    }
    (all, true)
}

/// The text of `dump`.
pub(crate) fn text(door: &Door) -> String {
    let mut text = String::from("SessionTracker dump:\n");
    let state = door.node.state();
    match expiries(door) {
        Some(buckets) => sessions_by_expiry(&buckets, &mut text),
        None => global_sessions(&state, &mut text),
    }
    owned(&state, &mut text);
    connections(door, &mut text);
    text
}

// Writing into a String cannot fail, here and below.

fn sessions_by_expiry(buckets: &BTreeMap<u64, Vec<SessionId>>, text: &mut String) {
    let sessions: usize = buckets.values().map(Vec::len).sum();
    let _ = writeln!(text, "Session Sets ({})/({sessions}):", buckets.len());
    for (at, sessions) in buckets {
        let _ = writeln!(text, "{} expire at {}:", sessions.len(), date(*at));
        for session in sessions {
            let _ = writeln!(text, "\t{}", hex(session.0));
        }
    }
    cut(sessions, text);
}

fn global_sessions(state: &State, text: &mut String) {
    let _ = writeln!(text, "Global Sessions({}):", state.counts().sessions);
    let sessions = state.sessions(None, LISTED_MAX);
    for session in &sessions {
        let _ = writeln!(text, "{}\t{}ms", hex(session.id.0), session.timeout_ms);
    }
    cut(sessions.len(), text);
}

fn owned(state: &State, text: &mut String) {
    let (owners, is_all) = ephemerals(state);
    let _ = writeln!(
        text,
        "ephemeral nodes dump:\nSessions with Ephemerals ({}):",
        owners.len()
    );
    for (session, paths) in owners {
        let _ = writeln!(text, "{}:", hex(session.0));
        for path in paths {
            let _ = writeln!(text, "\t{path}");
        }
    }
    if !is_all {
        cut(LISTED_MAX, text);
    }
}

fn connections(door: &Door, text: &mut String) {
    let now_ms = door.node.clock().wall_ms();
    let handshake = door.settings.handshake_timeout;
    let mut buckets: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let all = door.stats.register.list(LISTED_MAX);
    for connection in &all {
        let read = connection.read();
        let session = read.session.map_or(0, |session| session.0);
        let timeout = match read.session {
            Some(_) => Duration::from_millis(read.timeout_ms),
            None => handshake,
        };
        let line = format!("\tip: /{} sessionId: {}\n", read.peer, hex(session));
        let at = bucket(now_ms, timeout);
        buckets.entry(at).or_default().push(line);
    }
    let _ = writeln!(
        text,
        "Connections dump:\nConnections Sets ({})/({}):",
        buckets.len(),
        all.len()
    );
    for (at, lines) in buckets {
        let _ = writeln!(text, "{} expire at {}:", lines.len(), date(at));
        text.extend(lines);
    }
}

fn cut(listed: usize, text: &mut String) {
    if listed >= LISTED_MAX {
        let _ = writeln!(text, "(no more than {LISTED_MAX} are listed)");
    }
}

/// As Java writes a date.
fn date(at_ms: u64) -> String {
    let at = i64::try_from(at_ms).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_millisecond(at).unwrap_or(jiff::Timestamp::MAX);
    let zoned = at.to_zoned(jiff::tz::TimeZone::UTC);
    zoned.strftime("%a %b %d %H:%M:%S UTC %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_stand_at_the_tick_they_expire_by() {
        let now_ms = 1_795_593_489_500;
        let buckets = BTreeMap::from([
            (bucket(now_ms, Duration::from_millis(1)), vec![SessionId(1)]),
            (
                bucket(now_ms, Duration::from_millis(700)),
                vec![SessionId(0x300_0009_6dfa_0000), SessionId(2)],
            ),
        ]);
        let mut text = String::new();
        sessions_by_expiry(&buckets, &mut text);
        assert_eq!(
            text,
            "Session Sets (2)/(3):\n1 expire at Wed Nov 25 07:58:10 UTC 2026:\n\t0x1\n2 expire at \
             Wed Nov 25 07:58:12 UTC 2026:\n\t0x30000096dfa0000\n\t0x2\n"
        );
    }
}
