//! Reads of fence registers.

use std::ops::Bound;

use crate::fence_register::FenceRegister;
use crate::ids::ResourceName;
use crate::outcome::Refusal;
use crate::state::State;

impl State {
    /// The register of a resource.
    ///
    /// # Errors
    /// [`Refusal::NoFenceRegister`].
    pub fn fence_register(&self, resource: &ResourceName) -> Result<&FenceRegister, Refusal> {
        let found = self.fence_registers.get(resource);
        found.ok_or_else(|| Refusal::NoFenceRegister {
            resource: resource.clone(),
        })
    }

    /// Registers of resources whose name begins with `prefix` (any text), in order of name: at most
    /// `limit`, those after `after`.
    #[must_use]
    pub fn fence_registers(
        &self,
        prefix: &str,
        after: Option<&ResourceName>,
        limit: usize,
    ) -> Vec<(ResourceName, &FenceRegister)> {
        let start = match after {
            Some(after) if after.as_str() >= prefix => Bound::Excluded(after.clone()),
            Some(_) | None => Bound::Included(ResourceName::range_bound(prefix)),
        };
        self.fence_registers
            .range((start, Bound::Unbounded))
            .take_while(|(name, _)| name.as_str().starts_with(prefix))
            .take(limit)
            .map(|(name, register)| (name.clone(), register))
            .collect()
    }
}
