//! Reads of services.

use std::ops::Bound;

use crate::ids::{InstanceId, ReservationId, ServiceName, SessionId};
use crate::outcome::Refusal;
use crate::service::{Instance, InstanceKey, Reservation};
use crate::state::State;

/// A service and how much it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceView {
    /// Its name.
    pub service: ServiceName,
    /// Instances.
    pub instances: usize,
    /// Open reservations.
    pub reservations: usize,
}

/// An instance of a service.
#[derive(Clone, Copy, Debug)]
pub struct InstanceView<'a> {
    /// The service.
    pub service: &'a ServiceName,
    /// Its id.
    pub id: &'a InstanceId,
    /// As it is.
    pub instance: &'a Instance,
    /// Open reservations of it.
    pub reserved: u32,
}

impl State {
    /// Services whose name begins with `prefix` (any text), in order of name: at most `limit`, those after
    /// `after`.
    #[must_use]
    pub fn services(
        &self,
        prefix: &str,
        after: Option<&ServiceName>,
        limit: usize,
    ) -> Vec<ServiceView> {
        let start = match after {
            Some(after) if after.as_str() >= prefix => Bound::Excluded(after.clone()),
            Some(_) | None => Bound::Included(ServiceName::range_bound(prefix)),
        };
        self.index
            .services
            .range((start, Bound::Unbounded))
            .take_while(|(name, _)| name.as_str().starts_with(prefix))
            .take(limit)
            .map(|(name, counts)| ServiceView {
                service: name.clone(),
                instances: counts.instances,
                reservations: counts.reservations,
            })
            .collect()
    }

    /// Instances of a service in order of id; none where there is no such service.
    pub fn instances<'a>(
        &'a self,
        service: &'a ServiceName,
    ) -> impl Iterator<Item = InstanceView<'a>> {
        let start = (service.clone(), InstanceId::before_all());
        self.instances
            .range((Bound::Included(start), Bound::Unbounded))
            .take_while(move |(key, _)| key.0 == *service)
            .map(|(key, instance)| self.instance_view(key, instance))
    }

    /// One instance.
    ///
    /// # Errors
    /// [`Refusal::NoInstance`].
    pub fn instance(
        &self,
        service: &ServiceName,
        instance: &InstanceId,
    ) -> Result<InstanceView<'_>, Refusal> {
        let key = (service.clone(), instance.clone());
        let found = self.instances.get_key_value(&key);
        found
            .map(|(key, instance)| self.instance_view(key, instance))
            .ok_or(Refusal::NoInstance {
                service: key.0,
                instance: key.1,
            })
    }

    /// Instances that a session keeps, in order of service and id.
    pub fn instances_of(&self, session: SessionId) -> impl Iterator<Item = InstanceView<'_>> {
        let keys = self.index.instances_by_session.get(&session);
        self.views(keys.into_iter().flatten())
    }

    /// Every instance that the cluster is to check, in order of service and id, with what its checks said
    /// last: what the node that checks works from.
    pub fn checked_instances(&self) -> impl Iterator<Item = InstanceView<'_>> {
        self.views(self.index.checked.iter())
    }

    /// An open reservation.
    #[must_use]
    pub fn reservation(&self, service: &ServiceName, id: ReservationId) -> Option<&Reservation> {
        self.reservations.get(&(service.clone(), id))
    }

    fn views<'a>(
        &'a self,
        keys: impl Iterator<Item = &'a InstanceKey>,
    ) -> impl Iterator<Item = InstanceView<'a>> {
        keys.filter_map(|key| Some(self.instance_view(key, self.instances.get(key)?)))
    }

    fn instance_view<'a>(
        &'a self,
        key: &'a InstanceKey,
        instance: &'a Instance,
    ) -> InstanceView<'a> {
        InstanceView {
            service: &key.0,
            id: &key.1,
            instance,
            reserved: self.index.reserved(key),
        }
    }
}
