//! What is reported of instances: by themselves, by their callers, by the node that checks.

use crate::apply::Step;
use crate::apply::service::as_it_is;
use crate::event::InstanceChange;
use crate::ids::Zxid;
use crate::limits;
use crate::outcome::{Refusal, ServiceReply};
use crate::service::{Failures, InstanceKey, LoadReport, Verdict};

impl Step<'_> {
    /// An instance says how busy it is. Kept is what it says less what is reserved, which is known at any
    /// time and does not grow old.
    pub(super) fn report_load(
        &mut self,
        key: &InstanceKey,
        in_flight: u32,
        capacity: u32,
    ) -> Result<ServiceReply, Refusal> {
        self.known_instance(key)?;
        let report = LoadReport {
            in_flight,
            capacity,
            others: in_flight.saturating_sub(self.state.index.reserved(key)),
            at: self.now.log_time,
        };
        Ok(self.change_instance(key, |instance| instance.load = Some(report)))
    }

    /// A caller says how a call went. Too many failures in a row set the instance aside for a time;
    /// further ones do not make that longer, or a service under load would never come back.
    pub(super) fn report_call(
        &mut self,
        key: &InstanceKey,
        ok: bool,
    ) -> Result<ServiceReply, Refusal> {
        let known = self.known_instance(key)?;
        let (former, session) = (known.failures, known.session());
        let was_aside = former.set_aside_until.is_some();
        let failures = if ok {
            Failures::default()
        } else if was_aside {
            former
        } else {
            let in_a_row = former.in_a_row.saturating_add(1);
            let until = self.now.log_time.after(limits::SET_ASIDE_MS);
            Failures {
                in_a_row,
                set_aside_until: (in_a_row >= limits::FAILURES_TO_SET_ASIDE).then_some(until),
            }
        };
        if failures == former {
            return Ok(as_it_is(known));
        }
        let reply = self.change_instance(key, |instance| instance.failures = failures);
        match (was_aside, failures.set_aside_until.is_some()) {
            (false, true) => self.note(key, session, InstanceChange::SetAside),
            (true, false) => self.note(key, session, InstanceChange::Back),
            (false, false) | (true, true) => {}
        }
        Ok(reply)
    }

    /// An instance was set aside for long enough.
    ///
    /// # Panics
    /// When it is not registered, or not set aside.
    pub(in crate::apply) fn bring_back(&mut self, key: &InstanceKey) {
        let known = self.state.instances.get(key);
        let session = known.and_then(crate::service::Instance::session);
        self.change_instance(key, |instance| instance.failures = Failures::default());
        self.note(key, session, InstanceChange::Back);
    }

    /// The node that checks says what the checks of an instance say. A verdict on what was registered
    /// before does not count.
    pub(super) fn report_check(
        &mut self,
        key: &InstanceKey,
        incarnation: Zxid,
        (passing, text): (bool, &str),
    ) -> Result<ServiceReply, Refusal> {
        let known = self.known_instance(key)?;
        if known.incarnation != incarnation || known.registration.check.is_none() {
            return Err(Refusal::NoInstance {
                service: key.0.clone(),
                instance: key.1.clone(),
            });
        }
        let former = known.verdict.as_ref().map(|verdict| verdict.passing);
        if former == Some(passing) {
            return Ok(as_it_is(known));
        }
        let session = known.session();
        let end = text.floor_char_boundary(limits::CHECK_TEXT_BYTES_MAX);
        let verdict = Verdict {
            passing,
            since: self.now,
            text: text.get(..end).unwrap_or_default().to_owned(),
        };
        let reply = self.change_instance(key, |instance| instance.verdict = Some(verdict));
        let change = if passing {
            InstanceChange::Passing
        } else {
            InstanceChange::Failing
        };
        self.note(key, session, change);
        Ok(reply)
    }
}
