//! Picks that are commands: each sees what those before it reserved, and whose turn it is.

use balance::round_robin::Cursor;

use crate::apply::Step;
use crate::command::{Pick, Strategy};
use crate::ids::{InstanceId, LogTime, ReservationId, ServiceName};
use crate::limits;
use crate::outcome::{Picked, PickedInstance, Refusal, ServiceReply};
use crate::query::pick::at_most;
use crate::query::service::InstanceView;
use crate::service::{GlobalCursor, Reservation};

impl Step<'_> {
    /// Picks, and notes what was picked.
    pub(super) fn pick(
        &mut self,
        service: &ServiceName,
        pick: &Pick,
    ) -> Result<ServiceReply, Refusal> {
        check(pick)?;
        self.check_room_for_reservations(service, pick)?;
        let service = self.state.stored_name(service);
        let expires = pick.reserve_ms.map(|ms| self.now.log_time.after(ms));
        let is_in_turn = pick.selection.strategy == Strategy::RoundRobin;
        // Taken out and put back: to copy it costs as much as to pick.
        let cursor = is_in_turn.then(|| self.state.cursors.remove(&service));
        let known = cursor.flatten();
        let is_known = known.is_some();
        let mut cursor = known.map_or(Cursor::default(), |known| known.0);
        let picked = self.choose(&service, (pick, expires), &mut cursor);
        if is_in_turn && (is_known || picked.is_ok()) {
            let cursors = &mut self.state.cursors;
            cursors.insert(service.clone(), GlobalCursor(cursor));
        }
        let picked = picked?;
        for one in &picked.chosen {
            if let (Some(id), Some(expires)) = (one.reservation, expires) {
                self.reserve(&service, id, (one.instance.clone(), expires));
            }
        }
        Ok(ServiceReply::Picked(Box::new(picked)))
    }

    /// Changes nothing but `cursor`, and that only when somebody is chosen.
    fn choose(
        &self,
        service: &ServiceName,
        (pick, expires): (&Pick, Option<LogTime>),
        cursor: &mut Cursor,
    ) -> Result<Picked, Refusal> {
        let field = self.state.field(service, &pick.selection.filter);
        let chosen = field.choose(&pick.selection, pick.draw, cursor)?;
        let considered = if pick.explain {
            field.explain(&pick.selection.strategy, &chosen)
        } else {
            Vec::new()
        };
        let picked = |(view, ordinal): (InstanceView<'_>, u32)| PickedInstance {
            instance: view.id.clone(),
            registration: view.instance.registration.clone(),
            reservation: expires.map(|_| ReservationId {
                zxid: self.now.zxid,
                ordinal,
            }),
        };
        Ok(Picked {
            chosen: field.instances_at(&chosen).zip(0..).map(picked).collect(),
            expires,
            considered,
        })
    }

    fn reserve(
        &mut self,
        service: &ServiceName,
        id: ReservationId,
        (instance, expires): (InstanceId, LogTime),
    ) {
        let reservation = Reservation {
            instance,
            made: self.now,
            expires,
        };
        let index = &mut self.state.index;
        index.note_reservation(service, id, &reservation);
        let key = (service.clone(), id);
        self.state.reservations.insert(key, reservation);
    }

    /// Whether all that may be picked could be reserved.
    fn check_room_for_reservations(
        &self,
        service: &ServiceName,
        pick: &Pick,
    ) -> Result<(), Refusal> {
        if pick.reserve_ms.is_none() {
            return Ok(());
        }
        let more = pick.selection.count as usize;
        let all = self.state.reservations.len() + more;
        at_most("reservations", all, limits::RESERVATIONS_MAX)?;
        let counts = self.state.index.services.get(service);
        let here = counts.map_or(0, |counts| counts.reservations) + more;
        let limit = limits::RESERVATIONS_PER_SERVICE_MAX;
        at_most("reservations of one service", here, limit)
    }
}

fn check(pick: &Pick) -> Result<(), Refusal> {
    pick.selection.check()?;
    let bad = |why: &str| Err(Refusal::BadArguments(why.to_owned()));
    if matches!(pick.selection.strategy, Strategy::Maglev { .. }) {
        return bad(
            "a pick by maglev reserves nothing: its table is built by who asks; by hash it can",
        );
    }
    match pick.reserve_ms {
        Some(0) => bad("a reservation lasts longer than 0"),
        Some(ms) if ms > limits::RESERVATION_MS_MAX => Err(Refusal::limit(
            "milliseconds of a reservation",
            limits::RESERVATION_MS_MAX,
        )),
        Some(_) | None => Ok(()),
    }
}
