//! How long to wait before the next attempt.

use std::time::Duration;

/// Upper bound of the first pause.
const BASE: Duration = Duration::from_millis(50);
/// Upper bound of every pause.
const CAP: Duration = Duration::from_secs(2);

/// Full jitter: anything between nothing and a bound that doubles with every round. Many clients
/// that lost the same node must not come back at the same moment.
pub(crate) fn pause(round: u32) -> Duration {
    bound(round).mul_f64(rand::random::<f64>())
}

fn bound(round: u32) -> Duration {
    BASE.saturating_mul(2_u32.saturating_pow(round)).min(CAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_cap() {
        assert_eq!(bound(0), BASE);
        assert_eq!(bound(1), BASE * 2);
        assert_eq!(bound(40), CAP);
        assert!((0..1000).all(|_| pause(3) <= bound(3)));
    }
}
