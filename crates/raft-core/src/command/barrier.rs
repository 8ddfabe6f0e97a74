//! What is asked of barriers.

use serde::{Deserialize, Serialize};

use crate::ids::{BarrierName, MemberId};

/// Makes the acting session a party of a barrier, or says how the barrier stands. The command that
/// brings the last party in opens it.
///
/// A repeat by the party's session changes nothing. While parties of an open barrier have not all left,
/// nobody else comes in. Nothing is remembered of a party that left: a late duplicate behind that of all
/// comes in again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnterBarrier {
    /// The barrier.
    pub barrier: BarrierName,
    /// The party, chosen by the client.
    pub party: MemberId,
    /// How many are to meet; all must say the same.
    pub parties: u32,
}
