//! Names of claim znodes: what this server gives its own claims, and what the recipes of
//! ZooKeeper clients call theirs.
//!
//! A recipe's client knows who stands before it by the names it lists, and every recipe reads them
//! in a way of its own: Curator's compare what follows the *last* `lock-`, or the last `__READ__` or
//! `__WRIT__`; kazoo's look for `__lock__` or `__rlock__` right before the last ten digits. No name
//! with one suffix is in its place for all of them. So a claim made through a command carries the
//! parent's counter `%010d` once behind each marker (ADR 0021):
//!
//! | mode | name of the znode |
//! |---|---|
//! | exclusive | `<claim id>-__WRIT__%010d-lock-%010d__lock__%010d` |
//! | shared | `<claim id>-__READ__%010d-lock-%010d__rlock__%010d` |
//! | permits | `<claim id>-lease-%010d` |
//!
//! A znode that a client makes itself is recognised by the marker before its ten-digit suffix:
//!
//! | recipe | marker | mode |
//! |---|---|---|
//! | Curator `InterProcessMutex`, many others | `-lock-`, `lock-` | exclusive |
//! | Curator `InterProcessReadWriteLock` | `__WRIT__`, `__READ__` | exclusive, shared |
//! | the same, a writer that goes on as a reader | `__READ__`, and the writer's suffix instead of one of its own | shared |
//! | Curator `InterProcessSemaphoreV2` | `-lease-`, `lease-` | one permit |
//! | kazoo `Lock`, `WriteLock`, `Semaphore` (its inner lock) | `__lock__` | exclusive |
//! | kazoo `ReadLock` | `__rlock__` | shared |
//! | kazoo `Semaphore` | none, and no suffix: 32 hexadecimal digits | one permit |
//!
//! Every other name is no claim: leader latches, queues and the like may live below `/locks` too.

use xxhash_rust::xxh3::xxh3_128;

use crate::command::LockMode;
use crate::ids::ClaimId;

/// Digits of a sequential suffix.
const SUFFIX_DIGITS: usize = 10;
/// Hexadecimal digits of a lease of kazoo's `Semaphore`.
const LEASE_DIGITS: usize = 32;

/// Markers of recipes, as they stand right before the suffix.
const MARKERS: [(&str, LockMode); 6] = [
    ("__READ__", LockMode::Shared),
    ("__WRIT__", LockMode::Exclusive),
    ("__rlock__", LockMode::Shared),
    ("__lock__", LockMode::Exclusive),
    ("lease-", LockMode::Permits(1)),
    ("lock-", LockMode::Exclusive),
];

/// Name of the znode of a claim made through a command.
pub(crate) fn znode_name(claim: &ClaimId, mode: LockMode, sequence: i32) -> String {
    let at = format!("{sequence:010}");
    match mode {
        LockMode::Exclusive => format!("{claim}-__WRIT__{at}-lock-{at}__lock__{at}"),
        LockMode::Shared => format!("{claim}-__READ__{at}-lock-{at}__rlock__{at}"),
        LockMode::Permits(_) => format!("{claim}-lease-{at}"),
    }
}

/// How the client that made an ephemeral znode of this name wants the lock; `None` when the name is
/// that of no lock recipe.
pub(crate) fn mode_of(name: &str) -> Option<LockMode> {
    if is_lease_without_suffix(name) {
        return Some(LockMode::Permits(1));
    }
    let stem = strip_suffix(name)?;
    MARKERS
        .iter()
        .find(|(marker, _)| stem.ends_with(marker))
        .map(|(_, mode)| *mode)
}

/// Whether an ephemeral znode of this name is a claim although its name has no suffix: what kazoo's
/// `Semaphore` makes is called by a random number.
pub(crate) fn is_lease_without_suffix(name: &str) -> bool {
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    name.len() == LEASE_DIGITS && name.bytes().all(is_digit)
}

/// The suffix of the write claim as whose reader a znode of this name stands right behind it: when a
/// writer also takes the read lock, Curator makes a znode that is not sequential and gives it the
/// writer's suffix. A sequential one of such a name is a reader like any other.
pub(crate) fn downgrade_of(name: &str) -> Option<&str> {
    let (marked, sequence) = name.split_at_checked(name.len().checked_sub(SUFFIX_DIGITS)?)?;
    let is_one = marked.ends_with("__READ__") && sequence.bytes().all(|b| b.is_ascii_digit());
    is_one.then_some(sequence)
}

/// Whether a znode of this name is the write claim with this suffix.
pub(crate) fn is_write_claim(name: &str, sequence: &str) -> bool {
    name.strip_suffix(sequence)
        .is_some_and(|stem| stem.ends_with("__WRIT__"))
}

/// Id of the claim of a znode that a client made: its name, or where that is no valid claim id a
/// hash of it. The suffix makes it differ from the id a claim of our own has.
pub(crate) fn foreign_id(name: &str) -> Option<ClaimId> {
    match ClaimId::parse(name) {
        Ok(id) => Some(id),
        Err(_) => ClaimId::parse(&format!("zk-{:032x}", xxh3_128(name.as_bytes()))).ok(),
    }
}

/// The name without its suffix: ten digits or, once the parent's counter has wrapped, a minus with
/// nine or ten (`%010d` counts the sign).
fn strip_suffix(name: &str) -> Option<&str> {
    let at = name.len().checked_sub(SUFFIX_DIGITS)?;
    let (stem, suffix) = (name.get(..at)?, name.get(at..)?);
    let digits = suffix.strip_prefix('-').unwrap_or(suffix);
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // The minus of ten digits stands in the stem, unless it is the end of the marker.
    let marked = MARKERS.iter().any(|(marker, _)| stem.ends_with(marker));
    if marked {
        Some(stem)
    } else {
        stem.strip_suffix('-')
    }
}

#[cfg(test)]
mod tests {
    use super::{downgrade_of, foreign_id, is_write_claim, mode_of, znode_name};
    use crate::command::LockMode;
    use crate::ids::ClaimId;

    #[test]
    fn names_of_every_recipe_are_recognised() {
        for (name, mode) in [
            (
                "_c_0f8fad5b-d9cb-469f-a165-70867728950e-lock-0000000007",
                Some(LockMode::Exclusive),
            ),
            (
                "_c_0f8fad5b-d9cb-469f-a165-70867728950e-__READ__0000000007",
                Some(LockMode::Shared),
            ),
            ("_c_0f8f-__WRIT__0000000007", Some(LockMode::Exclusive)),
            ("_c_0f8f-lease-0000000007", Some(LockMode::Permits(1))),
            (
                "9d5ed678fe57bcca610140957afab571__lock__0000000007",
                Some(LockMode::Exclusive),
            ),
            (
                "9d5ed678fe57bcca610140957afab571__rlock__0000000007",
                Some(LockMode::Shared),
            ),
            ("lock-0000000007", Some(LockMode::Exclusive)),
            ("lock--2147483648", Some(LockMode::Exclusive)),
            ("lock--000000005", Some(LockMode::Exclusive)),
            ("x__lock__-2147483648", Some(LockMode::Exclusive)),
            ("x__lock__-000000005", Some(LockMode::Exclusive)),
            ("_c_0f8f-__READ__00000000050000000007", None),
            (
                "9d5ed678fe57bcca610140957afab571",
                Some(LockMode::Permits(1)),
            ),
            ("9d5ed678fe57bcca610140957afab57g", None),
            ("9D5ED678FE57BCCA610140957AFAB571", None),
            ("_c_0f8f-__WRIT__00000000050000000007", None),
            ("n_0000000007", None),
            ("x-latch-0000000007", None),
            ("x-lock-", None),
            ("x-lock-00000007", None),
            ("x-lock-000000000x", None),
            ("lock", None),
            ("\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}", None),
            ("", None),
        ] {
            assert_eq!(mode_of(name), mode, "{name}");
        }
    }

    #[test]
    fn own_names_carry_id_and_mode() {
        let id = ClaimId::parse("c1").unwrap();
        for (mode, name) in [
            (
                LockMode::Exclusive,
                "c1-__WRIT__0000000003-lock-0000000003__lock__0000000003",
            ),
            (
                LockMode::Shared,
                "c1-__READ__0000000003-lock-0000000003__rlock__0000000003",
            ),
            (LockMode::Permits(2), "c1-lease-0000000003"),
        ] {
            assert_eq!(znode_name(&id, mode, 3), name);
            assert!(mode_of(name).is_some());
        }
        assert_eq!(
            znode_name(&id, LockMode::Permits(1), -5),
            "c1-lease--000000005"
        );
    }

    /// What each recipe sorts by, as its client computes it from a name (Curator's
    /// `standardFixForSorting`, kazoo's `_contenders_re`).
    #[test]
    fn every_recipe_finds_own_names_in_their_place() {
        fn after<'a>(name: &'a str, marker: &str) -> &'a str {
            match name.rfind(marker) {
                Some(at) => &name[at + marker.len()..],
                None => name,
            }
        }
        fn mutex(name: &str) -> &str {
            after(name, "lock-")
        }
        fn read_write(name: &str) -> &str {
            after(after(name, "__READ__"), "__WRIT__")
        }
        // An id made to look like markers changes nothing.
        for id in ["c1", "zz-lock-9999999999", "__READ__", "a__WRIT__b__lock__"] {
            let id = ClaimId::parse(id).unwrap();
            for mode in [LockMode::Exclusive, LockMode::Shared] {
                let name = znode_name(&id, mode, 6);
                assert!(mutex("_c_1-lock-0000000005") < mutex(&name), "{name}");
                assert!(mutex(&name) < mutex("_c_1-lock-0000000007"), "{name}");
                for other in ["__READ__", "__WRIT__"] {
                    let before = format!("_c_1-{other}0000000005");
                    let behind = format!("_c_1-{other}0000000007");
                    assert!(read_write(&before) < read_write(&name), "{name}");
                    assert!(read_write(&name) < read_write(&behind), "{name}");
                }
                let kazoo = match mode {
                    LockMode::Shared => "__rlock__0000000006",
                    LockMode::Exclusive | LockMode::Permits(_) => "__lock__0000000006",
                };
                assert!(name.ends_with(kazoo), "{name}");
            }
            // A reader of Curator waits for whoever has this marker in its name.
            assert!(znode_name(&id, LockMode::Exclusive, 6).contains("__WRIT__"));
        }
        let id = ClaimId::parse("c1").unwrap();
        assert!(!znode_name(&id, LockMode::Shared, 6).contains("__WRIT__"));
    }

    #[test]
    fn a_writer_that_goes_on_as_a_reader_is_recognised() {
        let name = "_c_0f8f-__READ__0000000005";
        assert_eq!(downgrade_of(name), Some("0000000005"));
        assert!(is_write_claim("_c_0f8e-__WRIT__0000000005", "0000000005"));
        assert!(!is_write_claim("_c_0f8e-__WRIT__0000000006", "0000000005"));
        assert!(!is_write_claim("_c_0f8e-__READ__0000000005", "0000000005"));
        for name in [
            "_c_0f8f-__WRIT__0000000007",
            "_c_0f8f-__READ__000000005",
            "_c_0f8f-__READ__-000000005",
            "__READ__",
            "\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}",
            "",
        ] {
            assert_eq!(downgrade_of(name), None, "{name}");
        }
    }

    #[test]
    fn foreign_ids_are_valid_distinct_and_stable() {
        assert_eq!(
            foreign_id("c1-lock-0000000003").unwrap().as_str(),
            "c1-lock-0000000003"
        );
        let odd = foreign_id("a b-lock-0000000003").unwrap();
        assert_ne!(odd, foreign_id("a c-lock-0000000003").unwrap());
        assert_eq!(odd, foreign_id("a b-lock-0000000003").unwrap());
        let long = format!("{}-lock-0000000003", "x".repeat(300));
        assert!(foreign_id(&long).is_some());
    }
}
