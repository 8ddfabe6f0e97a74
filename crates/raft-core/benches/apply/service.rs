//! A service that is picked from.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use balance::round_robin::Cursor;
use raft_core::command::{
    Command, Filter, Pick, RegisterInstance, Request, Selection, ServiceCommand, ServiceOp,
    Strategy,
};
use raft_core::ids::{InstanceId, ServiceName};
use raft_core::outcome::{Reply, ServiceReply};
use raft_core::service::Registration;
use raft_core::state::State;

use crate::apply;
use crate::requests::request;

/// Instances with reports of their load.
pub(crate) struct Fleet {
    state: State,
    picks: u64,
}

impl Fleet {
    /// So many.
    pub(crate) fn new(instances: u32) -> Fleet {
        let mut state = State::new();
        for number in 0..instances {
            let instance = InstanceId::parse(&format!("web-{number}")).expect("a valid name");
            apply(&mut state, &of(register(instance.clone())));
            let load = ServiceOp::ReportLoad {
                instance,
                in_flight: number % 16,
                capacity: 64,
            };
            apply(&mut state, &of(load));
        }
        Fleet { state, picks: 0 }
    }

    /// Time of a pick in one command that reserves; the reservation is released without being timed.
    pub(crate) fn pick(&mut self, strategy: &Strategy) -> Duration {
        self.picks += 1;
        let request = of(ServiceOp::Pick(Pick {
            selection: selection(strategy),
            draw: self.picks,
            reserve_ms: Some(10_000),
            explain: false,
        }));
        let started = Instant::now();
        let outcome = black_box(apply(&mut self.state, &request));
        let time = started.elapsed();
        let Ok(Reply::Service(ServiceReply::Picked(picked))) = outcome.result else {
            unreachable!("asserted in apply");
        };
        let reservations = picked.chosen.iter().filter_map(|one| one.reservation);
        for reservation in reservations {
            apply(&mut self.state, &of(ServiceOp::Release { reservation }));
        }
        time
    }

    /// A pick that changes nothing but the cursor.
    pub(crate) fn look(&mut self, strategy: &Strategy, cursor: &mut Cursor) -> usize {
        self.picks += 1;
        let selection = selection(strategy);
        let service = name();
        let field = self.state.field(&service, &selection.filter);
        let chosen = field.choose(&selection, self.picks, cursor);
        chosen.expect("somebody is there").len()
    }
}

fn register(instance: InstanceId) -> ServiceOp {
    ServiceOp::Register(Box::new(RegisterInstance {
        instance,
        registration: Registration {
            address: "10.0.0.7".to_owned(),
            port: 8080,
            weight: 1,
            zone: None,
            tags: Vec::new(),
            meta: BTreeMap::new(),
            check: None,
        },
        ttl_ms: Some(30_000),
        state: None,
    }))
}

fn selection(strategy: &Strategy) -> Selection {
    Selection {
        strategy: strategy.clone(),
        filter: Filter::default(),
        count: 1,
    }
}

fn name() -> ServiceName {
    ServiceName::parse("shop/api").expect("a valid name")
}

fn of(op: ServiceOp) -> Request {
    let service = name();
    request(Command::Service(ServiceCommand { service, op }))
}
