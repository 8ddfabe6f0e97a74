//! Server lines: how ZooKeeper writes the members of an ensemble (`QuorumServer`), in `reconfig` and
//! in `/zookeeper/config`.
//!
//! ```text
//! server.<id>=<host>:<port>:<port>[:participant|:observer];[<host>:]<port>
//! ```
//!
//! ZooKeeper's first port is that of the quorum, the second that of elections. What they are here is
//! the door's business.

use std::fmt;

/// Host that means every interface: nothing to connect to.
const WILDCARDS: [&str; 2] = ["0.0.0.0", "[::]"];
/// Servers of one list at most.
const SERVERS_MAX: usize = 1000;
/// Bytes of a host name at most.
const HOST_BYTES_MAX: usize = 253;

/// Whether a server votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It does. What a line that says nothing means.
    Participant,
    /// It only follows.
    Observer,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerLine {
    /// Its number, from 1.
    pub id: u64,
    /// Host of the first two ports; IPv6 in brackets.
    pub host: String,
    /// The first port.
    pub first_port: u16,
    /// The second port.
    pub second_port: u16,
    /// Whether it votes.
    pub role: Role,
    /// Where clients connect to: never a wildcard unless `host` is one.
    pub clients: (String, u16),
}

/// A list that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A server that is not of the form.
    #[error(
        "{0:?} is not of the form server.ID=HOST:PORT:PORT[:participant|:observer];[HOST:]PORT"
    )]
    Server(String),
    /// An id that is no number from 1.
    #[error("{0:?} is not the number of a server")]
    Id(String),
    /// Too many at once.
    #[error("at most {SERVERS_MAX} servers can be named at once")]
    TooMany,
}

/// Reads servers separated by commas or line ends. An empty list is one.
///
/// # Errors
/// The first that cannot be read.
pub fn servers(text: &str) -> Result<Vec<ServerLine>, ConfigError> {
    let entries = items(text)?;
    // A configuration taken from `/zookeeper/config` ends with its version.
    let is_version = |entry: &&&str| entry.starts_with("version=");
    entries
        .iter()
        .filter(|entry| !is_version(entry))
        .map(|entry| ServerLine::parse(entry))
        .collect()
}

/// Reads numbers of servers separated by commas.
///
/// # Errors
/// The first that is none.
pub fn ids(text: &str) -> Result<Vec<u64>, ConfigError> {
    items(text)?.into_iter().map(id).collect()
}

fn items(text: &str) -> Result<Vec<&str>, ConfigError> {
    let items = text.split([',', '\n']).map(str::trim);
    let items: Vec<&str> = items
        .filter(|item| !item.is_empty())
        .take(SERVERS_MAX.saturating_add(1))
        .collect();
    if items.len() > SERVERS_MAX {
        return Err(ConfigError::TooMany);
    }
    Ok(items)
}

fn id(text: &str) -> Result<u64, ConfigError> {
    let number = text.parse().ok().filter(|id| *id > 0);
    number.ok_or_else(|| ConfigError::Id(shown(text)))
}

/// As much of a text as an error repeats.
fn shown(text: &str) -> String {
    text.chars().take(HOST_BYTES_MAX).collect()
}

impl ServerLine {
    /// Reads one line.
    ///
    /// # Errors
    /// What it says instead.
    pub fn parse(line: &str) -> Result<ServerLine, ConfigError> {
        let form = || ConfigError::Server(shown(line));
        let (name, rest) = line.split_once('=').ok_or_else(form)?;
        // As ZooKeeper reads it: whatever stands before the last point is no matter.
        let number = name.rsplit_once('.').map_or(name, |(_, number)| number);
        let id = id(number.trim())?;
        let (server, clients) = rest.split_once(';').ok_or_else(form)?;
        let (host, rest) = split_host(server.trim()).ok_or_else(form)?;
        let mut fields = rest.split(':').map(str::trim);
        let first_port = fields.next().and_then(port).ok_or_else(form)?;
        let second_port = fields.next().and_then(port).ok_or_else(form)?;
        let role = match fields.next() {
            None => Role::Participant,
            Some(role) if role.eq_ignore_ascii_case("participant") => Role::Participant,
            Some(role) if role.eq_ignore_ascii_case("observer") => Role::Observer,
            Some(_) => return Err(form()),
        };
        if fields.next().is_some() {
            return Err(form());
        }
        let clients = client_address(clients.trim(), host).ok_or_else(form)?;
        Ok(ServerLine {
            id,
            host: host.to_owned(),
            first_port,
            second_port,
            role,
            clients,
        })
    }
}

/// `[HOST:]PORT`. Without a host, and where the host is every interface, clients connect to the host
/// of the server: nobody can connect to a wildcard.
fn client_address(text: &str, server_host: &str) -> Option<(String, u16)> {
    let (host, number) = match split_host(text) {
        Some((host, number)) if !WILDCARDS.contains(&host) => (host, number),
        Some((_, number)) => (server_host, number),
        None => (server_host, text),
    };
    Some((host.to_owned(), port(number)?))
}

/// The host at the beginning, and what comes after its colon.
fn split_host(text: &str) -> Option<(&str, &str)> {
    let (host, rest) = if text.starts_with('[') {
        let end = text.find("]:")?.saturating_add(1);
        (text.get(..end)?, text.get(end.saturating_add(1)..)?)
    } else {
        text.split_once(':')?
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || "._-[]:%".contains(c);
    let fits = !host.is_empty() && host.len() <= HOST_BYTES_MAX && host.chars().all(is_host);
    fits.then_some((host, rest))
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port > 0)
}

impl fmt::Display for ServerLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Participant => "participant",
            Role::Observer => "observer",
        };
        let (host, port) = &self.clients;
        write!(
            f,
            "server.{}={}:{}:{}:{role};{host}:{port}",
            self.id, self.host, self.first_port, self.second_port
        )
    }
}
