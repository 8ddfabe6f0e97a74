//! Transactions.

use bytes::Bytes;
use http_types::v1::dry_run::DryRun;
use http_types::v1::nodes::NodeMode;
use http_types::v1::txn::{Guard, Text, TxnAnswer, TxnOp, TxnRequest};
use reqwest::Method;

use crate::client::Client;
use crate::data::encode;
use crate::error::Error;
use crate::session::Session;
use crate::transport::{Call, Repeat};

/// Guards, and what to do when all hold or when one does not. All steps of a branch happen, or
/// none.
#[derive(Clone, Debug)]
#[must_use = "a transaction does nothing until it is committed"]
pub struct Txn {
    client: Client,
    request: TxnRequest,
    session: Option<String>,
}

impl Client {
    /// Begins to describe a transaction.
    pub fn txn(&self) -> Txn {
        Txn {
            client: self.clone(),
            request: TxnRequest::default(),
            session: None,
        }
    }

    /// A transaction described elsewhere (a file, say).
    pub fn txn_from(&self, request: TxnRequest) -> Txn {
        Txn {
            client: self.clone(),
            request,
            session: None,
        }
    }
}

fn text(data: Bytes) -> Option<Text> {
    let (value, encoding) = encode(&data);
    Some(Text {
        value,
        encoding,
        content_type: None,
    })
}

impl Txn {
    /// Only if this condition holds.
    pub fn only_if(mut self, guard: Guard) -> Txn {
        self.request.guards.push(guard);
        self
    }

    /// Only if the znode exists in this version.
    pub fn if_version(self, node: impl Into<String>, version: i32) -> Txn {
        self.only_if(Guard::Version {
            node: node.into(),
            version,
        })
    }

    /// Only if the znode exists, or does not.
    pub fn if_exists(self, node: impl Into<String>, exists: bool) -> Txn {
        self.only_if(Guard::Exists {
            node: node.into(),
            exists,
        })
    }

    /// Only while the leadership of this term lasts.
    pub fn if_term(self, election: impl Into<String>, term: u64) -> Txn {
        self.only_if(Guard::Term {
            election: election.into(),
            term,
        })
    }

    /// Only if the claim with this fence still holds this lock.
    pub fn if_fence(self, lock: impl Into<String>, fence: u64) -> Txn {
        self.only_if(Guard::Fence {
            lock: lock.into(),
            fence,
        })
    }

    /// Then do this step.
    pub fn then(mut self, op: TxnOp) -> Txn {
        self.request.then.push(op);
        self
    }

    /// Then replace the data of this znode.
    pub fn then_set(self, path: impl Into<String>, data: impl Into<Bytes>) -> Txn {
        self.then(TxnOp::Set {
            path: path.into(),
            data: text(data.into()),
            version: None,
        })
    }

    /// Then make this znode.
    pub fn then_create(self, path: impl Into<String>, data: impl Into<Bytes>) -> Txn {
        self.then(TxnOp::Create {
            path: path.into(),
            data: text(data.into()),
            sequential: false,
            mode: NodeMode::Persistent,
            ttl: None,
            parents: false,
        })
    }

    /// Then remove this znode.
    pub fn then_delete(self, path: impl Into<String>) -> Txn {
        self.then(TxnOp::Delete {
            path: path.into(),
            version: None,
        })
    }

    /// Otherwise do this step.
    pub fn otherwise(mut self, op: TxnOp) -> Txn {
        self.request.otherwise.get_or_insert_default().push(op);
        self
    }

    /// Acts for this session: ephemeral znodes it makes end with it.
    pub fn session(self, session: &Session) -> Txn {
        self.session_id(session.id())
    }

    /// As [`session`](Txn::session), for a session kept alive elsewhere.
    pub fn session_id(mut self, id: impl Into<String>) -> Txn {
        self.session = Some(id.into());
        self
    }

    /// What [`commit`](Txn::commit) would do. A read: nothing is done.
    ///
    /// # Errors
    /// As [`commit`](Txn::commit), and as every read.
    pub async fn dry_run(self) -> Result<DryRun<TxnAnswer>, Error> {
        let mut call = Call::new(Method::POST, "/v1/txn?dry_run=1", Repeat::Harmless);
        if let Some(session) = self.session {
            call = call.header(http_types::headers::SESSION, session);
        }
        self.client.read(call.json(&self.request)?).await?.json()
    }

    /// Does it. Carries an idempotency key, so it happens at most once however often it is sent.
    ///
    /// # Errors
    /// [`ErrorCode::GuardsFailed`](crate::ErrorCode::GuardsFailed) when a guard does not hold and
    /// there is no other branch; the refusal of a step, when none was done.
    pub async fn commit(self) -> Result<TxnAnswer, Error> {
        let mut call = Call::keyed_post("/v1/txn");
        if let Some(session) = self.session {
            call = call.header(http_types::headers::SESSION, session);
        }
        self.client.write(call.json(&self.request)?).await?.json()
    }
}
