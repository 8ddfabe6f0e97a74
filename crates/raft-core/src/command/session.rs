//! What is asked about sessions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{SessionId, SessionName};

/// Opens a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSession {
    /// The client's name for it; opening the same name again finds the same session.
    pub name: Option<SessionName>,
    /// Silence after which it may be expired, milliseconds.
    pub timeout_ms: u64,
    /// Secret for re-attaching by number (ZooKeeper); random bytes made by the door.
    pub password: [u8; 16],
    /// Who is behind it.
    pub owner: Owner,
    /// After this session ends other than by close, its locks are granted to nobody for this
    /// long, milliseconds.
    pub lock_delay_ms: u64,
}

/// Who is behind a session: shown to people who wait for its locks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Program or service.
    pub service: Option<String>,
    /// Host it runs on.
    pub host: Option<String>,
    /// Process id.
    pub pid: Option<u32>,
    /// Version of the program.
    pub version: Option<String>,
    /// Where to look for more.
    pub url: Option<String>,
    /// Why the session exists.
    pub reason: Option<String>,
    /// Anything else.
    pub labels: BTreeMap<String, String>,
}

/// Expires a session, unless it was heard of since the leader decided to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpireSession {
    /// The session.
    pub session: SessionId,
    /// The session's [`Session::activity`](crate::session::Session::activity) as the leader saw it.
    pub activity: u64,
}

impl Owner {
    /// `service@host pid 7`, as far as it is known; empty when nothing is.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        let parts = [self.service.as_deref(), self.host.as_deref()];
        let known: Vec<&str> = parts.into_iter().flatten().collect();
        let mut text = known.join("@");
        if let Some(pid) = self.pid {
            let space = if text.is_empty() { "" } else { " " };
            text.push_str(&format!("{space}pid {pid}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Owner;

    #[test]
    fn an_owner_is_shown_as_far_as_it_is_known() {
        let mut owner = Owner::default();
        assert_eq!(owner.in_one_line(), "");
        owner.pid = Some(7);
        assert_eq!(owner.in_one_line(), "pid 7");
        owner.host = Some("h".to_owned());
        assert_eq!(owner.in_one_line(), "h pid 7");
        owner.service = Some("web".to_owned());
        assert_eq!(owner.in_one_line(), "web@h pid 7");
    }
}
