//! `versions`: P-LIN of registers by another way, in O(n log n).
//!
//! The service numbers the writes of a register: 0, 1, 2, … So the order that `linearizable` has to
//! search for is there to be read, and need only be held against what clients saw:
//! 1. a version has one value, and at most one acknowledged write made it;
//! 2. what begins after something ended sees the same version or a later one; a write makes a later one;
//! 3. a value that was read was written by somebody, before the read ended, and not by a write that
//!    failed;
//! 4. every version that no acknowledged write made, was made by a write of unknown outcome that had
//!    begun in time: there are enough of them, and one with the value that was read;
//! 5. a compare-and-set was done at the version it expected, and refused only if the register can have
//!    had another one in the meantime;
//! 6. positions (zxid) of writes grow with their versions, and a read's position lies between those of
//!    the write it saw and the next one (P-ORDER).
//!
//! Rules 1 to 5 follow from linearizability: what breaks them is not linearizable. The converse holds
//! where no outcome is unknown; unknown writes are only counted here, and `linearizable` may find more.
//! Rule 6 is more than linearizability asks: `linearizable` does not look at positions. Answers without a version are passed over, and counted.

mod rules;
mod table;

use crate::history::History;
use crate::register::{RegisterCalls, registers};
use crate::verdict::{Checker, Limits, Report};

pub(crate) use table::{Table, version_of};

/// See the module.
#[derive(Debug, Default)]
pub struct Versions;

impl Checker for Versions {
    fn name(&self) -> &'static str {
        "versions"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let mut report = Report::new(self.name());
        let mut versioned = 0;
        for (key, register) in &registers(history) {
            versioned += check_register(key, register, limits, &mut report);
        }
        if versioned == 0 {
            let what = "no answer in this history names the version of a register".to_owned();
            report.unknown(limits, what, vec![]);
        }
        report
    }
}

fn check_register(
    key: &str,
    register: &RegisterCalls<'_>,
    limits: &Limits,
    report: &mut Report,
) -> u64 {
    let table = Table::of(register);
    let versioned = table.seen.len() as u64;
    report.count("registers", 1);
    report.count("operations with a version", versioned);
    report.count("operations without", table.without);
    report.count("versions", table.writes.len() as u64);
    let mut findings = Vec::new();
    rules::one_value_per_version(&table, &mut findings);
    rules::never_back_in_time(&table, &mut findings);
    rules::values_come_from_writes(&table, &mut findings);
    rules::gaps_are_explained(&table, &mut findings);
    rules::compare_and_set(&table, &mut findings);
    rules::positions(&table, &mut findings);
    for (what, events) in findings {
        report.broken(limits, format!("register {key}: {what}"), events);
    }
    versioned
}
