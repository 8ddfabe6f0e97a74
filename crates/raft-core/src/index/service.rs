//! Look-ups derived from instances and reservations, as those of `lock`.

use crate::ids::{ReservationId, ServiceName};
use crate::service::{Instance, InstanceKey, Reservation};
use crate::state::{Due, Index, State};

/// Adds what the tables of instances and reservations imply.
pub(super) fn rebuild(state: &State, index: &mut Index) {
    for (key, instance) in state.instances.iter() {
        index.note_instance(key, instance);
    }
    for ((service, id), reservation) in state.reservations.iter() {
        index.note_reservation(service, *id, reservation);
    }
}

impl Index {
    /// An instance is registered.
    pub(crate) fn note_instance(&mut self, key: &InstanceKey, instance: &Instance) {
        let counts = self.services.entry(key.0.clone()).or_default();
        counts.instances = counts.instances.saturating_add(1);
        if let Some(session) = instance.session() {
            let kept = self.instances_by_session.entry(session).or_default();
            kept.insert(key.clone());
        }
        self.note_instance_as_it_is(key, instance);
    }

    /// An instance is registered no more. Its reservations have ended before.
    pub(crate) fn forget_instance(&mut self, key: &InstanceKey, instance: &Instance) {
        let left = self.services.get_mut(&key.0).map(|counts| {
            counts.instances = counts.instances.saturating_sub(1);
            counts.instances
        });
        if left == Some(0) {
            self.services.remove(&key.0);
        }
        if let Some(session) = instance.session()
            && let Some(kept) = self.instances_by_session.get_mut(&session)
        {
            kept.remove(key);
            if kept.is_empty() {
                self.instances_by_session.remove(&session);
            }
        }
        self.forget_instance_as_it_is(key, instance);
    }

    /// What may change while an instance is registered is so.
    pub(crate) fn note_instance_as_it_is(&mut self, key: &InstanceKey, instance: &Instance) {
        if instance.registration.check.is_some() {
            self.checked.insert(key.clone());
        }
        self.due.extend(instance.deadlines(key));
    }

    /// What may change while an instance is registered is so no more.
    pub(crate) fn forget_instance_as_it_is(&mut self, key: &InstanceKey, instance: &Instance) {
        if instance.registration.check.is_some() {
            self.checked.remove(key);
        }
        for entry in instance.deadlines(key) {
            self.due.remove(&entry);
        }
    }

    /// A reservation is open.
    pub(crate) fn note_reservation(
        &mut self,
        service: &ServiceName,
        id: ReservationId,
        reservation: &Reservation,
    ) {
        let counts = self.services.entry(service.clone()).or_default();
        counts.reservations = counts.reservations.saturating_add(1);
        let key = (service.clone(), reservation.instance.clone());
        self.reservations_of.entry(key).or_default().insert(id);
        let due = Due::Reservation(service.clone(), id);
        self.due.insert((reservation.expires, due));
    }

    /// A reservation is open no more.
    pub(crate) fn forget_reservation(
        &mut self,
        service: &ServiceName,
        id: ReservationId,
        reservation: &Reservation,
    ) {
        if let Some(counts) = self.services.get_mut(service) {
            counts.reservations = counts.reservations.saturating_sub(1);
        }
        let key = (service.clone(), reservation.instance.clone());
        if let Some(open) = self.reservations_of.get_mut(&key) {
            open.remove(&id);
            if open.is_empty() {
                self.reservations_of.remove(&key);
            }
        }
        let due = Due::Reservation(service.clone(), id);
        self.due.remove(&(reservation.expires, due));
    }

    /// Open reservations of an instance.
    pub(crate) fn reserved(&self, key: &InstanceKey) -> u32 {
        let open = self.reservations_of.get(key).map_or(0, imbl::OrdSet::len);
        u32::try_from(open).unwrap_or(u32::MAX)
    }
}
