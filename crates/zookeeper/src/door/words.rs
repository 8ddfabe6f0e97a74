//! Four-letter words: a question of four bytes, an answer in plain text, as ZooKeeper 3.9 writes it.
//!
//! Words that list things are answered one at a time and beside the tasks that serve clients: what
//! an administrator asks must not hold up who holds a lock.

use std::sync::Arc;

use raft_core::state::State;

use super::Door;
use super::mode::{ServerMode, read_only_word, server_mode};
use super::report::connections::Detail;
use super::report::gauges::proposal_sizes;
use super::report::{
    Rows, configuration, connections, environment, hex, monitor, sessions, version, watching,
};
use crate::proto::four_letter::FourLetterWord;

/// Words that are answered when nothing is set: those that change nothing, cost little and tell
/// nothing of what clients store. The one place where they stand.
pub const WORDS_DEFAULT: &str = "ruok,srvr,stat,mntr,conf,envi,isro,wchs,dirs";

/// Stands for every word in a white-list.
const EVERY_WORD: &str = "*";
/// ZooKeeper's text of a server without a quorum.
pub(crate) const NOT_SERVING: &str = "This ZooKeeper instance is not currently serving requests";

/// The answer to a word.
pub(crate) async fn answer(door: &Arc<Door>, word: FourLetterWord) -> String {
    let name = word.name();
    let words = &door.settings.words;
    if !(words.contains(name) || words.contains(EVERY_WORD)) {
        return format!("{name} is not executed because it is not in the whitelist.\n");
    }
    if !is_costly(word) {
        return text(door, word);
    }
    let answer = door.in_turn(move |door| text(door, word)).await;
    answer.unwrap_or_else(|| format!("{name} could not be answered: it failed inside.\n"))
}

/// Whether an answer grows with what there is, or reads the disk.
fn is_costly(word: FourLetterWord) -> bool {
    match word {
        FourLetterWord::Conf
        | FourLetterWord::Cons
        | FourLetterWord::Dirs
        | FourLetterWord::Dump
        | FourLetterWord::Stat
        | FourLetterWord::Wchc
        | FourLetterWord::Wchp => true,
        FourLetterWord::Crst
        | FourLetterWord::Envi
        | FourLetterWord::Gtmk
        | FourLetterWord::Hash
        | FourLetterWord::Isro
        | FourLetterWord::Mntr
        | FourLetterWord::Ruok
        | FourLetterWord::Srst
        | FourLetterWord::Srvr
        | FourLetterWord::Stmk
        | FourLetterWord::Wchs => false,
    }
}

fn text(door: &Door, word: FourLetterWord) -> String {
    let mode = server_mode(door);
    match word {
        FourLetterWord::Ruok => "imok".to_owned(),
        FourLetterWord::Isro => read_only_word(mode).to_owned(),
        FourLetterWord::Envi => environment(),
        // Nothing is traced; what goes into the log is a setting.
        FourLetterWord::Gtmk => "0".to_owned(),
        FourLetterWord::Stmk => {
            "There is no trace mask here; the setting log-level says what is logged.\n".to_owned()
        }
        FourLetterWord::Conf
        | FourLetterWord::Cons
        | FourLetterWord::Crst
        | FourLetterWord::Dirs
        | FourLetterWord::Dump
        | FourLetterWord::Hash
        | FourLetterWord::Mntr
        | FourLetterWord::Srst
        | FourLetterWord::Srvr
        | FourLetterWord::Stat
        | FourLetterWord::Wchc
        | FourLetterWord::Wchp
        | FourLetterWord::Wchs => match mode {
            Some(mode) => serving(door, mode, word),
            None => format!("{NOT_SERVING}\n"),
        },
    }
}

/// Answers of a node that serves.
fn serving(door: &Door, mode: ServerMode, word: FourLetterWord) -> String {
    match word {
        FourLetterWord::Conf => configuration::text(door).unwrap_or_else(disk_is_silent),
        FourLetterWord::Cons => format!("{}\n", connections::text(door, Detail::Full)),
        FourLetterWord::Crst => {
            door.stats.reset_connections();
            "Connection stats reset.\n".to_owned()
        }
        FourLetterWord::Dirs => dirs(door),
        FourLetterWord::Dump => sessions::text(door),
        FourLetterWord::Hash => hash(door),
        FourLetterWord::Mntr => lines(&monitor::rows(door)),
        FourLetterWord::Srst => {
            door.stats.reset();
            door.node.metrics().reset_entry_sizes();
            "Server stats reset.\n".to_owned()
        }
        FourLetterWord::Srvr => format!("{}{}", first_line(mode), server(door, mode)),
        FourLetterWord::Stat => {
            let clients = connections::text(door, Detail::Brief);
            format!(
                "{}Clients:\n{clients}\n{}",
                first_line(mode),
                server(door, mode)
            )
        }
        FourLetterWord::Wchc => watching::text_by_session(door),
        FourLetterWord::Wchp => watching::text_by_path(door),
        FourLetterWord::Wchs => watching::summary(door),
        FourLetterWord::Envi
        | FourLetterWord::Gtmk
        | FourLetterWord::Isro
        | FourLetterWord::Ruok
        | FourLetterWord::Stmk => String::new(),
    }
}

fn first_line(mode: ServerMode) -> String {
    let read_only = if mode.is_read_only() {
        "READ-ONLY mode; serving only read-only clients\n"
    } else {
        ""
    };
    format!("Zookeeper version: {}\n{read_only}", version())
}

/// `srvr` behind its first line.
fn server(door: &Door, mode: ServerMode) -> String {
    let stats = &door.stats;
    let latency = stats.latency();
    let (zxid, znodes) = door
        .node
        .peek(|state| (state.last_zxid().0, state.counts().znodes));
    let mut text = format!(
        "Latency min/avg/max: {}/{:?}/{}\nReceived: {}\nSent: {}\nConnections: {}\nOutstanding: {}\n\
         Zxid: {}\nMode: {}\nNode count: {znodes}\n",
        latency.min_ms,
        latency.avg_ms,
        latency.max_ms,
        stats.since_reset.received.get(),
        stats.since_reset.sent.get(),
        stats.register.len(),
        stats.outstanding(),
        hex(zxid),
        mode.name(),
    );
    if mode == ServerMode::Leader {
        let sizes = proposal_sizes(door);
        let (last, min, max) = (sizes.last, sizes.min, sizes.max);
        text.push_str(&format!(
            "Proposal sizes last/min/max: {last}/{min}/{max}\n"
        ));
    }
    text
}

fn environment() -> String {
    let mut text = String::from("Environment:\n");
    for (name, value) in environment::rows() {
        let value = value.as_str().unwrap_or_default();
        text.push_str(&format!("{name}={value}\n"));
    }
    text
}

fn dirs(door: &Door) -> String {
    match door.installation.disk.sizes() {
        Ok(sizes) => format!(
            "datadir_size: {}\nlogdir_size: {}\n",
            sizes.snapshots, sizes.log
        ),
        Err(error) => disk_is_silent(error),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "made for `unwrap_or_else`")]
fn disk_is_silent(error: std::io::Error) -> String {
    format!("The data directory cannot be read: {error}\n")
}

/// The digest of this node's state as it is: equal on every node that has applied as much.
fn hash(door: &Door) -> String {
    let (zxid, digest) = door
        .node
        .peek(|state| (state.last_zxid().0, State::digest(state)));
    format!("{zxid:x}: {digest:032x}\n")
}

/// `mntr`: a name, a tab, a value.
fn lines(rows: &Rows) -> String {
    let mut text = String::new();
    for (name, value) in rows {
        match value.as_str() {
            Some(value) => text.push_str(&format!("zk_{name}\t{value}\n")),
            None => text.push_str(&format!("zk_{name}\t{value}\n")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn monitored_values_are_written_as_zookeeper_writes_them() {
        let rows: Rows = vec![
            ("server_state".to_owned(), json!("leader")),
            ("avg_latency".to_owned(), json!(0.0)),
            ("avg_fsynctime".to_owned(), json!(3.5556)),
            ("last_proposal_size".to_owned(), json!(-1)),
        ];
        assert_eq!(
            lines(&rows),
            "zk_server_state\tleader\nzk_avg_latency\t0.0\nzk_avg_fsynctime\t3.5556\n\
             zk_last_proposal_size\t-1\n"
        );
    }

    #[test]
    fn every_word_of_the_default_is_a_word() {
        for word in WORDS_DEFAULT.split(',') {
            let bytes: [u8; 4] = word.as_bytes().try_into().unwrap();
            assert!(FourLetterWord::from_bytes(bytes).is_some(), "{word}");
        }
    }
}
