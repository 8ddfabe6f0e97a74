//! Guards as they are written.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{InvalidForm, written};
use crate::v1::Encoding;
use crate::v1::txn::Guard;

const GUARDS: &str = "a guard is {node, version}, {node, exists}, {node, value}, {claim, fence} or \
                      {election, term}";

/// A guard as written: `node` with `version`, `exists` or `value`; `claim` (a lock) with `fence`; or
/// `election` with `term`.
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
    /// An election.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub election: Option<String>,
    /// Term of its leader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<u64>,
}

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
            election,
            term,
        } = form;
        if let (Some(election), Some(term)) = (&election, term) {
            let is_alone = node.is_none() && claim.is_none() && fence.is_none();
            let is_alone = is_alone && version.is_none() && exists.is_none() && value.is_none();
            let election = election.clone();
            let guard = Guard::Term { election, term };
            let both = || InvalidForm(GUARDS.to_owned());
            return (is_alone && encoding.is_none())
                .then_some(guard)
                .ok_or_else(both);
        }
        if election.is_some() || term.is_some() {
            return Err(InvalidForm(GUARDS.to_owned()));
        }
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
            Guard::Term { election, term } => GuardForm {
                election: Some(election),
                term: Some(term),
                ..none
            },
        }
    }
}
