//! Services: being an instance for as long as a guard and its session live, and picking among others.

mod remote;

use http_types::v1::services::{
    Instance, InstanceCheck, InstanceLeft, InstanceState, RegisterRequest,
};
use tokio_util::sync::CancellationToken;

use self::remote::{deregister_call, register_call};
use crate::client::Client;
use crate::error::Error;
use crate::loss::Loss;
use crate::session::Session;
use crate::transport::random_id;
use crate::withdrawal::{Withdrawal, send_in_background};

/// How to be an instance of a service; see [`Client::instance`].
#[derive(Debug)]
#[must_use = "an instance registers by register"]
pub struct InstanceBuilder {
    client: Client,
    service: String,
    id: String,
    request: RegisterRequest,
}

impl Client {
    /// Begins to describe an instance of a service. Its id is chosen here, so everything below may be
    /// repeated.
    pub fn instance(
        &self,
        service: impl Into<String>,
        address: impl Into<String>,
        port: u16,
    ) -> InstanceBuilder {
        InstanceBuilder {
            client: self.clone(),
            service: service.into(),
            id: random_id("i"),
            request: RegisterRequest {
                address: address.into(),
                port,
                ..RegisterRequest::default()
            },
        }
    }
}

impl InstanceBuilder {
    /// Another id than the random one.
    pub fn id(mut self, id: impl Into<String>) -> InstanceBuilder {
        self.id = id.into();
        self
    }

    /// Its share of the work, relative to the weights of the others; 1 if not said, 0: none.
    pub fn weight(mut self, weight: u32) -> InstanceBuilder {
        self.request.weight = Some(weight);
        self
    }

    /// Where it is.
    pub fn zone(mut self, zone: impl Into<String>) -> InstanceBuilder {
        self.request.zone = Some(zone.into());
        self
    }

    /// A word to be found by.
    pub fn tag(mut self, tag: impl Into<String>) -> InstanceBuilder {
        self.request.tags.push(tag.into());
        self
    }

    /// Anything else, also to be found by.
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<String>) -> InstanceBuilder {
        self.request.meta.insert(key.into(), value.into());
        self
    }

    /// How the cluster is to check it.
    pub fn check(mut self, check: InstanceCheck) -> InstanceBuilder {
        self.request.check = Some(check);
        self
    }

    /// Whether new work is sent to it from the beginning; it is if not said.
    pub fn state(mut self, state: InstanceState) -> InstanceBuilder {
        self.request.state = Some(state);
        self
    }

    /// Registers.
    ///
    /// # Errors
    /// [`ErrorCode::InstanceTaken`](crate::ErrorCode::InstanceTaken) while something else keeps the instance
    /// of this id; [`Error::SessionLost`]; as every write.
    ///
    /// Cancel safety: dropping the future deregisters in the background.
    pub async fn register(self, session: &Session) -> Result<Registered, Error> {
        if let Some(loss) = session.loss() {
            return Err(Error::SessionLost(loss));
        }
        let key = (self.service.as_str(), self.id.as_str());
        let pending = Withdrawal::by(session.client(), deregister_call(key, Some(session.id())));
        let call = register_call(key, &self.request, Some(session.id()))?;
        let answer = self.client.write(call).await;
        let instance = answer.inspect_err(|error| pending.settle(error))?.json()?;
        pending.done();
        Ok(Registered {
            session: session.clone(),
            instance,
            left: false,
        })
    }
}

/// A registration. It lasts as long as its session; dropping it deregisters in the background,
/// [`deregister`](Registered::deregister) says whether that worked.
///
/// That somebody else deregisters the instance is not heard of here; it is seen in the service.
#[derive(Debug)]
#[must_use = "dropping the registration ends it"]
pub struct Registered {
    session: Session,
    instance: Instance,
    left: bool,
}

impl Registered {
    /// The instance as it was when it registered or changed last.
    #[must_use]
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// The session it lives with.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Fires when the session is lost, and the registration with it.
    #[must_use]
    pub fn lost_token(&self) -> CancellationToken {
        self.session.lost_token()
    }

    /// Waits until the session is lost, and the registration with it. Cancel safe.
    pub async fn lost(&self) {
        self.session.lost().await;
    }

    /// Why it is lost, if it is.
    #[must_use]
    pub fn loss(&self) -> Option<Loss> {
        self.session.loss()
    }

    /// Takes no new work from now on, or takes some again.
    ///
    /// # Errors
    /// [`ErrorCode::NoInstance`](crate::ErrorCode::NoInstance) when somebody deregistered it; as every write.
    pub async fn set_state(&mut self, state: InstanceState) -> Result<(), Error> {
        let (service, id) = (&self.instance.service, &self.instance.id);
        let client = self.session.client();
        self.instance = client.set_instance_state(service, id, state).await?;
        Ok(())
    }

    /// Says how many requests it is serving, reserved ones among them, and how many it serves at once.
    ///
    /// # Errors
    /// As [`set_state`](Registered::set_state).
    pub async fn report_load(&self, inflight: u32, capacity: u32) -> Result<(), Error> {
        let (service, id) = (&self.instance.service, &self.instance.id);
        let client = self.session.client();
        client.report_load(service, id, inflight, capacity).await?;
        Ok(())
    }

    /// Deregisters. Says whether the instance was there until now.
    ///
    /// # Errors
    /// As every write. When the outcome is unknown, the end of the session does it.
    pub async fn deregister(mut self) -> Result<InstanceLeft, Error> {
        self.left = true;
        let call = self.deregister_call();
        self.session.client().write(call).await?.json()
    }

    fn deregister_call(&self) -> crate::transport::Call {
        let key = (self.instance.service.as_str(), self.instance.id.as_str());
        deregister_call(key, Some(self.session.id()))
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // A session that is lost takes its instances with it.
        if !self.left && self.session.loss().is_none() {
            send_in_background(self.session.client(), self.deregister_call());
        }
    }
}
