//! Kinds of znode as the `flags` of a create name them (`CreateMode`).

/// A kind of znode, and whether its name gets a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CreateMode {
    /// Stays until it is deleted.
    Persistent,
    /// Goes with its session.
    Ephemeral,
    /// Persistent, its name numbered.
    PersistentSequential,
    /// Ephemeral, its name numbered.
    EphemeralSequential,
    /// Goes some time after its last child.
    Container,
    /// Goes when it has been childless and unchanged for its time to live.
    PersistentWithTtl,
    /// The same, its name numbered.
    PersistentSequentialWithTtl,
}

impl CreateMode {
    /// Every kind, by its `flags`.
    pub const ALL: [CreateMode; 7] = [
        CreateMode::Persistent,
        CreateMode::Ephemeral,
        CreateMode::PersistentSequential,
        CreateMode::EphemeralSequential,
        CreateMode::Container,
        CreateMode::PersistentWithTtl,
        CreateMode::PersistentSequentialWithTtl,
    ];

    /// The kind that `flags` name; `None` for unknown ones (`BADARGUMENTS`).
    #[must_use]
    pub fn from_flags(flags: i32) -> Option<Self> {
        let index = usize::try_from(flags).ok()?;
        CreateMode::ALL.get(index).copied()
    }

    /// The number on the wire.
    #[must_use]
    pub const fn flags(self) -> i32 {
        match self {
            CreateMode::Persistent => 0,
            CreateMode::Ephemeral => 1,
            CreateMode::PersistentSequential => 2,
            CreateMode::EphemeralSequential => 3,
            CreateMode::Container => 4,
            CreateMode::PersistentWithTtl => 5,
            CreateMode::PersistentSequentialWithTtl => 6,
        }
    }

    /// Whether it goes with its session.
    #[must_use]
    pub const fn is_ephemeral(self) -> bool {
        matches!(
            self,
            CreateMode::Ephemeral | CreateMode::EphemeralSequential
        )
    }

    /// Whether its name gets a number.
    #[must_use]
    pub const fn is_sequential(self) -> bool {
        matches!(
            self,
            CreateMode::PersistentSequential
                | CreateMode::EphemeralSequential
                | CreateMode::PersistentSequentialWithTtl
        )
    }

    /// Whether it goes after its last child.
    #[must_use]
    pub const fn is_container(self) -> bool {
        matches!(self, CreateMode::Container)
    }

    /// Whether it has a time to live.
    #[must_use]
    pub const fn has_ttl(self) -> bool {
        matches!(
            self,
            CreateMode::PersistentWithTtl | CreateMode::PersistentSequentialWithTtl
        )
    }
}
