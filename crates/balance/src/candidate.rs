//! What a strategy is told of an instance.

/// An instance that may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// Its name, unlike all others': what hashes are of.
    pub id: &'a str,
    /// Its share of the work, relative to the weights of the others; 0: none.
    pub weight: u32,
    /// How many requests it serves at once; 0 counts as 1.
    pub capacity: u32,
    /// Requests that were sent to it by a choice and are not known to be done.
    pub reserved: u32,
    /// What it last said about itself.
    pub report: Option<Report>,
}

impl<'a> Candidate<'a> {
    /// One of weight 1 and capacity 1 of which nothing else is known.
    #[must_use]
    pub const fn new(id: &'a str) -> Candidate<'a> {
        Candidate {
            id,
            weight: 1,
            capacity: 1,
            reserved: 0,
            report: None,
        }
    }

    /// The same with another weight.
    #[must_use]
    pub const fn weighing(mut self, weight: u32) -> Candidate<'a> {
        self.weight = weight;
        self
    }

    /// Requests it is believed to have, however old the report is.
    pub(crate) fn in_flight(&self) -> u64 {
        let reported = self.report.map_or(0, |report| report.others);
        u64::from(reported) + u64::from(self.reserved)
    }
}

/// What an instance says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Requests it was serving beside those that were reserved: what it says, less what was reserved when it
    /// said so. What is reserved comes and goes and is known at any time; only what is left of the report grows
    /// old. (To add what was sent since a report to what it said would count what was done since, too, and
    /// count it most for instances that are fast.)
    pub others: u32,
    /// How long ago that was, in milliseconds.
    pub age_ms: u64,
}

/// The sum of all weights.
pub(crate) fn total_weight(candidates: &[Candidate<'_>]) -> u64 {
    candidates.iter().map(|each| u64::from(each.weight)).sum()
}
