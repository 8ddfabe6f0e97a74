//! What issue and docs say is to be expected of the strategies, on the simulated fleet.

use balance::trial::fleet::{self, Fleet, Strategy};
use balance::trial::keys::{self, Mapping};

#[test]
fn least_load_gives_a_slow_instance_what_it_can_take() {
    for seed in 1..=3 {
        let fleet = Fleet {
            seed,
            ..Fleet::one_slow()
        };
        let can = fleet.capacity_share(0);
        let gets = fleet::run(&fleet, Strategy::LeastLoad).shares[0];
        assert!(
            (gets - can).abs() < can * 0.1,
            "seed {seed}: {gets} of {can}"
        );
    }
}

#[test]
fn round_robin_does_not_see_that_an_instance_is_slow() {
    let fleet = Fleet {
        requests: 50_000,
        ..Fleet::one_slow()
    };
    let turns = fleet::run(&fleet, Strategy::RoundRobin);
    let least = fleet::run(&fleet, Strategy::LeastLoad);
    assert!((turns.shares[0] - 25.0).abs() < 0.1, "{turns:?}");
    assert!(turns.p99_us > least.p99_us * 10, "{turns:?} {least:?}");
}

/// Without counting what is open, everything runs to whoever was idle a second ago.
#[test]
fn reservations_are_what_makes_old_reports_good_enough() {
    let with = Fleet {
        requests: 50_000,
        ..Fleet::one_slow()
    };
    let without = Fleet {
        reservations: false,
        ..with.clone()
    };
    let (with, without) = (
        fleet::run(&with, Strategy::LeastLoad),
        fleet::run(&without, Strategy::LeastLoad),
    );
    assert!(without.p99_us > with.p99_us * 3, "{with:?} {without:?}");
}

#[test]
fn a_trial_is_the_same_again() {
    let fleet = Fleet {
        requests: 5_000,
        ..Fleet::one_slow()
    };
    let other = Fleet {
        seed: 2,
        ..fleet.clone()
    };
    for strategy in Strategy::ALL {
        let outcome = fleet::run(&fleet, strategy);
        assert_eq!(outcome, fleet::run(&fleet, strategy));
        assert_ne!(outcome, fleet::run(&other, strategy));
    }
}

#[test]
fn when_one_leaves_its_keys_move_and_no_others() {
    for instances in [2, 3, 5, 10, 30] {
        let most = 100.0 / instances as f64 + 5.0;
        for leaver in [0, instances / 2, instances - 1] {
            let hash = keys::moved(Mapping::Hash, instances, leaver, 10_000);
            assert!(hash.all <= most, "{instances}: {hash:?}");
            assert_eq!(hash.between_remaining, 0.0);
            let maglev = keys::moved(Mapping::Maglev, instances, leaver, 10_000);
            assert!(maglev.all <= most, "{instances}: {maglev:?}");
            assert!(maglev.between_remaining < 3.0, "{instances}: {maglev:?}");
        }
    }
}

#[test]
fn with_a_bound_nobody_has_more() {
    for instances in [3, 10, 30] {
        let bounded = keys::moved(Mapping::BoundedHash, instances, 1, 10_000);
        assert!(bounded.busiest <= 125.1, "{instances}: {bounded:?}");
    }
}
