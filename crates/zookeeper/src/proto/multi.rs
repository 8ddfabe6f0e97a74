//! `multi` and `multiRead`: lists of operations, and of what came of each.
//!
//! Every member is preceded by a `MultiHeader`; one that says it is done ends the list.

mod ops;
mod results;

pub use ops::{MultiOp, MultiReadOp};
pub(super) use ops::{decode_ops, encode_ops};
pub use results::{MultiFailure, OpResult};
pub(super) use results::{decode_results, encode_results};

use super::jute::record;

/// Type of a header before an error, and of the one that ends the list.
const NO_OP: i32 = -1;
/// `err` of a header in a request, and of the one that ends the list.
const NO_ERR: i32 = -1;

record! {
    /// `MultiHeader`: 9 bytes.
    struct MultiHeader {
        /// Code of the operation that follows (jute's `type`).
        op: i32,
        /// Whether the list ends here. Nothing follows then, whatever the other fields say.
        done: bool,
        /// In results how it went, elsewhere −1.
        err: i32,
    }
}

impl MultiHeader {
    /// Ends a list.
    const END: MultiHeader = MultiHeader {
        op: NO_OP,
        done: true,
        err: NO_ERR,
    };
}
