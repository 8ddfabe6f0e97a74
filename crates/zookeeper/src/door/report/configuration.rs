//! `conf`: settings under ZooKeeper's names, and who is in.

use std::fmt::Write as _;
use std::io;

use raft_core::ids::ZnodePath;
use serde_json::{Value, json};

use super::gauges::millis;
use crate::door::Door;
use crate::door::installation::DiskSizes;
use crate::door::mode::{ServerMode, server_mode};

/// Milliseconds of a tick. Nothing here counts in ticks but `dump`, which shows expiries by them.
pub(crate) const TICK_MS: u64 = 2000;
/// ZooKeeper's only way of electing a leader since 3.6.
const ELECTION_ALGORITHM: u64 = 3;
/// "As the system has it", and "there is none".
const NONE: i64 = -1;
/// Where the members stand.
const CONFIG: &str = "/zookeeper/config";

/// A setting: its name in `conf`, its name in JSON (`None`: only in text), its value.
type Setting = (&'static str, Option<&'static str>, Value);

/// All settings, in ZooKeeper's order.
fn settings(door: &Door, sizes: DiskSizes) -> Vec<Setting> {
    let settings = &door.settings;
    let data_dir = door.installation.data_dir.display().to_string();
    let port = door.installation.client_address.port();
    let peer_port = own_peer_port(door);
    let limits = door.node.follower_limits();
    let is_observer = server_mode(door) == Some(ServerMode::Observer);
    let connections = settings.connections_per_address_max;
    vec![
        ("clientPort", Some("client_port"), json!(port)),
        ("secureClientPort", None, json!(NONE)),
        ("dataDir", Some("data_dir"), json!(data_dir)),
        ("dataDirSize", None, json!(sizes.snapshots)),
        ("dataLogDir", Some("data_log_dir"), json!(data_dir)),
        ("dataLogSize", None, json!(sizes.log)),
        ("tickTime", Some("tick_time"), json!(TICK_MS)),
        (
            "maxClientCnxns",
            Some("max_client_cnxns"),
            json!(connections),
        ),
        (
            "minSessionTimeout",
            Some("min_session_timeout"),
            json!(millis(settings.session_timeout_min)),
        ),
        (
            "maxSessionTimeout",
            Some("max_session_timeout"),
            json!(millis(settings.session_timeout_max)),
        ),
        (
            "clientPortListenBacklog",
            Some("client_port_listen_backlog"),
            json!(NONE),
        ),
        ("serverId", Some("server_id"), json!(door.node.id())),
        (
            "initLimit",
            Some("init_limit"),
            json!(ticks(limits.catch_up)),
        ),
        (
            "syncLimit",
            Some("sync_limit"),
            json!(ticks(limits.silence)),
        ),
        (
            "electionAlg",
            Some("election_alg"),
            json!(ELECTION_ALGORITHM),
        ),
        ("electionPort", Some("election_port"), json!(peer_port)),
        ("quorumPort", Some("quorum_port"), json!(peer_port)),
        ("peerType", Some("peer_type"), json!(u8::from(is_observer))),
    ]
}

fn ticks(time: std::time::Duration) -> u64 {
    millis(time).div_ceil(TICK_MS)
}

fn own_peer_port(door: &Door) -> u16 {
    let members = door.node.members_known();
    let own = members.iter().find(|member| member.id == door.node.id());
    let port = own.and_then(|own| own.peer.rsplit_once(':'));
    port.and_then(|(_, port)| port.parse().ok()).unwrap_or(0)
}

/// The text of `conf`.
///
/// # Errors
/// When the disk does not say what it holds.
pub(crate) fn text(door: &Door) -> io::Result<String> {
    let mut text = String::new();
    for (name, _, value) in settings(door, door.installation.disk.sizes()?) {
        // Writing into a String cannot fail.
        let _ = match value.as_str() {
            Some(value) => writeln!(text, "{name}={value}"),
            None => writeln!(text, "{name}={value}"),
        };
    }
    text.push_str("membership: \n");
    text.push_str(&membership(door));
    Ok(text)
}

/// The fields of `/commands/configuration`.
pub(crate) fn fields(door: &Door) -> super::Rows {
    let all = settings(door, DiskSizes::default()).into_iter();
    all.filter_map(|(_, name, value)| Some((name?.to_owned(), value)))
        .collect()
}

/// What `/zookeeper/config` says; as long as it says nothing, the same from what this node knows.
fn membership(door: &Door) -> String {
    let written = door.node.peek(|state| {
        let path = ZnodePath::parse(CONFIG).ok()?;
        state.znode(&path)?.data.clone()
    });
    let written = written.unwrap_or_default();
    if !written.is_empty() {
        return String::from_utf8_lossy(&written).into_owned();
    }
    let mut text = String::new();
    for member in door.node.members_known() {
        let Some((host, port)) = member.peer.rsplit_once(':') else {
            continue;
        };
        let kind = if member.voter {
            "participant"
        } else {
            "observer"
        };
        let _ = write!(text, "server.{}={host}:{port}:{port}:{kind}", member.id);
        if member.id == door.node.id() {
            let _ = write!(text, ";{}", door.installation.client_address);
        }
        text.push('\n');
    }
    text.push_str("version=0");
    text
}
