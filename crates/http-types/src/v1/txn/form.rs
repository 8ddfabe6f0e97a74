//! The flat objects of the wire, and their way to and from the enums.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Guard, Text, TxnOp};
use crate::duration::TextDuration;
use crate::v1::Encoding;
use crate::v1::nodes::NodeMode;

/// A guard as written: `node` with `version`, `exists` or `value`; or `claim` (a lock) with `fence`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GuardForm {
    /// A znode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Version of its data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// Whether it must exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
    /// Its data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// How the data is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// A lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// Fence of its holder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
}

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

/// The keys of a guard or step do not go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidForm(String);

impl fmt::Display for InvalidForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidForm {}

const GUARDS: &str = "a guard is {node, version}, {node, exists}, {node, value} or {claim, fence}";
const OPS: &str = "a step has exactly one of create, set, put, delete, get, release";

impl TryFrom<GuardForm> for Guard {
    type Error = InvalidForm;

    fn try_from(form: GuardForm) -> Result<Guard, InvalidForm> {
        let GuardForm {
            node,
            version,
            exists,
            value,
            encoding,
            claim,
            fence,
        } = form;
        if encoding.is_some() && value.is_none() {
            return Err(InvalidForm("encoding goes with value".to_owned()));
        }
        match (node, version, exists, value, claim, fence) {
            (Some(node), Some(version), None, None, None, None) => {
                Ok(Guard::Version { node, version })
            }
            (Some(node), None, Some(exists), None, None, None) => {
                Ok(Guard::Exists { node, exists })
            }
            (Some(node), None, None, Some(value), None, None) => Ok(Guard::Value {
                node,
                value,
                encoding: encoding.unwrap_or_default(),
            }),
            (None, None, None, None, Some(lock), Some(fence)) => Ok(Guard::Fence { lock, fence }),
            _ => Err(InvalidForm(GUARDS.to_owned())),
        }
    }
}

impl From<Guard> for GuardForm {
    fn from(guard: Guard) -> GuardForm {
        let none = GuardForm::default();
        match guard {
            Guard::Version { node, version } => GuardForm {
                node: Some(node),
                version: Some(version),
                ..none
            },
            Guard::Exists { node, exists } => GuardForm {
                node: Some(node),
                exists: Some(exists),
                ..none
            },
            Guard::Value {
                node,
                value,
                encoding,
            } => GuardForm {
                node: Some(node),
                value: Some(value),
                encoding: written(encoding),
                ..none
            },
            Guard::Fence { lock, fence } => GuardForm {
                claim: Some(lock),
                fence: Some(fence),
                ..none
            },
        }
    }
}

fn written(encoding: Encoding) -> Option<Encoding> {
    (encoding != Encoding::default()).then_some(encoding)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::txn::TxnRequest;

    /// The transaction of the specification, byte for byte what comes out again.
    const EXAMPLE: &str = concat!(
        r#"{"if":[{"node":"/app/cfg","version":7},{"claim":"orders/42","fence":18231},"#,
        r#"{"node":"/app/lockdown","exists":false}],"#,
        r#""then":[{"set":"/app/cfg","value":"new","content_type":"text/plain"},"#,
        r#"{"create":"/audit/e-","value":"changed cfg","sequential":true},"#,
        r#"{"release":"orders/42","claim":"c1"}],"else":[{"get":"/app/cfg"}]}"#
    );

    #[test]
    fn the_example_survives_the_way() {
        let txn: TxnRequest = serde_json::from_str(EXAMPLE).unwrap();
        assert_eq!(serde_json::to_string(&txn).unwrap(), EXAMPLE);
    }

    #[test]
    fn keys_that_do_not_go_together_are_named() {
        for (op, message) in [
            (r#"{"get":"/a","value":"x"}"#, "value does not go with get"),
            (r#"{"get":"/a","set":"/a"}"#, "exactly one of"),
            (r#"{"value":"x"}"#, "exactly one of"),
            (r#"{"release":"a"}"#, "needs the claim"),
            (r#"{"set":"/a","encoding":"base64"}"#, "go with value"),
            (r#"{"sett":"/a"}"#, "unknown field `sett`"),
        ] {
            let error = serde_json::from_str::<TxnOp>(op).unwrap_err().to_string();
            assert!(error.contains(message), "{op}: {error}");
        }
        for guard in [
            r#"{"node":"/a"}"#,
            r#"{"node":"/a","version":1,"exists":true}"#,
            "{}",
        ] {
            let error = serde_json::from_str::<Guard>(guard)
                .unwrap_err()
                .to_string();
            assert!(error.contains("a guard is"), "{guard}: {error}");
        }
    }
}
