//! Transactions: guards, and one of two lists of operations.

use mutant::Mutant;

use crate::acl::{self, Perms};
use crate::apply::Step;
use crate::apply::multi::{check_count, in_order};
use crate::command::{FenceGuard, Guard, TermGuard, Txn, TxnOp};
use crate::ids::ZnodePath;
use crate::limits;
use crate::outcome::{FailedGuard, ReadZnode, Refusal, Reply, TxnReply};
use crate::znode::Znode;

impl Step<'_> {
    pub(super) fn txn(&mut self, txn: &Txn) -> Result<Reply, Refusal> {
        if txn.guards.len() > limits::GUARDS_PER_REQUEST_MAX {
            return Err(Refusal::limit(
                "guards per transaction",
                limits::GUARDS_PER_REQUEST_MAX as u64,
            ));
        }
        check_count(txn.then.len())?;
        check_count(txn.otherwise.as_ref().map_or(0, Vec::len))?;
        let failed = self.failed_guards(&txn.guards)?;
        if mutant::is(Mutant::TxnNotAtomic) && !failed.is_empty() {
            let _ = in_order(txn.then.get(..1).unwrap_or_default(), |op| {
                self.txn_op(op, &mut 0)
            });
        }
        let (then, ops) = match &txn.otherwise {
            _ if failed.is_empty() => (true, &txn.then),
            Some(otherwise) => (false, otherwise),
            None => return Err(Refusal::GuardsFailed { failed }),
        };
        let mut read_bytes = 0;
        let results =
            self.all_or_nothing(|step| in_order(ops, |op| step.txn_op(op, &mut read_bytes)))?;
        Ok(Reply::Txn { then, results })
    }

    fn txn_op(&mut self, op: &TxnOp, read_bytes: &mut u64) -> Result<TxnReply, Refusal> {
        match op {
            TxnOp::Znode(op) => self.znode_op(op).map(TxnReply::Znode),
            TxnOp::Get { path } => {
                let Some(znode) = self.readable(path)? else {
                    return Ok(TxnReply::Got(None));
                };
                *read_bytes = read_bytes.saturating_add(znode.data_length());
                if *read_bytes > limits::TXN_READ_BYTES_MAX {
                    return Err(Refusal::limit(
                        "bytes of data read per transaction",
                        limits::TXN_READ_BYTES_MAX,
                    ));
                }
                Ok(TxnReply::Got(Some(ReadZnode {
                    data: znode.data.clone(),
                    content_type: znode.rare.content_type.clone(),
                    stat: znode.stat(),
                })))
            }
            TxnOp::Release { lock, claim } => self
                .release_claim(lock, claim)
                .map(|ended| TxnReply::Released(Box::new(ended))),
        }
    }

    /// Those guards that do not hold.
    ///
    /// # Errors
    /// [`Refusal::NoAuth`] when the asker may not read what a guard looks at: a guard that may be
    /// tried at will would tell the data.
    fn failed_guards(&self, guards: &[Guard]) -> Result<Vec<FailedGuard>, Refusal> {
        let mut failed = Vec::new();
        for (index, guard) in (0_u32..).zip(guards) {
            if let Some((expected, actual)) = self.failure(guard)? {
                failed.push(FailedGuard {
                    index,
                    expected,
                    actual,
                });
            }
        }
        Ok(failed)
    }

    /// What a guard expects and what there is instead; `None` when it holds.
    fn failure(&self, guard: &Guard) -> Result<Option<(String, String)>, Refusal> {
        let (holds, expected, actual) = match guard {
            Guard::Version { path, version } => {
                let found = self.readable(path)?;
                let holds = found.is_some_and(|znode| znode.version == *version);
                (
                    holds,
                    format!("{path} in version {version}"),
                    found_version(found),
                )
            }
            Guard::Exists { path, exists } => {
                let found = self.readable(path)?;
                let wanted = if *exists { "exists" } else { "does not exist" };
                (
                    found.is_some() == *exists,
                    format!("{path} {wanted}"),
                    found_version(found),
                )
            }
            Guard::Value { path, value } => {
                let found = self.readable(path)?;
                let data = found.and_then(|znode| znode.data.as_deref());
                let actual = match (found, data) {
                    (Some(_), Some(data)) => format!("other data of {} bytes", data.len()),
                    (Some(_), None) => "null".to_owned(),
                    (None, _) => found_version(None),
                };
                (
                    data == Some(value.as_ref()),
                    format!("{path} with given data of {} bytes", value.len()),
                    actual,
                )
            }
            Guard::Fence(FenceGuard { lock, fence }) => {
                let holds = self.state.verify(lock, *fence).is_ok();
                let actual = "no present holder has this fence".to_owned();
                (holds, format!("fence {fence} holds lock {lock}"), actual)
            }
            Guard::Term(TermGuard { election, term }) => {
                let lasts = self.state.verify_term(election, *term).is_ok();
                let actual = "this term is over".to_owned();
                (lasts, format!("term {term} of election {election}"), actual)
            }
        };
        Ok((!holds).then_some((expected, actual)))
    }

    /// The znode at `path`, if there is one, which the asker must be allowed to read.
    fn readable(&self, path: &ZnodePath) -> Result<Option<&Znode>, Refusal> {
        let Some(znode) = self.state.znode(path) else {
            return Ok(None);
        };
        acl::require(path, &znode.acl, self.identities, Perms::READ)?;
        Ok(Some(znode))
    }
}

fn found_version(found: Option<&Znode>) -> String {
    found.map_or_else(
        || "no such znode".to_owned(),
        |znode| format!("version {}", znode.version),
    )
}
