//! Four-letter words: a question of four bytes, an answer in plain text.

use std::fmt::Write as _;

use super::Door;
use super::serving::Mode;
use crate::proto::four_letter::FourLetterWord;

/// Paths listed by a word at most.
const LISTED_MAX: usize = 100_000;

/// The answer to a word.
pub(crate) fn answer(door: &Door, word: FourLetterWord) -> String {
    let name = word.name();
    let words = &door.settings.words;
    if !(words.contains(name) || words.contains("*")) {
        return format!("{name} is not executed because it is not in the whitelist.\n");
    }
    match name {
        "ruok" => "imok".to_owned(),
        "isro" => match door.mode() {
            Mode::ReadWrite => "rw",
            Mode::ReadOnly => "ro",
            Mode::Nothing => "null",
        }
        .to_owned(),
        "envi" => environment(),
        "conf" => configuration(door),
        "srst" | "crst" => {
            door.stats.reset();
            let what = if name == "srst" {
                "Server"
            } else {
                "Connection"
            };
            format!("{what} stats reset.\n")
        }
        _ if door.mode() == Mode::Nothing => {
            "This ZooKeeper instance is not currently serving requests\n".to_owned()
        }
        "srvr" | "stat" => server(door),
        "mntr" => monitor(door),
        "wchs" => {
            let counts = door.watches.counts();
            format!(
                "{} connections watching {} paths\nTotal watches:{}\n",
                counts.connections, counts.paths, counts.watches
            )
        }
        "wchc" => watches_by_session(door),
        _ => format!("{name} is not answered by Holdfast.\n"),
    }
}

fn version() -> String {
    format!("3.9.3-holdfast-{}", env!("CARGO_PKG_VERSION"))
}

fn mode(door: &Door) -> &'static str {
    if door.mode() == Mode::ReadOnly {
        return "read-only";
    }
    match door.node.status().role {
        node::Role::Leader => "leader",
        node::Role::Follower | node::Role::Candidate => "follower",
        node::Role::Learner => "observer",
        node::Role::Stopped => "read-only",
    }
}

fn server(door: &Door) -> String {
    let (received, sent) = door.stats.packets();
    let (zxid, znodes) = door
        .node
        .peek(|state| (state.last_zxid().0, state.counts().znodes));
    format!(
        "Zookeeper version: {}, built on unknown\nLatency min/avg/max: 0/0.0/0\nReceived: {received}\n\
         Sent: {sent}\nConnections: {}\nOutstanding: 0\nZxid: 0x{zxid:x}\nMode: {}\nNode count: {znodes}\n",
        version(),
        door.stats.connections(),
        mode(door),
    )
}

fn monitor(door: &Door) -> String {
    let (received, sent) = door.stats.packets();
    let counts = door.node.peek(raft_core::state::State::counts);
    let rows: [(&str, String); 9] = [
        ("version", version()),
        ("server_state", mode(door).to_owned()),
        ("packets_received", received.to_string()),
        ("packets_sent", sent.to_string()),
        (
            "num_alive_connections",
            door.stats.connections().to_string(),
        ),
        ("znode_count", counts.znodes.to_string()),
        ("watch_count", door.watches.counts().watches.to_string()),
        ("global_sessions", counts.sessions.to_string()),
        ("approximate_data_size", counts.data_bytes.to_string()),
    ];
    let mut text = String::new();
    for (key, value) in rows {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "zk_{key}\t{value}");
    }
    text
}

fn environment() -> String {
    format!("Environment:\nzookeeper.version={}\n", version())
}

fn configuration(door: &Door) -> String {
    let settings = &door.settings;
    format!(
        "maxClientCnxns={}\nminSessionTimeout={}\nmaxSessionTimeout={}\nserverId={}\n",
        settings.connections_per_address_max,
        settings.session_timeout_min.as_millis(),
        settings.session_timeout_max.as_millis(),
        door.node.id(),
    )
}

fn watches_by_session(door: &Door) -> String {
    let mut text = String::new();
    let mut last = None;
    for (session, path) in door.watches.by_session(LISTED_MAX) {
        if last != Some(session) {
            let _ = writeln!(text, "0x{:x}", session.0);
            last = Some(session);
        }
        let _ = writeln!(text, "\t{path}");
    }
    text
}
