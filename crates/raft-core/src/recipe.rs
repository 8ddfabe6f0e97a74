//! Names of claim znodes: what this server gives its own claims, and what the recipes of
//! ZooKeeper clients call theirs.
//!
//! A claim made through a command is named `<claim id>-lock-%010d`, `<claim id>-__READ__%010d` or
//! `<claim id>-lease-%010d`, so that Curator's recipes, which sort by what follows `lock-`,
//! `__READ__` or `lease-`, put it where it stands. A znode that a client makes itself is
//! recognised by the marker before its ten-digit suffix:
//!
//! | recipe | marker | mode |
//! |---|---|---|
//! | Curator `InterProcessMutex`, many others | `-lock-`, `lock-` | exclusive |
//! | Curator `InterProcessReadWriteLock` | `__WRIT__`, `__READ__` | exclusive, shared |
//! | Curator `InterProcessSemaphoreV2` | `-lease-`, `lease-` | one permit |
//! | kazoo `Lock`, `WriteLock`, `Semaphore` (its inner lock) | `__lock__` | exclusive |
//! | kazoo `ReadLock` | `__rlock__` | shared |
//!
//! Every other name is no claim: leader latches, queues and the like may live below `/locks` too.

use xxhash_rust::xxh3::xxh3_128;

use crate::command::LockMode;
use crate::ids::ClaimId;

/// Digits of a sequential suffix.
const SUFFIX_DIGITS: usize = 10;

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
    let marker = match mode {
        LockMode::Exclusive => "-lock-",
        LockMode::Shared => "-__READ__",
        LockMode::Permits(_) => "-lease-",
    };
    format!("{claim}{marker}{sequence:010}")
}

/// How the client that made an ephemeral sequential znode of this name wants the lock; `None` when
/// the name is that of no lock recipe.
pub(crate) fn mode_of(name: &str) -> Option<LockMode> {
    let stem = strip_suffix(name)?;
    MARKERS
        .iter()
        .find(|(marker, _)| stem.ends_with(marker))
        .map(|(_, mode)| *mode)
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
    use super::{foreign_id, mode_of, znode_name};
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
            (LockMode::Exclusive, "c1-lock-0000000003"),
            (LockMode::Shared, "c1-__READ__0000000003"),
            (LockMode::Permits(2), "c1-lease-0000000003"),
        ] {
            assert_eq!(znode_name(&id, mode, 3), name);
            assert!(mode_of(name).is_some());
        }
        assert_eq!(
            znode_name(&id, LockMode::Exclusive, -5),
            "c1-lock--000000005"
        );
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
