//! Dead letters: items that were tried as often as their queue allows, until somebody puts them back.

use std::sync::Arc;

use crate::acl::{AclEntry, Perms};
use crate::apply::Step;
use crate::apply::tree::NewZnode;
use crate::ids::{ItemId, QueueName, ZnodePath};
use crate::limits;
use crate::outcome::{Refusal, Reply};
use crate::queue::{Place, WHY, Why, entry_name, priority_of};
use crate::znode::{Znode, ZnodeKind};

impl Step<'_> {
    /// Moves an item that came back to the dead letters of its queue, if this was the last of its tries. Where there
    /// is no room for another one it stays: an item that is tried too often is better than one that is lost. Says
    /// whether it did.
    pub(super) fn bury(&mut self, path: &ZnodePath, reason: Option<String>) -> bool {
        let Some((queue, item)) = Place::of(path).and_then(|place| place.names()) else {
            return false;
        };
        let max_tries = self.state.queue_settings(&queue).max_tries;
        let Some(view) = self.state.item(&queue, &item) else {
            return false;
        };
        let why = Why {
            tries: view.tries().saturating_add(1),
            put_at: view.znode.ctime,
            reason,
        };
        let is_last = max_tries.is_some_and(|most| why.tries >= most);
        let stays = view.taken.is_some() || view.znode.num_children() > 0;
        let name = format!("{item}-{}", view.znode.czxid);
        let Some(letter) = queue.dead().child(&name).ok().filter(|_| is_last && !stays) else {
            return false;
        };
        self.ensure_dead(&queue) && self.move_to_dead(path, letter, &why)
    }

    /// Makes the parent of the dead letters, if need be. Says whether there is room for one more.
    fn ensure_dead(&mut self, queue: &QueueName) -> bool {
        let dead = queue.dead();
        let is_there = self.state.znodes.contains_key(&dead);
        let parent = if is_there {
            dead.clone()
        } else {
            queue.znode()
        };
        let parent = self.state.existing_at(&parent);
        // The parent, the letter and what became of it, less the item.
        let is_room = parent.is_ok_and(|parent| self.check_room(parent, 2).is_ok());
        if is_room && !is_there {
            let acl = [AclEntry::open()].into();
            self.insert_znode(dead, NewZnode::empty(acl, ZnodeKind::Container));
        }
        is_room
    }

    fn move_to_dead(&mut self, path: &ZnodePath, letter: ZnodePath, why: &Why) -> bool {
        let Ok(below) = letter.child(WHY) else {
            return false;
        };
        if let Some(item) = self.remove_znode(path) {
            let text = NewZnode::text(why.text(), ZnodeKind::Persistent);
            let acl = Arc::clone(&item.acl);
            self.insert_znode(letter, moved(item));
            self.insert_znode(below, NewZnode { acl, ..text });
        }
        true
    }

    /// Puts dead letters back, each behind the items of its priority. Quotas do not hinder it: there is less than
    /// before.
    pub(crate) fn redrive(
        &mut self,
        queue: &QueueName,
        item: Option<&ItemId>,
        most: u32,
    ) -> Result<Reply, Refusal> {
        if !(1..=limits::REDRIVE_MAX).contains(&most) {
            let limit = limits::REDRIVE_MAX;
            let why = format!("1 to {limit} dead letters are put back at once, not {most}");
            return Err(Refusal::BadArguments(why));
        }
        let letters = self.letters(queue, item, most)?;
        let (dead, entries) = (queue.dead(), queue.entries());
        if !letters.is_empty() {
            self.check_redrive(queue, letters.len())?;
            self.ensure_containers(&entries)?;
        }
        // From here on nothing refuses.
        let mut moved = 0_u32;
        for letter in letters {
            if self.put_back(&letter, &entries) {
                moved = moved.saturating_add(1);
            }
        }
        let left = self.state.znode(&dead).map_or(0, Znode::num_children);
        Ok(Reply::Redriven { moved, left })
    }

    /// The letter that is asked for, or the first ones, as far as there is nothing below them but what became of
    /// them.
    fn letters(
        &self,
        queue: &QueueName,
        item: Option<&ItemId>,
        most: u32,
    ) -> Result<Vec<ZnodePath>, Refusal> {
        let dead = queue.dead();
        let Some(item) = item else {
            let letters = self.state.dead_letters(queue, None, most as usize);
            let paths = letters.iter().map(|letter| dead.child(letter.id));
            return Ok(paths.collect::<Result<_, _>>()?);
        };
        let path = dead.child(item.as_str())?;
        if self.state.znodes.contains_key(&path) {
            return Ok(vec![path]);
        }
        Err(Refusal::NoDeadLetter {
            queue: queue.clone(),
            item: item.clone(),
        })
    }

    fn check_redrive(&self, queue: &QueueName, count: usize) -> Result<(), Refusal> {
        self.permitted(&queue.dead(), Perms::DELETE)?;
        let entries = queue.entries();
        let most = self.state.queue_settings(queue).items_most() as usize;
        let Some(parent) = self.state.znode(&entries) else {
            return self.check_can_make(&entries, 0);
        };
        if (parent.num_children() as usize).saturating_add(count) > most {
            return Err(Refusal::QueueFull {
                queue: queue.clone(),
                limit: u32::try_from(most).unwrap_or(u32::MAX),
            });
        }
        let parent = self.state.existing_at(&entries)?;
        parent.require(self.identities, Perms::CREATE)?;
        self.check_room(parent, 0)
    }

    /// Says whether it did: what a client put below a letter keeps it where it is.
    fn put_back(&mut self, letter: &ZnodePath, entries: &ZnodePath) -> bool {
        let below = letter.child(WHY).ok();
        let below = below.filter(|path| self.state.znodes.contains_key(path));
        let children = self.state.znode(letter).map_or(0, Znode::num_children);
        let name = entry_name(priority_of(letter.name()), self.next_sequence(entries));
        let Ok(path) = entries.child(&name) else {
            return false;
        };
        let is_alone = children == u32::from(below.is_some());
        if !is_alone || self.state.znodes.contains_key(&path) {
            return false;
        }
        if let Some(below) = below {
            self.remove_znode(&below);
        }
        if let Some(item) = self.remove_znode(letter) {
            self.insert_znode(path, moved(item));
        }
        true
    }
}

/// The same content, made anew.
fn moved(znode: Znode) -> NewZnode {
    NewZnode {
        data: znode.data.clone(),
        content_type: znode.rare.content_type.clone(),
        acl: znode.acl,
        kind: ZnodeKind::Persistent,
    }
}
