//! Quotas of the naive model: everything is counted anew each time.

use super::naive::Model;

/// `/zookeeper/quota/a/zookeeper_limits` of `/a`.
pub(crate) fn limits(subject: &str) -> String {
    format!("/zookeeper/quota{subject}/zookeeper_limits")
}

/// `/zookeeper/quota/a/zookeeper_stats` of `/a`.
pub(crate) fn stats(subject: &str) -> String {
    format!("/zookeeper/quota{subject}/zookeeper_stats")
}

/// Hard limits as clients write them.
pub(crate) fn text(znodes: Option<u64>, bytes: Option<u64>) -> String {
    let number = |limit: Option<u64>| limit.map_or("-1".to_owned(), |limit| limit.to_string());
    let (count, size) = (number(znodes), number(bytes));
    format!("count=1,bytes=-1=;byteHardLimit={size};countHardLimit={count}")
}

impl Model {
    /// The paths quotas are set on.
    fn subjects(&self) -> Vec<String> {
        let names = self.nodes.keys();
        let subject = |name: &String| {
            let below = name.strip_prefix("/zookeeper/quota")?;
            Some(below.strip_suffix("/zookeeper_limits")?.to_owned())
        };
        names.filter_map(subject).collect()
    }

    /// Znodes that count for the quota on `subject`, and their bytes.
    fn usage(&self, subject: &str) -> (u64, u64) {
        let subjects = self.subjects();
        let within = |path: &str, top: &str| path == top || path.starts_with(&format!("{top}/"));
        let nearest = |path: &str| {
            let above = subjects.iter().filter(|top| within(path, top));
            above.max_by_key(|top| top.len()).cloned()
        };
        let (mut znodes, mut bytes) = (0, 0);
        for (path, node) in &self.nodes {
            if nearest(path).as_deref() == Some(subject) {
                znodes += 1;
                if !path.ends_with("/zookeeper_stats") {
                    bytes += node.data.as_ref().map_or(0, Vec::len) as u64;
                }
            }
        }
        (znodes, bytes)
    }

    /// Whether a quota of `self` does not allow what has become more in `after`.
    pub(crate) fn forbids(&self, after: &Model) -> bool {
        let exceeds = |subject: &String| {
            let limits = self.nodes[&limits(subject)]
                .data
                .clone()
                .unwrap_or_default();
            let limits = String::from_utf8(limits).unwrap();
            let limit = |name: &str| -> Option<u64> {
                let (_, rest) = limits.split_once(name)?;
                rest.split(';').next()?.parse().ok()
            };
            let (was, is) = (self.usage(subject), after.usage(subject));
            let more = |was: u64, is: u64, limit: Option<u64>| {
                is > was && limit.is_some_and(|limit| is > limit)
            };
            more(was.0, is.0, limit("countHardLimit="))
                || more(was.1, is.1, limit("byteHardLimit="))
        };
        self.subjects().iter().any(exceeds)
    }

    /// Writes into the stats znodes what they are to show.
    pub(crate) fn show_usage(&mut self) {
        for subject in self.subjects() {
            let (znodes, bytes) = self.usage(&subject);
            if let Some(node) = self.nodes.get_mut(&stats(&subject)) {
                node.data = Some(format!("count={znodes},bytes={bytes}").into_bytes());
            }
        }
    }
}
