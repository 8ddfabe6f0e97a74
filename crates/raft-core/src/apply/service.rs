//! Services: instances come, change and go.

mod ending;
mod pick;
mod registration;
mod reports;

use std::sync::Arc;

use crate::apply::Step;
use crate::command::{RegisterInstance, ServiceCommand, ServiceOp};
use crate::event::{EventKind, InstanceChange};
use crate::ids::{InstanceId, ServiceName, SessionId};
use crate::limits;
use crate::outcome::{Refusal, ServiceReply};
use crate::query::pick::at_most;
use crate::service::{Failures, Instance, InstanceEnd, InstanceKey, InstanceState, Keeper};
use crate::state::State;

impl Step<'_> {
    /// One operation on a service.
    pub(super) fn service_op(&mut self, command: &ServiceCommand) -> Result<ServiceReply, Refusal> {
        let key = |instance: &InstanceId| (command.service.clone(), instance.clone());
        match &command.op {
            ServiceOp::Register(register) => self.register(key(&register.instance), register),
            ServiceOp::Deregister { instance } => self.deregister(&key(instance)),
            ServiceOp::Renew { instance } => self.renew(&key(instance)),
            ServiceOp::SetState { instance, state } => self.set_state(&key(instance), *state),
            ServiceOp::ReportLoad {
                instance,
                in_flight,
                capacity,
            } => self.report_load(&key(instance), *in_flight, *capacity),
            ServiceOp::ReportCall { instance, ok } => self.report_call(&key(instance), *ok),
            ServiceOp::ReportCheck {
                instance,
                incarnation,
                passing,
                text,
            } => self.report_check(&key(instance), *incarnation, (*passing, text)),
            ServiceOp::Pick(pick) => self.pick(&command.service, pick),
            ServiceOp::Release { reservation } => {
                let released = self.end_reservation(&(command.service.clone(), *reservation));
                Ok(ServiceReply::Released { released })
            }
        }
    }

    /// Registers an instance; of one that is there it brings what it says of itself up to date, and puts
    /// its deadline off.
    fn register(
        &mut self,
        key: InstanceKey,
        register: &RegisterInstance,
    ) -> Result<ServiceReply, Refusal> {
        registration::check(register)?;
        let keeper = self.keeper(register)?;
        let Some(known) = self.state.instances.get(&key) else {
            self.state.check_room_for_instance(&key, keeper)?;
            return Ok(self.insert_instance(key, keeper, register));
        };
        let is_same = match (known.keeper, keeper) {
            (Keeper::Session(one), Keeper::Session(other)) => one == other,
            (Keeper::Ttl { .. }, Keeper::Ttl { .. }) => true,
            (Keeper::Session(_), Keeper::Ttl { .. }) | (Keeper::Ttl { .. }, Keeper::Session(_)) => {
                false
            }
        };
        if !is_same {
            return Err(taken(&key));
        }
        let (former, now) = (known.clone(), self.now);
        let is_other = *former.registration != register.registration;
        let is_elsewhere = registration::target(&former.registration)
            != registration::target(&register.registration);
        self.change_instance(&key, |instance| {
            instance.keeper = keeper;
            if is_other {
                instance.registration = Arc::new(register.registration.clone());
                instance.changed = now;
            }
            if is_elsewhere {
                instance.incarnation = now.zxid;
                instance.verdict = None;
            }
        });
        if is_other {
            self.note(&key, former.session(), InstanceChange::Changed);
        }
        self.set_state(&key, register.state.unwrap_or(former.state))
    }

    /// What is to keep an instance.
    fn keeper(&self, register: &RegisterInstance) -> Result<Keeper, Refusal> {
        match (register.ttl_ms, self.session) {
            (None, Some(session)) => Ok(Keeper::Session(session)),
            (Some(ttl_ms), None) => Ok(Keeper::Ttl {
                ttl_ms,
                expires: self.now.log_time.after(ttl_ms),
            }),
            (None, None) => Err(Refusal::SessionRequired {
                what: "an instance without a ttl".to_owned(),
            }),
            (Some(_), Some(_)) => {
                let why = "an instance goes with its session or after its ttl, not both";
                Err(Refusal::BadArguments(why.to_owned()))
            }
        }
    }

    fn insert_instance(
        &mut self,
        (service, id): InstanceKey,
        keeper: Keeper,
        register: &RegisterInstance,
    ) -> ServiceReply {
        let service = self.state.stored_name(&service);
        let key = (service, id);
        let instance = Instance {
            registration: Arc::new(register.registration.clone()),
            keeper,
            registered: self.now,
            changed: self.now,
            incarnation: self.now.zxid,
            state: register.state.unwrap_or(InstanceState::Up),
            verdict: None,
            load: None,
            failures: Failures::default(),
        };
        self.state.index.note_instance(&key, &instance);
        self.state.instances.insert(key.clone(), instance.clone());
        self.note(&key, instance.session(), InstanceChange::Registered);
        ServiceReply::Instance {
            created: true,
            instance: Box::new(instance),
        }
    }

    /// Ends a registration. A session ends those it keeps; who acts without one may end any.
    fn deregister(&mut self, key: &InstanceKey) -> Result<ServiceReply, Refusal> {
        let Some(instance) = self.state.instances.get(key) else {
            return Ok(ServiceReply::Deregistered { left: false });
        };
        if self.session.is_some() && instance.session() != self.session {
            return Err(taken(key));
        }
        self.end_instance(key, InstanceEnd::Deregistered);
        Ok(ServiceReply::Deregistered { left: true })
    }

    /// Puts the deadline of an instance off.
    fn renew(&mut self, key: &InstanceKey) -> Result<ServiceReply, Refusal> {
        let Keeper::Ttl { ttl_ms, .. } = self.known_instance(key)?.keeper else {
            let why = format!("instance {} goes with its session: keep that alive", key.1);
            return Err(Refusal::BadArguments(why));
        };
        let expires = self.now.log_time.after(ttl_ms);
        Ok(self.change_instance(key, |instance| {
            instance.keeper = Keeper::Ttl { ttl_ms, expires };
        }))
    }

    fn set_state(
        &mut self,
        key: &InstanceKey,
        state: InstanceState,
    ) -> Result<ServiceReply, Refusal> {
        let known = self.known_instance(key)?;
        if known.state == state {
            return Ok(as_it_is(known));
        }
        let (session, now) = (known.session(), self.now);
        let reply = self.change_instance(key, |instance| {
            instance.state = state;
            instance.changed = now;
        });
        let change = match state {
            InstanceState::Up => InstanceChange::Up,
            InstanceState::Draining => InstanceChange::Draining,
        };
        self.note(key, session, change);
        Ok(reply)
    }

    fn known_instance(&self, key: &InstanceKey) -> Result<&Instance, Refusal> {
        let found = self.state.instances.get(key);
        found.ok_or_else(|| Refusal::NoInstance {
            service: key.0.clone(),
            instance: key.1.clone(),
        })
    }

    /// Changes an instance, which is there, and says how it is then.
    #[expect(clippy::expect_used, reason = "callers looked the instance up")]
    fn change_instance(
        &mut self,
        key: &InstanceKey,
        change: impl FnOnce(&mut Instance),
    ) -> ServiceReply {
        let State {
            instances, index, ..
        } = &mut *self.state;
        let changed = instances.update(key, |instance| {
            index.forget_instance_as_it_is(key, instance);
            change(instance);
            index.note_instance_as_it_is(key, instance);
            as_it_is(instance)
        });
        changed.expect("an instance that was just found is registered")
    }

    /// Adds to the events.
    fn note(&mut self, key: &InstanceKey, session: Option<SessionId>, change: InstanceChange) {
        self.events.push(EventKind::Instance {
            service: key.0.clone(),
            instance: key.1.clone(),
            session,
            change,
        });
    }
}

impl State {
    /// The same name as it is stored: everything of a service shares one text.
    fn stored_name(&self, service: &ServiceName) -> ServiceName {
        let known = self.index.services.get_key_value(service);
        known.map_or(service, |(name, _)| name).clone()
    }

    /// Whether one more instance may be registered.
    fn check_room_for_instance(&self, key: &InstanceKey, keeper: Keeper) -> Result<(), Refusal> {
        at_most("instances", self.instances.len() + 1, limits::INSTANCES_MAX)?;
        let services = &self.index.services;
        let Some(counts) = services.get(&key.0) else {
            at_most("services", services.len() + 1, limits::SERVICES_MAX)?;
            return self.check_room_of_keeper(keeper);
        };
        let limit = limits::INSTANCES_PER_SERVICE_MAX;
        at_most("instances of one service", counts.instances + 1, limit)?;
        self.check_room_of_keeper(keeper)
    }

    fn check_room_of_keeper(&self, keeper: Keeper) -> Result<(), Refusal> {
        match keeper {
            Keeper::Ttl { .. } => Ok(()),
            Keeper::Session(session) => {
                let kept = self.index.instances_by_session.get(&session);
                let count = kept.map_or(0, imbl::OrdSet::len) + 1;
                let limit = limits::INSTANCES_PER_SESSION_MAX;
                at_most("instances of one session", count, limit)
            }
        }
    }
}

fn as_it_is(instance: &Instance) -> ServiceReply {
    ServiceReply::Instance {
        created: false,
        instance: Box::new(instance.clone()),
    }
}

fn taken((service, instance): &InstanceKey) -> Refusal {
    Refusal::InstanceTaken {
        service: service.clone(),
        instance: instance.clone(),
    }
}
