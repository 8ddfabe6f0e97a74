//! How large a soak is, and who watches what.

use std::collections::BTreeSet;
use std::time::Duration;

use super::dice::Dice;
use super::tree::{EVERYBODYS, Spot};
use super::want::{Place, Want};

/// Children of a group; the last quarter of them come and go.
pub(super) const CHILDREN: u32 = 8;
/// Watches for each group, on average.
const WATCHES_PER_GROUP: usize = 200;
/// Groups at least.
const GROUPS_MIN: usize = 10;
/// Clients that write.
const WRITERS_MAX: usize = 20;

/// Size and length of a soak.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long changes, disturbances and faults go on.
    pub time: Duration,
    /// Clients that watch.
    pub connections: usize,
    /// Watches of all of them together.
    pub watches: usize,
    /// Changes a second of all writers together.
    pub writes_per_second: u64,
    /// Between two disturbances of one client, on average.
    pub disturb_every: Duration,
    /// From the end of one fault of a node to the next.
    pub fault_every: Duration,
    /// Session timeout.
    pub session_timeout: Duration,
    /// A line of progress each so often.
    pub progress_every: Duration,
    /// What repeats the choices.
    pub seed: u64,
}

impl Settings {
    pub(super) fn groups(&self) -> usize {
        (self.watches / WATCHES_PER_GROUP).max(GROUPS_MIN)
    }

    pub(super) fn writers(&self) -> usize {
        WRITERS_MAX.min(self.groups())
    }

    /// Groups of one writer. The first has only the group that everybody watches.
    pub(super) fn groups_of(&self, writer: usize) -> Vec<u32> {
        let others = self.writers() - 1;
        let is_its = |group: &usize| match writer {
            0 => *group == 0,
            _ => *group > 0 && group % others == writer - 1,
        };
        let groups = (0..self.groups()).filter(is_its);
        groups
            .filter_map(|group| u32::try_from(group).ok())
            .collect()
    }

    /// What one client watches: all kinds, the first on the child that everybody watches.
    pub(super) fn wants(&self, dice: &mut Dice) -> Vec<Want> {
        let places_wanted = (self.watches / self.connections).max(1);
        let mut wants = vec![Want::Data(EVERYBODYS)];
        let mut places: BTreeSet<Place> = wants[0].places().into_iter().collect();
        let mut once = places.clone();
        while places.len() < places_wanted {
            let group = 1 + u32::try_from(dice.index(self.groups() - 1)).unwrap_or(0);
            let child = Spot::Child(
                group,
                u32::try_from(dice.index(CHILDREN as usize)).unwrap_or(0),
            );
            let want = match wants.len() % 9 {
                0..=2 => Want::Data(child),
                3 | 4 => Want::Existence(child),
                5 | 6 => Want::Children(Spot::Group(group)),
                7 if dice.roll(4) == 0 => Want::Persistent(Spot::Group(group)),
                7 => Want::Persistent(child),
                _ => Want::Recursive(group),
            };
            // One-shot watches of a table on a path are one; those that stay are beside them.
            let stays = matches!(want, Want::Persistent(_) | Want::Recursive(_));
            if wants.contains(&want)
                || (!stays && !want.places().iter().all(|place| once.insert(*place)))
            {
                continue;
            }
            places.extend(want.places());
            wants.push(want);
        }
        wants
    }
}
