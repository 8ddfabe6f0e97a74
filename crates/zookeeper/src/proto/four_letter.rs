//! Four-letter words: what an administrator types instead of the protocol (`FourLetterCommands`).

macro_rules! words {
    ($($(#[$about:meta])* $name:ident = $text:literal,)*) => {
        /// A word that may stand at the very start of a connection instead of a frame.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FourLetterWord { $($(#[$about])* $name,)* }

        impl FourLetterWord {
            /// Every word.
            pub const ALL: &[FourLetterWord] = &[$(FourLetterWord::$name,)*];

            /// The word as it is sent, and as it stands in a white-list.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(FourLetterWord::$name => $text,)* }
            }

            /// The word these bytes are, if they are one.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 4]) -> Option<Self> {
                let mut all = FourLetterWord::ALL.iter();
                all.find(|word| word.name().as_bytes() == bytes).copied()
            }
        }
    };
}

words! {
    /// Settings.
    Conf = "conf",
    /// Connections in detail.
    Cons = "cons",
    /// Reset the counters of all connections.
    Crst = "crst",
    /// Sizes of the data directories.
    Dirs = "dirs",
    /// Sessions and their ephemeral znodes.
    Dump = "dump",
    /// Version and environment.
    Envi = "envi",
    /// Get the trace mask.
    Gtmk = "gtmk",
    /// Digests of the tree.
    Hash = "hash",
    /// Read-only or read-write.
    Isro = "isro",
    /// Metrics.
    Mntr = "mntr",
    /// Is the process up?
    Ruok = "ruok",
    /// Reset the counters of the server.
    Srst = "srst",
    /// Version, counters, mode.
    Srvr = "srvr",
    /// `srvr` and the connections.
    Stat = "stat",
    /// Set the trace mask: eight bytes follow.
    Stmk = "stmk",
    /// Watches by session.
    Wchc = "wchc",
    /// Watches by path.
    Wchp = "wchp",
    /// Watches counted.
    Wchs = "wchs",
}
