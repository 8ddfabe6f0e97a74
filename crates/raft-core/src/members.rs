//! Who is in, as far as clients are told: the text of `/zookeeper/config`.
//!
//! The membership itself is consensus' business; the state is told of each change as it is applied
//! ([`State::note_members`]), which takes no zxid and so can fire no watch. A command then brings the
//! text up to date ([`Command::PublishMembers`](crate::command::Command::PublishMembers)), and where
//! ZooKeeper clients reach a member is a command of that member
//! ([`Command::AnnounceClients`](crate::command::Command::AnnounceClients)). The text is a function of
//! the state and the command's zxid: it is the same on every replica.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::ids::{ZnodePath, Zxid};
use crate::limits;
use crate::outcome::Refusal;
use crate::path;
use crate::state::State;
use crate::znode::Znode;

/// Before the number in the last line of the text.
const VERSION: &str = "version=";

/// A member as the membership has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Whether it votes.
    pub voter: bool,
    /// `host:port` of its peer port.
    pub peer: String,
    /// Base URL of its HTTP API.
    pub api: String,
}

/// A member, and where it is reached by ZooKeeper clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresentMember {
    /// As the membership has it.
    pub member: Member,
    /// `host:port`; `None`: it has no such port, or has not said yet.
    pub clients: Option<String>,
}

/// A node id that was used; `None`: the node has left, and the id never comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MemberEver {
    pub(crate) present: Option<PresentMember>,
}

impl State {
    /// Records the membership of server nodes after a membership entry was applied. Takes no zxid.
    pub fn note_members(&mut self, members: &BTreeMap<u64, Member>) {
        let former: Vec<u64> = self.members_ever.iter().map(|(id, _)| *id).collect();
        for id in former {
            if !members.contains_key(&id) {
                self.members_ever.insert(id, MemberEver { present: None });
            }
        }
        for (id, member) in members {
            let clients = self.member(*id).and_then(|known| known.clients.clone());
            let member = member.clone();
            let present = Some(PresentMember { member, clients });
            self.members_ever.insert(*id, MemberEver { present });
        }
    }

    /// Whether a node id was used and then removed: it must not join again.
    #[must_use]
    pub fn is_retired_member(&self, id: u64) -> bool {
        self.members_ever
            .get(&id)
            .is_some_and(|member| member.present.is_none())
    }

    /// A member.
    #[must_use]
    pub fn member(&self, id: u64) -> Option<&PresentMember> {
        self.members_ever.get(&id)?.present.as_ref()
    }

    /// All members by id.
    pub fn members(&self) -> impl Iterator<Item = (u64, &PresentMember)> {
        self.members_ever
            .iter()
            .filter_map(|(id, member)| Some((*id, member.present.as_ref()?)))
    }

    /// Version of the text in `/zookeeper/config`: the zxid of the command that wrote it, 0 before
    /// the first.
    #[must_use]
    pub fn config_version(&self) -> Zxid {
        self.config_znode().map_or(Zxid(0), |znode| znode.mzxid)
    }

    /// Whether what commands make of the members is older than they are: the text, and which nodes sign.
    #[must_use]
    pub fn is_publication_due(&self) -> bool {
        let mut signing = self.signing_keys.iter().filter(|(_, key)| key.signs());
        self.config_is_behind() || signing.any(|(_, key)| self.member(key.node).is_none())
    }

    /// Whether `/zookeeper/config` shows another membership than the one in force. Where no member
    /// has a port for ZooKeeper clients there is nobody to show it to, and it stays empty.
    #[must_use]
    pub fn config_is_behind(&self) -> bool {
        let shown = self.config_znode().and_then(|znode| znode.data.as_deref());
        let shown = shown.unwrap_or_default();
        if shown.is_empty() && self.members().all(|(_, present)| present.clients.is_none()) {
            return false;
        }
        without_version(shown) != self.config_lines().as_bytes()
    }

    pub(crate) fn config_znode(&self) -> Option<&Znode> {
        self.znode(&ZnodePath::parse(path::CONFIG).ok()?)
    }

    /// The text with this version.
    pub(crate) fn config_text(&self, version: Zxid) -> String {
        format!("{}{VERSION}{:x}", self.config_lines(), version.0)
    }

    /// One line for each member, each with its end.
    fn config_lines(&self) -> String {
        let mut text = String::new();
        for (id, present) in self.members() {
            let PresentMember { member, clients } = present;
            let (host, port) = member
                .peer
                .rsplit_once(':')
                .unwrap_or((member.peer.as_str(), "0"));
            let role = if member.voter {
                "participant"
            } else {
                "observer"
            };
            // Writing into a String cannot fail.
            let _ = write!(
                text,
                "server.{id}={}:{}:{}:{role}",
                plain(host),
                plain(port),
                api_port(&member.api)
            );
            let _ = match clients {
                Some(clients) => writeln!(text, ";{clients}"),
                None => writeln!(text),
            };
        }
        text
    }

    /// I-13.
    pub(crate) fn check_config(&self) -> Result<(), String> {
        let Some(znode) = self.config_znode() else {
            return Err(format!("I-13: {} is missing", path::CONFIG));
        };
        let text = znode.data.as_deref().unwrap_or_default();
        let version = format!("{VERSION}{:x}", znode.mzxid.0);
        let is_ours = text.is_empty() || text.ends_with(version.as_bytes());
        if !is_ours || znode.version != -1 {
            return Err(format!(
                "I-13: {} has version {} and does not end with {version}: {:?}",
                path::CONFIG,
                znode.version,
                String::from_utf8_lossy(text)
            ));
        }
        Ok(())
    }
}

/// The lines before the last one.
fn without_version(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte == b'\n');
    let end = end.map_or(0, |at| at.saturating_add(1));
    text.get(..end).unwrap_or_default()
}

/// Addresses of peers are checked where they are used. What could be read as another line or field
/// does not get into the text.
fn plain(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-[]:%".contains(c);
    text.chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect()
}

/// The port of a base URL, or that of its scheme.
#[must_use]
pub fn api_port(url: &str) -> u16 {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split('/').next().unwrap_or_default();
    let named = authority
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse().ok());
    named.unwrap_or(if scheme == "https" { 443 } else { 80 })
}

/// Checks where a member says ZooKeeper clients reach it.
pub(crate) fn check_clients_address(text: &str) -> Result<(), Refusal> {
    let form = || {
        Refusal::BadArguments(format!(
            "{:?} is not of the form HOST:PORT",
            path::shown(text)
        ))
    };
    if text.len() > limits::CLIENTS_ADDRESS_BYTES_MAX {
        return Err(Refusal::limit(
            "bytes of a member's address for ZooKeeper clients",
            limits::CLIENTS_ADDRESS_BYTES_MAX as u64,
        ));
    }
    let (host, port) = text.rsplit_once(':').ok_or_else(form)?;
    let has_port = port.parse::<u16>().is_ok_and(|port| port > 0);
    let bare_ipv6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
    if host.is_empty() || !has_port || bare_ipv6 || plain(text) != text {
        return Err(form());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{api_port, check_clients_address, plain, without_version};

    #[test]
    fn the_port_of_an_api_is_found_or_follows_from_its_scheme() {
        let ports = [
            ("http://10.0.0.4:7400", 7400),
            ("http://[::1]:7401/base", 7401),
            ("https://holdfast.example", 443),
            ("http://holdfast.example/", 80),
            ("host:1234", 1234),
            ("", 80),
        ];
        for (url, port) in ports {
            assert_eq!(api_port(url), port, "{url}");
        }
    }

    #[test]
    fn an_address_cannot_make_a_line_of_its_own() {
        assert_eq!(plain("h\nserver.9=x;y"), "h_server.9_x_y");
        for bad in [
            "", "h", "h:0", "h:x", ":1", "a b:1", "h\n:1", "::1:2181", "h;x:1", "h:99999",
        ] {
            assert!(check_clients_address(bad).is_err(), "{bad:?}");
        }
        for good in ["10.0.0.4:2181", "[::1]:2181", "zk-1.example:1"] {
            assert!(check_clients_address(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn the_version_is_the_last_line() {
        assert_eq!(without_version(b"a\nb\nversion=1"), b"a\nb\n");
        assert_eq!(without_version(b"version=1"), b"");
        assert_eq!(without_version(b""), b"");
    }
}
