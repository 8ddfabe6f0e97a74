//! I-15, and I-1 and I-11 where they concern services. Look-ups and deadlines are compared with a rebuild
//! by the parent module.

use crate::ids::InstanceId;
use crate::invariants::at_most;
use crate::limits;
use crate::service::{Instance, InstanceKey};
use crate::state::State;

pub(super) fn check(state: &State) -> Result<(), String> {
    for (key, instance) in state.instances.iter() {
        check_instance(state, instance)
            .map_err(|why| format!("{why}, at instance {} of {}", key.1, key.0))?;
    }
    for ((service, id), reservation) in state.reservations.iter() {
        let key: InstanceKey = (service.clone(), reservation.instance.clone());
        if !state.instances.contains_key(&key) {
            let instance = &reservation.instance;
            return Err(format!(
                "I-15: reservation {id} is of {instance} of {service}, which is not there"
            ));
        }
    }
    for (service, cursor) in state.cursors.iter() {
        let names = || cursor.0.names().map(InstanceId::parse);
        let known = |id: InstanceId| state.instances.contains_key(&(service.clone(), id));
        if cursor.0.is_empty() || !names().all(|name| name.is_ok_and(known)) {
            return Err(format!("I-15: the cursor of {service} counts for others"));
        }
    }
    check_limits(state)
}

fn check_instance(state: &State, instance: &Instance) -> Result<(), String> {
    if let Some(session) = instance.session()
        && !state.sessions.contains_key(&session)
    {
        return Err(format!("I-15: its session {session} is not live"));
    }
    let verdict = instance.verdict.as_ref().map(|verdict| verdict.since.zxid);
    let positions = [
        instance.registered.zxid,
        instance.changed.zxid,
        instance.incarnation,
        verdict.unwrap_or_default(),
    ];
    if positions.iter().any(|zxid| *zxid > state.clock.zxid) {
        return Err(format!("I-1: {positions:?} are not all in the past"));
    }
    if instance.verdict.is_some() && instance.registration.check.is_none() {
        return Err("I-15: a verdict without a check".to_owned());
    }
    Ok(())
}

fn check_limits(state: &State) -> Result<(), String> {
    let index = &state.index;
    let most = |counts: &mut dyn Iterator<Item = usize>| counts.max().unwrap_or(0);
    let of_service = most(&mut index.services.values().map(|counts| counts.instances));
    let reserved = most(&mut index.services.values().map(|counts| counts.reservations));
    let of_session = most(&mut index.instances_by_session.values().map(imbl::OrdSet::len));
    let limits = [
        ("services", index.services.len(), limits::SERVICES_MAX),
        ("instances", state.instances.len(), limits::INSTANCES_MAX),
        (
            "instances of a service",
            of_service,
            limits::INSTANCES_PER_SERVICE_MAX,
        ),
        (
            "instances of a session",
            of_session,
            limits::INSTANCES_PER_SESSION_MAX,
        ),
        (
            "reservations",
            state.reservations.len(),
            limits::RESERVATIONS_MAX,
        ),
        (
            "reservations of a service",
            reserved,
            limits::RESERVATIONS_PER_SERVICE_MAX,
        ),
    ];
    for (what, count, limit) in limits {
        at_most(what, count as u64, limit as u64)?;
    }
    Ok(())
}
