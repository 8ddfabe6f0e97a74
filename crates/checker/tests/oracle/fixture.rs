//! Two real runs: three nodes, one at a time killed with SIGKILL and started again, six clients; at the
//! end one killed and two stopped. The logs of the three nodes
//! differed in the node's number and in how far they had marked the log as committed, nothing else.

use checker::oracle::log::{Command, Entry, NodeLog};
use checker::oracle::{Judgement, Oracle};
use checker::{Event, History, Limits, Outcome, Verdict};

/// A run: what the disks and the clients said.
pub(crate) struct Run {
    pub(crate) logs: Vec<NodeLog>,
    pub(crate) history: History,
}

pub(crate) fn run(workload: &str) -> Run {
    let (log, history) = match workload {
        "register" => (
            include_str!("data/register/log.ndjson"),
            include_str!("data/register/history.jsonl"),
        ),
        "lock" => (
            include_str!("data/lock/log.ndjson"),
            include_str!("data/lock/history.jsonl"),
        ),
        other => panic!("no run of {other}"),
    };
    let log = NodeLog::parse(log).unwrap();
    let of = |node| NodeLog {
        node,
        ..log.clone()
    };
    Run {
        logs: (1..=3).map(of).collect(),
        history: History::parse(history).unwrap(),
    }
}

impl Run {
    pub(crate) fn judge(&self) -> Judgement {
        let oracle = Oracle {
            logs: self.logs.clone(),
            damage_expected: false,
        };
        oracle.judge(&self.history, &Limits::default())
    }

    #[track_caller]
    pub(crate) fn expect(&self, verdict: Verdict, part: &str) {
        let report = self.judge().report;
        assert_eq!(report.verdict, verdict, "{report:#?}");
        let found = report.findings.iter().any(|f| f.what.contains(part));
        assert!(found || part.is_empty(), "{part:?} is not in {report:#?}");
    }

    /// Changes an entry on every node.
    pub(crate) fn everywhere(&mut self, index: u64, change: impl Fn(&mut Entry)) {
        for log in &mut self.logs {
            change(log.entries.iter_mut().find(|e| e.index == index).unwrap());
        }
    }

    /// Changes the command at a position on every node.
    pub(crate) fn command(&mut self, zxid: u64, change: impl Fn(&mut Command)) {
        let commands = self.logs.iter_mut().flat_map(|log| &mut log.entries);
        let commands = commands.flat_map(|entry| &mut entry.commands);
        for command in commands.filter(|command| command.zxid == Some(zxid)) {
            change(command);
        }
    }

    /// Position of the first command that fits.
    pub(crate) fn find(&self, fits: impl Fn(&Command) -> bool) -> u64 {
        let mut commands = self.logs[0].entries.iter().flat_map(|e| &e.commands);
        commands
            .find(|command| fits(command))
            .unwrap()
            .zxid
            .unwrap()
    }

    /// The first completion that fits.
    pub(crate) fn answer(&mut self, fits: impl Fn(&Event) -> bool) -> &mut Event {
        let mut events = self.history.events.iter_mut();
        let fits = |e: &&mut Event| e.outcome != Outcome::Invoke && fits(e);
        events.find(fits).unwrap()
    }
}

pub(crate) fn applied(command: &Command) -> bool {
    command.outcome.as_deref() == Some("applied")
}

pub(crate) fn ok(f: &'static str) -> impl Fn(&Event) -> bool {
    move |event| event.f == f && event.outcome == Outcome::Ok
}
