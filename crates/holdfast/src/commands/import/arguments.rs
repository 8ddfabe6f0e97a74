//! What is said on the command line, checked before anything is asked. Pure.

use raft_core::path;

use super::roots::{Roots, SYSTEM};
use crate::args::ImportZooKeeperArgs;
use crate::exit::{Exit, Failure};

/// ZooKeeper's port.
const PORT: u16 = 2181;
/// Servers of one side.
const SERVERS_MAX: usize = 64;

/// The tree and its place.
///
/// # Errors
/// A path is not valid, or the server's own.
pub(super) fn roots_of(args: &ImportZooKeeperArgs) -> Result<Roots, Failure> {
    let from = args.path.clone();
    let to = args.to.clone().unwrap_or_else(|| from.clone());
    for path in [&from, &to] {
        path::validate(path)
            .map_err(|error| Failure::new(Exit::Usage, format!("import {path}"), error))?;
        if path == SYSTEM || path.starts_with(&format!("{SYSTEM}/")) {
            let why = format!("{SYSTEM} belongs to the server itself");
            return Err(Failure::new(Exit::Usage, format!("import {path}"), why)
                .remedy("--quotas copies the quotas of a tree"));
        }
    }
    Ok(Roots { from, to })
}

/// Servers as `HOST:PORT`.
///
/// # Errors
/// One is not, or there are none or too many.
pub(super) fn servers(given: &[String]) -> Result<Vec<String>, Failure> {
    let mut servers = Vec::new();
    for server in given.iter().map(|server| server.trim()) {
        let usage =
            |why: &str| Failure::new(Exit::Usage, format!("use the server {server:?}"), why);
        if server.contains('/') {
            return Err(usage("write HOST:PORT only").remedy("the path is an argument of its own"));
        }
        let has_port = server
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        if !has_port {
            return Err(usage("write HOST:PORT"));
        }
        servers.push(server.to_owned());
    }
    if servers.is_empty() || servers.len() > SERVERS_MAX {
        let why = format!(
            "{} are given, 1 to {SERVERS_MAX} are possible",
            servers.len()
        );
        return Err(Failure::new(Exit::Usage, "use these servers", why));
    }
    Ok(servers)
}

/// ZooKeeper's port on the hosts of these URLs.
pub(super) fn doors_of<'a>(endpoints: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut doors: Vec<String> = Vec::new();
    for url in endpoints {
        let authority = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let authority = authority.split('/').next().unwrap_or_default();
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            Some(_) | None => authority,
        };
        let door = format!("{host}:{PORT}");
        if !doors.contains(&door) {
            doors.push(door);
        }
    }
    doors
}

/// A tree that is copied into itself grows without end; and naming the same servers twice is a slip.
///
/// # Errors
/// It is so.
pub(super) fn must_be_two(
    source: &[String],
    doors: &[String],
    roots: &Roots,
) -> Result<(), Failure> {
    let within = |inner: &str, outer: &str| {
        outer == "/" || inner == outer || inner.starts_with(&format!("{outer}/"))
    };
    let overlap = within(&roots.to, &roots.from) || within(&roots.from, &roots.to);
    match source.iter().find(|server| doors.contains(server)) {
        Some(server) if overlap => {
            let why = format!("{server} is the source and this cluster, and the trees overlap");
            Err(Failure::new(Exit::Usage, "import a tree into itself", why)
                .remedy("name the ZooKeeper ports of this cluster with --door"))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_of_this_cluster_are_guessed_from_its_endpoints() {
        let urls = [
            "http://10.0.0.1:7401",
            "http://10.0.0.1:7402",
            "http://[::1]:7401",
            "http://h",
        ];
        let urls: Vec<String> = urls.iter().map(|&url| url.to_owned()).collect();
        assert_eq!(doors_of(&urls), ["10.0.0.1:2181", "[::1]:2181", "h:2181"]);
    }

    #[test]
    fn servers_are_host_and_port() {
        let one = |text: &str| servers(&[text.to_owned()]);
        assert!(one("h:2181").is_ok() && one("[::1]:2181").is_ok());
        for wrong in ["", "h", ":2181", "h:x", "h:2181/app"] {
            assert_eq!(one(wrong).unwrap_err().code, 64, "{wrong}");
        }
        assert!(servers(&[]).is_err());
    }

    #[test]
    fn a_tree_is_not_copied_into_itself() {
        let roots = |from: &str, to: &str| Roots {
            from: from.to_owned(),
            to: to.to_owned(),
        };
        let servers = ["h:2181".to_owned()];
        for (from, to) in [("/", "/x"), ("/a", "/a"), ("/a/b", "/a"), ("/a", "/a/b")] {
            assert!(
                must_be_two(&servers, &servers, &roots(from, to)).is_err(),
                "{from} {to}"
            );
        }
        assert!(must_be_two(&servers, &servers, &roots("/a", "/ab")).is_ok());
        assert!(must_be_two(&servers, &["i:2181".to_owned()], &roots("/", "/")).is_ok());
    }
}
