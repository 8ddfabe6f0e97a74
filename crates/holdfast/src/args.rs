//! The command line: what there is to say, with the help that explains it.

mod barrier;
mod bench;
mod cluster;
mod counter;
mod election;
mod fence;
mod fence_keys;
pub(crate) mod globals;
mod group;
mod import;
mod lock;
mod log;
mod node;
mod parse;
mod queue;
mod service;
mod session;
mod top;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use barrier::BarrierArgs;
pub(crate) use bench::{BenchArgs, Door, PickArgs, Trial};
pub(crate) use cluster::{ChangeArgs, ClusterCommand, SnapshotCommand};
pub(crate) use counter::CounterCommand;
pub(crate) use election::{ElectArgs, ElectionsCommand};
pub(crate) use fence::FenceCommand;
pub(crate) use fence_keys::{FenceKeysCommand, VerifyArgs};
pub(crate) use group::{GroupCommand, GroupsCommand, JoinArgs};
pub(crate) use import::{CountersArg, ImportCommand, ImportZooKeeperArgs, KindArgs};
pub(crate) use lock::{
    AcquireArgs, AskArgs, BreakArgs, ClaimTarget, ExtendArgs, LockArgs, LocksCommand, OnRequest,
    ProgressKind, SetArgs, Wish,
};
pub(crate) use log::LogArgs;
pub(crate) use node::{
    CreateArgs, EventsArgs, GetArgs, LsArgs, PutArgs, RmArgs, TreeArgs, TxnArgs, WatchArgs,
    WriteArgs,
};
pub(crate) use queue::{DeliveryArgs, QueueCommand, WorkArgs};
pub(crate) use service::{CallResult, PickInstanceArgs, RegisterArgs, ServiceCommand};
pub(crate) use session::SessionCommand;
pub(crate) use top::TopArgs;

use self::globals::Globals;
use crate::config::show::ConfigArgs;
use crate::dev::DevArgs;
use crate::serve::ServeArgs;

/// Distributed locks, sessions and configuration that survive the loss of a machine
#[derive(Clone, Debug, Parser)]
#[command(name = "holdfast", version, propagate_version = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Client(Box<ClientCommand>),
    /// Run a node
    Serve(ServeArgs),
    /// Run a whole cluster on this machine, to try things out
    Dev(DevArgs),
    /// Look at the configuration of a node
    Config(ConfigArgs),
    /// Print what lies in the log of a node that is not running, entry by entry
    Log(LogArgs),
    /// Watch the cluster live: members, rates, hot locks, sessions, elections, deadlocks
    Top(TopArgs),
    /// Put a cluster under load and print what it does
    Bench(Box<BenchArgs>),
    /// Print a completion script for a shell
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What to do with a cluster.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Run a command while holding a lock
    Lock(LockArgs),
    /// Take a lock and print the claim; it lives by its time to live
    Acquire(AcquireArgs),
    /// Give a claim more time
    Extend(ExtendArgs),
    /// Release a claim, or leave the queue
    Release(ClaimTarget),
    /// Look at locks and their queues, configure and break them
    #[command(subcommand)]
    Locks(LocksCommand),
    /// Show waits that were refused because they would never have ended, and locks taken in both orders
    Deadlocks,
    /// Stand for election, and run a command while leading
    Elect(ElectArgs),
    /// Look at elections, and hand leaderships over
    #[command(subcommand)]
    Elections(ElectionsCommand),
    /// Be a member of a group
    #[command(subcommand)]
    Group(GroupCommand),
    /// Look at groups and their members
    #[command(subcommand)]
    Groups(GroupsCommand),
    /// Wait in a barrier for others, run a command, and leave together
    Barrier(BarrierArgs),
    /// Register instances of services, look at them, and pick among them
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Put items into work queues, take them, and work for them
    #[command(subcommand)]
    Queue(QueueCommand),
    /// Open, renew, look at and end sessions
    #[command(subcommand)]
    Session(SessionCommand),
    /// Print the value of a node
    Get(GetArgs),
    /// Write the value of a node
    Put(PutArgs),
    /// Make a node
    Create(CreateArgs),
    /// Remove a node, or a whole tree
    Rm(RmArgs),
    /// List the children of a node
    Ls(LsArgs),
    /// List everything below a node
    Tree(TreeArgs),
    /// Print the numbers of a node (ZooKeeper's stat)
    Stat(GetArgs),
    /// Follow changes of a node and everything below it
    Watch(WatchArgs),
    /// Do several things at once, all or none, if conditions hold
    Txn(TxnArgs),
    /// Count, and hand out numbers
    #[command(subcommand)]
    Counter(CounterCommand),
    /// Show fences for resources outside, and verify signed ones
    #[command(subcommand)]
    Fence(FenceCommand),
    /// The keys that fence tokens are signed with
    #[command(subcommand)]
    FenceKeys(FenceKeysCommand),
    /// Follow what happens
    Events(EventsArgs),
    /// The cluster: members, leader, health
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// Copies of the whole state
    #[command(subcommand)]
    Snapshot(SnapshotCommand),
    /// Move in from another service
    #[command(subcommand)]
    Import(ImportCommand),
    /// Look for what could be wrong with the cluster, this machine and its disk
    Doctor(DoctorArgs),
    /// Print the version of this program and of the nodes
    Version,
}

/// Flags of `holdfast doctor`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Check this data directory of a node that is not running; nothing is changed
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Measure how long it takes to sync a write to disk in this directory (default: the data
    /// directory, if one is named)
    #[arg(long, value_name = "DIR")]
    pub(crate) disk: Option<PathBuf>,
    /// Do not ask the cluster
    #[arg(long)]
    pub(crate) offline: bool,
}

const EXIT_CODES: &str = "\
Exit codes:
    0  done                              77  not permitted
   64  used wrongly                      78  configured wrongly
   65  bad input data                    80  lock lost; the command under it was stopped
   66  not found                         81  deadlock refused
   69  no node or no leader; certainly   82  a version, fence or condition did not hold
       not done                          83  nobody knows whether it was done; look first
   70  internal error                    84  the cluster or this machine is not well
   75  lock busy or wait over (see -E)  124  no answer within --timeout
  128+N  ended by signal N; `lock` passes the code of its command through";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::CommandFactory;

    use super::globals::Format;
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    fn client(cli: Cli) -> ClientCommand {
        let Command::Client(command) = cli.command else {
            panic!("{cli:?}")
        };
        *command
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_command_under_a_lock_keeps_its_own_flags() {
        let cli =
            parse("holdfast lock deploy/prod -w 5m --reason x -- ./deploy.sh -w 3 --ttl").unwrap();
        let ClientCommand::Lock(args) = client(cli) else {
            panic!()
        };
        assert_eq!(args.name, "deploy/prod");
        assert_eq!(args.wish.wait, Some(Duration::from_secs(300)));
        assert_eq!(args.command, ["./deploy.sh", "-w", "3", "--ttl"]);
    }

    #[test]
    fn seconds_may_be_bare_as_with_flock() {
        let cli = parse("holdfast lock a -w 30 -- true").unwrap();
        let ClientCommand::Lock(args) = client(cli) else {
            panic!()
        };
        assert_eq!(args.wish.wait, Some(Duration::from_secs(30)));
    }

    #[test]
    fn what_makes_no_sense_together_is_refused() {
        for line in [
            "holdfast lock a -n -w 3s -- true",
            "holdfast lock a -s -x -- true",
            "holdfast lock a -s --permits 2 -- true",
            "holdfast lock a --limit 3 -- true",
            "holdfast put /a b --create-only --if-version 3",
            "holdfast put /a b --ephemeral",
            "holdfast get a -q -v",
            "holdfast locks break a --reason x",
            "holdfast",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn global_options_go_anywhere() {
        let cli =
            parse("holdfast cluster status -o json --endpoints a:1,b:2 --timeout 3s").unwrap();
        assert_eq!(cli.globals.output, Format::Json);
        assert_eq!(cli.globals.endpoints, ["a:1", "b:2"]);
        assert_eq!(cli.globals.timeout, Duration::from_secs(3));
    }

    #[test]
    fn the_id_of_a_key_may_begin_with_a_hyphen() {
        let id = "-PrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        let command = client(parse(&format!("holdfast fence-keys revoke {id}")).unwrap());
        let ClientCommand::FenceKeys(FenceKeysCommand::Revoke { kid }) = command else {
            panic!()
        };
        assert_eq!(kid, id);
    }

    #[test]
    fn claims_are_named_by_address_or_by_lock_and_id() {
        for line in [
            "holdfast release http://h:1/v1/locks/a/b/-/claims/c1",
            "holdfast release a/b c1",
        ] {
            let ClientCommand::Release(target) = client(parse(line).unwrap()) else {
                panic!()
            };
            assert_eq!(
                target.names(),
                Some(("a/b".to_owned(), "c1".to_owned())),
                "{line}"
            );
        }
        let ClientCommand::Release(target) = client(parse("holdfast release a/b").unwrap()) else {
            panic!()
        };
        assert_eq!(target.names(), None);
    }
}
