//! How instances and reservations end, and what ends with them.

use crate::apply::Step;
use crate::event::InstanceChange;
use crate::ids::{ReservationId, ServiceName, SessionId};
use crate::service::{InstanceEnd, InstanceKey};
use crate::session::SessionEnd;

impl Step<'_> {
    /// Ends the registration of an instance, if there is one, with its reservations and its turn.
    pub(in crate::apply) fn end_instance(&mut self, key: &InstanceKey, end: InstanceEnd) {
        let reservations = self.state.index.reservations_of.get(key).cloned();
        for id in reservations.into_iter().flatten() {
            self.end_reservation(&(key.0.clone(), id));
        }
        let Some(instance) = self.state.instances.remove(key) else {
            return;
        };
        self.state.index.forget_instance(key, &instance);
        let turns = self.state.cursors.update(&key.0, |cursor| {
            cursor.0.retain(|id| id != key.1.as_str());
            cursor.0.len()
        });
        if turns == Some(0) {
            self.state.cursors.remove(&key.0);
        }
        self.note(key, instance.session(), InstanceChange::Left(end));
    }

    /// Ends all instances that a session keeps, in order of service and id.
    pub(in crate::apply) fn end_instances_of(&mut self, session: SessionId, end: SessionEnd) {
        let end = match end {
            SessionEnd::Closed => InstanceEnd::SessionClosed,
            SessionEnd::Expired => InstanceEnd::SessionExpired,
        };
        let kept = self.state.index.instances_by_session.get(&session).cloned();
        for key in kept.into_iter().flatten() {
            self.end_instance(&key, end);
        }
    }

    /// Ends a reservation. Whether there was one.
    pub(in crate::apply) fn end_reservation(&mut self, key: &(ServiceName, ReservationId)) -> bool {
        let Some(former) = self.state.reservations.remove(key) else {
            return false;
        };
        self.state.index.forget_reservation(&key.0, key.1, &former);
        true
    }
}
