//! ZooKeeper's quotas: how one is set, and what it counts.
//!
//! The quota of `/a/b` is the znode `/zookeeper/quota/a/b/zookeeper_limits`; `zookeeper_stats` beside
//! it shows what the subtree of `/a/b` uses. Clients make and remove both by ordinary operations, so
//! the state machine looks out for these names. While there is a limits znode, the stats znode is
//! written by the state machine alone: with each change of the subtree, without a zxid, a version or
//! an event of its own.
//!
//! A znode counts for the nearest quota at or above it and for no other. Of the stats znodes
//! themselves no bytes count: they would change what they show.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use crate::data::Data;
use crate::ids::ZnodePath;
use crate::path;

/// Name of the znode that sets a quota.
pub const LIMITS: &str = "zookeeper_limits";
/// Name of the znode that shows what is used of it.
pub const STATS: &str = "zookeeper_stats";

/// What a quota limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Counted {
    /// Znodes of the subtree, its top among them.
    Znodes,
    /// Bytes of their data.
    Bytes,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Counted::Znodes => "znodes",
            Counted::Bytes => "bytes of data",
        })
    }
}

/// What part of the tree uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Znodes.
    pub znodes: u64,
    /// Bytes of their data.
    pub bytes: u64,
}

impl Usage {
    /// Of nothing.
    pub(crate) const NONE: Usage = Usage {
        znodes: 0,
        bytes: 0,
    };

    /// Of one znode with so many bytes of data.
    pub(crate) fn of(path: &ZnodePath, data_length: u64) -> Usage {
        Usage {
            znodes: 1,
            bytes: if shows_usage(path) { 0 } else { data_length },
        }
    }

    pub(crate) fn plus(self, other: Usage) -> Usage {
        Usage {
            znodes: self.znodes.saturating_add(other.znodes),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    pub(crate) fn minus(self, other: Usage) -> Usage {
        Usage {
            znodes: self.znodes.saturating_sub(other.znodes),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    /// As the stats znode shows it, in ZooKeeper's words.
    pub(crate) fn text(self) -> Data {
        Data::from(format!("count={},bytes={}", self.znodes, self.bytes))
    }
}

/// What a quota allows of one thing. A soft limit is only told about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// More than this is logged.
    pub soft: Option<u64>,
    /// More than this is refused.
    pub hard: Option<u64>,
}

/// What a quota allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of znodes.
    pub znodes: Limit,
    /// Of bytes of data.
    pub bytes: Limit,
}

impl Limits {
    /// Reads `count=N,bytes=M` and what newer clients add to it,
    /// `=;byteHardLimit=B;countHardLimit=C`, in any order. What is missing, negative or not
    /// understood is no limit: this text is any client's, and apply cannot refuse it afterwards.
    pub(crate) fn parse(data: Option<&[u8]>) -> Limits {
        let mut limits = Limits::default();
        let text = String::from_utf8_lossy(data.unwrap_or_default());
        for field in text.split([',', ';']) {
            let mut parts = field.split('=').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let value = parts.next().and_then(|value| value.parse().ok());
            match name {
                "count" => limits.znodes.soft = value,
                "bytes" => limits.bytes.soft = value,
                "countHardLimit" => limits.znodes.hard = value,
                "byteHardLimit" => limits.bytes.hard = value,
                _ => {}
            }
        }
        limits
    }

    /// Each limit with what it limits of `usage`.
    pub(crate) fn against(self, usage: Usage) -> [(Counted, Limit, u64); 2] {
        [
            (Counted::Znodes, self.znodes, usage.znodes),
            (Counted::Bytes, self.bytes, usage.bytes),
        ]
    }
}

/// A quota as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The path it is set on. There need not be such a znode.
    pub path: ZnodePath,
    /// Where its usage is shown, if there is such a znode.
    pub(crate) stats: ZnodePath,
    /// What it allows.
    pub limits: Limits,
    /// What counts for it.
    pub usage: Usage,
}

/// The path whose quota the znode at `path` sets, if it is such a znode. The root has no quota.
pub(crate) fn limited_by(path: &ZnodePath) -> Option<ZnodePath> {
    subject(path, LIMITS)
}

/// The path whose usage the znode at `path` shows, if it is such a znode.
pub(crate) fn shown_by(path: &ZnodePath) -> Option<&str> {
    subject_text(path, STATS)
}

fn shows_usage(path: &ZnodePath) -> bool {
    shown_by(path).is_some()
}

fn subject(path: &ZnodePath, name: &str) -> Option<ZnodePath> {
    ZnodePath::parse(subject_text(path, name)?).ok()
}

/// `/a/b` of `/zookeeper/quota/a/b/NAME`.
fn subject_text<'a>(path: &'a ZnodePath, name: &str) -> Option<&'a str> {
    let below = path.as_str().strip_prefix(path::QUOTA)?;
    let subject = below.strip_suffix(name)?.strip_suffix('/')?;
    subject.starts_with('/').then_some(subject)
}

/// Where the usage of the quota on `path` is shown.
pub(crate) fn stats_of(path: &ZnodePath) -> Option<ZnodePath> {
    let mut text = String::from(path::QUOTA);
    // Writing to a String cannot fail.
    let _ = write!(text, "{path}/{STATS}");
    ZnodePath::parse(&text).ok()
}

/// `path` and the paths above it, nearest first, without the root.
pub(crate) fn upwards(path: &ZnodePath) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path.as_str()), |text| {
        text.rsplit_once('/').map(|(above, _)| above)
    })
    .take_while(|text| text.len() > 1)
}

#[cfg(test)]
mod tests {

    use super::*;

    fn parsed(text: &str) -> [Option<u64>; 4] {
        let limits = Limits::parse(Some(text.as_bytes()));
        [
            limits.znodes.soft,
            limits.bytes.soft,
            limits.znodes.hard,
            limits.bytes.hard,
        ]
    }

    #[test]
    fn limits_are_read_in_every_form_clients_write() {
        assert_eq!(parsed("count=5,bytes=10"), [Some(5), Some(10), None, None]);
        assert_eq!(parsed("bytes=10,count=5"), [Some(5), Some(10), None, None]);
        assert_eq!(parsed("count=-1,bytes=-1"), [None; 4]);
        let new = "count=-1,bytes=7=;byteHardLimit=9;countHardLimit=-1";
        assert_eq!(parsed(new), [None, Some(7), None, Some(9)]);
        let other_order = "countHardLimit=3;byteHardLimit=9;bytes=7=;count=1";
        assert_eq!(parsed(other_order), [Some(1), Some(7), Some(3), Some(9)]);
        assert_eq!(parsed("count=0,bytes=0"), [Some(0), Some(0), None, None]);
    }

    #[test]
    fn what_is_not_understood_is_no_limit() {
        for text in [
            "",
            "=",
            ",;",
            "count",
            "count=",
            "count=many",
            "Count=1",
            "count=1.5",
            "count=-7",
            "count=99999999999999999999",
            "\u{fffd}",
            "count==1",
            "5",
            "count=1x,=;",
        ] {
            assert_eq!(parsed(text), [None; 4], "{text:?}");
        }
        assert_eq!(parsed("count=x,bytes=2"), [None, Some(2), None, None]);
        let not_text = b"\xff\xfe,bytes=3";
        assert_eq!(Limits::parse(Some(not_text)).bytes.soft, Some(3));
        assert_eq!(Limits::parse(None), Limits::default());
    }

    #[test]
    fn the_names_of_a_quota_lead_to_its_path_and_back() {
        let path = |text: &str| ZnodePath::parse(text).unwrap();
        let limited = |text: &str| limited_by(&path(text)).map(|path| path.to_string());
        assert_eq!(
            limited("/zookeeper/quota/a/b/zookeeper_limits").as_deref(),
            Some("/a/b")
        );
        for other in [
            "/zookeeper/quota/zookeeper_limits",
            "/zookeeper/quotas/a/zookeeper_limits",
            "/zookeeper/quota/a/zookeeper_stats",
            "/zookeeper/quota/a/my_zookeeper_limits",
            "/zookeeper/quota",
            "/a/zookeeper_limits",
        ] {
            assert_eq!(limited(other), None, "{other}");
        }
        let stats = stats_of(&path("/a/b")).unwrap();
        assert_eq!(stats.as_str(), "/zookeeper/quota/a/b/zookeeper_stats");
        assert_eq!(shown_by(&stats), Some("/a/b"));
        let above = path("/a/b/c");
        assert_eq!(
            upwards(&above).collect::<Vec<_>>(),
            ["/a/b/c", "/a/b", "/a"]
        );
        assert_eq!(upwards(&ZnodePath::root()).count(), 0);
    }
}
