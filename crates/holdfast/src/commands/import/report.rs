//! What an import did and found.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::exit::Exit;

/// Findings that are listed; further ones are counted.
const FINDINGS_MAX: usize = 10_000;

/// What is to be told about a znode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// It belongs to a session of the ensemble and is not copied.
    Ephemeral,
    /// Its children are numbered; the counter is, or would be, raised.
    Numbered,
    /// It would be removed here.
    ToRemove,
    /// It is only here, and stays because it belongs to a live session.
    LiveHere,
    /// The ensemble does not let us read it.
    Unreadable,
    /// Its access list was shown without the hashes.
    AclHidden,
    /// Its access list is not valid here.
    AclNotValid,
    /// Its path is not valid here.
    PathNotValid,
    /// Its data, or the request to make it, is too large.
    TooLarge,
    /// It has too many children.
    TooManyChildren,
    /// This cluster refused it.
    Refused,
    /// Its counter was left behind.
    CounterNotRaised,
    /// It exists here with other content, and is not to be overwritten.
    InTheWay,
    /// It is missing here.
    Missing,
    /// Its data is another one here.
    DataDiffers,
    /// Its access list is another one here.
    AclDiffers,
    /// It is only here.
    OnlyHere,
    /// Its counter is behind that of the ensemble.
    CounterBehind,
}

impl Kind {
    /// What it means for the whole.
    fn exit(self) -> Option<Exit> {
        match self {
            Kind::Ephemeral | Kind::Numbered | Kind::ToRemove | Kind::LiveHere => None,
            Kind::Unreadable
            | Kind::AclHidden
            | Kind::AclNotValid
            | Kind::PathNotValid
            | Kind::TooLarge
            | Kind::TooManyChildren
            | Kind::Refused
            | Kind::CounterNotRaised => Some(Exit::BadInput),
            Kind::InTheWay
            | Kind::Missing
            | Kind::DataDiffers
            | Kind::AclDiffers
            | Kind::OnlyHere
            | Kind::CounterBehind => Some(Exit::Precondition),
        }
    }

    /// The name in every form of output.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Ephemeral => "ephemeral",
            Kind::Numbered => "numbered",
            Kind::ToRemove => "to_remove",
            Kind::LiveHere => "live_here",
            Kind::Unreadable => "unreadable",
            Kind::AclHidden => "acl_hidden",
            Kind::AclNotValid => "acl_not_valid",
            Kind::PathNotValid => "path_not_valid",
            Kind::TooLarge => "too_large",
            Kind::TooManyChildren => "too_many_children",
            Kind::Refused => "refused",
            Kind::CounterNotRaised => "counter_not_raised",
            Kind::InTheWay => "in_the_way",
            Kind::Missing => "missing",
            Kind::DataDiffers => "data_differs",
            Kind::AclDiffers => "acl_differs",
            Kind::OnlyHere => "only_here",
            Kind::CounterBehind => "counter_behind",
        }
    }
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) kind: Kind,
    /// Path in the ensemble; of what is only here, the path here.
    pub(super) path: String,
    pub(super) why: String,
}

/// Everything to tell.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) source: String,
    pub(super) path: String,
    pub(super) to: String,
    /// `copy`, `dry_run` or `verify`.
    pub(super) mode: &'static str,
    /// Whether it went on to the end.
    pub(super) complete: bool,
    pub(super) counts: Counts,
    /// How often each kind was found, those not listed included.
    pub(super) found: BTreeMap<Kind, u64>,
    pub(super) findings: Vec<Finding>,
}

/// Znodes, unless it says otherwise. In a dry run what would be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    pub(super) created: u64,
    pub(super) overwritten: u64,
    pub(super) unchanged: u64,
    pub(super) removed: u64,
    pub(super) containers: u64,
    pub(super) ttls: u64,
    /// Of data written.
    pub(super) bytes: u64,
    pub(super) counters_raised: u64,
    /// Compared at the end.
    pub(super) verified: u64,
    /// Of the copy, without the comparison at the end.
    pub(super) copy_ms: u64,
}

impl Counts {
    /// Adds what a few znodes came to.
    pub(super) fn add(&mut self, more: &Counts) {
        self.created += more.created;
        self.overwritten += more.overwritten;
        self.unchanged += more.unchanged;
        self.containers += more.containers;
        self.ttls += more.ttls;
        self.bytes += more.bytes;
        self.verified += more.verified;
    }
}

impl Report {
    /// Notes a finding.
    pub(super) fn add(&mut self, kind: Kind, path: &str, why: impl Into<String>) {
        *self.found.entry(kind).or_default() += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding {
                kind,
                path: path.to_owned(),
                why: why.into(),
            });
        }
    }

    /// Findings that are counted only.
    pub(super) fn left_out(&self) -> u64 {
        let all: u64 = self.found.values().sum();
        all.saturating_sub(self.findings.len() as u64)
    }

    /// What to end with: that something differs says more than that something was left out.
    pub(super) fn exit(&self) -> u8 {
        let codes = self.found.keys().filter_map(|kind| kind.exit());
        codes.map(Exit::code).max().unwrap_or(0)
    }

    /// The kinds that were found, for people.
    pub(super) fn found_in_words(&self) -> String {
        let words = self.found.iter();
        let words: Vec<String> = words
            .map(|(kind, n)| format!("{n} {}", kind.name()))
            .collect();
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_json() {
        for kind in [
            Kind::Ephemeral,
            Kind::AclNotValid,
            Kind::InTheWay,
            Kind::OnlyHere,
        ] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }

    #[test]
    fn a_difference_weighs_more_than_a_loss_and_what_is_only_told_weighs_nothing() {
        let mut report = Report::default();
        report.add(Kind::Ephemeral, "/a", "");
        assert_eq!(report.exit(), 0);
        report.add(Kind::TooLarge, "/b", "");
        assert_eq!(report.exit(), 65);
        report.add(Kind::Missing, "/c", "");
        report.add(Kind::TooLarge, "/d", "");
        assert_eq!(report.exit(), 82);
        assert_eq!(report.found[&Kind::TooLarge], 2);
    }

    #[test]
    fn what_is_not_listed_is_counted() {
        let mut report = Report::default();
        for _ in 0..FINDINGS_MAX + 3 {
            report.add(Kind::Ephemeral, "/a", "");
        }
        assert_eq!(
            (report.findings.len(), report.left_out()),
            (FINDINGS_MAX, 3)
        );
    }
}
