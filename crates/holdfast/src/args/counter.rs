//! Flags of everything about counters.

use clap::Subcommand;

/// `holdfast counter …`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum CounterCommand {
    /// Print the value of a counter
    Get {
        /// The counter
        name: String,
    },
    /// Add to a counter and print its value; it begins at 0
    Add {
        /// The counter
        name: String,
        /// How much; less than 0 takes away
        #[arg(default_value_t = 1, allow_negative_numbers = true)]
        delta: i64,
    },
    /// Take a block of numbers that nobody else gets, and print the first and the last
    Block {
        /// The counter
        name: String,
        /// How many
        size: u32,
    },
    /// Forget a counter: the next of this name begins at 0
    Rm {
        /// The counter
        name: String,
        /// Only if its znode has this version
        #[arg(long, value_name = "N")]
        if_version: Option<i32>,
    },
    /// List counters
    Ls {
        /// Names that begin with this
        #[arg(default_value = "")]
        prefix: String,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
}
