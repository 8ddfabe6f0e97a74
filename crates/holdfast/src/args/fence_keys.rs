//! Flags of everything about the keys that fence tokens are signed with.

use clap::{Args, Subcommand};

/// `holdfast fence-keys …`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum FenceKeysCommand {
    /// List the keys of all nodes, and what each is good for
    Ls,
    /// Print the public keys as a JWK set, for verifiers that cannot fetch it
    Export,
    /// Have nodes make new keys; what was signed before goes on to count
    Rotate {
        /// The node, like n1; all of them if left out
        node: Option<String>,
    },
    /// Revoke a key that may be in other hands: nothing it has signed counts any more
    Revoke {
        /// Id of the key
        // One of 64 ids begins with a hyphen: they are base64url.
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
}

/// `holdfast fence verify`
#[derive(Clone, Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The token; `-` reads it from standard input
    pub(crate) token: String,
    /// Key set to verify with: a file, or a URL that ends in .well-known/jwks.json [default: that of the cluster]
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) jwks: Option<String>,
    /// Accept only tokens of this cluster
    #[arg(long, value_name = "ID")]
    pub(crate) issuer: Option<String>,
    /// Accept only tokens of claims that held this lock alone
    #[arg(long, value_name = "NAME", conflicts_with = "election")]
    pub(crate) lock: Option<String>,
    /// Accept only tokens of leaders of this election
    #[arg(long, value_name = "NAME")]
    pub(crate) election: Option<String>,
}
