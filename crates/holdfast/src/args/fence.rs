//! Flags of everything about fences outside.

use clap::Subcommand;

use super::fence_keys::VerifyArgs;

/// `holdfast fence …`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum FenceCommand {
    /// Show a fence for a resource before writing to it; exit code 82 if a higher one was shown before
    Advance {
        /// The resource
        resource: String,
        /// The fence of the hold that is about to write
        fence: u64,
    },
    /// Print the highest fence that was shown for a resource
    Get {
        /// The resource
        resource: String,
    },
    /// Forget what was shown for a resource: any fence is accepted then, also a late one
    Rm {
        /// The resource
        resource: String,
    },
    /// List resources and the highest fences shown for them
    Ls {
        /// Names that begin with this
        #[arg(default_value = "")]
        prefix: String,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Verify a signed token as a resource does, and print its fence; exit code 82 if it is refused
    Verify(VerifyArgs),
}
