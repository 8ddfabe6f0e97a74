//! How much may be in flight. A request over a limit is refused before it costs anything: it did
//! not happen.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::NotApplied;
use crate::settings::NodeSettings;

/// What [`NotApplied::Overloaded`] calls the proposals in flight.
pub const PROPOSALS: &str = "proposals";

/// Bytes one permit of the byte limit stands for.
const BYTES_PER_PERMIT: usize = 256;

/// Counts proposals and their bytes.
#[derive(Debug)]
pub(crate) struct Admission {
    proposals: Arc<Semaphore>,
    proposals_max: usize,
    bytes: Arc<Semaphore>,
    bytes_max: usize,
}

/// The right to have one proposal in flight; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Permit {
    _proposal: OwnedSemaphorePermit,
    bytes: Option<OwnedSemaphorePermit>,
}

impl Admission {
    pub(crate) fn new(settings: &NodeSettings) -> Admission {
        Admission {
            proposals: Arc::new(Semaphore::new(settings.proposals_in_flight_max)),
            proposals_max: settings.proposals_in_flight_max,
            bytes: Arc::new(Semaphore::new(
                settings.proposal_bytes_in_flight_max / BYTES_PER_PERMIT,
            )),
            bytes_max: settings.proposal_bytes_in_flight_max,
        }
    }

    /// Admits one proposal.
    pub(crate) fn admit(&self) -> Result<Permit, NotApplied> {
        let proposal = Arc::clone(&self.proposals)
            .try_acquire_owned()
            .map_err(|_| NotApplied::Overloaded {
                what: PROPOSALS,
                limit: self.proposals_max,
            })?;
        Ok(Permit {
            _proposal: proposal,
            bytes: None,
        })
    }

    /// Adds its bytes, once they are known.
    pub(crate) fn admit_bytes(&self, permit: &mut Permit, bytes: usize) -> Result<(), NotApplied> {
        let permits = u32::try_from(bytes.div_ceil(BYTES_PER_PERMIT)).unwrap_or(u32::MAX);
        let taken = Arc::clone(&self.bytes)
            .try_acquire_many_owned(permits)
            .map_err(|_| NotApplied::Overloaded {
                what: "bytes of proposals",
                limit: self.bytes_max,
            })?;
        permit.bytes = Some(taken);
        Ok(())
    }

    /// Proposals in flight now.
    pub(crate) fn in_flight(&self) -> usize {
        self.proposals_max
            .saturating_sub(self.proposals.available_permits())
    }
}
