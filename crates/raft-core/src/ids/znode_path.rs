//! Paths of znodes.

use std::fmt;

use arcstr::ArcStr;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::encoded_as_text;
use crate::limits;
use crate::path::{self, InvalidPath};

/// Absolute, validated path of a znode (ZooKeeper's path rules).
///
/// Ordered by depth and then by text, so that the children of a znode stand together: a range of
/// a map keyed by `ZnodePath` is a listing. Eight bytes, since every znode, event and watch has some; clones share
/// the text.
///
/// What is shared is the depth as one character and then the path: text of this kind is in the order of paths by
/// itself, and nothing is counted when two are compared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZnodePath(ArcStr);

/// Every depth is a character: a path has at most half as many components as bytes, and the first number that is
/// none is the first surrogate.
const _: () = assert!(limits::PATH_BYTES_MAX / 2 < 0xD800);

impl ZnodePath {
    /// The root, `/`.
    #[must_use]
    pub fn root() -> ZnodePath {
        ZnodePath::with_depth(0, "/", "")
    }

    /// Validates `text` by ZooKeeper's rules and our length limit.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn parse(text: &str) -> Result<ZnodePath, InvalidPath> {
        path::validate(text)?;
        Ok(ZnodePath::of_valid(text))
    }

    /// Of a text known to be valid.
    pub(super) fn of_valid(text: &str) -> ZnodePath {
        let slashes = text.bytes().filter(|b| *b == b'/').count();
        let depth = if text == "/" { 0 } else { slashes };
        ZnodePath::with_depth(depth, text, "")
    }

    /// The path `text` followed by `more`, which has so many components.
    fn with_depth(depth: usize, text: &str, more: &str) -> ZnodePath {
        let depth = u32::try_from(depth).ok().and_then(char::from_u32);
        let depth = depth.unwrap_or(char::MAX);
        let mut shared = String::with_capacity(depth.len_utf8() + text.len() + more.len());
        shared.push(depth);
        shared.push_str(text);
        shared.push_str(more);
        ZnodePath(ArcStr::from(shared))
    }

    /// Depth and text.
    fn parts(&self) -> (char, &str) {
        let mut chars = self.0.chars();
        let depth = chars.next().unwrap_or_default();
        (depth, chars.as_str())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.parts().1
    }

    /// Whether this is `/`.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.depth() == 0
    }

    /// Number of components; 0 for the root.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.parts().0 as usize
    }

    /// The parent; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<ZnodePath> {
        let (depth, text) = self.parts();
        let depth = (depth as usize).checked_sub(1)?;
        match text.rsplit_once('/') {
            Some(("", _)) | None => Some(ZnodePath::root()),
            Some((parent, _)) => Some(ZnodePath::with_depth(depth, parent, "")),
        }
    }

    /// The last component; empty for the root.
    #[must_use]
    pub fn name(&self) -> &str {
        self.as_str().rsplit_once('/').map_or("", |(_, name)| name)
    }

    /// The child called `name`.
    ///
    /// # Errors
    /// When the result is not a valid path.
    pub fn child(&self, name: &str) -> Result<ZnodePath, InvalidPath> {
        ZnodePath::parse(&format!("{}{name}", self.prefix()))
    }

    /// Whether `self` is `other` or lies below it.
    #[must_use]
    pub fn is_within(&self, other: &ZnodePath) -> bool {
        let rest = self.as_str().strip_prefix(other.as_str());
        other.is_root() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether `self` lies directly below `parent`.
    #[must_use]
    pub fn is_child_of(&self, parent: &ZnodePath) -> bool {
        self.depth() == parent.depth().saturating_add(1) && self.is_within(parent)
    }

    /// Place of the would-be child `name` in the order of paths; `name` need not be valid. With
    /// an empty name: just before the first child. A key to search with, never to store.
    pub(crate) fn key_below(&self, name: &str) -> ZnodePath {
        ZnodePath::with_depth(self.depth().saturating_add(1), &self.prefix(), name)
    }

    /// Place of `text` among the paths of this depth; `text` need not be a valid path. A key to search
    /// with, never to store. `None` where no valid path is so deep.
    pub(crate) fn key_at(depth: usize, text: &str) -> Option<ZnodePath> {
        let possible = depth <= limits::PATH_BYTES_MAX / 2;
        possible.then(|| ZnodePath::with_depth(depth, text, ""))
    }

    /// Just before the first path `levels` below this one. A key to search with, never to store.
    /// `None` where no valid path is so deep.
    pub(crate) fn level_below(&self, levels: usize) -> Option<ZnodePath> {
        let depth = self.depth().checked_add(levels)?;
        let possible = depth <= limits::PATH_BYTES_MAX / 2;
        possible.then(|| ZnodePath::with_depth(depth, &self.prefix(), ""))
    }

    /// What the text of everything below begins with.
    fn prefix(&self) -> String {
        if self.is_root() {
            "/".to_owned()
        } else {
            format!("{}/", self.as_str())
        }
    }
}

encoded_as_text!(ZnodePath, InvalidPath);
