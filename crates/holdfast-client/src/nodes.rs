//! Znodes.

use std::time::Duration;

use http_types::duration::TextDuration;
use http_types::problem::ErrorCode;
use http_types::v1::nodes::{
    Acl, AclEntry, Child, Children, Deleted, Node, NodeMode, SetAclRequest, Tree, Written,
};
use http_types::{headers, paths};
use reqwest::Method;

use crate::client::Client;
use crate::data::{Data, NodeData};
use crate::error::Error;
use crate::events::{EventFilter, EventStream, Start};
use crate::session::Session;
use crate::transport::{Call, Repeat};

/// Children asked for at once.
const CHILDREN_PAGE: usize = 1000;

/// Settings common to everything that writes a znode.
#[derive(Clone, Debug, Default)]
struct WriteSettings {
    mode: Option<NodeMode>,
    ttl: Option<Duration>,
    parents: bool,
    session: Option<String>,
    fences: Vec<String>,
    terms: Vec<String>,
}

impl WriteSettings {
    fn query(&self, sequential: bool) -> Vec<(&'static str, Option<String>)> {
        let mode = self.mode.map(|mode| match mode {
            NodeMode::Persistent => "persistent".to_owned(),
            NodeMode::Ephemeral => "ephemeral".to_owned(),
            NodeMode::Container => "container".to_owned(),
            NodeMode::Ttl => "ttl".to_owned(),
        });
        let flag = |set: bool| set.then(|| "1".to_owned());
        vec![
            ("sequential", flag(sequential)),
            ("mode", mode),
            (
                "ttl",
                self.ttl.map(|ttl| TextDuration::from(ttl).to_string()),
            ),
            ("parents", flag(self.parents)),
        ]
    }

    fn headers(&self, mut call: Call) -> Call {
        if let Some(session) = &self.session {
            call = call.header(headers::SESSION, session.clone());
        }
        for fence in &self.fences {
            call = call.header(headers::FENCE, fence.clone());
        }
        for term in &self.terms {
            call = call.header(headers::TERM, term.clone());
        }
        call
    }
}

macro_rules! write_settings {
    ($builder:ident) => {
        impl $builder {
            /// Media type of the data.
            pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
                self.data.content_type = Some(content_type.into());
                self
            }

            /// What ends the znode, should it be made.
            pub fn mode(mut self, mode: NodeMode) -> Self {
                self.settings.mode = Some(mode);
                self
            }

            /// Ends with this session, should it be made.
            pub fn ephemeral(mut self, session: &Session) -> Self {
                self.settings.session = Some(session.id().to_owned());
                self.mode(NodeMode::Ephemeral)
            }

            /// Acts for the session of this id, which is renewed by it.
            pub fn session(mut self, id: impl Into<String>) -> Self {
                self.settings.session = Some(id.into());
                self
            }

            /// Removed when it had no children and no write for so long, should it be made.
            pub fn ttl(mut self, ttl: Duration) -> Self {
                self.settings.ttl = Some(ttl);
                self.mode(NodeMode::Ttl)
            }

            /// Makes missing parents.
            pub fn parents(mut self) -> Self {
                self.settings.parents = true;
                self
            }

            /// Only while the leadership of this term lasts. May be named several times.
            pub fn term(mut self, election: &str, term: u64) -> Self {
                self.settings
                    .terms
                    .push(headers::fence_guard(election, term));
                self
            }

            /// Only if the claim with this fence still holds this lock. May be named several times.
            pub fn fence(mut self, lock: &str, fence: u64) -> Self {
                self.settings.fences.push(headers::fence_guard(lock, fence));
                self
            }
        }
    };
}

/// A write of a znode's data; see [`Client::put`].
#[derive(Clone, Debug)]
#[must_use = "nothing is written before send"]
pub struct PutNode {
    client: Client,
    path: String,
    data: Data,
    settings: WriteSettings,
    condition: Option<(&'static str, String)>,
}

write_settings!(PutNode);

impl PutNode {
    /// Only if the znode has this version: read it, decide, write, and on
    /// [`ErrorCode::VersionMismatch`] begin again.
    pub fn if_version(mut self, version: i32) -> PutNode {
        self.condition = Some(("if-match", headers::version_tag(version)));
        self
    }

    /// Only if there is no znode yet.
    pub fn create_only(mut self) -> PutNode {
        self.condition = Some(("if-none-match", "*".to_owned()));
        self
    }

    /// Writes it. Never sent a second time in doubt: between the two somebody else may have written.
    ///
    /// # Errors
    /// [`ErrorCode::VersionMismatch`], [`ErrorCode::NodeExists`], [`ErrorCode::NoNode`] (a parent),
    /// [`ErrorCode::FenceStale`], and as every write.
    pub async fn send(self) -> Result<Written, Error> {
        let path = paths::with_query(&paths::node(&self.path), &self.settings.query(false));
        let mut call = Call::new(Method::PUT, path, Repeat::Once)
            .raw(self.data.media_type(), self.data.bytes.clone());
        if let Some((name, value)) = self.condition {
            call = call.header(name, value);
        }
        self.client.write(self.settings.headers(call)).await?.json()
    }
}

/// Making of a znode; see [`Client::create`].
#[derive(Clone, Debug)]
#[must_use = "nothing is made before send"]
pub struct CreateNode {
    client: Client,
    path: String,
    data: Data,
    sequential: bool,
    settings: WriteSettings,
}

write_settings!(CreateNode);

impl CreateNode {
    /// Appends the parent's ten-digit counter to the path.
    pub fn sequential(mut self) -> CreateNode {
        self.sequential = true;
        self
    }

    /// Makes it. Carries an idempotency key, so it happens at most once however often it is sent.
    ///
    /// # Errors
    /// [`ErrorCode::NodeExists`], [`ErrorCode::NoNode`] (the parent), and as every write.
    pub async fn send(self) -> Result<Written, Error> {
        let path = paths::with_query(
            &paths::node(&self.path),
            &self.settings.query(self.sequential),
        );
        let call = Call::keyed_post(path).raw(self.data.media_type(), self.data.bytes.clone());
        self.client.write(self.settings.headers(call)).await?.json()
    }
}

/// Path and query of a recursive delete.
pub(crate) fn delete_tree_path(path: &str, max: Option<u32>, dry_run: bool) -> String {
    paths::with_query(
        &paths::node(path),
        &[
            ("recursive", Some("1".to_owned())),
            ("max", max.map(|max| max.to_string())),
            ("dry_run", dry_run.then(|| "1".to_owned())),
        ],
    )
}

impl Client {
    /// A znode, or `None` when there is none.
    ///
    /// # Errors
    /// As every read.
    pub async fn get(&self, path: &str) -> Result<Option<NodeData>, Error> {
        match self.read(Call::get(paths::node(path))).await {
            Ok(answer) => Ok(Some(answer.json::<Node>()?.try_into()?)),
            Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Begins to describe a write: replaces the data, or makes the znode.
    pub fn put(&self, path: impl Into<String>, data: impl Into<Data>) -> PutNode {
        PutNode {
            client: self.clone(),
            path: path.into(),
            data: data.into(),
            settings: WriteSettings::default(),
            condition: None,
        }
    }

    /// Begins to describe the making of a znode.
    pub fn create(&self, path: impl Into<String>, data: impl Into<Data>) -> CreateNode {
        CreateNode {
            client: self.clone(),
            path: path.into(),
            data: data.into(),
            sequential: false,
            settings: WriteSettings::default(),
        }
    }

    /// Removes a znode without children; with `version`, only if it has that one.
    ///
    /// # Errors
    /// [`ErrorCode::NoNode`], [`ErrorCode::NodeNotEmpty`], [`ErrorCode::VersionMismatch`], and as
    /// every write. Never sent a second time in doubt.
    pub async fn delete(&self, path: &str, version: Option<i32>) -> Result<Deleted, Error> {
        let mut call = Call::new(Method::DELETE, paths::node(path), Repeat::Once);
        if let Some(version) = version {
            call = call.header("if-match", headers::version_tag(version));
        }
        self.write(call).await?.json()
    }

    /// Removes a znode and everything below it; refused when it is more than `max` znodes.
    ///
    /// # Errors
    /// [`ErrorCode::NoNode`], [`ErrorCode::NodeNotEmpty`], and as every write.
    pub async fn delete_tree(&self, path: &str, max: Option<u32>) -> Result<Deleted, Error> {
        let path = delete_tree_path(path, max, false);
        self.write(Call::new(Method::DELETE, path, Repeat::Once))
            .await?
            .json()
    }

    /// One page of the children, in order of name.
    ///
    /// # Errors
    /// [`ErrorCode::NoNode`], and as every read.
    pub async fn children_page(
        &self,
        path: &str,
        after: Option<&str>,
        limit: usize,
        stat: bool,
    ) -> Result<Children, Error> {
        let path = paths::with_query(
            &paths::node_view(path, "children"),
            &[
                ("after", after.map(str::to_owned)),
                ("limit", Some(limit.to_string())),
                ("stat", stat.then(|| "1".to_owned())),
            ],
        );
        self.read(Call::get(path)).await?.json()
    }

    /// All children, in order of name. Read page by page, so changes in between show in part.
    ///
    /// # Errors
    /// As [`children_page`](Client::children_page).
    pub async fn children(&self, path: &str, stat: bool) -> Result<Vec<Child>, Error> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self
                .children_page(path, after.as_deref(), CHILDREN_PAGE, stat)
                .await?;
            all.extend(page.children);
            match page.next {
                Some(next) if after.as_ref() != Some(&next) => after = Some(next),
                Some(_) | None => return Ok(all),
            }
        }
    }

    /// A znode and what is below it, down to `depth` levels, parents first.
    ///
    /// # Errors
    /// [`ErrorCode::NoNode`], and as every read.
    pub async fn tree(
        &self,
        path: &str,
        depth: Option<usize>,
        limit: Option<usize>,
    ) -> Result<Tree, Error> {
        let path = paths::with_query(
            &paths::node_view(path, "tree"),
            &[
                ("depth", depth.map(|depth| depth.to_string())),
                ("limit", limit.map(|limit| limit.to_string())),
            ],
        );
        self.read(Call::get(path)).await?.json()
    }

    /// The access list of a znode.
    ///
    /// # Errors
    /// [`ErrorCode::NoNode`], and as every read.
    pub async fn acl(&self, path: &str) -> Result<Acl, Error> {
        self.read(Call::get(paths::node_view(path, "acl")))
            .await?
            .json()
    }

    /// Replaces the access list of a znode; with `version`, only if the list has that one.
    ///
    /// # Errors
    /// [`ErrorCode::VersionMismatch`], [`ErrorCode::InvalidAcl`], and as every write.
    pub async fn set_acl(
        &self,
        path: &str,
        acl: Vec<AclEntry>,
        version: Option<i32>,
    ) -> Result<Acl, Error> {
        let mut call = Call::new(Method::PUT, paths::node_view(path, "acl"), Repeat::Once)
            .json(&SetAclRequest { acl })?;
        if let Some(version) = version {
            call = call.header("if-match", headers::version_tag(version));
        }
        self.write(call).await?.json()
    }

    /// Follows a znode and everything below it, with values.
    #[must_use]
    pub fn watch(&self, path: &str, start: Start) -> EventStream {
        let filter = EventFilter {
            service: None,
            prefix: Some(path.to_owned()),
            kinds: vec!["node.*".to_owned()],
            values: true,
            previous: false,
        };
        self.events(filter, start)
    }
}
