//! Several operations, all or none (spec 2.9).

use crate::apply::Step;
use crate::command::ZnodeOp;
use crate::limits;
use crate::outcome::{Refusal, ZnodeReply};

impl Step<'_> {
    /// Does all of `ops` in order, each seeing what those before it did, or none.
    pub(super) fn multi(&mut self, ops: &[ZnodeOp]) -> Result<Vec<ZnodeReply>, Refusal> {
        check_count(ops.len())?;
        self.all_or_nothing(|step| in_order(ops, |op| step.znode_op(op)))
    }
}

/// Does each of `ops`; the first refusal names its place.
pub(super) fn in_order<Op, Done>(
    ops: &[Op],
    mut one: impl FnMut(&Op) -> Result<Done, Refusal>,
) -> Result<Vec<Done>, Refusal> {
    let numbered = (0_u32..).zip(ops);
    numbered
        .map(|(index, op)| {
            one(op).map_err(|cause| Refusal::MultiFailed {
                index,
                cause: Box::new(cause),
            })
        })
        .collect()
}

/// Bounds the operations of a multi or of one branch of a transaction.
pub(super) fn check_count(count: usize) -> Result<(), Refusal> {
    if count > limits::OPS_PER_MULTI_MAX {
        return Err(Refusal::limit(
            "operations per multi",
            limits::OPS_PER_MULTI_MAX as u64,
        ));
    }
    Ok(())
}
