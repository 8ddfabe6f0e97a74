//! File descriptors: one for each connection, some for peers and the disk.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Where the system sets no limit of its own.
const UNLIMITED: u64 = u64::MAX;

/// Raises this process's limit of open file descriptors as far as it may by itself: the lower of the
/// two limits of a process is 1,024 on many systems, for the sake of programs that use `select`.
/// Gives the limit that holds now.
pub(crate) fn raise_limit() -> u64 {
    let found = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: found.maximum,
        maximum: found.maximum,
    };
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => found.maximum,
        // Then it stays as it was, and is told with the rest.
        Err(_) => found.current,
    };
    limit.unwrap_or(UNLIMITED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_the_system_allows() {
        let found = getrlimit(Resource::Nofile);
        let maximum = found.maximum;
        // Enough for the test runner, and less than any system allows.
        let low = Rlimit {
            current: Some(200),
            maximum,
        };
        setrlimit(Resource::Nofile, low).unwrap();
        let told = raise_limit();
        assert_eq!(getrlimit(Resource::Nofile).current, maximum);
        assert_eq!(told, maximum.unwrap_or(UNLIMITED));
    }
}
