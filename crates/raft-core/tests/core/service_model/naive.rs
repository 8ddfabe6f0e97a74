//! Services as lists.

use raft_core::limits::{FAILURES_TO_SET_ASIDE, SET_ASIDE_MS};

use super::{Registered, Reserved};
use raft_core::ids::ReservationId;

/// A service and an instance.
pub(super) type Who = (&'static str, &'static str);

/// What is told: a word, or the name of the refusal.
type Told = Result<String, String>;

/// Name, session, whether set aside, verdict, reservations.
pub(super) type Listed = (String, Option<u64>, bool, Option<bool>, u32);

const TTL_MS: u64 = 3_000;

pub(super) struct Instance {
    who: Who,
    session: Option<u64>,
    expires: u64,
    incarnation: u64,
    how: Registered,
    pub(super) draining: bool,
    passing: Option<bool>,
    pub(super) load: Option<u32>,
    failed: u32,
    aside_until: Option<u64>,
    /// Id and time at which it ends.
    reserved: Vec<(ReservationId, u64)>,
}

#[derive(Default)]
pub(super) struct Naive {
    now: u64,
    instances: Vec<Instance>,
}

impl Naive {
    pub(super) fn session_ends(&mut self, session: u64) {
        self.instances.retain(|it| it.session != Some(session));
    }

    pub(super) fn register(
        &mut self,
        session: Option<u64>,
        who: Who,
        how: Registered,
        zxid: u64,
    ) -> Told {
        let expires = self.now + TTL_MS;
        let Some(it) = self.instances.iter_mut().find(|it| it.who == who) else {
            self.instances.push(Instance {
                who,
                session,
                expires,
                incarnation: zxid,
                how,
                draining: false,
                passing: None,
                load: None,
                failed: 0,
                aside_until: None,
                reserved: Vec::new(),
            });
            return Ok("instance true".to_owned());
        };
        if it.session != session {
            return Err("InstanceTaken".to_owned());
        }
        if it.how.checked != how.checked {
            (it.incarnation, it.passing) = (zxid, None);
        }
        (it.how, it.expires) = (how, expires);
        Ok("instance false".to_owned())
    }

    pub(super) fn deregister(&mut self, session: Option<u64>, who: Who) -> Told {
        let Some(it) = self.instances.iter().find(|it| it.who == who) else {
            return Ok("left false".to_owned());
        };
        if session.is_some() && it.session != session {
            return Err("InstanceTaken".to_owned());
        }
        self.instances.retain(|it| it.who != who);
        Ok("left true".to_owned())
    }

    pub(super) fn renew(&mut self, who: Who) -> Told {
        let expires = self.now + TTL_MS;
        match self.instances.iter_mut().find(|it| it.who == who) {
            None => Err("NoInstance".to_owned()),
            Some(it) if it.session.is_some() => Err("BadArguments".to_owned()),
            Some(it) => {
                it.expires = expires;
                Ok("instance false".to_owned())
            }
        }
    }

    pub(super) fn change(&mut self, who: Who, change: impl FnOnce(&mut Instance)) -> Told {
        let Some(it) = self.instances.iter_mut().find(|it| it.who == who) else {
            return Err("NoInstance".to_owned());
        };
        change(it);
        Ok("instance false".to_owned())
    }

    pub(super) fn called(&mut self, who: Who, ok: bool) -> Told {
        let until = self.now + SET_ASIDE_MS;
        self.change(who, |it| {
            if ok {
                (it.failed, it.aside_until) = (0, None);
            } else if it.aside_until.is_none() {
                it.failed += 1;
                it.aside_until = (it.failed >= FAILURES_TO_SET_ASIDE).then_some(until);
            }
        })
    }

    /// 1 where there is nobody.
    pub(super) fn incarnation(&self, who: Who) -> u64 {
        let it = self.instances.iter().find(|it| it.who == who);
        it.map_or(1, |it| it.incarnation)
    }

    pub(super) fn checked(&mut self, who: Who, passing: bool, late: bool) -> Told {
        let found = self.instances.iter().find(|it| it.who == who);
        if late || !found.is_some_and(|it| it.how.checked) {
            return Err("NoInstance".to_owned());
        }
        self.change(who, |it| it.passing = Some(passing))
    }

    /// Who may be picked, in order of name.
    pub(super) fn eligible(
        &self,
        service: &str,
        tagged: bool,
        exclude: Option<&str>,
    ) -> Vec<&'static str> {
        let mut eligible: Vec<&'static str> = self
            .instances
            .iter()
            .filter(|it| it.who.0 == service && (it.how.tagged || !tagged))
            .filter(|it| exclude != Some(it.who.1) && !it.draining && it.how.weight > 0)
            .filter(|it| it.passing != Some(false) && it.aside_until.is_none())
            .map(|it| it.who.1)
            .collect();
        eligible.sort_unstable();
        eligible
    }

    /// Where nobody has reported a load, the one that was chosen has the fewest reservations for its
    /// weight.
    pub(super) fn check_least(&self, service: &str, eligible: &[&str], chosen: &str) {
        let all = || {
            let of_service = self.instances.iter().filter(|it| it.who.0 == service);
            of_service.filter(|it| eligible.contains(&it.who.1))
        };
        if all().any(|it| it.load.is_some()) {
            return;
        }
        // A common multiple of all weights, so that nothing is rounded.
        let busy = |it: &Instance| (it.reserved.len() + 1) * 6 / it.how.weight as usize;
        let least = all().map(busy).min();
        let of_chosen = all().find(|it| it.who.1 == chosen).map(busy);
        assert_eq!(of_chosen, least, "{chosen} of {service}");
    }

    pub(super) fn reserve(&mut self, service: &str, id: &str, (reservation, ms): Reserved) {
        let ends = self.now + ms;
        let found = self
            .instances
            .iter_mut()
            .find(|it| it.who.0 == service && it.who.1 == id);
        found.unwrap().reserved.push((reservation, ends));
    }

    pub(super) fn reservation_at(&self, place: usize) -> Option<(&'static str, ReservationId)> {
        let all = self.instances.iter().flat_map(|it| {
            let service = it.who.0;
            it.reserved.iter().map(move |(id, _)| (service, *id))
        });
        all.into_iter().nth(place)
    }

    pub(super) fn release(&mut self, id: ReservationId) {
        for it in &mut self.instances {
            it.reserved.retain(|(other, _)| *other != id);
        }
    }

    pub(super) fn time(&mut self, ms: u64) {
        self.now += ms;
        let now = self.now;
        self.instances
            .retain(|it| it.session.is_some() || it.expires > now);
        for it in &mut self.instances {
            it.reserved.retain(|(_, ends)| *ends > now);
            if it.aside_until.is_some_and(|until| until <= now) {
                (it.failed, it.aside_until) = (0, None);
            }
        }
    }

    pub(super) fn listed(&self, service: &str) -> Vec<Listed> {
        let mut listed: Vec<_> = self
            .instances
            .iter()
            .filter(|it| it.who.0 == service)
            .map(|it| {
                let reserved = u32::try_from(it.reserved.len()).unwrap();
                let aside = it.aside_until.is_some();
                (it.who.1.to_owned(), it.session, aside, it.passing, reserved)
            })
            .collect();
        listed.sort();
        listed
    }
}
