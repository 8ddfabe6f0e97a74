//! From where to where. Pure.

/// ZooKeeper's own part of the tree.
pub(super) const SYSTEM: &str = "/zookeeper";
/// Where quotas are kept, by path.
pub(super) const QUOTAS: &str = "/zookeeper/quota";

/// The tree in the ensemble, and its place here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Roots {
    pub(super) from: String,
    pub(super) to: String,
}

impl Roots {
    /// The place here of a path of the tree.
    pub(super) fn here(&self, path: &str) -> String {
        let below = if self.from == "/" {
            path.strip_prefix('/')
        } else {
            path.strip_prefix(&self.from)
        };
        let below = below.unwrap_or_default().trim_start_matches('/');
        match (below, self.to.as_str()) {
            ("", to) => to.to_owned(),
            (below, "/") => format!("/{below}"),
            (below, to) => format!("{to}/{below}"),
        }
    }

    /// What is above the place, from the top.
    pub(super) fn above(&self) -> Vec<String> {
        let slashes = self.to.match_indices('/').map(|(at, _)| at);
        let ends = slashes.filter(|at| *at > 0);
        ends.filter_map(|end| self.to.get(..end))
            .map(str::to_owned)
            .collect()
    }

    /// The quotas of the tree, and their place here.
    pub(super) fn of_quotas(&self) -> Roots {
        let below = |path: &str| format!("{QUOTAS}{}", path.trim_end_matches('/'));
        Roots {
            from: below(&self.from),
            to: below(&self.to),
        }
    }
}

/// The path of the parent.
pub(super) fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((parent, _)) => parent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots(from: &str, to: &str) -> Roots {
        Roots {
            from: from.to_owned(),
            to: to.to_owned(),
        }
    }

    #[test]
    fn paths_keep_their_place_below_the_root() {
        let table = [
            ("/", "/", "/", "/"),
            ("/", "/", "/a/b", "/a/b"),
            ("/", "/old", "/", "/old"),
            ("/", "/old", "/a", "/old/a"),
            ("/app", "/", "/app", "/"),
            ("/app", "/", "/app/x/y", "/x/y"),
            ("/app", "/a/b", "/app/x", "/a/b/x"),
        ];
        for (from, to, path, place) in table {
            assert_eq!(roots(from, to).here(path), place, "{from} {to} {path}");
        }
    }

    #[test]
    fn parents_and_quotas_follow() {
        assert_eq!(roots("/", "/a/b/c").above(), ["/a", "/a/b"]);
        assert!(roots("/", "/a").above().is_empty() && roots("/", "/").above().is_empty());
        let quotas = roots("/app", "/").of_quotas();
        assert_eq!(quotas, roots("/zookeeper/quota/app", "/zookeeper/quota"));
        assert_eq!((parent("/a"), parent("/a/b")), ("/", "/a"));
    }
}
