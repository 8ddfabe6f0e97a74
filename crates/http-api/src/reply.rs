//! What an endpoint answers, before the headers that every answer has.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_types::headers as names;
use http_types::quota::Quota;
use raft_core::ids::Zxid;
use serde::Serialize;

use crate::error::Problem;

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// The position it reflects; the node's own where none is named.
    pub(crate) index: Option<Zxid>,
}

impl Reply {
    /// A body of any type.
    pub(crate) fn raw(status: StatusCode, content_type: &str, body: Body) -> Reply {
        let mut reply = Reply {
            status,
            headers: HeaderMap::new(),
            body,
            index: None,
        };
        // A stored media type was given by a client: what is no header value is left out.
        if let Ok(value) = HeaderValue::from_str(content_type) {
            reply.headers.insert(header::CONTENT_TYPE, value);
        }
        reply
    }

    /// No body.
    pub(crate) fn empty(status: StatusCode) -> Reply {
        Reply {
            status,
            headers: HeaderMap::new(),
            body: Body::empty(),
            index: None,
        }
    }

    /// A JSON body.
    ///
    /// # Errors
    /// When the value cannot be written, which is a bug.
    pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Result<Reply, Problem> {
        match serde_json::to_vec(value) {
            Ok(bytes) => Ok(Reply::raw(status, "application/json", Body::from(bytes))),
            Err(error) => Err(Problem::internal(&format!(
                "an answer cannot be written: {error}"
            ))),
        }
    }

    /// 200 with a JSON body.
    ///
    /// # Errors
    /// As [`Reply::json`].
    pub(crate) fn ok<T: Serialize>(value: &T) -> Result<Reply, Problem> {
        Reply::json(StatusCode::OK, value)
    }

    /// The position it reflects.
    pub(crate) fn at(mut self, index: Zxid) -> Reply {
        self.index = Some(index);
        self
    }

    /// How old a stale answer may be.
    pub(crate) fn aged(self, age: Option<Duration>) -> Reply {
        match age {
            Some(age) => self.text(names::AGE_MS, &age.as_millis().to_string()),
            None => self,
        }
    }

    /// A header that this server makes itself; a value that is none is left out.
    pub(crate) fn text(mut self, name: &'static str, value: &str) -> Reply {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(HeaderName::from_static(name), value);
        }
        self
    }

    /// The entity tag.
    pub(crate) fn etag(self, tag: &str) -> Reply {
        self.text("etag", tag)
    }

    /// Where what was made is found.
    pub(crate) fn location(self, url: &str) -> Reply {
        self.text("location", url)
    }

    /// The quotas it counts for, with what is left of each.
    pub(crate) fn quotas(self, quotas: &[(Quota, usize)]) -> Reply {
        let policies: Vec<String> = quotas.iter().map(|(quota, _)| quota.policy()).collect();
        let left: Vec<String> = quotas
            .iter()
            .map(|(quota, left)| quota.left(*left))
            .collect();
        self.text(names::RATE_LIMIT_POLICY, &policies.join(", "))
            .text(names::RATE_LIMIT, &left.join(", "))
    }

    /// Which preference was followed.
    pub(crate) fn preferred(self, preference: &str) -> Reply {
        self.text(names::PREFERENCE_APPLIED, preference)
    }

    /// Says that the answer is the remembered one of an earlier request.
    pub(crate) fn replayed(self, replayed: bool) -> Reply {
        if replayed {
            self.text(names::IDEMPOTENCY_REPLAYED, "true")
        } else {
            self
        }
    }
}
