//! `cons` and the clients of `stat`.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{LISTED_MAX, hex};
use crate::door::Door;
use crate::door::stats::ConnectionReading;

/// How much of a connection is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// `stat`.
    Brief,
    /// `cons`.
    Full,
}

/// A line for each connection.
pub(crate) fn text(door: &Door, detail: Detail) -> String {
    let mut text = String::new();
    let all = all(door);
    for connection in &all {
        line(connection, detail, &mut text);
    }
    if all.len() == LISTED_MAX {
        let _ = writeln!(text, "(no more than {LISTED_MAX} are listed)");
    }
    text
}

/// An object for each connection.
pub(crate) fn fields(door: &Door, detail: Detail) -> Vec<Value> {
    let all = all(door).into_iter();
    all.map(|connection| Value::Object(object(&connection, detail)))
        .collect()
}

fn all(door: &Door) -> Vec<ConnectionReading> {
    let all = door.stats.register.list(LISTED_MAX);
    all.iter().map(|connection| connection.read()).collect()
}

/// Whether ZooKeeper would wait for something to read: not from one that asks a word.
fn interest(connection: &ConnectionReading) -> u8 {
    u8::from(connection.session.is_some())
}

fn line(connection: &ConnectionReading, detail: Detail, text: &mut String) {
    // Writing into a String cannot fail.
    let _ = write!(
        text,
        " /{}[{:x}](queued={},recved={},sent={}",
        connection.peer,
        interest(connection),
        connection.outstanding,
        connection.received,
        connection.sent
    );
    if detail == Detail::Full
        && let Some(session) = connection.session
    {
        let _ = write!(
            text,
            ",sid={},lop={},est={},to={}",
            hex(session.0),
            connection.last_op,
            connection.established_ms,
            connection.timeout_ms
        );
        if let Some(cxid) = connection.last_cxid {
            let _ = write!(text, ",lcxid=0x{cxid:x}");
        }
        let latency = &connection.latency;
        let _ = write!(
            text,
            ",lzxid=0x{:x},lresp={},llat={},minlat={},avglat={:.0},maxlat={}",
            connection.last_zxid,
            connection.last_response_ms,
            latency.last_ms,
            latency.min_ms,
            latency.avg_ms.floor(),
            latency.max_ms
        );
    }
    text.push_str(")\n");
}

fn object(connection: &ConnectionReading, detail: Detail) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    put("remote_socket_address", json!(connection.peer.to_string()));
    put("interest_ops", json!(interest(connection)));
    put("outstanding_requests", json!(connection.outstanding));
    put("packets_received", json!(connection.received));
    put("packets_sent", json!(connection.sent));
    if detail == Detail::Full
        && let Some(session) = connection.session
    {
        let latency = &connection.latency;
        put("session_id", json!(session.0));
        put("last_operation", json!(connection.last_op));
        put("established", json!(connection.established_ms));
        put("session_timeout", json!(connection.timeout_ms));
        put("last_cxid", json!(connection.last_cxid.unwrap_or(-1)));
        put("last_zxid", json!(connection.last_zxid));
        put("last_response_time", json!(connection.last_response_ms));
        put("last_latency", json!(latency.last_ms));
        put("min_latency", json!(latency.min_ms));
        // Whole here as in ZooKeeper, which divides without a fraction.
        let sum = latency.avg_ms.floor();
        put(
            "avg_latency",
            json!(format!("{sum:.0}").parse::<u64>().unwrap_or(0)),
        );
        put("max_latency", json!(latency.max_ms));
    }
    fields
}

#[cfg(test)]
mod tests {
    use raft_core::ids::SessionId;

    use super::*;
    use crate::door::stats::LatencyReading;

    fn connection(session: Option<u64>) -> ConnectionReading {
        ConnectionReading {
            peer: "127.0.0.1:42832".parse().unwrap(),
            established_ms: 1_795_593_480_236,
            session: session.map(SessionId),
            timeout_ms: 10_000,
            received: 12,
            sent: 11,
            outstanding: 1,
            last_op: "EXIS",
            last_cxid: Some(11),
            last_zxid: 0x1_0000_0005,
            last_response_ms: 645_210,
            latency: LatencyReading {
                min_ms: 0,
                max_ms: 8,
                last_ms: 2,
                avg_ms: 3.9,
            },
        }
    }

    fn line_of(connection: &ConnectionReading, detail: Detail) -> String {
        let mut text = String::new();
        line(connection, detail, &mut text);
        text
    }

    /// As ZooKeeper 3.9.3 printed one, but for the counts.
    #[test]
    fn a_connection_is_printed_as_zookeeper_prints_it() {
        let full = connection(Some(0x300_0009_6dfa_0000));
        assert_eq!(
            line_of(&full, Detail::Full),
            " /127.0.0.1:42832[1](queued=1,recved=12,sent=11,sid=0x30000096dfa0000,lop=EXIS,\
             est=1795593480236,to=10000,lcxid=0xb,lzxid=0x100000005,lresp=645210,llat=2,minlat=0,\
             avglat=3,maxlat=8)\n"
        );
        assert_eq!(
            line_of(&full, Detail::Brief),
            " /127.0.0.1:42832[1](queued=1,recved=12,sent=11)\n"
        );
        assert_eq!(
            line_of(&connection(None), Detail::Full),
            " /127.0.0.1:42832[0](queued=1,recved=12,sent=11)\n"
        );
    }

    #[test]
    fn before_its_first_answer_a_connection_has_no_request_and_no_position() {
        let mut fresh = connection(Some(1));
        (fresh.last_op, fresh.last_cxid, fresh.last_zxid) = ("NA", None, -1);
        let line = line_of(&fresh, Detail::Full);
        assert!(
            line.contains(",to=10000,lzxid=0xffffffffffffffff,"),
            "{line}"
        );
        assert_eq!(object(&fresh, Detail::Full)["last_cxid"], -1);
    }
}
