//! Flags of `holdfast queue`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::parse;

/// `holdfast queue …`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// Put an item into a queue and print its name
    Put {
        /// The queue
        name: String,
        /// The item; @FILE reads a file, - or nothing reads standard input
        value: Option<String>,
        /// Items with a lower one are taken before, 0 to 999 [default: 100]
        #[arg(long, value_name = "N")]
        priority: Option<u16>,
        /// Media type of the item
        #[arg(long = "type", value_name = "TYPE")]
        content_type: Option<String>,
    },
    /// Take items, run a command for each with the item on its standard input, and acknowledge those for which it
    /// succeeded
    Work(WorkArgs),
    /// Take items for a session that is kept alive elsewhere
    Take {
        /// The queue
        name: String,
        /// The session that is to have them
        #[arg(long, value_name = "ID")]
        session: String,
        /// At most so many
        #[arg(short, default_value_t = 1)]
        n: u32,
        /// Wait so long for the first of them
        #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "0s")]
        wait: Duration,
    },
    /// Say that an item is done
    Ack(DeliveryArgs),
    /// Give an item back: others can take it
    GiveBack {
        #[command(flatten)]
        delivery: DeliveryArgs,
        /// Why; shown with the dead letter if this was the last try
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Do not count it as a try
        #[arg(long)]
        uncounted: bool,
    },
    /// List queues
    #[command(visible_alias = "ls")]
    List {
        /// Names that begin with this
        #[arg(default_value = "")]
        prefix: String,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Show the items of a queue in the order in which they are taken, or the value of one (in base64 where it is no text)
    Show {
        /// The queue
        name: String,
        /// The item
        item: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Show the dead letters of a queue, or the value of one (in base64 where it is no text)
    Dead {
        /// The queue
        name: String,
        /// The dead letter
        item: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", conflicts_with = "item")]
        limit: Option<usize>,
    },
    /// Put dead letters back into their queue
    Redrive {
        /// The queue
        name: String,
        /// The dead letter
        #[arg(required_unless_present = "all")]
        item: Option<String>,
        /// All of them
        #[arg(long, conflicts_with = "item")]
        all: bool,
    },
    /// Delete a dead letter
    Forget {
        /// The queue
        name: String,
        /// The dead letter
        item: String,
    },
    /// Set how a queue behaves
    Set {
        /// The queue
        name: String,
        /// After so many tries an item is a dead letter [default: never]
        #[arg(long, value_name = "N")]
        max_tries: Option<u32>,
        /// No item is put while there are so many [default: 1000000]
        #[arg(long, value_name = "N")]
        max_items: Option<u32>,
        /// Drop the settings instead
        #[arg(long, conflicts_with_all = ["max_tries", "max_items"])]
        drop: bool,
    },
}

/// Which delivery.
#[derive(Clone, Debug, Args)]
pub(crate) struct DeliveryArgs {
    /// The queue
    pub(crate) name: String,
    /// The item
    pub(crate) item: String,
    /// Number of the delivery
    pub(crate) delivery: u64,
    /// The session that has it
    #[arg(long, value_name = "ID")]
    pub(crate) session: String,
}

/// `holdfast queue work`
#[derive(Clone, Debug, Args)]
pub(crate) struct WorkArgs {
    /// The queue
    pub(crate) name: String,
    /// End when no item has come for so long [default: never]
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub(crate) wait: Option<Duration>,
    /// End after so many items
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
    /// Silence of this machine after which the cluster may give the item to others
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "15s")]
    pub(crate) ttl: Duration,
    /// When the session is lost: time between asking the command to end and killing it
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "5s")]
    pub(crate) grace: Duration,
    /// The command
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<String>,
}
