//! Adding to counters.

use std::sync::Arc;

use crate::acl::{self, Perms};
use crate::apply::Step;
use crate::apply::tree::NewZnode;
use crate::counter::Number;
use crate::data::Data;
use crate::ids::{CounterName, ZnodePath};
use crate::outcome::{Refusal, Reply};
use crate::query::counter::number_of;
use crate::znode::{Stat, ZnodeKind};

impl Step<'_> {
    /// Adds to a counter, which begins at 0 when it does not exist. The parents it needs are made as
    /// containers: they go when the last counter below them has gone.
    ///
    /// # Errors
    /// [`Refusal::NotACounter`], [`Refusal::CounterOverflow`], and as a create or a write of its znode.
    /// The reply tells what was there, so READ is needed beside WRITE.
    pub(super) fn add_to_counter(
        &mut self,
        counter: &CounterName,
        delta: i64,
    ) -> Result<Reply, Refusal> {
        let path = counter.znode();
        let former = self.counted_so_far(&path)?;
        let overflow = || Refusal::CounterOverflow {
            path: path.clone(),
            value: former.value,
            delta,
        };
        let number = former.plus(delta).ok_or_else(overflow)?;
        let data = number.written().ok_or_else(overflow)?;
        let stat = if self.state.znode(&path).is_some() {
            self.write_counter(&path, data)?
        } else {
            self.make_counter(&path, data)?
        };
        Ok(Reply::CounterChanged {
            previous: former.value,
            value: number.value,
            version: stat.version,
        })
    }

    /// What the counter is at, if its list lets the asker read and write it.
    fn counted_so_far(&self, path: &ZnodePath) -> Result<Number, Refusal> {
        let Some(znode) = self.state.znode(path) else {
            return Ok(Number::ZERO);
        };
        for need in [Perms::READ, Perms::WRITE] {
            acl::require(path, &znode.acl, self.identities, need)?;
        }
        number_of(znode).ok_or_else(|| Refusal::NotACounter { path: path.clone() })
    }

    fn write_counter(&mut self, path: &ZnodePath, data: Data) -> Result<Stat, Refusal> {
        self.check_quota_of_data(path, data.len() as u64)?;
        let znode = self.state.existing(path)?;
        let content_type = znode.content_type().map(Arc::from);
        // A container that was made for counters below it would take the number along when the last
        // of them goes.
        if znode.kind() == ZnodeKind::Container {
            self.set_znode_kind(path, ZnodeKind::Persistent);
        }
        Ok(self.set_znode_data(path, Some(data), content_type))
    }

    fn make_counter(&mut self, path: &ZnodePath, data: Data) -> Result<Stat, Refusal> {
        self.check_can_make(path, data.len() as u64)?;
        let parent = path.parent().unwrap_or_else(ZnodePath::root);
        self.ensure_containers(&parent)?;
        // From here on nothing refuses.
        let new = NewZnode::data(data, "text/plain", ZnodeKind::Persistent);
        Ok(self.insert_znode(path.clone(), new))
    }
}
