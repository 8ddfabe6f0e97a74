//! A bridge, a network namespace per node, and rules that hurt what arrives.
//!
//! A rule stands where packets *arrive*, and names who sent them: so a cut of one direction only is
//! one rule, and every other cut is a set of them. Each fault has a table of its own in `nft`, with
//! counters: adding and removing one never touches another, and the counters tell whether it bit.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};

use super::tools;

/// First three bytes of all addresses; no machine sees them, the namespace ends at the harness.
const PREFIX: [u8; 3] = [10, 77, 0];
/// Where the worker processes speak from.
const CLIENTS: Ipv4Addr = address(254);
/// Where the observer and the nemesis speak from: no fault ever touches it.
const KEEPER: Ipv4Addr = address(253);
/// Highest number of a node: its address ends in it.
pub const NODES_MAX: u64 = 250;
/// A directory that only this run sees: names of namespaces, sockets.
pub(crate) const PRIVATE: &str = "/run/netns";
const BRIDGE: &str = "hfbr0";

const fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(PREFIX[0], PREFIX[1], PREFIX[2], last)
}

/// A place that packets leave from or arrive at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A node.
    Node(u64),
    /// All worker processes.
    Clients,
}

/// Which packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// All.
    Any,
    /// Between nodes.
    Peer,
}

/// What happens to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// They vanish.
    Drop,
    /// So many in a hundred vanish.
    Lose(u8),
    /// Those longer than so many bytes vanish.
    DropLonger(u16),
    /// Their connection is reset.
    Reset,
    /// A process decides when they go on; without one they pass.
    Queue(u16),
}

/// One direction of one link, hurt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Who sends.
    pub from: Place,
    /// Where they arrive.
    pub to: Place,
    /// Which of them.
    pub ports: Ports,
    /// What happens.
    pub action: Action,
}

impl Rule {
    /// Everything vanishes.
    #[must_use]
    pub fn drop(from: Place, to: Place) -> Rule {
        Rule {
            from,
            to,
            ports: Ports::Any,
            action: Action::Drop,
        }
    }
}

/// Both directions between two sides.
#[must_use]
pub fn cut(left: &[Place], right: &[Place]) -> Vec<Rule> {
    let both = |&a: &Place| {
        right
            .iter()
            .flat_map(move |&b| [Rule::drop(a, b), Rule::drop(b, a)])
    };
    left.iter().flat_map(both).collect()
}

/// The network of a run.
#[derive(Debug, Default)]
pub struct Network {
    /// Rules in force, by the name of their fault.
    faults: Mutex<BTreeMap<String, Vec<Rule>>>,
}

impl Network {
    /// Makes the bridge; this process must be inside namespaces of its own.
    ///
    /// # Errors
    /// What the system refused.
    pub fn build() -> Result<Network> {
        std::fs::create_dir_all(PRIVATE).context("make the directory of namespaces")?;
        // Names of namespaces stay inside the mount namespace of this run.
        tools::run("mount", &["-t", "tmpfs", "hf-private", PRIVATE])?;
        let batch = format!(
            "link set lo up\nlink add {BRIDGE} type bridge\naddr add {CLIENTS}/24 dev {BRIDGE}\n\
             addr add {KEEPER}/24 dev {BRIDGE}\nlink set {BRIDGE} up\n"
        );
        tools::run_with_input("ip", &["-batch", "-"], &batch).context("make the bridge")?;
        Ok(Network::default())
    }

    /// Makes the namespace of a node and its cable to the bridge.
    ///
    /// # Errors
    /// What the system refused.
    pub fn add(&self, node: u64) -> Result<()> {
        let (name, ip) = (namespace(node), node_address(node)?);
        let cable = format!("hfv{node}");
        let outside = format!(
            "netns add {name}\nlink add {cable} type veth peer name eth0 netns {name}\n\
             link set {cable} master {BRIDGE}\nlink set {cable} up\n"
        );
        tools::run_with_input("ip", &["-batch", "-"], &outside)
            .with_context(|| format!("make the network of node {node}"))?;
        let inside = format!("link set lo up\naddr add {ip}/24 dev eth0\nlink set eth0 up\n");
        tools::run_with_input("ip", &["-n", &name, "-batch", "-"], &inside)
            .with_context(|| format!("make the network inside node {node}"))?;
        Ok(())
    }

    /// Puts the rules of a fault in force.
    ///
    /// # Errors
    /// What the system refused; the fault is then only partly there: remove it.
    pub fn hurt(&self, fault: &str, rules: &[Rule]) -> Result<()> {
        let known = rules.to_vec();
        self.faults().insert(fault.to_owned(), known);
        for place in places(rules) {
            let table = table(fault, place, rules)?;
            self.nft(place, &table)?;
            queues(Change::Add, fault, place, rules)?;
        }
        Ok(())
    }

    /// Takes a fault away; nothing happens where there is none of the name.
    ///
    /// # Errors
    /// What the system refused.
    pub fn heal(&self, fault: &str) -> Result<()> {
        let rules = self.faults().remove(fault).unwrap_or_default();
        for place in places(&rules) {
            // Made first, so that removing what is not there is no error.
            let script = format!("add table inet {fault}\ndelete table inet {fault}\n");
            self.nft(place, &script)?;
            queues(Change::Remove, fault, place, &rules)?;
        }
        Ok(())
    }

    /// Packets that a fault has met.
    ///
    /// # Errors
    /// When the counters cannot be read.
    pub fn hits(&self, fault: &str) -> Result<u64> {
        let rules = self.faults().get(fault).cloned().unwrap_or_default();
        let mut sum = 0;
        for place in places(&rules) {
            let arguments = ["list", "table", "inet", fault];
            let text = tools::run("nsenter", &enter(place, "nft", &arguments))?;
            sum += packets(&text);
            if has_queue(&rules) {
                let arguments = ["-w", "-L", "INPUT", "-v", "-n", "-x"];
                let text = tools::run("nsenter", &enter(place, "iptables", &arguments))?;
                sum += queued(&text, fault);
            }
        }
        Ok(sum)
    }

    /// Faults in force.
    #[must_use]
    pub fn in_force(&self) -> Vec<String> {
        self.faults().keys().cloned().collect()
    }

    fn nft(&self, place: Place, script: &str) -> Result<()> {
        let words = enter(place, "nft", &["-f", "-"]);
        tools::run_with_input("nsenter", &words, script)
            .with_context(|| format!("set the packet rules of {place:?}"))
            .map(drop)
    }

    fn faults(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<Rule>>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Name of a node's namespace.
fn namespace(node: u64) -> String {
    format!("hfn{node}")
}

/// Words before a program that is to run in a node's network.
#[must_use]
pub fn prefix(node: u64) -> Vec<String> {
    let file = format!("--net={PRIVATE}/{}", namespace(node));
    vec!["nsenter".to_owned(), file]
}

/// Arguments of `nsenter` for a program at a place.
fn enter(place: Place, program: &str, arguments: &[&str]) -> Vec<String> {
    let file = match place {
        Place::Node(node) => format!("{PRIVATE}/{}", namespace(node)),
        Place::Clients => "/proc/self/ns/net".to_owned(),
    };
    let mut words = vec![format!("--net={file}"), program.to_owned()];
    words.extend(arguments.iter().map(|&word| word.to_owned()));
    words
}

/// Where a node is.
///
/// # Errors
/// When its number is too large for an address.
pub fn node_address(node: u64) -> Result<Ipv4Addr> {
    let last = u8::try_from(node)
        .ok()
        .filter(|&last| u64::from(last) <= NODES_MAX);
    let last = last.filter(|&last| last > 0);
    last.map(address)
        .with_context(|| format!("node {node}: numbers from 1 to {NODES_MAX} have an address"))
}

/// Where probes speak from, and are never cut off.
#[must_use]
pub fn keeper() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(KEEPER), 0)
}

fn places(rules: &[Rule]) -> Vec<Place> {
    let mut places: Vec<Place> = rules.iter().map(|rule| rule.to).collect();
    places.sort_unstable();
    places.dedup();
    places
}

fn source(place: Place) -> Result<Ipv4Addr> {
    match place {
        Place::Node(node) => node_address(node),
        Place::Clients => Ok(CLIENTS),
    }
}

/// The whole table of a fault at one place.
fn table(fault: &str, place: Place, rules: &[Rule]) -> Result<String> {
    let mut lines = String::new();
    for rule in rules.iter().filter(|rule| rule.to == place) {
        let Some(action) = action(rule.action) else {
            continue;
        };
        let from = source(rule.from)?;
        // Of the clients' place only what was sent to the workers: the keeper shares the wire.
        let to = source(rule.to)?;
        for ports in port_matches(rule.ports) {
            lines.push_str(&format!("ip saddr {from} ip daddr {to} {ports}{action}\n"));
        }
    }
    Ok(format!(
        "table inet {fault} {{\nchain arriving {{\ntype filter hook input priority 0; policy \
         accept;\n{lines}}}\n}}\n"
    ))
}

fn port_matches(ports: Ports) -> Vec<String> {
    let peer = super::ports::PEER;
    match ports {
        Ports::Any => vec![String::new()],
        Ports::Peer => vec![format!("tcp dport {peer} "), format!("tcp sport {peer} ")],
    }
}

/// None: not the work of `nft`.
fn action(action: Action) -> Option<String> {
    let words = match action {
        Action::Drop => "counter drop".to_owned(),
        Action::Lose(percent) => format!("numgen random mod 100 < {percent} counter drop"),
        Action::DropLonger(bytes) => format!("meta length > {bytes} counter drop"),
        Action::Reset => "meta l4proto tcp counter reject with tcp reset".to_owned(),
        Action::Queue(_) => return None,
    };
    Some(words)
}

/// Whether a rule of `iptables` comes or goes.
#[derive(Clone, Copy, Debug)]
enum Change {
    Add,
    Remove,
}

fn has_queue(rules: &[Rule]) -> bool {
    rules
        .iter()
        .any(|rule| matches!(rule.action, Action::Queue(_)))
}

/// Queues are made by `iptables`: kernels have its NFQUEUE more often than the `queue` of `nft`.
fn queues(change: Change, fault: &str, place: Place, rules: &[Rule]) -> Result<()> {
    let flag = match change {
        Change::Add => "-A",
        Change::Remove => "-D",
    };
    let mut lines = String::new();
    for rule in rules.iter().filter(|rule| rule.to == place) {
        if let Action::Queue(queue) = rule.action {
            let (from, to) = (source(rule.from)?, source(rule.to)?);
            lines.push_str(&format!(
                "{flag} INPUT -s {from} -d {to} -m comment --comment {fault} -j NFQUEUE \
                 --queue-num {queue} --queue-bypass\n"
            ));
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    let script = format!("*filter\n{lines}COMMIT\n");
    let words = enter(place, "iptables-restore", &["--noflush"]);
    tools::run_with_input("nsenter", &words, &script)
        .with_context(|| format!("queue the packets of {place:?}"))
        .map(drop)
}

/// Sum of the packets of a fault's queues in a listing.
fn queued(listing: &str, fault: &str) -> u64 {
    let comment = format!("/* {fault} */");
    let of_fault = listing.lines().filter(|line| line.contains(&comment));
    let counts = of_fault.filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    counts.sum()
}

/// Sum of `counter packets N` in a listing.
fn packets(listing: &str) -> u64 {
    let mut words = listing.split_whitespace();
    let mut sum = 0;
    while let Some(word) = words.next() {
        if word == "packets" {
            sum += words
                .next()
                .and_then(|n| n.parse::<u64>().ok())
                .unwrap_or(0);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_a_rule_where_packets_arrive_for_both_directions() {
        let rules = cut(&[Place::Node(1)], &[Place::Node(2), Place::Clients]);
        assert_eq!(rules.len(), 4);
        let at_one = table("hf0", Place::Node(1), &rules).unwrap();
        assert!(at_one.contains("ip saddr 10.77.0.2 ip daddr 10.77.0.1 counter drop"));
        assert!(at_one.contains("ip saddr 10.77.0.254 ip daddr 10.77.0.1 counter drop"));
        assert_eq!(at_one.matches("counter drop").count(), 2);
    }

    #[test]
    fn counters_are_summed() {
        let text = "ip saddr 1 counter packets 3 bytes 9 drop\n counter packets 4 bytes 1 drop";
        assert_eq!(packets(text), 7);
        let text = "  12  720 NFQUEUE 0 -- * * 10.77.0.2 10.77.0.1 /* hf3 */ NFQUEUE num 7 bypass\n\
                      5  300 NFQUEUE 0 -- * * 10.77.0.2 10.77.0.1 /* hf31 */ NFQUEUE num 7 bypass";
        assert_eq!(queued(text, "hf3"), 12);
    }
}
