//! Advancing and forgetting fence registers.

use crate::apply::Step;
use crate::fence_register::FenceRegister;
use crate::ids::{Fence, ResourceName};
use crate::limits;
use crate::outcome::{Refusal, Reply};

impl Step<'_> {
    /// Shows a fence for a resource. One that is at least the highest so far is accepted.
    ///
    /// # Errors
    /// [`Refusal::FenceRegisterStale`]; [`Refusal::LimitReached`] for a resource that is not known yet.
    pub(super) fn advance_fence(
        &mut self,
        resource: &ResourceName,
        fence: Fence,
    ) -> Result<Reply, Refusal> {
        let registers = &self.state.fence_registers;
        match registers.get(resource) {
            Some(register) if register.highest > fence => {
                return Err(Refusal::FenceRegisterStale {
                    resource: resource.clone(),
                    fence,
                    highest: register.highest,
                });
            }
            Some(register) if register.highest == fence => {
                return Ok(Reply::FenceAdvanced {
                    register: *register,
                    moved: false,
                });
            }
            None if registers.len() >= limits::FENCE_REGISTERS_MAX => {
                let limit = limits::FENCE_REGISTERS_MAX as u64;
                return Err(Refusal::limit("fence registers", limit));
            }
            Some(_) | None => {}
        }
        let register = FenceRegister {
            highest: fence,
            moved: self.now,
        };
        let registers = &mut self.state.fence_registers;
        registers.insert(resource.clone(), register);
        Ok(Reply::FenceAdvanced {
            register,
            moved: true,
        })
    }

    /// Forgets what was shown for a resource: from then on any fence is accepted, also one that was
    /// refused before.
    ///
    /// # Errors
    /// [`Refusal::NoFenceRegister`].
    pub(super) fn forget_fence(&mut self, resource: &ResourceName) -> Result<Reply, Refusal> {
        match self.state.fence_registers.remove(resource) {
            Some(register) => Ok(Reply::FenceForgotten(register)),
            None => Err(Refusal::NoFenceRegister {
                resource: resource.clone(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::apply::tree::tests::step;
    use crate::ids::{Fence, ResourceName};
    use crate::limits;
    use crate::outcome::Refusal;
    use crate::state::State;

    fn resource(n: usize) -> ResourceName {
        ResourceName::parse(&format!("r{n}")).unwrap()
    }

    #[test]
    fn registers_have_a_limit_and_those_that_are_there_go_on() {
        let mut state = State::new();
        let mut step = step(&mut state);
        for n in 0..limits::FENCE_REGISTERS_MAX {
            step.advance_fence(&resource(n), Fence(1)).unwrap();
        }
        let refused = step.advance_fence(&resource(limits::FENCE_REGISTERS_MAX), Fence(1));
        let Err(Refusal::LimitReached { what, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(what, "fence registers");
        step.advance_fence(&resource(0), Fence(2)).unwrap();
        step.forget_fence(&resource(1)).unwrap();
        let new = resource(limits::FENCE_REGISTERS_MAX);
        step.advance_fence(&new, Fence(1)).unwrap();
    }
}
