//! Every command there is, with ZooKeeper's names for it.

use super::{Fields, Method, values};
use crate::door::Door;

/// How a command is answered.
pub(super) enum Command {
    /// Whatever the matter.
    Always(fn(&Door) -> Fields),
    /// While this node serves clients.
    Serving(fn(&Door) -> Fields),
    /// Not here.
    Impossible {
        /// Where the answer would be taken for what was asked, it is an error of HTTP too.
        status: u16,
        /// Why, and what to do instead.
        why: &'static str,
    },
}

/// A command.
pub(super) struct Entry {
    /// The name in answers.
    pub(super) name: &'static str,
    /// Shorter ones.
    aliases: &'static [&'static str],
    pub(super) method: Method,
    pub(super) command: Command,
}

impl Entry {
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

const fn get(name: &'static str, aliases: &'static [&'static str], command: Command) -> Entry {
    Entry {
        name,
        aliases,
        method: Method::Get,
        command,
    }
}

const fn impossible(why: &'static str) -> Command {
    Command::Impossible { status: 200, why }
}

const NO_TRACE_MASK: &str =
    "There is no trace mask here; the setting log-level says what is logged";
const NO_JAVA: &str = "There are no system properties: this server does not run on Java; `holdfast config \
                       print` shows its settings";
const NO_FILE_OF_SNAPSHOT: &str = "Snapshots and their positions are listed at /v1/snapshots";
const NO_SNAPSHOT: &str =
    "Not taken here: POST /v1/snapshots takes one, `holdfast snapshot save` downloads one";
const NO_RESTORE: &str =
    "Nothing was restored: `holdfast snapshot restore` restores a snapshot of Holdfast";
const NO_SHEDDING: &str = "No connection was closed: connections cannot be shed here";

/// A `GET` that would be saved to a file, or a `POST` that does not do it: not to be taken for done.
const NOT_DONE: u16 = 501;

pub(super) const TABLE: &[Entry] = &[
    get(
        "connection_stat_reset",
        &["crst"],
        Command::Serving(values::reset_connections),
    ),
    get(
        "configuration",
        &["conf", "config"],
        Command::Serving(values::configuration),
    ),
    get(
        "connections",
        &["cons"],
        Command::Serving(values::connections),
    ),
    get("dirs", &[], Command::Serving(values::dirs)),
    get("dump", &[], Command::Serving(values::dump)),
    get(
        "environment",
        &["env", "envi"],
        Command::Always(values::environment),
    ),
    get(
        "get_trace_mask",
        &["gtmk"],
        Command::Always(values::trace_mask),
    ),
    get("hash", &[], Command::Serving(values::hash)),
    get(
        "initial_configuration",
        &["icfg"],
        Command::Serving(values::initial_configuration),
    ),
    get(
        "is_read_only",
        &["isro"],
        Command::Serving(values::is_read_only),
    ),
    get("last_snapshot", &["lsnp"], impossible(NO_FILE_OF_SNAPSHOT)),
    get("leader", &["lead"], Command::Serving(values::leader)),
    get("monitor", &["mntr"], Command::Serving(values::monitor)),
    get(
        "observer_connection_stat_reset",
        &["orst"],
        Command::Serving(values::nothing),
    ),
    get("observers", &["obsr"], Command::Serving(values::observers)),
    get("ruok", &[], Command::Always(values::nothing)),
    get(
        "server_stats",
        &["srvr"],
        Command::Serving(values::server_stats),
    ),
    get("set_trace_mask", &["stmk"], impossible(NO_TRACE_MASK)),
    get(
        "stat_reset",
        &["srst"],
        Command::Serving(values::reset_server),
    ),
    get("stats", &["stat"], Command::Serving(values::stats)),
    get("system_properties", &["sysp"], impossible(NO_JAVA)),
    get("voting_view", &[], Command::Serving(values::voting_view)),
    get(
        "watch_summary",
        &["wchs"],
        Command::Serving(values::watch_summary),
    ),
    get("watches", &["wchc"], Command::Serving(values::watches)),
    get(
        "watches_by_path",
        &["wchp"],
        Command::Serving(values::watches_by_path),
    ),
    get("zabstate", &[], Command::Serving(values::zab_state)),
    get(
        "snapshot",
        &["snap"],
        Command::Impossible {
            status: NOT_DONE,
            why: NO_SNAPSHOT,
        },
    ),
    Entry {
        name: "restore",
        aliases: &["rest"],
        method: Method::Post,
        command: Command::Impossible {
            status: NOT_DONE,
            why: NO_RESTORE,
        },
    },
    Entry {
        name: "shed_connections",
        aliases: &["shed"],
        method: Method::Post,
        command: Command::Impossible {
            status: NOT_DONE,
            why: NO_SHEDDING,
        },
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What ZooKeeper 3.9.3 lists, and the one that 3.10 adds.
    #[test]
    fn the_commands_are_those_of_zookeeper() {
        let expected = "configuration connection_stat_reset connections dirs dump environment \
                        get_trace_mask hash initial_configuration is_read_only last_snapshot leader \
                        monitor observer_connection_stat_reset observers restore ruok server_stats \
                        set_trace_mask shed_connections snapshot stat_reset stats system_properties \
                        voting_view watch_summary watches watches_by_path zabstate";
        assert_eq!(super::super::command_names().join(" "), expected);
    }

    #[test]
    fn no_two_commands_share_a_name() {
        let of = |entry: &Entry| [&[entry.name][..], entry.aliases].concat();
        let names = || TABLE.iter().flat_map(of);
        assert_eq!(names().collect::<BTreeSet<_>>().len(), names().count());
    }
}
