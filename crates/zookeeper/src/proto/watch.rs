//! Kinds of watch as requests name them.

/// Which watches of a path `checkWatches` and `removeWatches` mean (`Watcher.WatcherType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WatcherType {
    /// One-shot, on the children.
    Children,
    /// One-shot, on data or existence.
    Data,
    /// All on this path.
    Any,
    /// Persistent, not recursive.
    Persistent,
    /// Persistent and recursive.
    PersistentRecursive,
}

impl WatcherType {
    /// Every type.
    pub const ALL: &[WatcherType] = &[
        WatcherType::Children,
        WatcherType::Data,
        WatcherType::Any,
        WatcherType::Persistent,
        WatcherType::PersistentRecursive,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            WatcherType::Children => 1,
            WatcherType::Data => 2,
            WatcherType::Any => 3,
            WatcherType::Persistent => 4,
            WatcherType::PersistentRecursive => 5,
        }
    }

    /// The type a number on the wire stands for.
    #[must_use]
    pub const fn from_code(code: i32) -> Option<Self> {
        match code {
            1 => Some(WatcherType::Children),
            2 => Some(WatcherType::Data),
            3 => Some(WatcherType::Any),
            4 => Some(WatcherType::Persistent),
            5 => Some(WatcherType::PersistentRecursive),
            _ => None,
        }
    }
}

/// What `addWatch` registers (`AddWatchMode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddWatchMode {
    /// On the path, its data and its children.
    Persistent,
    /// On the path and everything below it.
    PersistentRecursive,
}

impl AddWatchMode {
    /// Every mode.
    pub const ALL: &[AddWatchMode] = &[AddWatchMode::Persistent, AddWatchMode::PersistentRecursive];

    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            AddWatchMode::Persistent => 0,
            AddWatchMode::PersistentRecursive => 1,
        }
    }

    /// The mode a number on the wire stands for.
    #[must_use]
    pub const fn from_code(code: i32) -> Option<Self> {
        match code {
            0 => Some(AddWatchMode::Persistent),
            1 => Some(AddWatchMode::PersistentRecursive),
            _ => None,
        }
    }
}
