//! Calls about services.

use http_types::v1::services::{
    CallReport, Instance, InstanceLeft, InstanceState, LoadRequest, PickQuery, Picked,
    RegisterRequest, ReservationReleased, Ring, RingQuery, Service, ServiceList, ServicesQuery,
    StateRequest,
};
use http_types::{headers, paths};
use reqwest::Method;
use serde::Serialize;

use crate::client::Client;
use crate::error::Error;
use crate::transport::{Call, Repeat};

impl Client {
    /// One page of the services that have instances.
    ///
    /// # Errors
    /// As every read.
    pub async fn services(&self, query: &ServicesQuery) -> Result<ServiceList, Error> {
        let path = paths::with_query(
            "/v1/services",
            &[
                ("prefix", query.prefix.clone()),
                ("after", query.after.clone()),
                ("limit", query.limit.map(|limit| limit.to_string())),
            ],
        );
        self.read(Call::get(path)).await?.json()
    }

    /// All instances of a service. One nobody is registered for has none.
    ///
    /// # Errors
    /// As every read.
    pub async fn service(&self, name: &str) -> Result<Service, Error> {
        self.read(Call::get(paths::service(name))).await?.json()
    }

    /// One instance.
    ///
    /// # Errors
    /// [`ErrorCode::NoInstance`](crate::ErrorCode::NoInstance).
    pub async fn instance_info(&self, service: &str, id: &str) -> Result<Instance, Error> {
        let path = paths::service_instance(service, id);
        self.read(Call::get(path)).await?.json()
    }

    /// Registers an instance that goes unless it is renewed within the `ttl` of the request: by calling this
    /// again, or by [`renew_instance`](Client::renew_instance). Each renewal is a commit; what lives as long
    /// as a process is better registered under its session ([`Client::instance`]).
    ///
    /// # Errors
    /// [`ErrorCode::InstanceTaken`](crate::ErrorCode::InstanceTaken) while a session keeps the instance of
    /// this id; as every write.
    pub async fn register_for(
        &self,
        service: &str,
        id: &str,
        request: &RegisterRequest,
    ) -> Result<Instance, Error> {
        let call = register_call((service, id), request, None)?;
        self.write(call).await?.json()
    }

    /// Puts the deadline of an instance with a ttl off.
    ///
    /// # Errors
    /// [`ErrorCode::NoInstance`](crate::ErrorCode::NoInstance) when it has gone: register it again.
    pub async fn renew_instance(&self, service: &str, id: &str) -> Result<Instance, Error> {
        let path = format!("{}/heartbeat", paths::service_instance(service, id));
        let call = Call::new(Method::POST, path, Repeat::ById);
        self.write(call).await?.json()
    }

    /// Ends any registration, whoever keeps it: for operators. One's own ends by
    /// [`Registered::deregister`](crate::Registered::deregister).
    ///
    /// # Errors
    /// As every write.
    pub async fn deregister(&self, service: &str, id: &str) -> Result<InstanceLeft, Error> {
        let call = deregister_call((service, id), None);
        self.write(call).await?.json()
    }

    /// Says whether new work is sent to an instance.
    ///
    /// # Errors
    /// [`ErrorCode::NoInstance`](crate::ErrorCode::NoInstance), and as every write.
    pub async fn set_instance_state(
        &self,
        service: &str,
        id: &str,
        state: InstanceState,
    ) -> Result<Instance, Error> {
        let path = format!("{}/state", paths::service_instance(service, id));
        let call = Call::new(Method::PUT, path, Repeat::ById).json(&StateRequest { state })?;
        self.write(call).await?.json()
    }

    /// Says how busy an instance is.
    ///
    /// # Errors
    /// As [`set_instance_state`](Client::set_instance_state).
    pub async fn report_load(
        &self,
        service: &str,
        id: &str,
        inflight: u32,
        capacity: u32,
    ) -> Result<Instance, Error> {
        let path = format!("{}/load", paths::service_instance(service, id));
        let request = LoadRequest {
            inflight,
            capacity: Some(capacity),
        };
        let call = Call::new(Method::PUT, path, Repeat::ById).json(&request)?;
        self.write(call).await?.json()
    }

    /// Says how a call of an instance went. Carries an idempotency key, so it counts once.
    ///
    /// # Errors
    /// As [`set_instance_state`](Client::set_instance_state).
    pub async fn report_call(&self, service: &str, id: &str, ok: bool) -> Result<Instance, Error> {
        let instance = id.to_owned();
        let report = CallReport { instance, ok };
        let call = Call::keyed_post(paths::service_view(service, "report")).json(&report)?;
        self.write(call).await?.json()
    }

    /// Picks instances without a commit: by what the node that is asked knows. Turns of `round_robin` are by
    /// that node's own count.
    ///
    /// # Errors
    /// [`ErrorCode::NoInstanceAvailable`](crate::ErrorCode::NoInstanceAvailable), with the reasons in
    /// `considered`; as every read.
    pub async fn pick(&self, service: &str, query: &PickQuery) -> Result<Picked, Error> {
        let path = pick_path(service, query);
        self.read(Call::get(path)).await?.json()
    }

    /// Picks in one command: what is picked is reserved for as long as the query says, and picks that follow
    /// see it; turns of `round_robin` are by the cluster's count. Carries an idempotency key, so it picks once
    /// however often it is sent.
    ///
    /// # Errors
    /// As [`pick`](Client::pick), and as every write. When the outcome is unknown, a reservation may be open
    /// that ends by itself.
    pub async fn pick_and_reserve(
        &self,
        service: &str,
        query: &PickQuery,
    ) -> Result<Picked, Error> {
        let call = Call::keyed_post(pick_path(service, query));
        self.write(call).await?.json()
    }

    /// The work of a pick is done.
    ///
    /// # Errors
    /// As every write.
    pub async fn release_reservation(
        &self,
        service: &str,
        id: &str,
    ) -> Result<ReservationReleased, Error> {
        let path = paths::service_reservation(service, id);
        let call = Call::new(Method::DELETE, path, Repeat::ById);
        self.write(call).await?.json()
    }

    /// The table of `strategy=maglev`, to pick without asking.
    ///
    /// # Errors
    /// As every read.
    pub async fn ring(&self, service: &str, query: &RingQuery) -> Result<Ring, Error> {
        let path = paths::with_query(
            &paths::service_view(service, "ring"),
            &[
                ("size", query.size.map(|size| size.to_string())),
                ("zone", query.zone.clone()),
                ("tag", query.tag.clone()),
                ("meta", query.meta.clone()),
            ],
        );
        self.read(Call::get(path)).await?.json()
    }
}

fn pick_path(service: &str, query: &PickQuery) -> String {
    paths::with_query(
        &paths::service_view(service, "pick"),
        &[
            ("strategy", query.strategy.and_then(word)),
            ("key", query.key.clone()),
            ("previous", query.previous.clone()),
            ("bounded", query.bounded.clone()),
            ("size", query.size.map(|size| size.to_string())),
            ("cursor", query.cursor.and_then(word)),
            ("zone", query.zone.clone()),
            ("tag", query.tag.clone()),
            ("meta", query.meta.clone()),
            ("exclude", query.exclude.clone()),
            ("n", query.n.map(|n| n.to_string())),
            ("reserve", query.reserve.map(|reserve| reserve.to_string())),
            ("explain", query.explain.then(|| "1".to_owned())),
        ],
    )
}

/// A value as it is written in a query.
fn word(value: impl Serialize) -> Option<String> {
    let value = serde_json::to_value(value).ok()?;
    value.as_str().map(str::to_owned)
}

/// Of a service and an instance.
pub(super) fn register_call(
    (service, id): (&str, &str),
    request: &RegisterRequest,
    session: Option<&str>,
) -> Result<Call, Error> {
    let path = paths::service_instance(service, id);
    let call = Call::new(Method::PUT, path, Repeat::ById).json(request)?;
    Ok(by(call, session))
}

/// Repeating it is answered alike.
pub(super) fn deregister_call((service, id): (&str, &str), session: Option<&str>) -> Call {
    let path = paths::service_instance(service, id);
    by(Call::new(Method::DELETE, path, Repeat::ById), session)
}

fn by(call: Call, session: Option<&str>) -> Call {
    match session {
        Some(session) => call.header(headers::SESSION, session),
        None => call,
    }
}
