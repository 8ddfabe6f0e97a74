//! Steps as they are written.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{InvalidForm, written};
use crate::duration::TextDuration;
use crate::v1::Encoding;
use crate::v1::nodes::NodeMode;
use crate::v1::txn::{Text, TxnOp};

const OPS: &str = "a step has exactly one of create, set, put, delete, get, release";

/// A step as written: exactly one of `create`, `set`, `put`, `delete`, `get`, `release`, and what
/// belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OpForm {
    /// Path of a znode to make.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create: Option<String>,
    /// Path of a znode to change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// Path of a znode to change or make.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put: Option<String>,
    /// Path of a znode to remove.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete: Option<String>,
    /// Path of a znode to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub get: Option<String>,
    /// A lock of which to release `claim`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The claim to release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// Data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// How the data is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Media type of the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Version the znode must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// Append the parent's ten-digit counter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequential: Option<bool>,
    /// What ends the znode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<NodeMode>,
    /// Time to live.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<TextDuration>,
    /// Make missing parents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parents: Option<bool>,
}

/// Which operation, and the keys it understands.
fn verb(form: &mut OpForm) -> Result<(&'static str, String, &'static [&'static str]), InvalidForm> {
    const VALUE: [&str; 3] = ["value", "encoding", "content_type"];
    const CREATE: [&str; 7] = [
        VALUE[0],
        VALUE[1],
        VALUE[2],
        "sequential",
        "mode",
        "ttl",
        "parents",
    ];
    const SET: [&str; 4] = [VALUE[0], VALUE[1], VALUE[2], "version"];
    const PUT: [&str; 4] = [VALUE[0], VALUE[1], VALUE[2], "parents"];
    let verbs: [(&str, Option<String>, &[&str]); 6] = [
        ("create", form.create.take(), &CREATE),
        ("set", form.set.take(), &SET),
        ("put", form.put.take(), &PUT),
        ("delete", form.delete.take(), &["version"]),
        ("get", form.get.take(), &[]),
        ("release", form.release.take(), &["claim"]),
    ];
    let mut found = None;
    for (name, target, keys) in verbs {
        if let Some(target) = target
            && found.replace((name, target, keys)).is_some()
        {
            return Err(InvalidForm(OPS.to_owned()));
        }
    }
    found.ok_or_else(|| InvalidForm(OPS.to_owned()))
}

/// Keys that are present besides the verb.
fn present(form: &OpForm) -> impl Iterator<Item = &'static str> {
    [
        ("claim", form.claim.is_some()),
        ("value", form.value.is_some()),
        ("encoding", form.encoding.is_some()),
        ("content_type", form.content_type.is_some()),
        ("version", form.version.is_some()),
        ("sequential", form.sequential.is_some()),
        ("mode", form.mode.is_some()),
        ("ttl", form.ttl.is_some()),
        ("parents", form.parents.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, there)| there.then_some(name))
}

impl TryFrom<OpForm> for TxnOp {
    type Error = InvalidForm;

    fn try_from(mut form: OpForm) -> Result<TxnOp, InvalidForm> {
        let (name, target, keys) = verb(&mut form)?;
        if let Some(stray) = present(&form).find(|key| !keys.contains(key)) {
            return Err(InvalidForm(format!("{stray} does not go with {name}")));
        }
        if form.value.is_none() && (form.encoding.is_some() || form.content_type.is_some()) {
            return Err(InvalidForm(
                "encoding and content_type go with value".to_owned(),
            ));
        }
        let data = form.value.map(|value| Text {
            value,
            encoding: form.encoding.unwrap_or_default(),
            content_type: form.content_type,
        });
        let parents = form.parents.unwrap_or(false);
        Ok(match name {
            "create" => TxnOp::Create {
                path: target,
                data,
                sequential: form.sequential.unwrap_or(false),
                mode: form.mode.unwrap_or_else(|| mode_by_ttl(form.ttl)),
                ttl: form.ttl,
                parents,
            },
            "set" => TxnOp::Set {
                path: target,
                data,
                version: form.version,
            },
            "put" => TxnOp::Put {
                path: target,
                data,
                parents,
            },
            "delete" => TxnOp::Delete {
                path: target,
                version: form.version,
            },
            "get" => TxnOp::Get { path: target },
            _ => {
                let claim = form
                    .claim
                    .ok_or_else(|| InvalidForm("release needs the claim too".to_owned()))?;
                TxnOp::Release {
                    lock: target,
                    claim,
                }
            }
        })
    }
}

fn mode_by_ttl(ttl: Option<TextDuration>) -> NodeMode {
    if ttl.is_some() {
        NodeMode::Ttl
    } else {
        NodeMode::Persistent
    }
}

fn with_data(form: OpForm, data: Option<Text>) -> OpForm {
    match data {
        None => form,
        Some(text) => OpForm {
            value: Some(text.value),
            encoding: written(text.encoding),
            content_type: text.content_type,
            ..form
        },
    }
}

impl From<TxnOp> for OpForm {
    fn from(op: TxnOp) -> OpForm {
        let none = OpForm::default();
        let flag = |set: bool| set.then_some(true);
        match op {
            TxnOp::Create {
                path,
                data,
                sequential,
                mode,
                ttl,
                parents,
            } => with_data(
                OpForm {
                    create: Some(path),
                    sequential: flag(sequential),
                    mode: (mode != NodeMode::default()).then_some(mode),
                    ttl,
                    parents: flag(parents),
                    ..none
                },
                data,
            ),
            TxnOp::Set {
                path,
                data,
                version,
            } => with_data(
                OpForm {
                    set: Some(path),
                    version,
                    ..none
                },
                data,
            ),
            TxnOp::Put {
                path,
                data,
                parents,
            } => with_data(
                OpForm {
                    put: Some(path),
                    parents: flag(parents),
                    ..none
                },
                data,
            ),
            TxnOp::Delete { path, version } => OpForm {
                delete: Some(path),
                version,
                ..none
            },
            TxnOp::Get { path } => OpForm {
                get: Some(path),
                ..none
            },
            TxnOp::Release { lock, claim } => OpForm {
                release: Some(lock),
                claim: Some(claim),
                ..none
            },
        }
    }
}
