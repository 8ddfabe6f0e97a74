use bytes::Bytes;
use raft_core::acl::AclEntry;
use raft_core::command::{
    Command, Create, CreateKind, Expect, Request, RequestId, SetData, Stamp, ZnodeOp,
};

use super::*;

struct Tree {
    state: State,
    sequence: u64,
}

impl Tree {
    fn of(paths: &[&str]) -> Tree {
        let mut tree = Tree {
            state: State::new(),
            sequence: 0,
        };
        for path in paths {
            tree.apply(ZnodeOp::Create(Create {
                path: (*path).to_owned(),
                data: Some(Bytes::from_static(b"x")),
                content_type: None,
                acl: vec![AclEntry::open()],
                kind: CreateKind::Persistent,
                sequential: false,
                parents: false,
            }));
        }
        tree
    }

    fn set(&mut self, path: &str, data: &str) {
        self.apply(ZnodeOp::SetData(SetData {
            path: path.to_owned(),
            data: Some(Bytes::copy_from_slice(data.as_bytes())),
            content_type: None,
            expect: Expect::Any,
        }));
    }

    fn apply(&mut self, op: ZnodeOp) {
        self.sequence += 1;
        let request = Request {
            id: RequestId {
                origin: 1,
                incarnation: 1,
                sequence: self.sequence,
            },
            identities: Vec::new(),
            session: None,
            fences: Vec::new(),
            terms: Vec::new(),
            idempotency: None,
            command: Command::Znode(op),
        };
        let outcome = self.state.apply(Stamp::default(), &request);
        assert!(outcome.result.is_ok(), "{outcome:?}");
    }

    fn digests(&self, path: &str, depth: usize, limit: usize) -> Subtrees {
        let found = walked(&self.state, &asked(path, depth, limit), &|| false);
        found.unwrap().unwrap()
    }
}

fn asked(path: &str, depth: usize, limit: usize) -> SubtreesAsked {
    SubtreesAsked {
        path: ZnodePath::parse(path).unwrap(),
        depth,
        limit,
    }
}

fn shown(subtrees: &Subtrees) -> Vec<(&str, u64)> {
    let listed = subtrees.listed.iter();
    listed.map(|s| (s.path.as_str(), s.znodes)).collect()
}

/// The slow way: all of a subtree at once.
fn sum_of_all(state: &State, path: &ZnodePath) -> (u64, u128) {
    let all = state.subtree(path, usize::MAX, usize::MAX).unwrap();
    let hashes = all
        .iter()
        .map(|(path, _)| state.znode(path).unwrap().fingerprint_at(path));
    (all.len() as u64, hashes.fold(0, u128::wrapping_add))
}

#[test]
fn every_level_is_listed_and_counts_what_is_below_it() {
    let tree = Tree::of(&["/a", "/a/b", "/a/b/c", "/a/d", "/e"]);
    let two = tree.digests("/", 2, 100);
    assert_eq!(
        shown(&two),
        [
            ("/", 9),
            ("/a", 4),
            ("/e", 1),
            ("/zookeeper", 3),
            ("/a/b", 2),
            ("/a/d", 1),
            ("/zookeeper/config", 1),
            ("/zookeeper/quota", 1),
        ]
    );
    assert!(!two.truncated);
    let below = tree.digests("/a", 1, 100);
    assert_eq!(shown(&below), [("/a", 4), ("/a/b", 2), ("/a/d", 1)]);
    assert!(below.listed.iter().all(|s| two.listed.contains(s)));
    let none = walked(&tree.state, &asked("/missing", 1, 9), &|| false);
    assert_eq!(none, Some(None));
}

#[test]
fn what_is_not_listed_still_counts() {
    let tree = Tree::of(&["/a", "/a/b", "/a/b/c", "/a/d", "/e"]);
    let all = tree.digests("/", 8, 100);
    for limit in 1..all.listed.len() {
        let few = tree.digests("/", 8, limit);
        assert!(few.truncated);
        assert_eq!(few.listed, all.listed[..limit]);
    }
    assert!(!tree.digests("/", 8, all.listed.len()).truncated);
}

#[test]
fn a_difference_shows_in_every_subtree_around_it_and_in_no_other() {
    let paths = ["/a", "/a/b", "/a/b/c", "/a/d", "/e", "/e/f"];
    let (tree, mut other) = (Tree::of(&paths), Tree::of(&paths));
    let before = tree.digests("/", 8, 100);
    assert_eq!(before, other.digests("/", 8, 100));
    other.set("/a/b/c", "y");
    let after = other.digests("/", 8, 100);
    let different: Vec<&str> = before
        .listed
        .iter()
        .zip(&after.listed)
        .filter(|(one, other)| one != other)
        .map(|(one, _)| one.path.as_str())
        .collect();
    assert_eq!(different, ["/", "/a", "/a/b", "/a/b/c"]);
}

#[test]
fn wide_and_deep_trees_give_the_same_as_adding_everything_up() {
    let mut paths: Vec<String> = vec!["/wide".to_owned(), "/deep".to_owned()];
    // A page, its ends, and several of them.
    paths.extend((0..3 * PAGE).map(|n| format!("/wide/{n}")));
    paths.extend((0..PAGE).map(|n| format!("/wide/7/{n}")));
    let mut deep = "/deep".to_owned();
    for _ in 0..300 {
        deep.push_str("/d");
        paths.push(deep.clone());
    }
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let tree = Tree::of(&paths);
    for listed in tree.digests("/", 2, 1_000).listed {
        let expected = sum_of_all(&tree.state, &listed.path);
        assert_eq!((listed.znodes, listed.digest), expected, "{}", listed.path);
    }
}

#[tokio::test]
async fn a_walk_ends_when_its_caller_gives_up() {
    let tree = Tree::of(&["/a"]);
    assert_eq!(walked(&tree.state, &asked("/", 1, 9), &|| true), None);
    let found = subtrees(tree.state.clone(), asked("/", 1, 9), Duration::MAX).await;
    assert_eq!(found, Ok(Some(tree.digests("/", 1, 9))));
}
