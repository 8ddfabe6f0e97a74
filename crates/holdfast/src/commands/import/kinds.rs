//! Which znodes are containers or have a time to live. A stat does not tell: ZooKeeper shows an
//! ephemeral owner of 0 for them. So somebody has to say it, or a snapshot file of a server does.

mod pattern;
mod snapshot;

use std::collections::HashMap;

use zookeeper::proto::create_mode::CreateMode;

use self::pattern::Pattern;
use crate::args::KindArgs;
use crate::exit::{Exit, Failure};

/// What ends a znode that is not ephemeral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only a delete.
    Persistent,
    /// The end of its last child.
    Container,
    /// So many milliseconds without change or children.
    Ttl(i64),
}

impl Kind {
    /// The kind as a create names it.
    pub(super) fn mode(self) -> CreateMode {
        match self {
            Kind::Persistent => CreateMode::Persistent,
            Kind::Container => CreateMode::Container,
            Kind::Ttl(_) => CreateMode::PersistentWithTtl,
        }
    }
}

/// What is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Kinds {
    said: Vec<(Pattern, Kind)>,
    /// By path, with the zxid of their creation: a znode that was made anew since is another one.
    recorded: HashMap<String, (i64, Kind)>,
}

impl Kinds {
    /// Reads what the user says.
    ///
    /// # Errors
    /// A pattern or the file cannot be read.
    pub(super) fn read(args: &KindArgs) -> Result<Kinds, Failure> {
        let pattern = |text: &str| {
            Pattern::parse(text)
                .map_err(|why| Failure::new(Exit::Usage, format!("use the pattern {text:?}"), why))
        };
        let mut said = Vec::new();
        for text in &args.container {
            said.push((pattern(text)?, Kind::Container));
        }
        for (text, ttl) in &args.ttl {
            let ms = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
            said.push((pattern(text)?, Kind::Ttl(ms)));
        }
        let recorded = match &args.kinds_from {
            None => HashMap::new(),
            Some(file) => snapshot::read(file).map_err(|why| {
                let what = format!("read the snapshot {}", file.display());
                Failure::new(Exit::BadInput, what, why)
                    .remedy("name a file snapshot.… of dataDir/version-2 of one of the servers")
            })?,
        };
        Ok(Kinds { said, recorded })
    }

    /// How many znodes of a snapshot file are not ordinary.
    pub(super) fn recorded(&self) -> usize {
        self.recorded.len()
    }

    /// The kind of a znode that is not ephemeral.
    pub(super) fn of(&self, path: &str, czxid: i64) -> Kind {
        let said = self.said.iter().find(|(pattern, _)| pattern.matches(path));
        let recorded = self.recorded.get(path).filter(|(zxid, _)| *zxid == czxid);
        match (said, recorded) {
            (Some((_, kind)), _) | (None, Some((_, kind))) => *kind,
            (None, None) => Kind::Persistent,
        }
    }
}
