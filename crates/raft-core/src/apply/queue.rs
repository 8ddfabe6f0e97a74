//! Work queues: putting, taking, acknowledging and giving back.
//!
//! Whatever makes or removes an item, or what says that it is taken, keeps the index of free items, whoever asked
//! for it; and what came back without its item being done is noted. At the end of the command
//! [`Step::settle_queues`] counts a try for each of those, and lets those die that have had all of theirs. So an
//! item comes back, and dies, in the command that ends a session, also where a ZooKeeper client had taken it.

mod dead;

use crate::acl::{self, AclEntry, Perms};
use crate::apply::Step;
use crate::apply::tree::NewZnode;
use crate::apply::znode::check_data;
use crate::command::{Delivery, GiveBackItem, PutItem};
use crate::data::Data;
use crate::ids::{ItemId, QueueName, SessionId, ZnodePath};
use crate::limits;
use crate::outcome::{Refusal, Reply};
use crate::queue::{Part, Place, QueueSettings, entry_name};
use crate::state::State;
use crate::znode::{Znode, ZnodeKind};

impl Step<'_> {
    /// Puts an item behind those of its priority.
    pub(crate) fn put_item(&mut self, put: &PutItem) -> Result<Reply, Refusal> {
        check_item(put)?;
        let entries = put.queue.entries();
        let most = self.state.queue_settings(&put.queue).items_most();
        self.check_has_room(&put.queue, most)?;
        let name = entry_name(put.priority, self.next_sequence(&entries));
        let path = entries.child(&name)?;
        if let Some(znode) = self.state.znode(&path) {
            let version = znode.version;
            return Err(Refusal::NodeExists { path, version });
        }
        let length = put.data.as_ref().map_or(0, |data| data.len() as u64);
        self.check_can_make(&path, length)?;
        let item = ItemId::parse(&name)?;
        self.ensure_containers(&entries)?;
        // From here on nothing refuses.
        let new = NewZnode {
            data: put.data.as_ref().map(Data::from),
            content_type: put.content_type.clone(),
            acl: [AclEntry::open()].into(),
            kind: ZnodeKind::Persistent,
        };
        self.insert_znode(path, new);
        Ok(Reply::ItemPut { item })
    }

    fn check_has_room(&self, queue: &QueueName, most: u32) -> Result<(), Refusal> {
        let entries = self.state.znode(&queue.entries());
        if entries.map_or(0, Znode::num_children) < most {
            return Ok(());
        }
        Err(Refusal::QueueFull {
            queue: queue.clone(),
            limit: most,
        })
    }

    /// Takes the first items that nobody has. Whoever takes one must be allowed to read it.
    pub(crate) fn take_items(&mut self, queue: &QueueName, most: u32) -> Result<Reply, Refusal> {
        if !(1..=limits::ITEMS_PER_TAKE_MAX).contains(&most) {
            let limit = limits::ITEMS_PER_TAKE_MAX;
            let why = format!("1 to {limit} items are taken at once, not {most}");
            return Err(Refusal::BadArguments(why));
        }
        let session = self.acting_session("taking an item")?;
        let taken = queue.taken();
        let (mut marks, mut bytes) = (Vec::new(), 0_usize);
        for path in self.state.free_items(queue).take(most as usize) {
            let znode = self.state.existing(path)?;
            bytes = bytes.saturating_add(znode.data.as_ref().map_or(0, |data| data.len()));
            if bytes > limits::ITEMS_PER_TAKE_BYTES && !marks.is_empty() {
                break;
            }
            acl::require(path, &znode.acl, self.identities, Perms::READ)?;
            let item = ItemId::parse(path.name())?;
            marks.push((self.check_child(&taken, item.as_str(), (session, 0))?, item));
        }
        let delivery = self.now.zxid;
        if !marks.is_empty() {
            self.check_room_for_marks(session, &marks)?;
            self.ensure_containers(&taken)?;
        }
        // From here on nothing refuses.
        let mut items = Vec::new();
        for (path, item) in marks {
            let acl = [AclEntry::open()].into();
            self.insert_znode(path, NewZnode::empty(acl, ZnodeKind::Ephemeral(session)));
            items.push(item);
        }
        Ok(Reply::ItemsTaken { delivery, items })
    }

    /// Whether there is room for all of them, and not only for each.
    fn check_room_for_marks(
        &self,
        session: SessionId,
        marks: &[(ZnodePath, ItemId)],
    ) -> Result<(), Refusal> {
        let owned = self.state.index.ephemerals.get(&session);
        let owned = owned.map_or(0, |paths| paths.len());
        if owned.saturating_add(marks.len()) > limits::EPHEMERALS_PER_SESSION_MAX {
            return Err(Refusal::limit(
                "ephemeral znodes per session",
                limits::EPHEMERALS_PER_SESSION_MAX as u64,
            ));
        }
        let znodes = self.state.znodes.len().saturating_add(marks.len());
        if znodes as u64 > limits::ZNODES_MAX {
            return Err(Refusal::limit("znodes", limits::ZNODES_MAX));
        }
        self.check_quotas(marks.iter().map(|(path, _)| (path, 0)))
    }

    /// The item is done: it goes, together with what says that it is taken.
    pub(crate) fn ack_item(&mut self, delivery: &Delivery) -> Result<Reply, Refusal> {
        let taken = self.own_delivery(delivery)?;
        let entries = delivery.queue.entries();
        let path = entries.child(delivery.item.as_str())?;
        // One that was put under the same name since is another item.
        let entry = self.state.znode(&path);
        let entry = entry.filter(|znode| znode.czxid <= delivery.number);
        if let Some(count) = entry.map(Znode::num_children) {
            if count > 0 {
                return Err(Refusal::NotEmpty { path, count });
            }
            self.permitted(&entries, Perms::DELETE)?;
            self.remove_znode(&path);
        }
        self.remove_znode(&taken);
        self.returned_items.remove(&path);
        Ok(Reply::ItemAcked)
    }

    /// The item is not done, and for others to take.
    pub(crate) fn give_back_item(&mut self, give: &GiveBackItem) -> Result<Reply, Refusal> {
        let reason = give.reason.as_deref().unwrap_or_default();
        if reason.len() > limits::OWNER_FIELD_BYTES_MAX {
            let limit = limits::OWNER_FIELD_BYTES_MAX as u64;
            return Err(Refusal::limit("bytes per reason", limit));
        }
        let delivery = &give.delivery;
        let taken = self.own_delivery(delivery)?;
        self.remove_znode(&taken);
        let path = delivery.queue.entries().child(delivery.item.as_str())?;
        let before = self.state.item(&delivery.queue, &delivery.item);
        let tries = before.map_or(0, |item| item.tries());
        if !give.counts {
            self.returned_items.remove(&path);
        } else if let Some(why) = self.returned_items.get_mut(&path) {
            why.clone_from(&give.reason);
        }
        let counted = self.returned_items.contains_key(&path);
        self.settle_queues();
        Ok(Reply::ItemGivenBack {
            tries: tries.saturating_add(u32::from(counted)),
            died: counted && !self.state.znodes.contains_key(&path),
        })
    }

    /// What says that the acting session has an item, if it is in this delivery.
    fn own_delivery(&self, delivery: &Delivery) -> Result<ZnodePath, Refusal> {
        let session = self.acting_session("ending a delivery")?;
        let path = delivery.queue.taken().child(delivery.item.as_str())?;
        let taken = self.state.znode(&path);
        let Delivery {
            queue,
            item,
            number,
        } = delivery.clone();
        match taken.filter(|znode| znode.czxid == number) {
            Some(znode) if znode.owner() == Some(session) => Ok(path),
            Some(_) => Err(Refusal::ItemNotYours {
                queue,
                item,
                number,
            }),
            None => Err(Refusal::DeliveryEnded {
                queue,
                item,
                number,
            }),
        }
    }

    /// A znode came, or went: perhaps an item, or what says that one is taken.
    pub(in crate::apply) fn note_item(&mut self, path: &ZnodePath, came: bool) {
        let Some(place) = Place::of(path) else {
            return;
        };
        let other = match place.part {
            Part::Entries => place.sibling(Part::Taken),
            Part::Taken => place.sibling(Part::Entries),
        };
        let State { znodes, index, .. } = &mut *self.state;
        let other = other.and_then(|other| znodes.get_key_value(&other));
        let free = &mut index.free_items;
        match (place.part, other) {
            (Part::Entries, None) if came => drop(free.insert(path.clone())),
            (Part::Entries, _) => drop(free.remove(path)),
            (Part::Taken, Some((entry, _))) if came => drop(free.remove(entry)),
            (Part::Taken, Some((entry, _))) => {
                free.insert(entry.clone());
                self.returned_items.insert(entry.clone(), None);
            }
            (Part::Taken, None) => {}
        }
    }

    /// Counts a try for each item that came back in this command, and lets those die that have had all of theirs.
    pub(in crate::apply) fn settle_queues(&mut self) {
        for (path, reason) in std::mem::take(&mut self.returned_items) {
            let Some(znode) = self.state.znodes.get(&path) else {
                continue;
            };
            let (data, content_type) = (znode.data.clone(), znode.rare.content_type.clone());
            if !self.bury(&path, reason) {
                self.set_znode_data(&path, data, content_type);
            }
        }
    }

    /// Sets or drops the settings of a queue. With settings its znodes are persistent, so that ZooKeeper clients,
    /// which look for them only once, find them for good.
    pub(crate) fn configure_queue(
        &mut self,
        queue: &QueueName,
        settings: Option<QueueSettings>,
    ) -> Result<Reply, Refusal> {
        settings.unwrap_or_default().check()?;
        let top = queue.znode();
        if settings.is_none() && !self.state.znodes.contains_key(&top) {
            return Ok(Reply::QueueConfigured);
        }
        let parts = [&top, &queue.entries(), &queue.taken()];
        self.all_or_nothing(|step| {
            let kind = match settings {
                Some(_) => {
                    parts.iter().try_for_each(|path| {
                        step.check_can_make(path, 0)?;
                        step.ensure_containers(path)
                    })?;
                    ZnodeKind::Persistent
                }
                None => ZnodeKind::Container,
            };
            step.permitted(&top, Perms::WRITE)?;
            let text = settings.unwrap_or_default().text();
            step.check_quota_of_data(&top, text.len() as u64)?;
            for path in parts {
                match step.state.znode(path).map(Znode::kind) {
                    Some(ZnodeKind::Ephemeral(_)) => {
                        let path = path.clone();
                        return Err(Refusal::NoChildrenForEphemerals { path });
                    }
                    Some(former) if former != kind => step.set_znode_kind(path, kind),
                    Some(_) | None => {}
                }
            }
            step.set_znode_data(&top, Some(Data::from(text)), None);
            Ok(Reply::QueueConfigured)
        })
    }
}

fn check_item(put: &PutItem) -> Result<(), Refusal> {
    if put.priority > limits::ITEM_PRIORITY_MAX {
        return Err(Refusal::BadArguments(format!(
            "the priority of an item is 0 to {}, not {}",
            limits::ITEM_PRIORITY_MAX,
            put.priority
        )));
    }
    check_data(put.data.as_ref(), put.content_type.as_deref())
}
